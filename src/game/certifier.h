/// What certificates of all games have in common, and what each kind of game puts in: inside of certify.h.
#ifndef GAME_CERTIFIER_H
#define GAME_CERTIFIER_H

#include "game/certify.h"

typedef struct CertifierKind CertifierKind;

/// One actor is looked at after the other; one with private types has all its types looked at together.
typedef struct Certifier {
    const CertifierKind *kind;
    const Policy *policy;            // that is judged
    const Lattice *lattice;
    Team *team;
    const Progress *progress;
    double   size;                   // what numbers are relative to
    int32_t  actor, first_row, n_type;
    int32_t  n_move, move[MODEL_MOVES_MAX];
    double  *value;                  // [n_type x n_state] of the actor at hand
    Policy  *deviant;                // the policy with the actor's choices replaced
    int64_t  n_block_task;           // blocks in one task
    double   rows_most;              // bytes that rows of the chain may take
    void    *own;                    // what the kind keeps
} Certifier;

/// What differs between kinds of games. Each may return DUR_MEMORY or DUR_INTERRUPTED.
struct CertifierKind {
    /// Doubles of scratch that `advantage` takes beside its row; bytes of what `open` takes, linear solver included.
    int64_t (*room)(const Lattice *lattice);
    double  (*bytes)(const Lattice *lattice, int n_thread);
    /// Of rows of the chain laid out (lattice/rows.h), beside them; 0 where there are none. NULL: never.
    double  (*rows_bytes)(const Lattice *lattice);
    /// Take what is needed through certifier->own, and give it back; `close` accepts whatever state it finds.
    DurStatus (*open)(Certifier *certifier, bool whole);
    void      (*close)(Certifier *certifier);
    /// What certifier->size is.
    double    (*size)(const Policy *policy);
    /// The largest miss of the actor's value equations at certifier->value when everyone plays the policy.
    DurStatus (*miss)(Certifier *certifier, double *most);
    /// Exact values of the actor when everyone plays `policy`, from those at hand in certifier->value. DUR_UNMET: they were not found.
    DurStatus (*evaluate)(Certifier *certifier, const Policy *policy, double tolerance);
    double    exact, loose, fine;    // tolerances: behind consistency; of the first deviation; at the end of regret
    /// Called once when the values have changed, before advantages are asked for.
    DurStatus (*ready)(Certifier *certifier, const Policy *policy);
    /// row[n_lane] = Q(move) - Q(wait) of certifier->move[i_move] by certifier->value. From several threads at once.
    void      (*advantage)(Certifier *certifier, int32_t type, int32_t i_move, const LatticeBlock *view, double *row, double *room);
};

extern const CertifierKind certifier_chain;    // in continuous time (certify_chain.c)
extern const CertifierKind certifier_rounds;   // in rounds (certify_rounds.c)

/// Types of the actor that has most: columns of values that are looked at together.
int32_t certifier_types(const Model *model);

/// For tasks: the blocks of one, and how many tasks there are.
static inline int64_t certifier_first(const Certifier *c, int64_t task) { return task * c->n_block_task; }
static inline int64_t certifier_end(const Certifier *c, int64_t task) {
    int64_t end = (task + 1) * c->n_block_task;
    return end < c->lattice->n_block ? end : c->lattice->n_block;
}
static inline int64_t certifier_tasks(const Certifier *c) {
    return (c->lattice->n_block + c->n_block_task - 1) / c->n_block_task;
}

#endif
