/// Reasons for people: why actors choose as they do at a state, gathered once and said in sentences that the command and the
/// page share.
#ifndef STUDY_EXPLAIN_H
#define STUDY_EXPLAIN_H

#include "game/adjoint.h"
#include "game/reasons.h"
#include "study/study.h"

/// Changes of mind kept for each actor and stock.
#define EXPLAIN_CHANGES 3

/// Channels gathered as people speak of them: all replies of one actor together, all own later moves together.
typedef struct ExplainGroup {
    ChannelKind kind;
    int32_t index;               // stock, private, event's jump, replying actor; -1 for the rest
} ExplainGroup;

typedef struct Explanation {
    const DurScenario *scenario; // borrowed
    double   state[MODEL_VARIABLES_MAX];
    int32_t  actor;              // the only one asked about, or -1
    Reasons  reasons;
    int32_t  n_group;
    ExplainGroup *group;         // [n_group]
    double **split;              // [n_reason][n_part x n_group]
    int32_t  n_change;
    MindChange *change;          // by actor and type, then distance
    double   noise;              // advantages and values are known no better than this
    AdjointTarget *target;       // [adjoint.n_target] each actor's value, then its moves in order of the reasons
    Adjoint  adjoint;
} Explanation;

/// False where derivatives are not told: with private types each param takes two solves, too long on a large lattice.
bool      explain_differentiates(const DurScenario *scenario);

/// Explain the equilibrium's choices at a state, which must have met its tolerance. DUR_LIMIT if memory does not suffice.
DurStatus explain_reasons(Explanation *out, DurScenario *s, const double *state, int32_t actor, DurError *error);   // without
                                                                      // derivatives, which cost most
DurStatus explain_make(Explanation *out, DurScenario *s, const double *state, int32_t actor, DurError *error);
void      explain_free(Explanation *e);

/// True if an actor was asked about.
static inline bool explain_has(const Explanation *e, int32_t actor) { return e->actor < 0 || e->actor == actor; }

/// Row of e->adjoint for a move of an actor or of one of its types, a row of values (-1: its value), or -1.
int32_t explain_target(const Explanation *e, int32_t row, int32_t jump);
/// What one step of a param does to a target, to first order: derivative times adjoint_step.
double  explain_effect(const Explanation *e, int32_t target, int32_t param);
/// The param that moves some choice of an actor most, and through *reason that move; -1 if none moves any.
int32_t explain_most_sensitive(const Explanation *e, int32_t row, int32_t *reason);
/// True if the two sides of a derivative differ: the equilibrium has a kink in that param.
bool    explain_has_kink(const Explanation *e, int32_t target, int32_t param);

/// Names: "survival", "cost of hand_over"; "replies of coercer", "the drift of `power`", and shorter "drift of power".
void put_part(Text *out, const Explanation *e, const Part *part);
void put_group(Text *out, const Explanation *e, const ExplainGroup *group);
void put_group_short(Text *out, const Explanation *e, const ExplainGroup *group);
/// The same name for a group of any table: "replies of coercer"; with index -1 all stocks together, "drifts".
void put_carrier(Text *out, const Model *model, const ExplainGroup *group);
/// ", mostly by replies of coercer (+0.25), against drifts (-0.1)": what carries most of `total`, the sum of by[n].
void put_carriers(Text *out, const Model *model, int32_t n, const ExplainGroup *group, const double *by, double total);
/// "31 %", "0.3 %", "below 0.1 %".
void put_share(Text *out, double share);

/// Sentences. A change may be NULL: there is none.
void put_reason(Text *out, const Explanation *e, int32_t reason);
void put_change(Text *out, const Explanation *e, const MindChange *change);
void put_sensitivity(Text *out, const Explanation *e, int32_t row);
/// What changes there, as a remark: "hand_over becomes better than waiting".
void put_turn(Text *out, const Explanation *e, const MindChange *change);

#endif
