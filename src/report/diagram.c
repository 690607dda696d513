#include "report/diagram.h"

#include "report/html.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// beyond these a drawing is a thicket, and the table beside it reads better
#define VARIABLES_MAX 22
#define BOXES_MAX     24
#define ARCS_MAX      70

#define LINES_MAX 8        // names in one box; of more than these the rest are counted
#define WIDTH     960.0
#define FONT      13.0
#define LINE      17.0     // from one name to the next
#define MARGIN    10.0

// left edges and widths of the three columns; behind the last one is room for the arcs
enum { ACTORS, BOXES, VARIABLES };
static const double COLUMN_X[] = {1, 206, 512}, COLUMN_WIDTH[] = {156, 196, 278};
#define ARC_ROOM (WIDTH - 512 - 278 - 8)

typedef struct Node {
    const char *name, *text;   // text: second line, NULL if none
    double y, height;          // of its middle
    double pull;               // where its edges would have it
    bool   is_mode;
} Node;

typedef struct Box {
    int      actor;            // index into Diagram.actor
    uint32_t target;           // mask of variables changed
    uint32_t cause;            // mask of variables that hasten one of its events
    int      n_name;
    const char *name[LINES_MAX];
    bool     is_chance;
    double   y, height;
} Box;

typedef struct Diagram {
    int  n_actor, n_box, n_variable, n_arc;
    int  chance;               // the actor that stands for events; negative: there are none
    Node *actor;
    Box  *box;
    Node *variable;
    struct { int from, to; } arc[ARCS_MAX];
    double height;
} Diagram;

static void *take(Text *out, Arena *arena, size_t n, size_t each) {
    void *p = arena_alloc(arena, n * each);
    if (!p) out->failed = true;
    return p;
}

static int64_t rows(const Frame *frame) { return frame ? frame->n_row : 0; }

static int find_node(int n, const Node *node, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(node[i].name, name) == 0) return i;
    return -1;
}

// ---- what there is ------------------------------------------------------------------------------------------------

static int find_variable(const Diagram *d, const char *name) { return find_node(d->n_variable, d->variable, name); }

static bool gather_variables(Diagram *d, Text *out, Arena *arena, const Report *r) {
    int64_t n = rows(r->modes) + rows(r->stocks);
    if (n == 0 || n > VARIABLES_MAX) return false;
    d->variable = take(out, arena, (size_t)n, sizeof *d->variable);
    if (!d->variable) return false;
    for (int64_t i = 0; i < rows(r->modes); i++)
        d->variable[d->n_variable++] = (Node){.name = frame_text(r->modes, "name", i),
                                              .text = frame_text(r->modes, "values", i), .is_mode = true};
    for (int64_t i = 0; i < rows(r->stocks); i++)
        d->variable[d->n_variable++] = (Node){.name = frame_text(r->stocks, "name", i),
                                              .text = frame_text(r->stocks, "text", i)};
    return true;
}

static uint32_t targets_of(const Diagram *d, const Report *r, const char *jump, const char *kind, bool backwards) {
    uint32_t mask = 0;
    for (int64_t i = 0; i < rows(r->links); i++) {
        const char *from = frame_text(r->links, backwards ? "to" : "from", i);
        if (strcmp(frame_text(r->links, "kind", i), kind) != 0 || strcmp(from, jump) != 0) continue;
        int v = find_variable(d, frame_text(r->links, backwards ? "from" : "to", i));
        if (v >= 0) mask |= 1u << v;
    }
    return mask;
}

// put a move or an event into the box of its actor and targets; false when there are too many boxes
static bool add_jump(Diagram *d, const Report *r, const char *name, int actor, bool is_chance) {
    uint32_t target = targets_of(d, r, name, "changes", false);
    uint32_t cause = is_chance ? targets_of(d, r, name, "hastens", true) : 0;
    Box *box = NULL;
    for (int i = 0; i < d->n_box && !box; i++) {
        Box *b = &d->box[i];
        if (b->actor == actor && b->target == target && b->is_chance == is_chance && (!is_chance || b->cause == cause))
            box = b;
    }
    if (!box) {
        if (d->n_box == BOXES_MAX) return false;
        box = &d->box[d->n_box++];
        *box = (Box){.actor = actor, .target = target, .cause = cause, .is_chance = is_chance};
    }
    if (box->n_name < LINES_MAX) box->name[box->n_name] = name;
    box->n_name++;
    return true;
}

