/// Shares of verdicts over draws of the uncertain parameters from their priors: what follows whatever the numbers, what hangs
/// on them, and on which.
/// Source: semantics, "Claims". Parameters are drawn independently; draw d of a seed is the same whatever else is asked.
#ifndef STUDY_DRAWS_H
#define STUDY_DRAWS_H

#include "num/philox.h"
#include "study/render.h"

/// One value of a param from its prior, in scenario units, the prior `widen` times as wide about its middle: a normal's sd, a
/// lognormal's sigma, the sides of a uniform and a triangular; a beta's, a gamma's and an exponential's standard deviation at
/// the same mean. A uniform or triangular prior that has only positive values keeps to positive ones, and one inside 0..1
/// stays there. The value itself for a param without a prior.
double draws_prior(const ModelParam *param, double widen, Stream *stream);

/// How a claim fared.
typedef struct DrawsClaim {
    int32_t claim;             // of the model
    int32_t n[3];              // draws by CheckVerdict
    int32_t n_lost;            // draws in which it could not be judged
    double  share;             // holds, of those decided; NaN if none was
    double  low, high;         // of the share, at 95 %
    double *link;              // [n_param] rank correlation of its margin with each param; NaN for params that are held
    int32_t top;               // param with the largest of them, or -1
} DrawsClaim;

typedef struct Draws {
    int32_t n_draw, n_asked;   // made; asked for: more where the work was interrupted
    int32_t n_claim, n_param, n_varied;
    int32_t n_unsolved;        // draws whose game could not be solved at all
    double  widen;
    DrawsClaim *item;          // [n_claim], owned
    double  *link;             // [n_claim x n_param], what item.link points into
} Draws;

/// Draw and judge. Params that a --set names are held. The session is left as it was. DUR_INPUT if no param has a prior.
/// DUR_INTERRUPTED with the draws made so
/// far, if n_draw is not 0. On any return draws_free is due.
DurStatus draws_judge(Draws *out, DurScenario *s, const DurOptions *options, DurError *error);
void      draws_free(Draws *draws);

void render_draws(Json *j, const DurScenario *s, const Draws *d);
void put_draws(Text *out, const DurScenario *s, const Draws *d);

#endif
