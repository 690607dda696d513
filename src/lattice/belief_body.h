/// The inner loops about beliefs over one block, beside those of kernel_body.h. All lanes of a block have one node of
/// every belief, but a posterior depends on the lane: it is a few nodes, with a weight each, lane by lane.
#ifndef LATTICE_BELIEF_BODY_H
#define LATTICE_BELIEF_BODY_H

#include "lattice/kernel_body.h"

/// Rows that a posterior takes, and those that the ways of one belief in silence take.
#define BELIEF_SPLIT_ROWS (2 * MODEL_TYPES_MAX)
#define BELIEF_DRIFT_ROWS (MODEL_TYPES_MAX * MODEL_TYPES_MAX)

/// A posterior: n_corner nodes, as the shift of the state that leads there (whole numbers kept as doubles). Where all lanes go to
/// the same nodes, as shifts that differ little mostly do, they are told once, and nothing need be gathered.
typedef struct BeliefSplit {
    int32_t n_corner;
    bool    is_same;
    int64_t same[MODEL_TYPES_MAX];   // [n_corner] where is_same
    double *move, *weight;           // [n_corner] rows
} BeliefSplit;

static inline void belief_split_compare(BeliefSplit *s, int64_t n) {
    double off = 0;
    for (int32_t c = 0; c < s->n_corner; c++) {
        const double *DUR_RESTRICT move = s->move + c * n;
        for (int64_t i = 0; i < n; i++) off += move[i] != move[0] ? 1.0 : 0.0;
        s->same[c] = (int64_t)move[0];
    }
    s->is_same = off == 0;
}

/// Where the belief about private p is after it has shifted: shift is [n_type - 1] rows, `row_stride` apart. A shift of
/// exactly 0 keeps all weight where it is.
static inline BeliefSplit belief_split(const Lattice *l, int32_t p, const LatticeBlock *view,
                                       const double *DUR_RESTRICT shift, int64_t row_stride, double *DUR_RESTRICT room) {
    const LatticePrivate *lp = &l->private[p];
    int64_t n = l->n_lane, stride = l->stride[l->model->private[p].variable];
    int32_t here = view->node[l->model->private[p].variable];
    BeliefSplit s = {.n_corner = lp->n_type, .move = room, .weight = room + lp->n_type * n};
    if (lp->n_type == 2) {
        double *DUR_RESTRICT low = s.move, *DUR_RESTRICT high = s.move + n;
        double *DUR_RESTRICT low_weight = s.weight, *DUR_RESTRICT high_weight = s.weight + n;
        double last = lp->n_step, step = (double)stride;
        for (int64_t i = 0; i < n; i++) {
            double at = here + shift[i] * last;
            at = at > 0 ? at : 0.0;
            at = at < last ? at : last;
            double whole = (double)(int64_t)at, up = at - whole;
            low[i] = (whole - here) * step;
            high[i] = low[i] + (whole < last ? step : 0.0);
            high_weight[i] = up;
            low_weight[i] = 1.0 - up;
        }
        belief_split_compare(&s, n);
        return s;
    }
    for (int64_t i = 0; i < n; i++) {
        double by[MODEL_TYPES_MAX], weight[MODEL_TYPES_MAX];
        int32_t node[MODEL_TYPES_MAX];
        for (int32_t t = 0; t < lp->n_type - 1; t++) by[t] = shift[t * row_stride + i];
        int32_t n_corner = lattice_shift_belief(lp, here, by, node, weight);
        for (int32_t c = 0; c < lp->n_type; c++) {
            s.move[c * n + i] = c < n_corner ? (double)((node[c] - here) * stride) : 0.0;
            s.weight[c * n + i] = c < n_corner ? weight[c] : 0.0;
        }
    }
    return s;
}

