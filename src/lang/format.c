// The canonical layout. It works on tokens with the roles that the parser gave them, so that comments stay where they
// are and nothing that the tree forgets is lost.
//
// What the author decides: which lines are blank (one at most), whether a block of clauses is on one line, and which
// clauses of an open block share a line. All else is fixed here: space, indents, breaks in long lines, columns.
//
// First the tokens are dealt out to lines, each line a row of cells; then rows of lines that belong together get their
// cells into columns; then comments at the ends of neighbouring lines.

#include "base/memory.h"
#include "lang/parse.h"
#include "lang/parser.h"

#include <string.h>

/// Columns of a line; only a single word or text can go beyond.
#define LINE_WIDTH 110
#define INDENT 2
#define INDENT_MORE 4       // of a line that goes on with a clause
#define COLUMN_MOST 32      // keywords and names of terms wider than this are not put into columns
#define CELLS_MOST 6

typedef struct Line {
    int32_t indent;
    int32_t n_cell;                  // 0: blank, or a comment alone
    int32_t cell[CELLS_MOST + 1];    // cell k is tokens cell[k] .. cell[k+1]-1
    char    type[CELLS_MOST];        // what the cell is; cells of one type go into one column
    int32_t family;                  // lines of one family have common columns; negative: none
    bool    must_fit;                // a block on one line: no columns rather than a break
    bool    has_semicolon;           // the next clause would read as going on with this one
    const char *comment;             // at the end of the line, or all of it; borrowed, NULL if none
    size_t  n_comment;
    size_t  start, end;              // in `body`, once written
    int     width;                   // of its last row there
} Line;

typedef struct Format {
    const char *text;                // the scenario
    size_t  n;
    const TraceToken *token;
    int32_t n_token;
    Line   *line;                    // owned
    int32_t n_line, capacity;
    int32_t n_family;
    bool    is_fresh;                // at the start of the file or of a block: no blank line here
    bool    failed;
    Text    body;                    // lines without the comments at their ends
} Format;

// ---- tokens ------------------------------------------------------------------------------------------------------

static bool is_skipped(const Format *f, int32_t i) {
    const TraceToken *t = &f->token[i];
    if (t->role == ROLE_SEPARATOR) return true;
    // the comma behind the last item of a list
    if (t->kind != TOKEN_COMMA || i + 1 >= f->n_token) return false;
    TokenKind next = f->token[i + 1].kind;
    return next == TOKEN_CLOSE_BRACE || next == TOKEN_CLOSE_PAREN;
}

static bool is_clause_start(const TraceToken *t) {
    return t->role == ROLE_CLAUSE || t->role == ROLE_ITEM || t->is_item;
}

static bool stands_apart(const TraceToken *t) { return t->role == ROLE_WORD || t->role == ROLE_SIGN; }

static bool is_product(const TraceToken *t) { return t->kind == TOKEN_TIMES || t->kind == TOKEN_DIVIDE; }

// a * or / keeps off from words, signs and braces at its sides; the rule of ast_print_expression
static bool is_wide_product(const Format *f, int32_t i) {
    return (i + 1 < f->n_token && stands_apart(&f->token[i + 1])) ||
           (i > 0 && f->token[i - 1].kind == TOKEN_CLOSE_BRACE);
}

// what stands between token i and the one printed before it
static const char *gap_before(const Format *f, int32_t i, int32_t before) {
    const TraceToken *t = &f->token[i], *b = &f->token[before];
    if (b->role == ROLE_OPEN || t->role == ROLE_CLOSE) return " ";
    if (is_clause_start(t)) return t->role == ROLE_CLAUSE || t->kind == TOKEN_STRING ? "  " : "; ";
    if (t->role == ROLE_PLACE || b->role == ROLE_SIGN || t->role == ROLE_CALL) return "";
    switch (t->kind) {
    case TOKEN_COMMA: case TOKEN_COLON: case TOKEN_CLOSE_PAREN: case TOKEN_CLOSE_SQUARE: case TOKEN_RANGE:
    case TOKEN_POWER:
        return "";
    default: break;
    }
    switch (b->kind) {
    case TOKEN_OPEN_PAREN: case TOKEN_OPEN_SQUARE: case TOKEN_RANGE: case TOKEN_POWER: return "";
    case TOKEN_OPEN_BRACE: return t->kind == TOKEN_CLOSE_BRACE ? "" : " ";
    default: break;
    }
    if (is_product(t)) return is_wide_product(f, i) ? " " : "";
    if (is_product(b)) return is_wide_product(f, before) ? " " : "";
    return " ";
}

