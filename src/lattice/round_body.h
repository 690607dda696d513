/// The change of stocks over one block, compiled for each vector width: see round.h. Included by round_base.c and its sisters.
/// The mean over 2^n corners is put together stock by stock, rows at a time: 2^n - 1 means of two instead of 2^n products of n.
#include "lattice/kernel_body.h"
#include "lattice/round_kernel.h"

/// Nodes that one stock's targets may span in a block to be had by one stencil for all lanes; and corners of all stocks.
#define SPAN_MOST 3
#define CORNERS_MOST 512

/// One stock's part of a change in one block: where to, and how much one node further, by lane.
typedef struct ChangeRow {
    const double *move, *up;
    int64_t by_lane, stride;     // 1 where the rows go by lane, else 0; states a node
} ChangeRow;

// Mean of x over the corners of lanes from .. to-1, which all go the same way: halves are put together stock by stock, rows at a
// time, so that 2^n corners cost 2^n - 1 means of two. Returns a row whose lane `from` comes first.
static const double *corners(const ChangeRow *row, const double *const *share, const int32_t *split, int32_t n_split,
                             const double *x, int64_t n, double *room, int64_t room_stride) {
    if (n_split == 0) return x;
    const ChangeRow *r = &row[split[n_split - 1]];
    const double *DUR_RESTRICT up = share[n_split - 1];
    double *DUR_RESTRICT out = room + 2 * (n_split - 1) * room_stride;
    const double *low = corners(row, share, split, n_split - 1, x, n, room, room_stride);
    if (n_split > 1) {
        // the lower half is kept beside while the upper one is made in the same rooms
        double *DUR_RESTRICT kept = out + room_stride;
        for (int64_t i = 0; i < n; i++) kept[i] = low[i];
        low = kept;
    }
    const double *high = corners(row, share, split, n_split - 1, x + r->stride, n, room, room_stride);
    for (int64_t i = 0; i < n; i++) out[i] = (1.0 - up[i]) * low[i] + up[i] * high[i];
    return out;
}

// run by run: lanes that go the same way
static void change_by_runs(const Lattice *l, const LatticeBlock *view, double factor, const double *x, double *out, double *room) {
    const LatticeBranch *branch = l->change.branch;
    int64_t n = l->n_lane, room_stride = (n + 15) / 8 * 8;
    ChangeRow row[MODEL_VARIABLES_MAX];
    for (int32_t k = 0; k < branch->n_shift; k++) {
        const LatticeShift *s = &branch->shift[k];
        row[k] = (ChangeRow){lattice_row(l, &s->move, view), lattice_row(l, &s->up, view), s->move.inner,
                             l->stride[s->variable]};
    }
    double *share_room = room + 2 * MODEL_VARIABLES_MAX * room_stride;
    for (int64_t from = 0, to; from < n; from = to) {
        // lanes that move by the same whole nodes, and split in the same stocks
        int64_t move = 0;
        int32_t split[MODEL_VARIABLES_MAX], n_split = 0;
        const double *share[MODEL_VARIABLES_MAX];
        to = n;
        for (int32_t k = 0; k < branch->n_shift; k++) {
            const ChangeRow *r = &row[k];
            int64_t at = from * r->by_lane;
            move += (int64_t)r->move[at];
            bool is_split = r->up[at] != 0.0;
            for (int64_t i = from + 1; r->by_lane && i < to; i++)
                if (r->move[i] != r->move[at] || (r->up[i] != 0.0) != is_split) to = i;
            if (is_split) split[n_split++] = k;
        }
        for (int32_t k = 0; k < n_split; k++) {
            const ChangeRow *r = &row[split[k]];
            double *same = share_room + k * room_stride;
            if (!r->by_lane) for (int64_t i = 0; i < to - from; i++) same[i] = *r->up;
            share[k] = r->by_lane ? r->up + from : same;
        }
        const double *DUR_RESTRICT mean =
            corners(row, share, split, n_split, x + view->first + from + move, to - from, room, room_stride);
        for (int64_t i = from; i < to; i++) out[i] = factor * mean[i - from];
    }
}


/// One stock's stencil: weights of `span` nodes next to one another, by lane.
typedef struct Stencil {
    int32_t span;
    int64_t stride;
    const double *weight[SPAN_MOST];
} Stencil;

