/// The ledger of claims: where each comes from and whether its source is the one stated, how far it is from turning, and on
/// which assumed parameters it rests.
#ifndef STUDY_LEDGER_H
#define STUDY_LEDGER_H

#include "check/check.h"
#include "study/study.h"

/// A source's file against the SHA-256 that the scenario states.
typedef enum SourceState {
    SOURCE_UNSTATED,     // no file, or no hash, is stated
    SOURCE_ABSENT,       // the file is not at hand
    SOURCE_SAME,
    SOURCE_OTHER,        // it is at hand, and another one
} SourceState;

/// Look at it. A file is found beside the scenario file that names it. hex [65] gets the hash of the file at hand, "" if none;
/// may be NULL. Cost: reads the file, up to 64 MiB; a longer one counts as absent.
SourceState ledger_source(const DurScenario *s, const ModelSource *source, char hex[65]);
/// "unstated", "absent", "same", "other": for programs.
const char *ledger_state_name(SourceState state);
/// A line "source NAME STATE" for each that states a file: what an answer that tells them depends on.
void ledger_states(Text *out, const DurScenario *s);

/// Which parameters can make a difference to a claim, [n_param]: those that its own expressions, the policies it names, and all
/// that moves the states it asks about read, followed through stocks, events, moves, and the minds of those who make them.
/// DUR_MEMORY.
DurStatus ledger_params(const Model *m, int32_t claim, bool *rests, DurError *error);

/// The names of those that are assumed, "a, b"; nothing if there is none.
void ledger_assumed(Text *out, const Model *m, int32_t claim);

/// The unit of a claim's two sides: that of a stock, "probability", "times", "share x month"; "" where they have none, or are
/// no sum of quantities.
void ledger_unit(Text *out, const Model *m, const ModelClaim *claim);

/// How much the difference of the two sides must change until the verdict is another: at the estimate, and at the end of
/// its interval that is nearest (0 where that holds both). NaN where it was not judged.
typedef struct LedgerTurn { double distance, least; } LedgerTurn;
LedgerTurn ledger_turn(const CheckClaim *found);

#endif
