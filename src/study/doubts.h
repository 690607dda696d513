/// Doubts: what is to be known of the games that an answer rests on before it is taken at its word. That an equilibrium is not
/// known to be on the principal branch is one; that choices are vague, beside values too large for the tolerance, another.
#ifndef STUDY_DOUBTS_H
#define STUDY_DOUBTS_H

#include "frame/json.h"
#include "study/study.h"

/// Whether the residual of a solution may leave choices vague, so that its certificate is worth having though nobody asked for it.
/// Cost: a pass over values and precisions.
bool doubts_open(const GameSolution *solution);

/// The doubts about one solution, a line each, behind the words `who` ("The equilibrium is "). Lines that stand there are not added.
void doubts_of(Text *out, const GameSolution *solution, const char *who);

/// The same about every game that is played under a policy (negative: without one); its plan must be there.
void doubts_add(Text *out, const DurScenario *s, int32_t policy);

/// Those of another list that are not there yet.
void doubts_join(Text *out, const char *lines);

/// The first of the lines into `out` (cleared first); returns where the next begins.
const char *doubts_next(const char *lines, Text *out);

/// Lines that doubts_add made: for people, wrapped, and behind an empty line; and "doubts": a list for programs, inside an object.
void doubts_put(Text *out, const char *lines);
void doubts_put_apart(Text *out, const char *lines);
/// Those about a solution that is at hand, for people: "This is an equilibrium, but ...".
void doubts_put_of(Text *out, const GameSolution *solution);
void doubts_render(Json *j, const char *lines);

#endif