/// As jump_mean, where the belief goes to its posterior besides.
static inline void belief_mean(const Lattice *l, const LatticeJump *jump, const LatticeBlock *view, const BeliefSplit *s,
                               const double *DUR_RESTRICT x, double *DUR_RESTRICT out) {
    int64_t n = l->n_lane;
    const double *at = x + view->first;
    if (jump->inner) {
        for (int64_t i = 0; i < n; i++) out[i] = 0.0;
        for (int32_t b = 0; b < jump->n_branch; b++) add_branch(l, &jump->branch[b], view, s->n_corner, s->move, s->weight, at, out);
        return;
    }
    bool first = true;
    for (int32_t b = 0; b < jump->n_branch; b++) {
        const LatticeBranch *branch = &jump->branch[b];
        // every target is a constant shift of the whole block
        int64_t move = 0, step[MODEL_VARIABLES_MAX];
        double up[MODEL_VARIABLES_MAX];
        int32_t n_split = 0;
        for (int32_t k = 0; k < branch->n_shift; k++) {
            const LatticeShift *shift = &branch->shift[k];
            move += (int64_t)*lattice_row(l, &shift->move, view);
            double share = shift->has_split ? *lattice_row(l, &shift->up, view) : 0.0;
            if (share == 0.0) continue;
            up[n_split] = share;
            step[n_split++] = l->stride[shift->variable];
        }
        for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
            double w = branch->weight;
            int64_t by = move;
            for (int32_t k = 0; k < n_split; k++) {
                bool is_up = corner >> k & 1;
                w *= is_up ? up[k] : 1.0 - up[k];
                if (is_up) by += step[k];
            }
            const double *from = at + by;
            for (int32_t c = 0; c < s->n_corner; c++) {
                const double *DUR_RESTRICT to = s->move + c * n, *DUR_RESTRICT share = s->weight + c * n;
                const double *DUR_RESTRICT there = from + (s->is_same ? s->same[c] : 0);
                if (s->is_same && first) for (int64_t i = 0; i < n; i++) out[i] = w * share[i] * there[i];
                else if (s->is_same)     for (int64_t i = 0; i < n; i++) out[i] += w * share[i] * there[i];
                else if (first) for (int64_t i = 0; i < n; i++) out[i] = w * share[i] * from[i + (int64_t)to[i]];
                else            for (int64_t i = 0; i < n; i++) out[i] += w * share[i] * from[i + (int64_t)to[i]];
                first = false;
            }
        }
    }
}

/// The ways of the belief about private p in silence: to neighbouring nodes at rates that make its mean follow `drift`
/// ([n_type - 1] rows `row_stride` apart, per scenario unit). What some types lose others gain, types in order; each part
/// moves along an edge of the lattice. For two types that is the upwind rule of stocks.
typedef struct BeliefDrift {
    int32_t n_way;
    int64_t step[BELIEF_DRIFT_ROWS];   // [n_way] shift of the state
    double *rate;                      // [n_way] rows
} BeliefDrift;

static inline BeliefDrift belief_drift(const Lattice *l, int32_t p, const LatticeBlock *view,
                                       const double *DUR_RESTRICT drift, int64_t row_stride, double *DUR_RESTRICT room) {
    const LatticePrivate *lp = &l->private[p];
    int64_t n = l->n_lane, stride = l->stride[l->model->private[p].variable];
    int32_t here = view->node[l->model->private[p].variable], n_type = lp->n_type;
    const int32_t *neighbour = lp->neighbour + (int64_t)here * n_type * n_type;
    BeliefDrift d = {.n_way = 0, .rate = room};
    int32_t way[BELIEF_DRIFT_ROWS];
    for (int32_t k = 0; k < n_type * n_type; k++) {
        way[k] = neighbour[k] < 0 ? -1 : d.n_way;
        if (neighbour[k] >= 0) d.step[d.n_way++] = (neighbour[k] - here) * stride;
    }
    if (n_type == 2) {
        double last = lp->n_step;
        for (int32_t k = 1; k <= 2; k++) {
            if (way[k] < 0) continue;
            double *DUR_RESTRICT rate = d.rate + way[k] * n, sign = k == 1 ? last : -last;
            for (int64_t i = 0; i < n; i++) rate[i] = sign * drift[i] > 0 ? sign * drift[i] : 0.0;
        }
        return d;
    }
    for (int64_t i = 0; i < d.n_way * n; i++) d.rate[i] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double gain[MODEL_TYPES_MAX], sum = 0;
        for (int32_t t = 1; t < n_type; t++) {
            gain[t] = drift[(t - 1) * row_stride + i];
            sum += gain[t];
        }
        gain[0] = -sum;
        int32_t from = 0, to = 0;
        for (;;) {
            while (from < n_type && !(gain[from] < 0)) from++;
            while (to < n_type && !(gain[to] > 0)) to++;
            if (from == n_type || to == n_type) break;
            double part = gain[to] < -gain[from] ? gain[to] : -gain[from];
            int32_t w = way[from * n_type + to];
            if (w >= 0) d.rate[w * n + i] = part * lp->n_step;
            gain[from] = gain[from] + part < 0 ? gain[from] + part : 0.0;
            gain[to] = gain[to] - part > 0 ? gain[to] - part : 0.0;
        }
    }
    return d;
}

#endif