static int token_width(const Format *f, int32_t i) {
    return text_width(f->text + f->token[i].offset, f->token[i].size);
}

static void put_token(Format *f, int32_t i) {
    text_append_n(&f->body, f->text + f->token[i].offset, f->token[i].size);
}

// width of tokens a .. b-1 on one line; no more is found out than that it is more than `most`
static int flat_width(const Format *f, int32_t a, int32_t b, int most) {
    int width = 0;
    int32_t before = -1;
    for (int32_t i = a; i < b && width <= most; i++) {
        if (is_skipped(f, i)) continue;
        if (before >= 0) width += (int)strlen(gap_before(f, i, before));
        width += token_width(f, i);
        before = i;
    }
    return width;
}

// ---- comments ----------------------------------------------------------------------------------------------------

// the text between token i-1 and token i (or the end of the file)
static void gap_of(const Format *f, int32_t i, size_t *from, size_t *to) {
    *from = i > 0 ? f->token[i - 1].offset + f->token[i - 1].size : 0;
    *to = i < f->n_token ? f->token[i].offset : f->n;
}

// the next comment of a gap, or NULL; *n_newline counts the ends of lines before it
static const char *next_comment(const Format *f, size_t *from, size_t to, size_t *n, int *n_newline) {
    *n_newline = 0;
    for (size_t i = *from; i < to; i++) {
        char c = f->text[i];
        if (c == '\n' || (c == '\r' && f->text[i + 1] != '\n')) ++*n_newline;
        if (c != '#') continue;
        size_t end = i + strcspn(f->text + i, "\r\n");
        *from = end;
        while (end > i && (f->text[end - 1] == ' ' || f->text[end - 1] == '\t')) end--;
        *n = end - i;
        return f->text + i;
    }
    *from = to;
    return NULL;
}

// a comment in a gap behind the first token of a .. b-1
static bool has_comment(const Format *f, int32_t a, int32_t b) {
    for (int32_t i = a + 1; i < b; i++) {
        size_t from, to;
        gap_of(f, i, &from, &to);
        if (memchr(f->text + from, '#', to - from)) return true;
    }
    return false;
}

// ---- dealing tokens out to lines ---------------------------------------------------------------------------------

static Line *add_line(Format *f, int32_t indent) {
    if (f->n_line == f->capacity) {
        int32_t capacity = f->capacity ? 2 * f->capacity : 256;
        Line *line = memory_resize(f->line, (size_t)capacity * sizeof *line);
        if (!line) {
            f->failed = true;
            return NULL;
        }
        f->line = line;
        f->capacity = capacity;
    }
    Line *line = &f->line[f->n_line++];
    *line = (Line){.indent = indent, .family = -1};
    f->is_fresh = false;
    return line;
}

// the comments and blank lines before token i
static void add_gap(Format *f, int32_t i, int32_t indent, bool no_blank) {
    size_t from, to, n;
    gap_of(f, i, &from, &to);
    int n_newline;
    bool at_line_end = i > 0 && f->n_line > 0;
    for (const char *comment; (comment = next_comment(f, &from, to, &n, &n_newline));) {
        Line *last = at_line_end ? &f->line[f->n_line - 1] : NULL;
        if (n_newline == 0 && last && last->n_cell > 0 && !last->comment) {
            last->comment = comment;
            last->n_comment = n;
        } else {
            if (n_newline > 1 && !f->is_fresh) add_line(f, 0);
            Line *line = add_line(f, indent);
            if (!line) return;
            line->comment = comment;
            line->n_comment = n;
        }
        at_line_end = false;
    }
    if (n_newline > 1 && !f->is_fresh && !no_blank && i < f->n_token) add_line(f, 0);
}

static void add_cell(Line *line, int32_t from, char type) {
    if (line->n_cell == CELLS_MOST) return;
    line->type[line->n_cell] = type;
    line->cell[line->n_cell++] = from;
}

