/// Claims: judged exactly on the lattice, or by sampling with intervals, never by a bare mean.
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "base/progress.h"
#include "sim/sim.h"

/// Error bound of exact answers when the caller names none, in the quantity's own units.
#define CHECK_ERROR 1e-8
/// Runs that a claim or quantity may use when the caller names no limit, and runs of a claim's first look.
#define CHECK_RUNS       100000
#define CHECK_FIRST_RUNS 1000
/// Bytes of the sentence that says why an answer could not be had exactly.
#define CHECK_REASON 256

typedef enum CheckMethod { CHECK_EXACT, CHECK_SAMPLED } CheckMethod;
typedef enum CheckVerdict { CHECK_HOLDS, CHECK_FAILS, CHECK_UNDECIDED } CheckVerdict;

/// Who asks gives a plan for every policy: plan[0] is the equilibrium, plan[1 + k] policy k of the model. Entries that
/// no quantity asked for needs may be NULL.
typedef struct CheckPlans {
    const Lattice *lattice;
    const Plan *const *plan;      // [1 + n_policy]
} CheckPlans;

typedef struct CheckOptions {
    bool     exact;               // exactly on the lattice where the path allows, else by sampling
    double   error;               // bound asked of exact answers, 0: 1e-8
    SimKind  kind;                // of sampled runs
    int64_t  n_run;               // most runs a claim may use, 0: 100,000
    uint64_t seed;
    double   confidence;          // 0: the claim's own (0.99 unless it says)
    struct CheckAnswer *known;    // [n_quantity] or NULL: exact answers had before are taken from here, new ones kept;
                                  // zeroed: none yet. Holds for one set of plans and one `error`
    const Progress *progress;
    const SimKeep *keep;          // where sampled runs are kept; NULL: nowhere
    const char *keep_name;        // under which name, for this claim
} CheckOptions;

/// One number with its bounds: exact, value +- error; sampled, the interval at the confidence.
typedef struct CheckAnswer {
    double value, low, high;
    CheckMethod method;
    int64_t n_run;                // sampled; 0 for exact
    double  confidence;           // of the interval; 1 for exact, never 0
    double  seconds;
    const char *note;             // what to know of it, such as why the bounds are wider than asked; or NULL
    char not_exact[CHECK_REASON]; // why it was sampled though it was asked for exactly, or ""
} CheckAnswer;

/// One quantity. DUR_INPUT with a sentence if it can neither be had exactly nor sampled as asked.
DurStatus check_quantity(CheckAnswer *out, const CheckPlans *plans, int32_t quantity, const CheckOptions *options,
                         Team *team, DurError *error);

/// True if the quantity can be had exactly on this lattice; else *why says why not.
bool check_is_exact(const Lattice *lattice, int32_t quantity, const char **why);

typedef struct CheckClaim {
    CheckVerdict verdict;
    CheckAnswer  left, right, gap;   // gap = left - right: its interval decides
    double       gain;               // variance of the gap if both sides had luck of their own, over the one that it has; NaN
                                     // where not both sides are sampled or the gap did not vary
} CheckClaim;

/// One claim. Sampled verdicts are sequential: runs are added in growing batches, at a level that keeps the stated
/// confidence over all looks, until the interval of the gap lies on one side or options->n_run is reached.
/// Contrasts between policies use the same luck on both sides.
DurStatus check_claim(CheckClaim *out, const CheckPlans *plans, int32_t claim, const CheckOptions *options, Team *team,
                      DurError *error);

/// One quantity exactly, whether or not anything else could be.
///
///   error_bound   asked of what is left out; the rounding of double precision is told beside it, so that
///                 high - low may be wider where the quantity is large or the chain fast
///
/// A path is right-continuous: at an instant at which modes are set or an event has its date, it is where the last
/// of these left it. DUR_UNSUPPORTED or DUR_LIMIT with a sentence where it cannot be had; DUR_DOMAIN when an expression
/// has no value at some node. The same bits on any number of threads.
/// Cost: for each stretch of time, (largest rate of leaving) * duration applications of the chain, or fewer once it has
/// settled. Source: uniformize.h, limit.h.
DurStatus check_exact(CheckAnswer *out, const CheckPlans *plans, int32_t quantity, double error_bound, Team *team,
                      const Progress *progress, DurError *error);

/// Bytes that check_exact takes, the rows of one policy among them, which stay with it (lattice/rows.h).
double check_exact_bytes(const Lattice *lattice, int32_t quantity);

const char *check_verdict_name(CheckVerdict v);   // "holds", "fails", "undecided"
const char *check_method_name(CheckMethod m);     // "exact", "sampled"

#endif
