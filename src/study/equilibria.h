/// Several equilibria of one scenario: the list of those that were found, and which verdicts change between them.
#ifndef STUDY_EQUILIBRIA_H
#define STUDY_EQUILIBRIA_H

#include "study/render.h"

/// Judge claims in all equilibria but the one at hand, whose answers are given. Nothing is done (n is 0) where no others
/// were looked for. Ends as claims_judge ends; what it fills is freed by claims_free.
DurStatus equilibria_judge(EquilibriaVerdicts *out, DurScenario *s, const ClaimAnswers *at_hand, const DurOptions *options,
                           DurError *error);

/// Did claim number i of those asked for get one verdict here and another there?
bool equilibria_change(const EquilibriaVerdicts *v, int32_t i);

/// Which equilibrium is played, counted from 0; -1 where the one solved is not in the list.
int32_t equilibria_at_hand(const DurScenario *s);

/// "equilibria": {...}, if others were looked for. Inside an object.
void render_equilibria(Json *j, const DurScenario *s);
/// "equilibria": [...], "changes": of one claim, if others were looked for. Inside its object.
void render_equilibria_claim(Json *j, const EquilibriaVerdicts *v, int32_t i);

/// "3 equilibria found from 64 starts: an odd number, ..."
void put_equilibria_words(Text *out, const DurScenario *s);
/// ": fails in 1, holds in 2" of one claim.
void put_equilibria_change(Text *out, const EquilibriaVerdicts *v, int32_t i);

/// The list of equilibria for people; one sentence about how many there are; and about claims. Nothing where none were
/// looked for.
void put_equilibria(Text *out, const DurScenario *s);
void put_equilibria_count(Text *out, const DurScenario *s);
void put_equilibria_claims(Text *out, const DurScenario *s, const ClaimAnswers *answers);

#endif