// a clause, or several that share a line: the keyword, then the rest
static void add_clauses(Format *f, int32_t a, int32_t b, int32_t indent, int32_t family) {
    Line *line = add_line(f, indent);
    if (!line) return;
    const TraceToken *t = &f->token[a];
    bool has_keyword = (t->role == ROLE_CLAUSE || (t->role == ROLE_ITEM && t->kind == TOKEN_NAME)) && a + 1 < b;
    line->family = family;
    add_cell(line, a, 'k');
    if (has_keyword && !is_clause_start(&f->token[a + 1]) && !has_comment(f, a, a + 2)) add_cell(line, a + 1, 'v');
    line->cell[line->n_cell] = b;
}

// first token behind `i` that starts a clause or declaration, separates or closes, before `end`
static int32_t clause_end(const Format *f, int32_t i, int32_t end) {
    for (i++; i < end; i++) {
        const TraceToken *t = &f->token[i];
        if (is_clause_start(t) || t->role == ROLE_SEPARATOR || t->role == ROLE_DECLARATION) break;
    }
    return i;
}

static void add_declaration(Format *f, int32_t a, int32_t b, int32_t indent);
static int32_t declaration_end(const Format *f, int32_t i, int32_t end);

static void add_block(Format *f, int32_t i, int32_t end, int32_t indent, AstDeclarationKind kind) {
    // in these each clause has a line of its own
    bool is_open = kind == AST_SCENARIO_DECLARATION || kind == AST_ACTOR_DECLARATION || kind == AST_PAYOFF_DECLARATION;
    int32_t family = f->n_family++, last_clause = -1;
    f->is_fresh = true;
    while (i < end && !f->failed) {
        const TraceToken *t = &f->token[i];
        // a blank line belongs before a clause, not before its semicolon
        add_gap(f, i, indent, t->role == ROLE_SEPARATOR);
        if (t->role == ROLE_SEPARATOR) {
            i++;
            continue;
        }
        if (t->role == ROLE_DECLARATION) {
            int32_t next = declaration_end(f, i, end);
            add_declaration(f, i, next, indent);
            i = next;
            continue;
        }
        // an item that starts with a sign would go on with the clause before it
        if (t->kind == TOKEN_MINUS && last_clause >= 0) f->line[last_clause].has_semicolon = true;

        // the clauses that share the line; the citation of a payoff's term always does
        int32_t first = clause_end(f, i, end), last = first;
        bool is_term = kind == AST_PAYOFF_DECLARATION && t->role == ROLE_ITEM;
        if (is_term && last < end && f->token[last].role == ROLE_CLAUSE && !f->token[last].line_first)
            first = last = clause_end(f, last, end);
        for (int32_t next = last; !is_open && next < end;) {
            while (next < end && f->token[next].role == ROLE_SEPARATOR && !f->token[next].line_first) next++;
            if (next == end || f->token[next].line_first || !is_clause_start(&f->token[next])) break;
            if (f->token[next].kind == TOKEN_MINUS) break;
            last = next = clause_end(f, next, end);
        }
        bool fits = !has_comment(f, i, last) && indent + flat_width(f, i, last, LINE_WIDTH) <= LINE_WIDTH;
        int32_t stop = fits ? last : first;
        add_clauses(f, i, stop, indent, family);
        last_clause = f->n_line - 1;
        i = stop;
    }
}

static int32_t declaration_end(const Format *f, int32_t i, int32_t end) {
    int depth = 0;
    for (i++; i < end; i++) {
        const TraceToken *t = &f->token[i];
        if (t->role == ROLE_OPEN) depth++;
        if (t->role == ROLE_CLOSE) depth--;
        if (depth > 0) continue;
        if (t->role == ROLE_DECLARATION || t->role == ROLE_SEPARATOR) break;
        // a clause on a line of its own is one of the rival around
        if (is_clause_start(t) && t->line_first) break;
    }
    return i;
}

