// One scenario, scenarios/us-mexico, by hand; compiled once for each Isa: the file that includes this one defines HAND_PLAY.
// Lanes of runs advance together; between jumps by Bogacki and Shampine's pair, all of a step in one loop; jumps by thinning.
#include "by_hand.h"

#include "base/memory.h"
#include "num/elementary.h"
#include "num/stat.h"
#include "num/vector.h"

#include <math.h>
#include <string.h>

#define LANES 128
#define STEP_MAX 0.25
#define TOLERANCE 1e-6
#define BINS 2048

enum { POWER, COLLUSION, DETAINEES, ATTENTION, CREDIT, OUTSIDE };
enum { TARIFF, FORCE, CRACKDOWN, MODES };
enum { INCIDENT, THREATEN_TARIFF, IMPOSE_TARIFF, LIFT_TARIFF, DROP_TARIFF, THREATEN_FORCE, STAND_DOWN, STEP_UP, GO_FULL,
       EASE_OFF, LET_GO, HAND_OVER };

typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));

typedef struct Hand {
    const Policy *policy;
    uint64_t seed;
    double fade, end;
    int32_t n;
    uint64_t run[LANES];
    uint32_t candidate[LANES];
    int32_t  look[LANES];
    double   x[HAND_STOCKS][LANES], k[HAND_STOCKS][LANES], m[MODES][LANES];
    double   x1[HAND_STOCKS][LANES], k1[HAND_STOCKS][LANES];
    double   t[LANES], t1[LANES], h[LANES], length[LANES], due[LANES], pick[LANES], worst[LANES], reach[LANES], accepted[LANES];
    double   whole[LANES];
    double   seen[HAND_STOCKS][HAND_TIMES][LANES];
    uint64_t sum[HAND_STOCKS][HAND_TIMES];
    int64_t  (*bin)[HAND_TIMES][BINS + 2];
    int64_t  share[MODES][3][HAND_TIMES];
    int64_t  count[HAND_JUMPS];
} Hand;

// slots of the thinning: an incident's rate is at most 0.1, each actor attends twice a month
static const double SLOT[] = {0, 0.1, 0.1 + 2.0, 0.1 + 2.0 + 2.0};

static DUR_ALWAYS_INLINE double traffic(double power, double crackdown) {
    return power * (crackdown == 0 ? 1 : crackdown == 1 ? 0.7 : 0.4);
}

static DUR_ALWAYS_INLINE void drifts(const double *x, double tariff, double force, double crackdown, double fade, double *k) {
    double power = x[POWER], collusion = x[COLLUSION], attention = x[ATTENTION], credit = x[CREDIT];
    k[POWER] = 0.03 * collusion * (1 - power) + 0.002 - power * (crackdown == 0 ? 0 : crackdown == 1 ? 0.012 : 0.05);
    k[COLLUSION] = 0.03 * (1 - collusion) * (crackdown == 0 ? 1.0 : 0.0) + 0.01 * power * (1 - collusion)
                 - 0.05 * collusion * (crackdown == 2 ? 1.0 : 0.0);
    k[DETAINEES] = 0.004 + (crackdown == 0 ? 0 : crackdown == 1 ? 0.01 : 0.03);
    k[ATTENTION] = 0.03 * (1 - attention) * traffic(power, crackdown) - fade * attention;
    k[CREDIT] = -0.10 * credit + (1 - credit) * (crackdown == 0 ? 0 : crackdown == 1 ? 0.10 : 0.14);
    k[OUTSIDE] = ((tariff != 0) | (force != 0)) ? 0.006 * (1 - x[OUTSIDE]) : -0.002 * x[OUTSIDE];
}

