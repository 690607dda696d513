// The loops of sim/block_kernel.h, compiled once for each Isa: the file that includes this one defines BLOCK_KERNELS, the name
// of its set. The compiler makes the vectors: loops have no branch, and choices are made with ?:.
#include "base/compiler.h"
#include "num/elementary.h"
#include "num/words.h"
#include "sim/block_kernel.h"

#include <assert.h>

// all ones or none: choices that depend on one another are vectors only this way
#define MASK(condition) ((condition) ? ~(uint64_t)0 : 0)

static void loop_add_force(const Block *b, double *const *drift, double *const *slope) {
    for (int32_t k = 0; k < b->setup->n_moving; k++) {
        const double *from = drift[k], *DUR_RESTRICT force = b->force[k];
        double *to = slope[k];
        for (int32_t i = 0; i < b->n; i++) to[i] = from[i] + force[i];
    }
}

static void loop_advance(const Block *b, const double *a, int first, int n_slope, double *const *out) {
    const Setup *s = b->setup;
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        const double *DUR_RESTRICT x = b->x[s->model->n_mode + s->moving[k]], *DUR_RESTRICT h = b->h;
        const double *DUR_RESTRICT s0 = b->slope[first][k];
        double *DUR_RESTRICT to = out[k], low = stock->low, high = stock->high, a0 = a[0];
        if (n_slope == 1) {
            for (int32_t i = 0; i < b->n; i++) {
                double y = x[i] + h[i] * (a0 * s0[i]);
                y = y < low ? low : y;
                to[i] = y > high ? high : y;
            }
        } else {
            const double *DUR_RESTRICT s1 = b->slope[first + 1][k], *DUR_RESTRICT s2 = b->slope[first + 2][k];
            double a1 = a[1], a2 = a[2];
            for (int32_t i = 0; i < b->n; i++) {
                double y = x[i] + h[i] * (a0 * s0[i] + a1 * s1[i] + a2 * s2[i]);
                y = y < low ? low : y;
                to[i] = y > high ? high : y;
            }
        }
    }
}

static void loop_judge_error(Block *b) {
    const Setup *s = b->setup;
    double *DUR_RESTRICT worst = b->worst, *DUR_RESTRICT reach = b->reach;
    const double *DUR_RESTRICT h = b->h;
    for (int32_t i = 0; i < b->n; i++) worst[i] = 0;
    for (int32_t i = 0; i < b->n; i++) reach[i] = 1;
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        double low = stock->low, high = stock->high, allowed = s->tolerance * (high - low), scale = 1 / allowed;
        const double *DUR_RESTRICT s0 = b->slope[0][k], *DUR_RESTRICT s1 = b->slope[1][k], *DUR_RESTRICT s2 = b->slope[2][k];
        const double *DUR_RESTRICT s3 = b->slope[3][k], *DUR_RESTRICT ends = b->x1[k];
        const double *DUR_RESTRICT begins = b->x[s->model->n_mode + s->moving[k]];
        double any = 0;
        for (int32_t i = 0; i < b->n; i++) {
            double e = (-5.0 / 72) * s0[i] + (1.0 / 12) * s1[i] + (1.0 / 9) * s2[i] - 0.125 * s3[i];
            e = elementary_abs(h[i] * e) * scale;
            e = e - e == 0 ? e : INFINITY;   // no number at all is an error past any
            worst[i] = e > worst[i] ? e : worst[i];
        }
        for (int32_t i = 0; i < b->n; i++) any = ((ends[i] > low) & (ends[i] < high)) ? any : 1;
        if (any == 0) continue;
        for (int32_t i = 0; i < b->n; i++) {
            double end = ends[i], x = begins[i];
            // one that waits at an end, and lets go
            bool turns = (s0[i] * s3[i] < 0) & ((end <= low) == (s3[i] > 0));
            double part = s0[i] / (s0[i] - s3[i]);
            double leaves = (turns & (elementary_abs(h[i] * (1 - part) * s3[i]) > allowed)) ? part : 1;
            // one that comes to an end
            double way = h[i] * ((2.0 / 9) * s0[i] + (1.0 / 3) * s1[i] + (4.0 / 9) * s2[i]);
            bool is_past = elementary_abs(x + way - end) > allowed, is_there = elementary_abs(end - x) <= allowed;
            double comes = (is_past & !is_there) ? (end - x) / way : 1;
            double to = x == end ? leaves : comes;
            to = ((end > low) & (end < high)) ? 1 : to;
            reach[i] = to < reach[i] ? to : reach[i];
        }
    }
}

// compilers believe that arguments do not overlap, but not that local pointers do not
static void ends_of(int32_t n, const double *DUR_RESTRICT due, const double *DUR_RESTRICT date, const double *DUR_RESTRICT t,
                    const double *DUR_RESTRICT wanted, double *DUR_RESTRICT t1, double *DUR_RESTRICT h,
                    double *DUR_RESTRICT whole) {
    for (int32_t i = 0; i < n; i++) {
        double stop = date[i] < due[i] ? date[i] : due[i];
        double left = stop - t[i], end = left <= wanted[i] ? stop : t[i] + wanted[i];
        whole[i] = end < stop ? 1 : 0;
        t1[i] = end;
        h[i] = end - t[i];
    }
}