// the head in cells: keyword and name, `of ACTOR`, description, value, list of values; `end` is where they end
static void add_head(Format *f, Line *line, int32_t a, int32_t end) {
    add_cell(line, a, 'n');
    bool has_list = false;
    for (int32_t i = a + 1; i < end; i++) {
        const TraceToken *t = &f->token[i];
        if (t->role == ROLE_OF) add_cell(line, i, 'o');
        else if (t->role == ROLE_TEXT) add_cell(line, i, 't');
        else if (t->role == ROLE_VALUE || t->role == ROLE_CLAUSE) break;
        else if (t->kind == TOKEN_OPEN_BRACE && !has_list) {
            add_cell(line, i, 'b');
            has_list = true;
        }
    }
    for (int32_t i = a + 1; i < end; i++)
        if (f->token[i].role == ROLE_VALUE) add_cell(line, i, 'v');
}

static void add_declaration(Format *f, int32_t a, int32_t b, int32_t indent) {
    // the block of clauses, if there is one
    int32_t open = a, close = b - 1;
    while (open < b && f->token[open].role != ROLE_OPEN) open++;
    while (close > open && f->token[close].role != ROLE_CLOSE) close--;
    Spelling word = {{0}};
    size_t n = f->token[a].size < sizeof word.text ? f->token[a].size : 0;
    memcpy(word.text, f->text + f->token[a].offset, n);
    AstDeclarationKind kind = grammar_declaration(word.text);

    bool is_flat = true;
    if (open < b) {
        bool is_open = kind == AST_SCENARIO_DECLARATION || kind == AST_ACTOR_DECLARATION ||
                       kind == AST_PAYOFF_DECLARATION || kind == AST_RIVAL_DECLARATION;
        is_flat = !(is_open && close > open + 1) && !has_comment(f, a, b) &&
                  indent + flat_width(f, a, b, LINE_WIDTH) <= LINE_WIDTH;
        for (int32_t i = open + 1; i <= close && close > open + 1; i++) {
            const TraceToken *t = &f->token[i];
            if (t->line_first && (is_clause_start(t) || t->role == ROLE_CLOSE)) is_flat = false;
        }
    }
    Line *line = add_line(f, indent);
    if (!line) return;
    if (is_flat) {
        // tables of declarations of one kind, line under line
        line->family = -2 - (int32_t)kind;
        line->must_fit = open < b;
        if (has_comment(f, a, b)) {
            add_cell(line, a, 'n');
        } else {
            add_head(f, line, a, open);
            if (open < b) add_cell(line, open, 'b');
        }
        line->cell[line->n_cell] = b;
        return;
    }
    add_cell(line, a, 'n');
    line->cell[1] = open + 1;
    add_block(f, open + 1, close, indent + INDENT, kind);
    // what closes is not fresh even if the block holds nothing but space
    add_gap(f, close, indent + INDENT, true);
    line = add_line(f, indent);
    if (!line) return;
    add_cell(line, close, 'n');
    line->cell[1] = b;
}

// ---- writing -----------------------------------------------------------------------------------------------------

static void new_row(Format *f, int indent) {
    text_char(&f->body, '\n');
    text_repeat(&f->body, ' ', indent);
}

// may a line end before token i? Operators that start a line carry the clause on, and a comma at its end does
static bool can_break(const Format *f, int32_t i, int32_t before) {
    const TraceToken *t = &f->token[i];
    if (f->token[before].kind == TOKEN_COMMA) return true;
    if (t->role == ROLE_SIGN) return false;
    switch (t->kind) {
    case TOKEN_PLUS: case TOKEN_MINUS: case TOKEN_EQUAL: case TOKEN_NOT_EQUAL: case TOKEN_LESS: case TOKEN_LESS_EQUAL:
    case TOKEN_GREATER: case TOKEN_GREATER_EQUAL:
        return true;
    case TOKEN_NAME:
        return t->role == ROLE_NONE && ((t->size == 3 && strncmp(f->text + t->offset, "and", 3) == 0) ||
                                        (t->size == 2 && strncmp(f->text + t->offset, "or", 2) == 0));
    default: return false;
    }
}

static int depth_change(TokenKind kind) {
    switch (kind) {
    case TOKEN_OPEN_PAREN: case TOKEN_OPEN_SQUARE: case TOKEN_OPEN_BRACE: return 1;
    case TOKEN_CLOSE_PAREN: case TOKEN_CLOSE_SQUARE: case TOKEN_CLOSE_BRACE: return -1;
    default: return 0;
    }
}

