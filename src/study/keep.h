/// A command and the store: the question it asks, the answer if that is there already, the parts of long work as they are done,
/// and the whole in the end.
#ifndef STUDY_KEEP_H
#define STUDY_KEEP_H

#include "game/game.h"
#include "game/starts.h"
#include "sim/keep.h"
#include "store/store.h"
#include "study/page.h"
#include "study/study.h"

typedef struct Keeper {
    DurScenario *scenario;
    const DurOptions *options;
    Store   *store;            // NULL: nothing is kept
    int64_t  id;               // of the run
    bool     is_answered;      // the store had the answer: the result is filled in
    DurStatus answer;          // with which status
    bool     is_older;         // an earlier process began it
    int64_t  n_saved;          // parts saved by this one
    int32_t  n_known;          // games that the store had
    double   begun;
    DurError trouble;          // what the store said when it could not keep something; "" so far
    DurError game_trouble;     // the same of a solved game, without which the answer can be kept all the same
    SimKeep  sim;              // what ensembles are given
} Keeper;

/// Look the question up and begin to keep. Between this and keep_end the scenario's keeper is set if anything is kept.
///   command   "run", "simulate", "claims", ...
///   more      what else the answer depends on, a line for each; NULL: nothing
/// Returns DUR_OK, also when the store refuses and options->store_may_fail: then there is a note. DUR_IO, DUR_MEMORY.
DurStatus keep_begin(Keeper *keeper, DurScenario *s, const DurOptions *options, const char *command, const char *more,
                     DurResult *result, DurError *error);

/// The end where the store had the answer: closes it. `written` is how the files went that go with the answer; else the
/// status of the answer comes back.
DurStatus keep_answer(Keeper *keeper, DurStatus written);

/// The end of it, whatever became of the work: an answer is kept, a failure is recorded with its reason, an interrupted run
/// stays to be taken up again (and *error says so). Closes the store. Returns the status that the command ends with.
///   frame   [n_frame] and page, what came of it; may be NULL and 0
DurStatus keep_end(Keeper *keeper, DurStatus status, DurResult *result, const Frame *const *frame, int32_t n_frame,
                   const Text *page, DurError *error);

/// A command that writes no file of its own, from question to answer: all of the above around its work.
///   work      fills result and, where there is something to keep as tables, frames
typedef DurStatus KeepWork(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error);
DurStatus keep_work(DurScenario *s, const DurOptions *options, const char *command, const char *more, KeepWork *work,
                    DurResult *result, DurError *error);

/// Files that the scenario was read from; queries stand behind them, each as a text of its own.
int32_t keep_file_count(const DurScenario *s);

/// "2026-11-26 05:09 UTC", into the buffer; returns it.
const char *keep_date(int64_t seconds, char buffer[32]);

/// Runs of an ensemble that failed, each recorded with its reason. Does nothing where nothing is kept.
void keep_failed(const DurScenario *s, const char *place, const SimPaths *paths);

/// The same of a piece of work that has no runs to count.
void keep_failure(const DurScenario *s, const char *place, const char *reason);

/// A small piece of the work as bytes: save it, and read it back (false: it is not there or of another size).
void keep_save(const DurScenario *s, const char *name, const void *data, size_t n_byte);
bool keep_load(const DurScenario *s, const char *name, void *data, size_t n_byte);

/// Games that were solved, for whoever asks for them again: this process taken up, or another question. The same bits as if solved anew.
/// A game is kept if that costs less than a sixteenth of what solving it took, and takes at most KEEP_GAME_BYTES; all of them take at most
/// KEEP_GAMES_BYTES, and those least recently used go. Games of a stage of the work are parts of the run, and go with its answer at the latest.
#define KEEP_GAME_BYTES  ((size_t)1 << 30)
#define KEEP_STAGE_BYTES ((size_t)256 << 20)
#define KEEP_GAMES_BYTES ((int64_t)2 << 30)
/// What a game is kept under: the stage of the work, and all that its solution depends on but whether it has a certificate.
#define KEEP_GAME_NAME 256
void keep_game_name(const DurScenario *s, const GameOptions *options, char name[KEEP_GAME_NAME]);
/// False: it is not there, or --fresh says not to look. game_free(out) is due where it is. It has a certificate if it was kept with one.
bool keep_load_game(const DurScenario *s, const char *name, const LatticeRule *rule, GameSolution *out);
void keep_save_game(const DurScenario *s, const char *name, const GameSolution *solution);
/// The same of other equilibria that were found from n_start starts beside a game; n_value as in game_equilibria_pack.
bool keep_load_equilibria(const DurScenario *s, const char *name, int64_t n_value, GameEquilibria *out);
void keep_save_equilibria(const DurScenario *s, const char *name, int64_t n_value, const GameEquilibria *list);
/// Those of the stage at work are needed no more: all that was asked of them is kept itself.
void keep_drop_games(const DurScenario *s);

/// What ensembles keep with; NULL where nothing is kept.
const SimKeep *keep_runs(const DurScenario *s);

#endif
