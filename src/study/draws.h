/// Shares of verdicts over draws of the uncertain parameters from their priors: what follows whatever the numbers, what hangs
/// on them, and on which.
/// Source: semantics, "Claims". Parameters are drawn independently; draw d of a seed is the same whatever else is asked.
#ifndef STUDY_DRAWS_H
#define STUDY_DRAWS_H

#include "frame/frame.h"
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
    bool    is_dropped;        // both verdicts were seen, and it was judged no further
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
    bool    is_search;         // for claims that are built in
    bool    is_sampled;        // some are judged by runs
    DrawsClaim *item;          // [n_claim], owned
    double  *link;             // [n_claim x n_param], what item.link points into
} Draws;

/// Draw and judge. With options->built_in a claim of which both verdicts have been seen is judged no further, so that games
/// nobody asks about any more are not solved: what is left are the claims whose verdict was the same in all draws. Params that a --set names are held. The session is left as it was. DUR_INPUT if no param has a prior.
/// DUR_INTERRUPTED with the draws made so
/// far, if n_draw is not 0. On any return draws_free is due.
DurStatus draws_judge(Draws *out, DurScenario *s, const DurOptions *options, DurError *error);
void      draws_free(Draws *draws);

/// Is its verdict the same in all draws, however wide: built in, as far as these draws tell?
bool draws_is_alike(const DrawsClaim *item);

/// How a quantity fared: its value in each draw.
typedef struct DrawsQuantity {
    int32_t quantity;          // of the model
    double  written;           // at the params as written
    int32_t n_lost;            // draws in which it could not be had
    double  low, median, high; // of the others, and between which 90 % of them lie; NaN: there are none
    double *value;             // [n_draw] NaN: lost
} DrawsQuantity;

typedef struct DrawsQuantities {
    int32_t n_draw, n_asked, n, n_varied;
    bool    is_sampled;        // some are estimated from runs
    double  widen;
    DrawsQuantity *item;       // [n], owned
    double *value;             // what item.value points into
} DrawsQuantities;

/// The same for the quantities that were asked for on the command line, each in every draw. Draw d is the same whatever is
/// asked, and holding a param leaves the others where they were: so two answers can be compared draw by draw.
DurStatus draws_ask(DrawsQuantities *out, DurScenario *s, const DurOptions *options, DurError *error);
void      draws_quantities_free(DrawsQuantities *quantities);

/// How every claim fared, as a table "shares"; NULL when memory is out.
Frame *draws_frame(const DurScenario *s, const Draws *d);
void render_draws(Json *j, const DurScenario *s, const Draws *d);
void put_draws(Text *out, const DurScenario *s, const Draws *d);
void render_quantities(Json *j, const DurScenario *s, const DrawsQuantities *d);
void put_quantities(Text *out, const DurScenario *s, const DrawsQuantities *d);

// ---- what both are made of -----------------------------------------------------------------------------------------

/// Which params vary, [n_param]: those with a prior that no --set holds. DUR_INPUT if there is none.
DurStatus draws_varied(bool *varied, int32_t *n_varied, const DurScenario *s, const DurOptions *options, DurError *error);
/// The params of draw d, [n_param]; `base` for those that don't vary.
void draws_params(double *param, const Model *model, const double *base, const bool *varied, double widen, uint64_t seed,
                  int32_t d);
/// A session at these params, whose solves start from those of `base`.
DurStatus draws_session(DurScenario *s, const Session *base, const double *param, DurError *error);
/// How many draws there are, of how many asked for, and from what: pairs of an object that is open.
void draws_render_head(Json *j, const DurScenario *s, int32_t n_draw, int32_t n_asked, double widen, int32_t n_varied);

#endif