// Where to break a .. b-1, the first of which stands at `column`: the latest place in the fewest brackets that leaves
// the line neither too long nor nearly empty; b if all of it fits.
static int32_t break_of(const Format *f, int32_t a, int32_t b, int column) {
    int32_t best = -1, before = -1, first = -1;
    int best_depth = 0, depth = 0, start = column;
    bool best_is_filled = false;
    for (int32_t i = a; i < b; i++) {
        if (is_skipped(f, i)) continue;
        int change = depth_change(f->token[i].kind);
        if (change < 0) depth += change;
        if (before >= 0) {
            if (can_break(f, i, before)) {
                if (first < 0) first = i;
                bool is_filled = column - start >= LINE_WIDTH / 4;
                if (column <= LINE_WIDTH && (best < 0 || (is_filled && (!best_is_filled || depth <= best_depth)))) {
                    best = i;
                    best_depth = depth;
                    best_is_filled = is_filled;
                }
            }
            column += (int)strlen(gap_before(f, i, before));
        }
        column += token_width(f, i);
        if (change > 0) depth += change;
        if (column > LINE_WIDTH && first >= 0) return best >= 0 ? best : first;
        before = i;
    }
    return b;
}

// tokens a .. b-1 without a comment among them
static int put_segment(Format *f, int32_t a, int32_t b, int column, int indent) {
    while (a < b && is_skipped(f, a)) a++;
    while (a < b) {
        int32_t stop = break_of(f, a, b, column), before = -1;
        for (int32_t i = a; i < stop; i++) {
            if (is_skipped(f, i)) continue;
            if (before >= 0) {
                const char *gap = gap_before(f, i, before);
                text_append(&f->body, gap);
                column += (int)strlen(gap);
            }
            put_token(f, i);
            column += token_width(f, i);
            before = i;
        }
        a = stop;
        if (a < b) {
            new_row(f, indent);
            column = indent;
        }
    }
    return column;
}

// tokens a .. b-1 with the comments among them, each of which ends a row; returns the width of the last row
static int put_range(Format *f, int32_t a, int32_t b, int column, int indent) {
    int32_t from = a;
    for (int32_t i = a + 1; i < b; i++) {
        size_t at, to, n;
        int n_newline;
        gap_of(f, i, &at, &to);
        const char *comment = next_comment(f, &at, to, &n, &n_newline);
        if (!comment) continue;
        column = put_segment(f, from, i, column, indent);
        for (; comment; comment = next_comment(f, &at, to, &n, &n_newline)) {
            if (n_newline == 0) text_append(&f->body, "  ");
            else new_row(f, indent);
            text_append_n(&f->body, comment, n);
        }
        new_row(f, indent);
        column = indent;
        from = i;
    }
    return put_segment(f, from, b, column, indent);
}

static int cell_width(const Format *f, const Line *line, int k) {
    return flat_width(f, line->cell[k], line->cell[k + 1], LINE_WIDTH);
}

// true if the cells that both have are of the same types
static bool agree(const Line *a, const Line *b) {
    int n = a->n_cell < b->n_cell ? a->n_cell : b->n_cell;
    return memcmp(a->type, b->type, (size_t)n) == 0;
}

static void put_line(Format *f, Line *line, const int *column) {
    line->start = f->body.length;
    if (line->n_cell > 0) {
        text_repeat(&f->body, ' ', line->indent);
        int at = line->indent;
        for (int k = 0; k + 1 < line->n_cell; k++) {
            at = put_segment(f, line->cell[k], line->cell[k + 1], at, line->indent + INDENT_MORE);
            // one space at least, and up to the column if there are columns
            int to = column && column[k] > at + 1 ? column[k] : at + 1;
            text_repeat(&f->body, ' ', to - at);
            at = to;
        }
        int last = line->n_cell - 1;
        at = put_range(f, line->cell[last], line->cell[last + 1], at, line->indent + INDENT_MORE);
        if (line->has_semicolon) {
            text_char(&f->body, ';');
            at++;
        }
        line->width = at;
    }
    line->end = f->body.length;
}

