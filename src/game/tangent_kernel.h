/// The kernels of tangent.h, one table for each vector width, and the tables that they read.
#ifndef GAME_TANGENT_KERNEL_H
#define GAME_TANGENT_KERNEL_H

#include "game/sweep_kernel.h"
#include "game/sweep_types_kernel.h"

/// A stretch of lanes that flows to states a constant shift away, at a rate of lane[i] * weight (lane NULL: weight).
typedef struct TangentFlow {
    int64_t shift;
    const float *lane;
    float   weight;
    int32_t from, to;          // lanes
    int32_t n_corner;          // > 0: targets depend on the lane, and these are they; shift is unused
    int64_t corner;            // first
} TangentFlow;

/// Where a jump leads: some states on, with a weight that is the same in all lanes, or one for each lane.
typedef struct TangentCorner {
    int64_t shift;
    float  *lane;              // [n_lane + 16], 0 but in lanes from .. to-1; NULL: `weight` in every lane
    float   weight;
    int32_t from, to;
} TangentCorner;

/// A move that leads from one combination of modes to another, stocks unchanged.
typedef struct TangentWay {
    int32_t row;               // first of its coefficient rows in the mode's
    int32_t target;            // combination of modes
} TangentWay;

/// A move that can be made in a cell.
typedef struct TangentSite {
    int32_t jump, actor;
    int32_t row;               // first of its coefficient rows in the mode's
    int32_t target;            // combination of modes it leads to, stocks unchanged; -1: stocks move too
    int32_t n_corner;          // where stocks move: its targets
    int64_t corner;            // first
    // with private types: those of the mover, and their first row of values; and of a signal, the node of the belief here, how far
    // apart in states two nodes are, and which of the mode's signals it is
    int32_t n_type, first, here, span;
    int64_t step;
    bool    is_signal;
} TangentSite;

/// Values of one type flow to those of another of the same actor, which it may become.
typedef struct TangentTurn {
    int32_t from, to;          // rows of values
    const float *lane;         // rates, or NULL: `one`
    float   one;
} TangentTurn;

/// One combination of modes at one block of stock nodes. Its flows come in three kinds, one after the other: from all lanes at
/// one rate; from all lanes at rates of their own, which may be 0 where a flow would lead out of the block; the rest. Where lines are solved, flows inside a block are kept apart: those
/// along its line, and those from other lines, all at rates of their own.
typedef struct TangentCell {
    int64_t flow, site;        // first
    int32_t n_flat, n_uneven, n_rest, n_across;
    int32_t n_site, n_turn, n_way;
    int64_t turn, way;         // first; the ways are those of its sites that leave stocks unchanged, in their order
    const float *up, *down;    // [n_lane + 16] rates along the line; NULL: lines are not solved
} TangentCell;

/// All borrowed. Coefficients lie in the order in which a sweep reads them: block by block of stock nodes, mode by mode, group
/// by group of sixteen lanes (of fewer where a block has fewer), and then row by row: 1/D of every actor, then for each
/// move W and the C of every actor. A group never reaches over the end of a line: the last of a line is filled up with zeros.
/// Where lines are solved, the first rows hold the pivots of their elimination in place of 1/D. With private types (rows of values
/// in place of actors) the drift of every belief follows, in nodes; and for each move W as others see it and by type, where a
/// signal leads on the axis of the belief, and the C of every row for what each type gains: tangent_*_row below.
typedef struct TangentJob {
    const Lattice *lattice;
    SweepJob choice;           // rule, possible moves, precision scale, values
    TypesJob types;            // the same where there are private types
    double *shift;             // shifts of beliefs, behind the values, settled by taking
    int32_t n_value;           // rows of values
    int32_t n_span;            // signals of all combinations of modes
    const int32_t *mode_span;  // [n_mode_state] first signal of each
    const int32_t *move_span;  // [n_jump x n_mode_state] which of its mode's signals a move is; -1: none
    int16_t *span;             // first and last node that the lanes of a group go to, see tangent_span
    const int32_t *node;       // [n_block x n_private] node of each belief
    const TangentTurn *turn;
    int64_t n_block;           // of stock nodes
    int64_t n_row;             // coefficient rows of a block
    int64_t group, n_lane;     // lanes of a group, and of a block rounded up to whole groups of every line
    int64_t line, n_line;      // lanes of a line, the nodes of the innermost stock where lines are solved, else of a block
    int64_t line_group;        // groups of a line
    int32_t line_stock;        // the stock along which lines are solved, -1: none
    const int32_t *lane;       // [n_line x line_group] first lane of each group
    const int32_t *mode_row;   // [n_mode_state + 1] first row of a combination of modes
    const int32_t *move_row;   // [n_jump x n_mode_state] first row of a move within its mode's; -1: never made there
    const TangentCell *cell;   // [n_block x n_mode_state]
    const TangentFlow *flow;
    const TangentSite *site;
    const TangentCorner *corner;
    const TangentWay *way;
    float *coefficient;        // [n_block x n_row x n_lane], and sixteen to spare
    float *miss, *slope;       // tangent_take: [n_value x n_state], slope may be NULL
    const float *right;        // tangent_sweep: [n_value x n_state] or NULL
    const float *d;            // [n_value x n_state]
} TangentJob;

typedef struct TangentKernel {
    /// One combination of modes at one block of stock nodes; returns the largest |F|. room: doubles, tangent_room().
    double (*take)(const TangentJob *job, int64_t block, int64_t mode, double *room);
    /// Groups of lanes from .. to-1 of one block of stock nodes, all modes; out [n_mode_state x n_value x pad], pad sixteen
    /// for each group. room: the same and a mode's part more. Where lines are solved, all the groups of a block.
    void   (*sweep)(const TangentJob *job, int64_t block, int64_t from, int64_t to, float *out, float *room);
} TangentKernel;

/// Where among the rows of a move its rates stand (own: the type whose row of values it is, -1 for others'), where it leads,
/// and how a row of values bends with what a type gains.
static inline int32_t tangent_rate_row(int32_t n_type, int32_t own) { return n_type == 1 ? 0 : 1 + own; }
static inline int32_t tangent_place_row(int32_t n_type) { return n_type == 1 ? 1 : 1 + n_type; }
static inline int32_t tangent_bend_row(int32_t n_type, bool is_signal, int32_t value, int32_t type) {
    return tangent_place_row(n_type) + is_signal + value * n_type + type;
}

/// Types of an actor that has types.
#define TANGENT_TYPES 2

/// Rows of doubles, a lane each, that taking needs where there are private types.
static inline int64_t tangent_types_rows(int32_t n_value, int32_t n_move) {
    return 5 * n_value + 6 + sweep_types_room(0, n_move) + (int64_t)n_move * (6 * TANGENT_TYPES + 14) + 3 * TANGENT_TYPES * TANGENT_TYPES + 16;
}

/// Where the nodes that a signal of a combination of modes reaches are kept, group by group.
static inline int64_t tangent_span(const TangentJob *job, int64_t block, int64_t mode, int32_t signal, int64_t group) {
    return 2 * ((block * job->n_span + job->mode_span[mode] + signal) * job->n_line * job->line_group + group);
}

extern const TangentKernel tangent_types_kernel_base, tangent_types_kernel_avx2, tangent_types_kernel_avx512;
extern const TangentKernel tangent_kernel_base, tangent_kernel_avx2, tangent_kernel_avx512;

#endif