static bool gather_boxes(Diagram *d, Text *out, Arena *arena, const Report *r) {
    int64_t n_move = rows(r->moves), n_event = rows(r->events), n_actor = rows(r->actors);
    if (n_actor + n_move > 4 * BOXES_MAX) return false;
    d->actor = take(out, arena, (size_t)(n_actor + n_move + 1), sizeof *d->actor);
    d->box = take(out, arena, BOXES_MAX, sizeof *d->box);
    if (!d->actor || !d->box) return false;
    for (int64_t i = 0; i < n_actor; i++)
        d->actor[d->n_actor++] = (Node){.name = frame_text(r->actors, "name", i),
                                        .text = frame_text(r->actors, "text", i)};

    // an actor that only its moves know stands behind the others
    for (int64_t i = 0; i < n_move; i++) {
        const char *owner = frame_text(r->moves, "actor", i);
        if (find_node(d->n_actor, d->actor, owner) < 0) d->actor[d->n_actor++] = (Node){.name = owner};
    }

    // boxes actor by actor, so that one actor's levers stand together
    for (int a = 0; a < d->n_actor; a++)
        for (int64_t i = 0; i < n_move; i++)
            if (strcmp(frame_text(r->moves, "actor", i), d->actor[a].name) == 0
                && !add_jump(d, r, frame_text(r->moves, "name", i), a, false)) return false;
    d->chance = -1;
    if (n_event) {
        d->chance = d->n_actor++;
        d->actor[d->chance] = (Node){.name = "chance", .text = "no one\xE2\x80\x99s choice"};
        for (int64_t i = 0; i < n_event; i++)
            if (!add_jump(d, r, frame_text(r->events, "name", i), d->chance, true)) return false;
    }
    return d->n_box > 0;
}

static bool gather_arcs(Diagram *d, const Report *r) {
    for (int64_t i = 0; i < rows(r->links); i++) {
        if (strcmp(frame_text(r->links, "kind", i), "drives") != 0) continue;
        int from = find_variable(d, frame_text(r->links, "from", i));
        int to = find_variable(d, frame_text(r->links, "to", i));
        // a stock's hold on itself is said in its row of the table, not drawn
        if (from < 0 || to < 0 || from == to) continue;
        if (d->n_arc == ARCS_MAX) return false;
        d->arc[d->n_arc].from = from;
        d->arc[d->n_arc++].to = to;
    }
    return true;
}

// ---- where it stands ----------------------------------------------------------------------------------------------

static int lines_of(const Box *b) { return b->n_name < LINES_MAX ? b->n_name : LINES_MAX; }

// centres as near to their pulls as can be, in the order of their pulls, apart by their heights, within [top, bottom]
static void push_apart(int n, Node **node, double gap, double top, double bottom) {
    double edge = top;
    for (int i = 0; i < n; i++) {
        node[i]->y = fmax(node[i]->pull, edge + node[i]->height / 2);
        edge = node[i]->y + node[i]->height / 2 + gap;
    }
    edge = bottom;
    for (int i = n - 1; i >= 0; i--) {
        node[i]->y = fmin(node[i]->y, edge - node[i]->height / 2);
        edge = node[i]->y - node[i]->height / 2 - gap;
    }
}