// lines first .. end-1 of one family: columns if they don't make a line too long
static void put_run(Format *f, int32_t first, int32_t end) {
    int width[CELLS_MOST] = {0}, column[CELLS_MOST] = {0};
    for (int32_t i = first; i < end; i++)
        for (int k = 0; k + 1 < f->line[i].n_cell; k++) {
            int w = cell_width(f, &f->line[i], k);
            if (w > width[k]) width[k] = w;
        }
    int at = f->line[first].indent;
    for (int k = 0; k < CELLS_MOST; k++) column[k] = at += width[k] + 1;
    bool fits = f->line[first].family <= -2 || width[0] <= COLUMN_MOST;
    for (int32_t i = first; i < end; i++) {
        const Line *line = &f->line[i];
        int last = line->n_cell - 1;
        int start = last > 0 ? column[last - 1] : line->indent;
        if (line->must_fit && start + cell_width(f, line, last) > LINE_WIDTH) fits = false;
    }
    for (int32_t i = first; i < end; i++) put_line(f, &f->line[i], fits ? column : NULL);
}

static void put_lines(Format *f) {
    for (int32_t i = 0, end; i < f->n_line; i = end) {
        // the run of lines that line i begins, and the one of them with the most cells
        const Line *most = &f->line[i];
        for (end = i + 1; end < f->n_line; end++) {
            const Line *next = &f->line[end];
            if (f->line[i].n_cell == 0 || f->line[i].family == -1 || next->n_cell == 0) break;
            if (next->family != f->line[i].family || next->indent != f->line[i].indent || !agree(most, next)) break;
            if (next->n_cell > most->n_cell) most = next;
        }
        put_run(f, i, end);
    }
}

// the body with its comments, those of neighbouring lines in one column
static void put_comments(Format *f, Text *out) {
    int32_t end = 0;
    int column = 0;
    for (int32_t i = 0; i < f->n_line; i++) {
        const Line *line = &f->line[i];
        if (i == end) {
            column = 0;
            for (end = i; end < f->n_line && f->line[end].n_cell > 0 && f->line[end].comment; end++)
                if (f->line[end].width + 2 > column) column = f->line[end].width + 2;
            if (end == i) end = i + 1;
        }
        if (line->end > line->start) text_append_n(out, f->body.data + line->start, line->end - line->start);
        if (line->comment) {
            text_repeat(out, ' ', line->n_cell > 0 ? column - line->width : line->indent);
            text_append_n(out, line->comment, line->n_comment);
        }
        text_char(out, '\n');
    }
}

DurStatus lang_format(Text *formatted, const char *path, const char *text, size_t n, Compilation *faults,
                      DurError *error) {
    text_clear(formatted);
    Trace trace = {0};
    AstFile file = {0};
    Format f = {.is_fresh = true};
    DurStatus status = compilation_start(faults);
    Ast ast = {.arena = faults->arena};
    if (status == DUR_OK) status = parser_read(faults, &ast, path, text, n, &trace, &file);
    diagnostics_sort(&faults->diagnostics);
    if (status == DUR_OK && faults->diagnostics.n_error == 0) {
        f.text = faults->file[0].data;
        f.n = n;
        f.token = trace.item;
        f.n_token = trace.n;
        // a byte order mark is no comment and no token
        for (int32_t i = 0; i < f.n_token && !f.failed;) {
            bool is_separator = f.token[i].role == ROLE_SEPARATOR;
            add_gap(&f, i, 0, is_separator);
            int32_t next = is_separator ? i + 1 : declaration_end(&f, i, f.n_token);
            if (!is_separator) add_declaration(&f, i, next, 0);
            i = next;
        }
        if (!f.failed) add_gap(&f, f.n_token, 0, true);
        if (!f.failed) put_lines(&f);
        if (!f.failed) put_comments(&f, formatted);
        if (f.failed || f.body.failed || formatted->failed) status = DUR_MEMORY;
    }
    text_free(&f.body);
    memory_free(f.line);
    memory_free(trace.item);
    if (status != DUR_OK) text_clear(formatted);
    return status == DUR_MEMORY ? status_fail(error, DUR_MEMORY, "out of memory while formatting") : status;
}
