/// What several commands say in the same words: who is asked about, what was solved, how claims turned out.
#ifndef STUDY_RENDER_H
#define STUDY_RENDER_H

#include "check/check.h"
#include "study/result.h"
#include "study/study.h"

/// "scenario", "hash", "set": which question the answer belongs to. Inside an object that the caller opened.
void render_identity(Json *j, const DurScenario *s);

/// "seed": a number, or a string of digits where a number would not hold it.
void render_seed(Json *j, uint64_t seed);

/// What the equilibrium says at one state: arrays as in GameSolution and game_types_at; the last three NULL where no actor
/// has a private type.
typedef struct Answer {
    double *value, *choice, *wait;
    double *type_choice, *type_wait, *belief;
    const double *state;   // [n_variable] borrowed; NULL: the start
} Answer;

/// Ask it at a state (NULL: the start). Freed by answer_free, also after a failure.
DurStatus answer_make(Answer *out, const DurScenario *s, const double *state, DurError *error);
void      answer_free(Answer *answer);

/// The equilibrium: states, values, choices, certificate, what it took. Inside an object.
void render_solution(Json *j, const DurScenario *s, const Answer *at);

/// "sender (bluffing)": a row of values; "target" where an actor has no types. Returns the buffer.
const char *row_name(const Model *m, int32_t row, char name[256]);

/// "values": {actor: value}; "choices": {actor: {move: probability, "wait": ...}}, "unavailable": [...]. Inside an object.
void render_values(Json *j, const Model *m, const double *value);
void render_choices(Json *j, const Model *m, const double *choice, const double *wait);

/// "324,000 states, choice quantal; solved in 3 s, 116 sweeps, 210 MB of memory"
void put_solve(Text *out, const DurScenario *s);

/// Where GameCertificate.is_unsettled.
#define UNSETTLED "what is missing here was not found: the equations for exact values did not settle"

/// Verdicts of claims in every equilibrium that was found.
typedef struct EquilibriaVerdicts {
    int32_t n, n_claim;          // equilibria (0: no others were looked for), claims
    CheckVerdict *verdict;       // [n x n_claim]
    double   *gap;               // [n x n_claim] left - right; NaN: could not be judged
} EquilibriaVerdicts;

/// All claims of a scenario, or one, judged.
typedef struct ClaimAnswer {
    int32_t claim;
    DurStatus status;          // not DUR_OK: it could not be judged, and `note` says why; its verdict is undecided
    CheckClaim found;          // NaN where it could not be judged
    char note[1024];
    char bound_note[3][256];   // what found's notes point to where the claim was judged before
    char doubts[2048];         // about the games that it was judged on (doubts.h)
} ClaimAnswer;
typedef struct ClaimAnswers {
    int32_t n;
    ClaimAnswer *item;         // [n], owned
    int32_t n_verdict[3];      // by CheckVerdict
    EquilibriaVerdicts others; // the same claims in the other equilibria
    DurStatus status;          // the first that is not DUR_OK
} ClaimAnswers;

/// Judge them in order, in the equilibrium at hand and in all others that were looked for. A claim that cannot be judged as
/// asked, or of which a run failed, is noted and the others go on; DUR_INTERRUPTED, DUR_MEMORY and DUR_LIMIT end the work.
/// DUR_INPUT if options->claim names none.
DurStatus claims_judge(ClaimAnswers *out, DurScenario *s, const DurOptions *options, DurError *error);
/// The same but for those of the model's claims that are marked in left_out [n_claim]; NULL: none is.
DurStatus claims_judge_but(ClaimAnswers *out, DurScenario *s, const DurOptions *options, const bool *left_out, DurError *error);
/// Solve every game that judging them solves: whoever goes on from there must find the same, also where all verdicts were known
/// from before. A game that cannot be solved is passed over, as it is in judging.
DurStatus claims_ready(DurScenario *s, const ClaimAnswers *answers, DurError *error);
void      claims_free(ClaimAnswers *answers);
/// True if some side of a claim comes from runs.
bool      claims_sampled(const ClaimAnswers *answers);
void      render_claims(Json *j, const DurScenario *s, const ClaimAnswers *answers);
void      put_claims(Text *out, const DurScenario *s, const ClaimAnswers *answers);

/// "exact" or "12,000 runs"; "[0.57, 0.61] at 99 %" or "+- 1e-9".
void put_method(Text *out, const CheckAnswer *answer);
void put_interval(Text *out, const CheckAnswer *answer);
/// Why it was sampled though asked for exactly: a line of its own for people (indented by so many blanks;
/// nothing if it was not) and "not_exact" for programs: a sentence, or null.
void put_not_exact(Text *out, const CheckAnswer *answer, int indent);
/// What else to know of a claim's answer: why it could not be judged, or the notes of its two sides; nothing if there is none.
void put_claim_note(Text *out, const ClaimAnswer *answer);
void render_not_exact(Json *j, const CheckAnswer *answer);
/// Whether sampling saw nothing of what was asked, so that the answer is a bound; and that in words.
bool is_unseen(const CheckAnswer *answer);
/// How much it is at most where that holds; NaN where it was seen, or nothing bounds it.
double unseen_bound(const CheckAnswer *answer);
void put_unseen(Text *out, const CheckAnswer *answer);
/// A cell "0.0418"; "0, at most 0.102" where sampling saw nothing of it; "-" where there is no number.
void grid_side(Grid *grid, const CheckAnswer *answer);

/// What a sampling command asks of `check`.
CheckOptions study_check_options(const DurScenario *s, const DurOptions *options, int64_t default_runs);

/// One quantity, with the plan that it needs.
DurStatus study_quantity(CheckAnswer *out, DurScenario *s, const DurOptions *options, int32_t quantity, DurError *error);

/// Where a quantity's policy stands among the plans.
static inline int32_t plan_index(const ModelQuantity *q) { return q->policy < 0 ? 0 : 1 + q->policy; }

/// Plans of the policies wanted, [1 + n_policy] as in CheckPlans: 0 the equilibrium, 1 + k policy k. Those not wanted
/// become NULL.
DurStatus study_plans(DurScenario *s, const bool *wanted, const Plan **out, DurError *error);

/// "<", "<=", ...
const char *comparison_sign(Comparison comparison);

/// "op_ed:14", or "" where there is no source.
void put_cite(Text *out, const Model *m, ModelCite cite);

#endif