static bool lay_out(Diagram *d, Text *out, Arena *arena) {
    // boxes from the top down, a wider gap where the actor changes
    double y = MARGIN;
    for (int i = 0; i < d->n_box; i++) {
        Box *b = &d->box[i];
        if (i) y += d->box[i - 1].actor == b->actor ? 12 : 28;
        b->height = LINE * lines_of(b) + 14;
        b->y = y + b->height / 2;
        y += b->height;
    }
    double boxes_end = y, boxes_shift = 0;

    double variables_height = 0;
    for (int i = 0; i < d->n_variable; i++) {
        d->variable[i].height = d->variable[i].text && d->variable[i].text[0] ? 42 : 30;
        variables_height += d->variable[i].height + 13;
    }
    d->height = fmax(boxes_end, variables_height - 13 + MARGIN) + MARGIN;
    boxes_shift = (d->height - MARGIN - boxes_end) / 2;
    for (int i = 0; i < d->n_box; i++) d->box[i].y += boxes_shift;

    // an actor stands beside the middle of its boxes; one without moves goes to the foot
    for (int a = 0; a < d->n_actor; a++) {
        double first = INFINITY, last = -INFINITY;
        for (int i = 0; i < d->n_box; i++)
            if (d->box[i].actor == a) {
                first = fmin(first, d->box[i].y - d->box[i].height / 2);
                last = fmax(last, d->box[i].y + d->box[i].height / 2);
            }
        d->actor[a].height = d->actor[a].text && d->actor[a].text[0] ? 46 : 30;
        d->actor[a].pull = first <= last ? (first + last) / 2 : d->height;
    }

    // a variable is pulled to the mean of the boxes that change it; one that nothing changes follows what it drives
    for (int v = 0; v < d->n_variable; v++) {
        double sum = 0;
        int n = 0;
        for (int i = 0; i < d->n_box; i++)
            if (d->box[i].target >> v & 1) {
                sum += d->box[i].y;
                n++;
            }
        d->variable[v].pull = n ? sum / n : NAN;
    }
    for (int v = 0; v < d->n_variable; v++) {
        if (!isnan(d->variable[v].pull)) continue;
        double sum = 0;
        int n = 0;
        for (int k = 0; k < d->n_arc; k++) {
            int other = d->arc[k].from == v ? d->arc[k].to : d->arc[k].to == v ? d->arc[k].from : -1;
            if (other < 0 || isnan(d->variable[other].pull)) continue;
            sum += d->variable[other].pull;
            n++;
        }
        d->variable[v].pull = n ? sum / n : d->height;
    }

    int n = d->n_variable > d->n_actor ? d->n_variable : d->n_actor;
    Node **order = take(out, arena, (size_t)n, sizeof *order);
    if (!order) return false;
    for (int pass = 0; pass < 2; pass++) {
        int count = pass ? d->n_actor : d->n_variable;
        Node *node = pass ? d->actor : d->variable;
        // stable insertion: equal pulls keep the order of declaration
        for (int i = 0; i < count; i++) {
            int k = i;
            for (; k > 0 && order[k - 1]->pull > node[i].pull; k--) order[k] = order[k - 1];
            order[k] = &node[i];
        }
        push_apart(count, order, 13, MARGIN, d->height - MARGIN);
    }
    return true;
}

// ---- how it looks -------------------------------------------------------------------------------------------------

static void coordinates(Text *out, const char *command, int n, const double *value) {
    text_append(out, command);
    for (int i = 0; i < n; i++) {
        if (i) text_char(out, ' ');
        svg_coordinate(out, value[i]);
    }
}

// a smooth edge between two points, leaving and arriving level; `reach` is how far its handles go
static void edge(Text *out, const char *style, const char *from, const char *to, double x0, double y0, double x1,
                 double y1, double handle0, double handle1, double head) {
    text_printf(out, "<path class=\"edge %s\" data-a=\"%s\" data-b=\"%s\" d=\"", style, from, to);
    const double start[] = {x0, y0}, curve[] = {x0 + handle0, y0, x1 + handle1, y1, x1, y1};
    coordinates(out, "M", 2, start);
    coordinates(out, "C", 6, curve);
    text_append(out, "\"/>\n");
    // the head is a triangle whose point is the end
    if (head != 0) {
        text_printf(out, "<path class=\"head %s\" data-a=\"%s\" data-b=\"%s\" d=\"", style, from, to);
        const double point[] = {x1 + head, y1}, upper[] = {x1, y1 - 4}, lower[] = {x1, y1 + 4};
        coordinates(out, "M", 2, point);
        coordinates(out, "L", 2, upper);
        coordinates(out, "L", 2, lower);
        text_append(out, "Z\"/>\n");
    }
}

static void fitted(Text *out, const char *style, double x, double y, const char *s, double size, double width) {
    text_printf(out, "<text class=\"%s\" x=\"", style);
    svg_coordinate(out, x);
    text_append(out, "\" y=\"");
    svg_coordinate(out, y);
    text_append(out, "\">");
    html_escape_short(out, s, svg_text_fit(s, size, width));
    text_append(out, "</text>\n");
}

static void draw_node(Text *out, const Node *node, int column, char kind, int index, const char *style) {
    double x = COLUMN_X[column], width = COLUMN_WIDTH[column];
    bool two = node->text && node->text[0];
    text_printf(out, "<g class=\"node %s\" data-n=\"%c%d\">\n<title>", style, kind, index);
    html_escape(out, node->name);
    if (two) {
        text_append(out, ": ");
        html_escape(out, node->text);
    }
    text_append(out, "</title>\n");
    svg_rect(out, "", x, node->y - node->height / 2, width, node->height, node->is_mode ? node->height / 2 : 4);
    double inset = node->is_mode ? 18 : 12;
    fitted(out, "name", x + inset, node->y + (two ? -3 : 4.5), node->name, FONT, width - 2 * inset);
    if (two) fitted(out, "more", x + inset, node->y + 13, node->text, FONT - 2, width - 2 * inset);
    text_append(out, "</g>\n");
}