static void loop_choose_ends(Block *b) { ends_of(b->n, b->due, b->date, b->t, b->length, b->t1, b->h, b->whole); }

static uint64_t accept_all(int32_t n, const double *DUR_RESTRICT worst, const double *DUR_RESTRICT reach, const double *DUR_RESTRICT h,
                         const double *DUR_RESTRICT whole, double *DUR_RESTRICT length, double *DUR_RESTRICT accepted) {
    uint64_t hardest = 0;
    for (int32_t i = 0; i < n; i++) {
        // after a step as long as any, one of the same length follows unless the error says otherwise
        double longer = h[i] * 5 < STEP_MAX ? h[i] * 5 : STEP_MAX;
        uint64_t is_cut = MASK(whole[i] == 0), fits = MASK(worst[i] <= 0.5) & MASK(reach[i] >= 1);
        uint64_t is_plain = fits & (is_cut | MASK(h[i] >= STEP_MAX) | MASK(worst[i] <= STEP_EASY));
        length[i] = elementary_select(is_plain & ~is_cut, longer, length[i]);
        accepted[i] = elementary_select(is_plain, 1, 0);
        hardest |= ~is_plain;
    }
    return hardest;
}

static bool loop_accept(Block *b) {
    return accept_all(b->n, b->worst, b->reach, b->h, b->whole, b->length, b->accepted) == 0;
}

static bool loop_commit(Block *b) {
    const Setup *s = b->setup;
    const double *DUR_RESTRICT accepted = b->accepted, *DUR_RESTRICT t1 = b->t1, *DUR_RESTRICT date = b->date;
    double *DUR_RESTRICT t = b->t, end = s->end, any = 0;
    for (int32_t k = 0; k < s->n_moving; k++) {
        double *DUR_RESTRICT x = b->x[s->model->n_mode + s->moving[k]], *DUR_RESTRICT drift = b->drift[k];
        const double *DUR_RESTRICT x1 = b->x1[k], *DUR_RESTRICT drift1 = b->drift1[k];
        for (int32_t i = 0; i < b->n; i++) {
            x[i] = accepted[i] != 0 ? x1[i] : x[i];
            drift[i] = accepted[i] != 0 ? drift1[i] : drift[i];
        }
    }
    for (int32_t i = 0; i < b->n; i++) {
        t[i] = accepted[i] != 0 ? t1[i] : t[i];
        any = ((t[i] > end) | (t[i] >= date[i])) ? 1 : any;
    }
    return any == 0;
}

/// As many doubles as there are Words.
typedef double Reals __attribute__((vector_size(8 * WORDS_N), aligned(8), may_alias));

/// Stocks that a point may lie between the nodes of: two to this power are LATTICE_CORNERS_MAX.
#define SPLIT_MAX 16
static_assert(1 << SPLIT_MAX == LATTICE_CORNERS_MAX, "as many corners as there is room for");

/// Corners that fit into a vector: two to this power.
#define CORNERS_LOG (WORDS_N == 8 ? 3 : WORDS_N == 4 ? 2 : 1)

// Weights of all corners: bit k of a corner says on which side of split stock k it lies, and up[k] is the upper side's share. As
// many as a vector holds are made in registers: what is read in other pieces than it was written in is waited for.
static DUR_ALWAYS_INLINE void weights(double *weight, int32_t n_split, const double *up) {
    static const uint64_t element[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    Words which = *(const Words *)element;
    Reals share = (Reals)(which & 0) + 1;
    int32_t k = 0;
    for (; k < CORNERS_LOG && k < n_split; k++) {
        Words is_up = -(which >> k & 1);
        Reals to = (Reals)(which & 0) + up[k];
        share *= (Reals)(((Words)to & is_up) | ((Words)(1 - to) & ~is_up));
    }
    *(Reals *)weight = share;
    for (; k < n_split; k++)
        for (int32_t c = 0, n = 1 << k; c < n; c += WORDS_N) {
            share = *(Reals *)(weight + c);
            *(Reals *)(weight + c) = share * (1 - up[k]);
            *(Reals *)(weight + n + c) = share * up[k];
        }
}

// The stock whose nodes are neighbours in memory is not split: its two nodes are read as a pair.
static void loop_corners(Block *b, const double *place, const double *state) {
    const Lattice *l = b->setup->lattice;
    const Model *m = l->model;
    Corners *out = &b->corners;
    int64_t *corner = out->at, base = 0, stride_of[SPLIT_MAX + 1];
    double *weight = out->weight, part[SPLIT_MAX + 1];
    int32_t n_split = 0, n;
    uint64_t split = 0;
    out->pair_up = -1;
    for (int32_t k = 0; k < m->n_stock; k++) {
        int32_t v = m->n_mode + k, last = l->n_node[v] - 1;
        double at = place[k];
        int64_t stride = l->stride[v];
        int32_t lower = (int32_t)at;
        if (stride == 1) {
            lower = lower < last ? lower : last - 1;
            out->pair_up = at - lower < 1 ? at - lower : 1;
            base += lower;
            continue;
        }
        double up = at - lower;
        if (lower >= last) lower = last, up = 0;
        // beyond so many corners, the nearer node alone
        if (n_split == SPLIT_MAX) lower += up > 0.5, up = 0;
        base += lower * stride;
        stride_of[n_split] = stride;
        part[n_split] = up;
        split |= (uint64_t)(up != 0) << k;
        n_split += up != 0;
    }
    weights(weight, n_split, part);
    n = 1 << n_split;
    if (split != out->split) {
        corner[0] = 0;
        for (int32_t k = 0; k < n_split; k++)
            for (int32_t c = 0; c < 1 << k; c++) corner[(1 << k) + c] = corner[c] + stride_of[k];
        out->split = m->n_private ? ~(uint64_t)0 : split;
    }
    for (int32_t p = 0; p < m->n_private; p++) {
        int32_t v = m->private[p].variable, node[MODEL_TYPES_MAX], n_node, end = n;
        double share[MODEL_TYPES_MAX];
        n_node = lattice_split_belief(&l->private[p], state + v, node, share);
        if (n_node * n > LATTICE_CORNERS_MAX) n_node = 1, share[0] = 1;
        for (int32_t k = n_node - 1; k >= 0; k--)
            for (int32_t c = 0; c < end; c++) {
                corner[k * end + c] = corner[c] + node[k] * l->stride[v];
                weight[k * end + c] = weight[c] * share[k];
            }
        n = n_node * end;
    }
    out->base = base;
    out->n = n;
}

/// Two neighbours in memory.
typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));

