/// A study: one scenario with what has been computed about it so far. Every command asks for what it needs; lattice,
/// equilibrium and policies are made when first asked for and kept until a parameter or a tolerance changes.
#ifndef STUDY_STUDY_H
#define STUDY_STUDY_H

#include "base/progress.h"
#include "base/team.h"
#include "check/check.h"
#include "duress.h"
#include "game/game.h"
#include "game/starts.h"
#include "lang/lang.h"
#include "lattice/policy.h"

/// One phase of a policy, played: its restriction and what everybody does under it.
typedef struct StudyPhase {
    bool is_ready;
    bool is_solved;            // `solution` is live: an announced policy
    GameSolution solution;
    Policy *surprise;          // owned: a surprise
    const Policy *policy;      // what is played: of the equilibrium, `solution` or `surprise`
} StudyPhase;

/// What holds for one vector of parameters, one tolerance and one choice of grids.
typedef struct Session {
    double  *param;            // [n_param] NULL: nothing made yet
    double   tolerance;
    int64_t  max_sweep;
    int32_t *n_node;           // [n_variable] nodes of each; NULL: as the scenario says
    const struct Session *coarse;   // borrowed: solves start from its solutions, carried over; NULL: from nothing
    Lattice *lattice;
    int32_t  n_start, which;   // starts to look for other equilibria from (0: don't), and which is played (0, 1: the first)
    bool     is_solved;        // `equilibrium` is live
    bool     has_others;       // `others` is live
    bool     has_certificate;
    GameSolution equilibrium;
    GameEquilibria others;     // all that were found, the one that the solver finds by itself first
    bool     first_is_principal;    // others.item[0] is on the principal branch
    StudyPhase **phase;        // [n_policy] each [n_phase]
    Plan   **plan;             // [1 + n_policy] 0: the equilibrium; NULL until asked for
    CheckAnswer *known;        // [n_quantity] exact answers had so far (CheckOptions)
} Session;

struct DurScenario {
    Compilation compilation;   // holds the model, the diagnostics and the files that were read
    const Model *model;        // NULL if there are faults
    int32_t  n_query;          // quantities compiled along, the model's last ones
    Team    *team;
    int      n_thread;         // that the team was made for
    Session  session;
    Progress progress;         // of the command at work: tells what the caller asked to be told, with the label
    const DurProgress *told;   // the caller's; NULL: nobody listens
    const char *stage;         // part of a longer work, "all grids doubled: "; NULL: there are no parts
    const char *label;         // what is being worked on, "policy hold"; NULL: the scenario itself
    struct Keeper *keeper;     // keeps the command at work (keep.h); NULL: nothing does
    bool     is_warned;        // the checker's own warnings have been added to the diagnostics
};

/// How every command begins: make its result, tell the scenario's faults if it has some (DUR_INPUT), take over
/// threads, progress and parameters, and drop what no longer holds. Refuses to write results over the files that they are made
/// from (DUR_INPUT). *options NULL becomes the defaults. DUR_INPUT if
/// a --set does not fit the scenario. The command ends with result_finish whatever this returns.
DurStatus study_begin(DurScenario *s, const DurOptions **options, DurResult **result, DurError *error);

/// Another vector of parameters [n_param] and other grids [n_variable] (NULL: as the scenario says), with the tolerance and the equilibrium that
/// the options name: what was made under others is dropped. DUR_MEMORY.
DurStatus study_session(DurScenario *s, const DurOptions *options, const double *param, const int32_t *n_node, DurError *error);

/// A line "grid NAME=N" for every stock and belief with other nodes than the scenario says, as lang_read_grid reads them.
void study_grids(Text *out, const DurScenario *s);

/// The state at the start under the session's parameters, stocks off the nodes as they are: [modes + stocks].
void study_start(const DurScenario *s, double *state);

/// DUR_IO, before any work, if a file could not be written there. NULL and "-" always can.
DurStatus study_reach(const char *path, DurError *error);

/// The lattice. DUR_LIMIT, before anything is taken, if it has too many states or takes more memory than there is.
DurStatus study_lattice(DurScenario *s, DurError *error);

/// The equilibrium, with consistency and regret if `certificate`. DUR_OK also if it missed its tolerance: look at
/// session.equilibrium.verdict; DUR_INTERRUPTED.
DurStatus study_equilibrium(DurScenario *s, bool certificate, DurError *error);

/// Play equilibrium `k` of those found (from 0) in place of the one at hand; the session set aside is returned in *kept,
/// its lattice and its list lent. On failure, and when done, study_return puts it back.
DurStatus study_other(DurScenario *s, int32_t k, Session *kept, DurError *error);
void      study_return(DurScenario *s, Session *kept);

/// Who plays what when under a policy of the model (negative: the equilibrium). DUR_UNMET if a game on the way to it
/// missed its tolerance: nothing is played or judged on such.
DurStatus study_plan(DurScenario *s, int32_t policy, const Plan **out, DurError *error);

/// DUR_UNMET with a sentence if the equilibrium at hand missed its tolerance.
DurStatus study_unmet(const DurScenario *s, DurError *error);

/// DUR_LIMIT, before anything is taken, if `n_byte` of memory are not there. Needs the lattice.
DurStatus study_room(const DurScenario *s, double n_byte, const char *what, DurError *error);

/// A session with nothing computed yet. param [n_param], n_node [n_variable] or NULL: both are copied.
DurStatus session_make(Session *session, const Model *model, const double *param, const int32_t *n_node,
                       DurError *error);
/// Forget everything computed.
void session_free(Session *session, const Model *model);

/// How long a run lasts: the scenario's `until`, else the end of the last window that a claim names, else five times
/// the longest patience.
double study_horizon(const DurScenario *s);

/// States, and bytes that a solve with `n_policy` policies kept takes in all. Needs the lattice.
double study_bytes(const DurScenario *s, int32_t n_policy);

#endif