static void draw_box(Text *out, const Box *b, int index) {
    double x = COLUMN_X[BOXES], top = b->y - b->height / 2;
    text_printf(out, "<g class=\"node box%s\" data-n=\"b%d\">\n", b->is_chance ? " chance" : "", index);
    svg_rect(out, "", x, top, COLUMN_WIDTH[BOXES], b->height, 4);
    for (int i = 0; i < lines_of(b); i++) {
        double y = top + 7 + LINE * (i + 0.74);
        if (b->n_name > LINES_MAX && i == LINES_MAX - 1) {
            char more[32];
            snprintf(more, sizeof more, "and %d more", b->n_name - LINES_MAX + 1);
            fitted(out, "more", x + 12, y, more, FONT, COLUMN_WIDTH[BOXES] - 24);
        } else {
            fitted(out, "", x + 12, y, b->name[i], FONT, COLUMN_WIDTH[BOXES] - 24);
        }
    }
    text_append(out, "</g>\n");
}

static double rank_of(const Diagram *d, int v) {
    int rank = 0;
    for (int i = 0; i < d->n_variable; i++) rank += d->variable[i].y < d->variable[v].y;
    return rank;
}

static void draw_edges(Text *out, const Diagram *d) {
    char from[16], to[16];
    const double box_x = COLUMN_X[BOXES], box_end = box_x + COLUMN_WIDTH[BOXES];
    const double actor_end = COLUMN_X[ACTORS] + COLUMN_WIDTH[ACTORS];
    const double variable_x = COLUMN_X[VARIABLES], variable_end = variable_x + COLUMN_WIDTH[VARIABLES];

    // variables driving one another, behind everything: out a little above the middle, in a little below it
    for (int k = 0; k < d->n_arc; k++) {
        int a = d->arc[k].from, b = d->arc[k].to;
        double distance = fabs(rank_of(d, a) - rank_of(d, b));
        double reach = fmin(26 + 19 * distance, ARC_ROOM - 8);
        snprintf(from, sizeof from, "v%d", a);
        snprintf(to, sizeof to, "v%d", b);
        edge(out, "drives", from, to, variable_end, d->variable[a].y - 6, variable_end + 8, d->variable[b].y + 6,
             reach + 8, reach, -8);
    }
    for (int i = 0; i < d->n_box; i++) {
        const Box *b = &d->box[i];
        snprintf(from, sizeof from, "a%d", b->actor);
        snprintf(to, sizeof to, "b%d", i);
        edge(out, b->is_chance ? "owns chance" : "owns", from, to, actor_end, d->actor[b->actor].y, box_x, b->y,
             34, -34, 0);
        for (int v = 0; v < d->n_variable; v++) {
            snprintf(from, sizeof from, "b%d", i);
            snprintf(to, sizeof to, "v%d", v);
            if (b->target >> v & 1)
                edge(out, b->is_chance ? "changes chance" : "changes", from, to, box_end, b->y, variable_x - 8,
                     d->variable[v].y, 52, -52, 8);
            if (b->cause >> v & 1)
                edge(out, "hastens", to, from, variable_x, d->variable[v].y + d->variable[v].height / 2 - 8,
                     box_end + 8, b->y + b->height / 2 - 7, -52, 52, -8);
        }
    }
}

bool diagram_draw(Text *out, Arena *arena, const Report *r, const char *id) {
    Diagram d = {0};
    if (rows(r->links) == 0 || !gather_variables(&d, out, arena, r) || !gather_boxes(&d, out, arena, r)
        || !gather_arcs(&d, r) || !lay_out(&d, out, arena))
        return false;

    svg_begin(out, id, "diagram", WIDTH, d.height, "Who moves what",
              "Actors on the left, their levers beside them, the modes and stocks that these change on the right, "
              "and arcs from each variable to the stocks whose drift depends on it. The table below the drawing says "
              "the same.",
              "");
    draw_edges(out, &d);
    for (int a = 0; a < d.n_actor; a++)
        draw_node(out, &d.actor[a], ACTORS, 'a', a, a == d.chance ? "actor chance" : "actor");
    for (int i = 0; i < d.n_box; i++) draw_box(out, &d.box[i], i);
    for (int v = 0; v < d.n_variable; v++)
        draw_node(out, &d.variable[v], VARIABLES, 'v', v, d.variable[v].is_mode ? "mode" : "stock");
    svg_end(out);
    return true;
}