static DUR_ALWAYS_INLINE double clip(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

// The stocks one by one, each with a name of its own: arrays of six would keep the compiler from making vectors of lanes.
#define EACH(X) X(POWER) X(COLLUSION) X(DETAINEES) X(ATTENTION) X(CREDIT) X(OUTSIDE)
#define DRIFTS(k, y) do {                                                                                                       \
        k##POWER = 0.03 * y##COLLUSION * (1 - y##POWER) + 0.002 - y##POWER * effort;                                            \
        k##COLLUSION = 0.03 * (1 - y##COLLUSION) * is_lax + 0.01 * y##POWER * (1 - y##COLLUSION) - 0.05 * y##COLLUSION * is_full; \
        k##DETAINEES = 0.004 + catches;                                                                                         \
        k##ATTENTION = 0.03 * (1 - y##ATTENTION) * (y##POWER * flows) - fade * y##ATTENTION;                                    \
        k##CREDIT = -0.10 * y##CREDIT + (1 - y##CREDIT) * shows;                                                                \
        k##OUTSIDE = is_pressed > 0 ? 0.006 * (1 - y##OUTSIDE) : -0.002 * y##OUTSIDE;                                               \
    } while (0)

// one step of every lane
static void step(Hand *w) {
    const double fade = w->fade;
    for (int32_t i = 0; i < w->n; i++) {
        double h = w->h[i], crackdown = w->m[CRACKDOWN][i], worst = 0, reach = 1;
        double is_pressed = w->m[TARIFF][i] + w->m[FORCE][i];
        double is_lax = crackdown == 0 ? 1 : 0, is_full = crackdown == 2 ? 1 : 0;
        double effort = crackdown == 1 ? 0.012 : 0.05 * is_full, catches = crackdown == 1 ? 0.01 : 0.03 * is_full;
        double shows = crackdown == 1 ? 0.10 : 0.14 * is_full, flows = crackdown == 0 ? 1 : crackdown == 1 ? 0.7 : 0.4;
#define DECLARE(S) double x##S = w->x[S][i], k0##S = w->k[S][i], y##S, k1##S, k2##S, k3##S;
        EACH(DECLARE)
#define STAGE1(S) y##S = clip(x##S + h * (0.5 * k0##S));
        EACH(STAGE1)
        DRIFTS(k1, y);
#define STAGE2(S) y##S = clip(x##S + h * (0.75 * k1##S));
        EACH(STAGE2)
        DRIFTS(k2, y);
#define END(S) y##S = clip(x##S + h * (2.0 / 9 * k0##S + 1.0 / 3 * k1##S + 4.0 / 9 * k2##S));
        EACH(END)
        DRIFTS(k3, y);
        // the error; and a step ends where a stock meets or leaves an end of its range. Masks of all ones or none, and no bool.
#define JUDGE(S) {                                                                                                    \
            double e = (-5.0 / 72) * k0##S + (1.0 / 12) * k1##S + (1.0 / 9) * k2##S - 0.125 * k3##S;                  \
            e = elementary_abs(h * e) * (1 / TOLERANCE);                                                              \
            worst = e > worst ? e : worst;                                                                            \
            double part = k0##S / (k0##S - k3##S), way = h * (2.0 / 9 * k0##S + 1.0 / 3 * k1##S + 4.0 / 9 * k2##S);   \
            uint64_t low = MASK(y##S <= 0), high = MASK(y##S >= 1), inwards = MASK(k3##S > 0), waits = MASK(x##S == y##S); \
            uint64_t leaves = MASK(k0##S * k3##S < 0) & ~(low ^ inwards) & MASK(elementary_abs(h * (1 - part) * k3##S) > TOLERANCE); \
            uint64_t comes = MASK(elementary_abs(x##S + way - y##S) > TOLERANCE) & MASK(elementary_abs(y##S - x##S) > TOLERANCE); \
            double to = elementary_select(waits & leaves & (low | high), part, 1);                                    \
            to = elementary_select(~waits & comes & (low | high), (y##S - x##S) / way, to);                           \
            reach = to < reach ? to : reach;                                                                          \
            w->x1[S][i] = y##S;                                                                                       \
            w->k1[S][i] = k3##S;                                                                                      \
        }
#define MASK(condition) ((condition) ? ~(uint64_t)0 : 0)
        EACH(JUDGE)
        w->worst[i] = worst;
        w->reach[i] = reach;
    }
}

static void begin_step(Hand *w) {
    for (int32_t i = 0; i < w->n; i++) {
        double left = w->due[i] - w->t[i];
        w->whole[i] = left > w->length[i] ? 1 : 0;
        w->t1[i] = left <= w->length[i] ? w->due[i] : w->t[i] + w->length[i];
        w->h[i] = w->t1[i] - w->t[i];
    }
}

static void judge(Hand *w) {
    double hard = 0;
    for (int32_t i = 0; i < w->n; i++) {
        double most = w->h[i] < STEP_MAX ? 0.005 : 0.5;
        most = w->whole[i] != 0 ? most : 0.5;
        bool easy = (w->worst[i] <= most) & (w->reach[i] >= 1);
        double longer = w->h[i] * 5 < STEP_MAX ? w->h[i] * 5 : STEP_MAX;
        w->length[i] = ((w->whole[i] != 0) & easy) ? longer : w->length[i];
        w->accepted[i] = easy ? 1 : 0;
        hard = easy ? hard : 1;
    }
    for (int32_t i = 0; i < w->n && hard != 0; i++) {
        double worst = w->worst[i], h = w->h[i];
        if (w->accepted[i] != 0) continue;
        bool fits = worst <= 1;
        if (!fits || w->whole[i] != 0 || worst > 0.5) {
            double factor = worst > 0.005 ? 0.9 * elementary_pow(worst, -1.0 / 3) : 5;
            factor = factor < 0.2 ? 0.2 : factor > 5 ? 5 : factor;
            if (!fits && factor > 0.9) factor = 0.9;
            w->length[i] = h * factor < STEP_MAX ? h * factor : STEP_MAX;
        }
        if (fits && w->reach[i] < 1) {
            fits = false;
            w->length[i] = h * w->reach[i];
        }
        w->accepted[i] = fits;
    }
}

// paths at the looks inside a step, by its cubic
static void look(Hand *w, int64_t first) {
    for (int32_t i = 0; i < w->n; i++) {
        if (w->accepted[i] == 0) continue;
        for (; w->look[i] < HAND_TIMES; w->look[i]++) {
            double time = w->look[i] == HAND_TIMES - 1 ? w->end : w->end * w->look[i] / (HAND_TIMES - 1), h = w->h[i];
            if (!(time < w->t1[i])) break;
            w->share[0][(int)w->m[TARIFF][i]][w->look[i]]++;
            w->share[1][(int)w->m[FORCE][i]][w->look[i]]++;
            w->share[2][(int)w->m[CRACKDOWN][i]][w->look[i]]++;
            double theta = h > 0 ? (time - w->t[i]) / h : 0, rest = 1 - theta;
            for (int s = 0; s < 6; s++) {
                double x0 = w->x[s][i], x1 = w->x1[s][i], rise0 = h * w->k[s][i], rise1 = h * w->k1[s][i];
                if ((x0 <= 0 && rise0 < 0) || (x0 >= 1 && rise0 > 0)) {
                    rise0 = 0;
                    if (x1 == x0) rise1 = 0;
                }
                double bend = (1 - 2 * theta) * (x1 - x0) - rest * rise0 + theta * rise1;
                w->seen[s][w->look[i]][w->run[i] - (uint64_t)first] = clip(rest * x0 + theta * x1 - theta * rest * bend);
            }
        }
    }
}

static void commit(Hand *w) {
    for (int s = 0; s < 6; s++)
        for (int32_t i = 0; i < w->n; i++) {
            w->x[s][i] = w->accepted[i] != 0 ? w->x1[s][i] : w->x[s][i];
            w->k[s][i] = w->accepted[i] != 0 ? w->k1[s][i] : w->k[s][i];
        }
    for (int32_t i = 0; i < w->n; i++) w->t[i] = w->accepted[i] != 0 ? w->t1[i] : w->t[i];
}

static void draw(Hand *w, const int32_t *list, int32_t n) {
    double gap[LANES];
    uint64_t run[LANES] = {0}, pick[LANES];
    uint32_t index[LANES] = {0};
    for (int32_t i = 0; i < n; i++) {
        run[i] = w->run[list[i]];
        index[i] = w->candidate[list[i]];
    }
    vector_uniform2(w->seed, run, 1, index, gap, pick, n);
    vector_log(gap, gap, n);
    for (int32_t i = 0; i < n; i++) {
        w->pick[list[i]] = ((double)(int64_t)pick[i] + 0.5) * 0x1p-52;
        w->due[list[i]] = w->t[list[i]] + -gap[i] / SLOT[3];
    }
}

// advantages of up to three open moves at one point: multilinear over the nodes around it
static int32_t corners(const Hand *w, int32_t i, int64_t *at, double *weight, double *pair_up) {
    const Lattice *l = w->policy->lattice;
    int32_t n = 1;
    int64_t pair = 0;
    at[0] = 0;
    weight[0] = 1;
    for (int s = 0; s < 6; s++) {
        int64_t stride = l->stride[MODES + s];
        int32_t last = l->n_node[MODES + s] - 1;
        double place = w->x[s][i] / l->stock[s].step;
        int32_t lower = (int32_t)place;
        if (stride == 1) {
            lower = lower < last ? lower : last - 1;
            *pair_up = place - lower < 1 ? place - lower : 1;
            pair = lower;
            continue;
        }
        double up = place - lower;
        if (lower >= last) lower = last, up = 0;
        for (int32_t c = 0; c < n; c++) at[c] += lower * stride;
        if (up == 0) continue;
        for (int32_t c = 0; c < n; c++) {
            at[n + c] = at[c] + stride;
            weight[n + c] = weight[c] * up;
            weight[c] *= 1 - up;
        }
        n *= 2;
    }
    for (int32_t c = 0; c < n; c++) at[c] += pair;
    return n;
}

static DUR_ALWAYS_INLINE void means(const int64_t *at, const double *w, int32_t n, double up, const double *const *x, int n_x, double *out) {
    Pair sum[3][2] = {0};
    int32_t c = 0;
    for (; c + 2 <= n; c += 2)
        for (int k = 0; k < n_x; k++) {
            sum[k][0] += w[c] * *(const Pair *)(x[k] + at[c]);
            sum[k][1] += w[c + 1] * *(const Pair *)(x[k] + at[c + 1]);
        }
    for (int k = 0; k < n_x; k++) {
        if (c < n) sum[k][0] += w[c] * *(const Pair *)(x[k] + at[c]);
        Pair all = sum[k][0] + sum[k][1];
        out[k] = (1 - up) * all[0] + up * all[1];
    }
}

static void happen(Hand *w, int jump, int32_t i) {
    w->count[jump]++;
    switch (jump) {
    case INCIDENT:        w->x[ATTENTION][i] = clip(w->x[ATTENTION][i] + 0.5); break;
    case THREATEN_TARIFF: w->m[TARIFF][i] = 1; break;
    case IMPOSE_TARIFF:   w->m[TARIFF][i] = 2; break;
    case LIFT_TARIFF:
    case DROP_TARIFF:     w->m[TARIFF][i] = 0; break;
    case THREATEN_FORCE:  w->m[FORCE][i] = 1; break;
    case STAND_DOWN:      w->m[FORCE][i] = 0; break;
    case STEP_UP:
    case EASE_OFF:        w->m[CRACKDOWN][i] = 1; break;
    case GO_FULL:         w->m[CRACKDOWN][i] = 2; break;
    case LET_GO:          w->m[CRACKDOWN][i] = 0; break;
    case HAND_OVER:
        w->x[DETAINEES][i] = clip(w->x[DETAINEES][i] - 0.25);
        w->x[CREDIT][i] = clip(w->x[CREDIT][i] + 0.5);
        w->x[ATTENTION][i] = clip(w->x[ATTENTION][i] - 0.25);
        break;
    }
}

// what an actor does with its opportunity, in a list of lanes
static void choose(Hand *w, bool is_government, const int32_t *list, const double *share, int32_t n) {
    const Policy *p = w->policy;
    const Lattice *l = p->lattice;
    double logit[3 * LANES], wait[LANES];
    uint8_t of[3 * LANES];
    int32_t first[LANES + 1], n_logit = 0;
    for (int32_t k = 0; k < n; k++) {
        int32_t i = list[k], n_open = 0, move[3];
        if (is_government) {
            double crackdown = w->m[CRACKDOWN][i];
            if (crackdown == 0)      move[n_open++] = STEP_UP;
            else if (crackdown == 1) move[n_open++] = GO_FULL, move[n_open++] = LET_GO;
            else                     move[n_open++] = EASE_OFF;
            if (w->x[DETAINEES][i] >= 0.25) move[n_open++] = HAND_OVER;
        } else {
            double tariff = w->m[TARIFF][i];
            if (tariff == 0)      move[n_open++] = THREATEN_TARIFF;
            else if (tariff == 1) move[n_open++] = IMPOSE_TARIFF, move[n_open++] = DROP_TARIFF;
            else                  move[n_open++] = LIFT_TARIFF;
            move[n_open++] = w->m[FORCE][i] == 0 ? THREATEN_FORCE : STAND_DOWN;
        }
        int64_t mode_state = ((int64_t)w->m[TARIFF][i] * 2 + (int64_t)w->m[FORCE][i]) * 3 + (int64_t)w->m[CRACKDOWN][i], at[64];
        double weight[64], up = 0, top = 0;
        const double *x[3];
        for (int32_t c = 0; c < n_open; c++) {
            x[c] = p->advantage + p->where[move[c] * l->n_mode_state + mode_state];
            of[n_logit + c] = (uint8_t)move[c];
        }
        int32_t n_corner = corners(w, i, at, weight, &up);
        if (n_open == 3)      means(at, weight, n_corner, up, x, 3, logit + n_logit);
        else if (n_open == 2) means(at, weight, n_corner, up, x, 2, logit + n_logit);
        else                  means(at, weight, n_corner, up, x, 1, logit + n_logit);
        for (int32_t c = n_logit; c < n_logit + n_open; c++) {
            logit[c] *= 4;
            top = logit[c] > top ? logit[c] : top;
        }
        for (int32_t c = n_logit; c < n_logit + n_open; c++) logit[c] -= top;
        wait[k] = -top;
        first[k] = n_logit;
        n_logit += n_open;
    }
    first[n] = n_logit;
    vector_exp(logit, logit, n_logit);
    vector_exp(wait, wait, n);
    for (int32_t k = 0; k < n; k++) {
        double total = wait[k];
        for (int32_t c = first[k]; c < first[k + 1]; c++) total += logit[c];
        double left = share[k] * total;
        int32_t c = first[k];
        for (; c < first[k + 1] && !(left < logit[c]); c++) left -= logit[c];
        if (c < first[k + 1]) happen(w, of[c], list[k]);
    }
}

static void candidates(Hand *w) {
    int32_t due[LANES], list[2][LANES], n[2] = {0}, n_due = 0;
    double share[2][LANES];
    for (int32_t i = 0; i < w->n; i++)
        if (w->accepted[i] != 0 && w->t[i] >= w->due[i] && w->t[i] <= w->end) due[n_due++] = i;
    for (int32_t k = 0; k < n_due; k++) {
        int32_t i = due[k];
        double at = w->pick[i] * SLOT[3];
        if (at < SLOT[1]) {
            if (at < 0.10 * traffic(w->x[POWER][i], w->m[CRACKDOWN][i])) happen(w, INCIDENT, i);
        } else {
            int a = at >= SLOT[2];
            list[a][n[a]] = i;
            share[a][n[a]++] = (at - SLOT[1 + a]) / 2;
        }
    }
    for (int a = 0; a < 2; a++) choose(w, a, list[a], share[a], n[a]);
    for (int32_t k = 0; k < n_due; k++) {
        int32_t i = due[k];
        double x[6], drift[6];
        w->candidate[i]++;
        for (int s = 0; s < 6; s++) x[s] = w->x[s][i];
        drifts(x, w->m[TARIFF][i], w->m[FORCE][i], w->m[CRACKDOWN][i], w->fade, drift);
        for (int s = 0; s < 6; s++) w->k[s][i] = drift[s];
    }
    if (n_due) draw(w, due, n_due);
}

static void remove_lane(Hand *w, int32_t i) {
    int32_t last = --w->n;
    if (i == last) return;
    w->run[i] = w->run[last];
    w->candidate[i] = w->candidate[last];
    w->look[i] = w->look[last];
    for (int s = 0; s < 6; s++) {
        w->x[s][i] = w->x[s][last];
        w->k[s][i] = w->k[s][last];
    }
    for (int m = 0; m < MODES; m++) w->m[m][i] = w->m[m][last];
    w->t[i] = w->t[last];
    w->length[i] = w->length[last];
    w->due[i] = w->due[last];
    w->pick[i] = w->pick[last];
}

static void play_block(Hand *w, int64_t first, int32_t n) {
    static const double start[] = {0.4, 0.8, 1, 0.25, 0, 0};
    int32_t all[LANES] = {0};
    w->n = n;
    for (int32_t i = 0; i < n; i++) {
        double x[6], k[6];
        w->run[i] = (uint64_t)(first + i);
        w->candidate[i] = 0;
        w->look[i] = 0;
        for (int s = 0; s < 6; s++) x[s] = w->x[s][i] = start[s];
        for (int m = 0; m < MODES; m++) w->m[m][i] = 0;
        drifts(x, 0, 0, 0, w->fade, k);
        for (int s = 0; s < 6; s++) w->k[s][i] = k[s];
        w->t[i] = 0;
        w->length[i] = STEP_MAX;
        all[i] = i;
    }
    draw(w, all, n);
    while (w->n > 0) {
        begin_step(w);
        step(w);
        judge(w);
        look(w, first);
        commit(w);
        candidates(w);
        for (int32_t i = w->n - 1; i >= 0; i--)
            if (w->t[i] > w->end) remove_lane(w, i);
    }
    for (int s = 0; s < 6; s++)
        for (int t = 0; t < HAND_TIMES; t++)
            for (int32_t i = 0; i < n; i++) {
                double x = w->seen[s][t][i];
                int32_t bin = (int32_t)(x * BINS);
                w->bin[s][t][x <= 0 ? 0 : x >= 1 ? BINS + 1 : 1 + (bin < BINS ? bin : BINS - 1)]++;
                w->sum[s][t] += (uint64_t)(x * 0x1p40 + 0.5);
            }
}

bool HAND_PLAY(HandResult *out, const Policy *policy, uint64_t seed, int64_t n_run, double horizon, const double *param) {
    static const double p[] = {0.05, 0.25, 0.5, 0.75, 0.95};
    Hand *w = memory_zeroed(1, sizeof *w);
    if (w) w->bin = memory_zeroed(HAND_STOCKS, sizeof *w->bin);
    if (!w || !w->bin) {
        memory_free(w);
        return false;
    }
    w->policy = policy;
    w->seed = seed;
    w->fade = param[3];
    w->end = horizon;
    for (int64_t first = 0; first < n_run; first += LANES) play_block(w, first, (int32_t)(n_run - first < LANES ? n_run - first : LANES));
    for (int s = 0; s < 6; s++)
        for (int t = 0; t < HAND_TIMES; t++) {
            out->mean[s][t] = (double)w->sum[s][t] / 0x1p40 / (double)n_run;
            Histogram h = {.low = 0, .high = 1, .n_bin = BINS, .count = w->bin[s][t]};
            for (int q = 0; q < 5; q++) out->quantile[s][t][q] = stat_histogram_quantile(&h, p[q]);
        }
    memcpy(out->share, w->share, sizeof out->share);
    memcpy(out->count, w->count, sizeof out->count);
    memory_free(w->bin);
    memory_free(w);
    return true;
}