// Means of a few functions at once over the same corners; two sums of each side by side, so that one addition need not wait
// for another.
static DUR_ALWAYS_INLINE void means(const Corners *corners, const double *const *x, int n_x, double *out) {
    const int64_t *at = corners->at;
    const double *w = corners->weight, *from[4];
    Pair sum[4][2] = {0};
    int32_t c = 0, n = corners->n;
    for (int k = 0; k < n_x; k++) from[k] = x[k] + corners->base;
    for (; c + 2 <= n; c += 2)
        for (int k = 0; k < n_x; k++) {
            sum[k][0] += w[c] * *(const Pair *)(from[k] + at[c]);
            sum[k][1] += w[c + 1] * *(const Pair *)(from[k] + at[c + 1]);
        }
    for (int k = 0; k < n_x; k++) {
        if (c < n) sum[k][0] += w[c] * *(const Pair *)(from[k] + at[c]);
        Pair all = sum[k][0] + sum[k][1];
        out[k] = (1 - corners->pair_up) * all[0] + corners->pair_up * all[1];
    }
}

static void loop_means(const Corners *corners, const double *const *x, int32_t n_x, double *out) {
    if (corners->pair_up < 0) {   // no stock at all
        for (int32_t k = 0; k < n_x; k++) {
            out[k] = 0;
            for (int32_t c = 0; c < corners->n; c++) out[k] += corners->weight[c] * x[k][corners->base + corners->at[c]];
        }
        return;
    }
    for (; n_x > 3; n_x -= 4, x += 4, out += 4) means(corners, x, 4, out);
    if (n_x == 3) means(corners, x, 3, out);
    if (n_x == 2) means(corners, x, 2, out);
    if (n_x == 1) means(corners, x, 1, out);
}

static void loop_respond(Block *b, const int32_t *list, int32_t n, const int32_t *first, const double *const *x,
                         const double *precision, double *logit, double *wait) {
    const Lattice *l = b->setup->lattice;
    const Model *m = l->model;
    for (int32_t k = 0; k < m->n_stock; k++) {
        const double *DUR_RESTRICT level = b->x[m->n_mode + k];
        double *DUR_RESTRICT to = b->place[k], low = m->stock[k].low, step = l->stock[k].step;
        for (int32_t i = 0; i < n; i++) to[i] = (level[list[i]] - low) / step;
    }
    for (int32_t i = 0; i < n; i++) {
        double place[MODEL_VARIABLES_MAX], state[MODEL_VARIABLES_MAX], top = 0;
        wait[i] = 0;
        if (first[i] == first[i + 1]) continue;
        for (int32_t k = 0; k < m->n_stock; k++) place[k] = b->place[k][i];
        for (int32_t v = m->n_mode + m->n_stock; v < model_variables(m); v++) state[v] = b->x[v][list[i]];
        loop_corners(b, place, state);
        loop_means(&b->corners, x + first[i], first[i + 1] - first[i], logit + first[i]);
        for (int32_t k = first[i]; k < first[i + 1]; k++) {
            logit[k] *= precision[i];
            top = logit[k] > top ? logit[k] : top;
        }
        for (int32_t k = first[i]; k < first[i + 1]; k++) logit[k] -= top;
        wait[i] = -top;
    }
}

const BlockKernels BLOCK_KERNELS = {.add_force = loop_add_force, .advance = loop_advance, .judge_error = loop_judge_error,
                                    .choose_ends = loop_choose_ends, .accept = loop_accept, .commit = loop_commit,
                                    .corners = loop_corners, .means = loop_means, .respond = loop_respond};
