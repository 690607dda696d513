/// One run as a story: what happened, when, who moved, and what each move was worth beside waiting, in words.
#ifndef STUDY_STORY_H
#define STUDY_STORY_H

#include "game/part.h"
#include "sim/sim.h"
#include "study/explain.h"

typedef struct StoryParts StoryParts;

/// Runs of one plan, told one after the other: what was found about payoffs serves them all.
typedef struct Story {
    DurScenario *scenario;     // borrowed
    const Plan  *plan;         // borrowed
    SimOptions how;
    SimTrace trace;            // of the run played last
    StoryParts *parts;         // [n_step x n_actor] what parts of payoffs are worth, found when first asked for
    bool     has_reasons;      // false: none are told; those who don't want them may say so
    bool     has_carriers;     // false: nor what carries them
} Story;

/// Begin. On any return story_free is due.
DurStatus story_make(Story *out, DurScenario *s, const Plan *plan, const SimOptions *how, DurError *error);
/// Replay a run; returns what sim_trace returns.
DurStatus story_play(Story *story, int64_t run, DurError *error);
void      story_free(Story *story);

/// What finding all reasons of the run played last may cost, in values solved for: once for every part of a payoff and every carrier,
/// or, in rounds and with private types, for every move that someone had when it moved.
double story_cost(const Story *story);

/// A part of what a move was worth beside waiting.
typedef struct StoryWorth {
    Part   part;
    double worth;
} StoryWorth;

typedef struct StoryReason {
    int32_t type;              // of the mover; -1: it has none
    int32_t n;
    StoryWorth *part;          // [n] owned, the largest first
    double  all;               // their sum
    int32_t n_carrier;         // 0: not told
    ExplainGroup *group;       // [n_carrier] owned: what carries it, as explain.h names it, drifts of all stocks as one ...
    double *carried;           // [n_carrier] ... and how much, owned; they add up to `all`
} StoryReason;

/// Of one event: one for a mover without types, one for each type that it may have, none where there are no reasons to tell.
typedef struct StoryReasons {
    int32_t n;
    StoryReason item[MODEL_TYPES_MAX];
} StoryReasons;

DurStatus story_reasons(StoryReasons *out, Story *story, int64_t event, DurError *error);
void      story_reasons_free(StoryReasons *reasons);

/// "sender: threaten: threat none to made; chosen with 31 %, waiting had 69 %; worth 0.12 more than waiting: gains 0.3 through `win`,
/// ...; in all mostly by replies of target (+0.3), against its own later moves (-0.1)."
void story_words(Text *out, const Story *story, int64_t event, const StoryReasons *reasons);
/// "threat=none, harm=0.5".
void put_state(Text *out, const Model *m, const double *state);
/// "through `win`", "by the cost of impose_tariff", "by private reasons".
void put_part_name(Text *out, const Model *m, const Part *part);

#endif