// sum over the stencils' nodes; stencil 0 is the innermost and reads x itself
static void stencils(const Stencil *stencil, int32_t n_stencil, const double *x, int64_t n, double *DUR_RESTRICT out,
                     double *room, int64_t room_stride) {
    const Stencil *s = &stencil[n_stencil - 1];
    if (n_stencil == 1) {
        const double *DUR_RESTRICT x0 = x, *DUR_RESTRICT x1 = x + s->stride, *DUR_RESTRICT x2 = x + 2 * s->stride;
        const double *DUR_RESTRICT w0 = s->weight[0], *DUR_RESTRICT w1 = s->weight[1], *DUR_RESTRICT w2 = s->weight[2];
        if (s->span == 2) for (int64_t i = 0; i < n; i++) out[i] = w0[i] * x0[i] + w1[i] * x1[i];
        else              for (int64_t i = 0; i < n; i++) out[i] = (w0[i] * x0[i] + w1[i] * x1[i]) + w2[i] * x2[i];
        return;
    }
    double *DUR_RESTRICT part = room;
    for (int32_t d = 0; d < s->span; d++) {
        const double *DUR_RESTRICT w = s->weight[d];
        stencils(stencil, n_stencil - 1, x + d * s->stride, n, part, room + room_stride, room_stride);
        if (d == 0) for (int64_t i = 0; i < n; i++) out[i] = w[i] * part[i];
        else        for (int64_t i = 0; i < n; i++) out[i] += w[i] * part[i];
    }
}

static void block_change(const Lattice *l, const LatticeBlock *view, double factor, const double *x, double *out, double *room) {
    const LatticeBranch *branch = l->change.branch;
    int64_t n = l->n_lane, room_stride = (n + 15) / 8 * 8, least = 0, most = 0, base = 0, corners_all = 1;
    Stencil stencil[MODEL_VARIABLES_MAX];
    int32_t n_stencil = 0;
    bool fits = true;
    double *next = room + MODEL_VARIABLES_MAX * room_stride;
    for (int32_t k = 0; k < branch->n_shift && fits; k++) {
        const LatticeShift *s = &branch->shift[k];
        const double *move = lattice_row(l, &s->move, view), *up = lattice_row(l, &s->up, view);
        int64_t by_lane = s->move.inner, stride = l->stride[s->variable];
        double low = move[0], high = move[0] + (up[0] != 0.0 ? (double)stride : 0.0);
        for (int64_t i = 1; by_lane && i < n; i++) {
            double top = move[i] + (up[i] != 0.0 ? (double)stride : 0.0);
            low = move[i] < low ? move[i] : low;
            high = top > high ? top : high;
        }
        int64_t span = ((int64_t)high - (int64_t)low) / stride + 1;
        base += (int64_t)low;
        if (stride >= n) { least += (int64_t)low; most += (int64_t)high; }
        corners_all *= span;
        if (span == 1) continue;
        fits = span <= SPAN_MOST && corners_all <= CORNERS_MOST;
        if (!fits) break;
        Stencil *t = &stencil[n_stencil++];
        *t = (Stencil){.span = (int32_t)span, .stride = stride};
        for (int32_t d = 0; d < span; d++, next += room_stride) {
            double *DUR_RESTRICT w = next, node = low + (double)(d * stride), unit = (double)stride;
            if (by_lane) for (int64_t i = 0; i < n; i++)
                w[i] = move[i] == node ? 1.0 - up[i] : move[i] + unit == node ? up[i] : 0.0;
            else for (int64_t i = 0; i < n; i++)
                w[i] = move[0] == node ? 1.0 - up[0] : move[0] + unit == node ? up[0] : 0.0;
            t->weight[d] = w;
        }
        for (int64_t d = span; d < SPAN_MOST; d++) t->weight[d] = t->weight[0];
    }
    // inner stocks may look over the edge of the block, with weight 0: not past the ends of the lattice
    if (!fits || view->block + least / n <= 0 || view->block + most / n >= l->n_block - 1) {
        change_by_runs(l, view, factor, x, out, room);
        return;
    }
    const double *from = x + view->first + base;
    double *sum = next;
    if (n_stencil > 0) stencils(stencil, n_stencil, from, n, sum, room, room_stride);
    const double *DUR_RESTRICT mean = n_stencil > 0 ? sum : from;
    for (int64_t i = 0; i < n; i++) out[i] = factor * mean[i];
}
