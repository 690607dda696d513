/// Uniformization: a function of the state carried backward in time by a chain, with a bound on its error.
///
/// With G the generator and Lambda at least the largest rate of leaving a state, P = I + G/Lambda is a stochastic
/// matrix and exp(G t) = sum over k of Poisson(k; Lambda t) P^k. A running reward r joins as one more, constant,
/// component of the function: v[k+1] = P v[k] + r/Lambda, and the same weights give exp(G t) w + integral of exp(G s) r.
/// Source: Jensen 1953; weights from the mode outward, Fox and Glynn 1988.
#ifndef CHECK_UNIFORMIZE_H
#define CHECK_UNIFORMIZE_H

#include "base/progress.h"
#include "lattice/chain.h"
#include "lattice/rows.h"

/// Expected jumps of the uniformized chain over one stretch beyond which the work is refused: past this a pass takes days
/// and rounding alone passes the default error.
#define UNIFORMIZE_MEAN_MAX 1e9

/// The probabilities of a Poisson count, but for the far tails. Their sum is 1, so that constants are kept.
typedef struct PoissonWeights {
    double   mean;
    int64_t  first, last;   // counts kept
    double  *weight;        // [last - first + 1]
    double  *above;         // [last - first + 1] P(N > k)
    double  *excess;        // [last - first + 1] mean of max(N - k, 0)
    double   tail;          // bound on the probability of the counts left out
    double   tail_excess;   // bound on the mean of max(N - last, 0)
} PoissonWeights;

/// Make the weights of a count with `mean` >= 0 so that at most `error` > 0 of the probability is left out.
/// Cost: the number of weights, about sqrt(8 mean log(1/error)). Returns DUR_OK or DUR_MEMORY; freed by poisson_free.
DurStatus poisson_make(PoissonWeights *out, double mean, double error);
void      poisson_free(PoissonWeights *weights);

/// P(N > k), and the mean of max(N - k, 0), for any k >= 0.
double poisson_above(const PoissonWeights *weights, int64_t k);
double poisson_excess(const PoissonWeights *weights, int64_t k);

/// A function of the state on its way back in time. Columns are made once and used for every stretch.
typedef struct Evolution {
    const Lattice  *lattice;    // borrowed
    Team           *team;       // borrowed, may be NULL
    const Progress *progress;   // borrowed, may be NULL
    int64_t  n_state;
    double  *value;             // [n_state] the function, in and out
    double  *reward;            // [n_state] per scenario unit of time; NULL unless asked for
    uint8_t *hold;              // [n_state] 1: the function stays as it is in this state; NULL unless asked for
    double  *power, *next;      // [n_state] scratch
    int64_t  n_chunk;
    double  *low, *high;        // [n_chunk] scratch of reductions
    double  *low_value, *high_value;
    double   error;             // bound on |value - truth| in every state, so far
    int64_t  n_apply;           // applications of the generator, so far
    double   done, total;       // time carried back so far and in all, for progress
    double   told;              // when progress was last told
    ChainRows    *rows;         // of a lattice whose rows are too large to be kept with each policy: those of the last one
    const Policy *laid;         // whose they are
} Evolution;

/// Make one for a lattice, value 0. DUR_MEMORY when memory is out. Freed by evolution_free, which takes any state of it.
DurStatus evolution_make(Evolution *out, const Lattice *lattice, bool has_reward, bool has_hold, Team *team,
                         const Progress *progress);
void      evolution_free(Evolution *evolution);
/// Bytes that evolution_make takes, and the rows of one policy.
double    evolution_bytes(const Lattice *lattice, bool has_reward, bool has_hold);

/// Carry the function back over `duration` >= 0 under one policy.
///   use_reward, use_hold   whether reward and hold count in this stretch
///   budget                 error that the stretch may add by leaving things out; rounding is added beside it
/// Stops early where what is left can be bracketed: v[k+1] - v[k] shrinks into its own range (P is stochastic), so
/// the rest is known to half the width of that range.
/// Returns DUR_OK; DUR_LIMIT beyond UNIFORMIZE_MEAN_MAX; DUR_INTERRUPTED; DUR_MEMORY. The same bits on any number of
/// threads.
DurStatus uniformize(Evolution *evolution, const Policy *policy, bool use_reward, bool use_hold, double duration,
                     double budget, DurError *error);

/// Bound on the rounding of one application of P to a function of sup norm 1.
double chain_rounding(const Lattice *lattice);

/// States are walked in chunks of this many, one chunk a task.
#define EVOLUTION_CHUNK 4096

#endif
