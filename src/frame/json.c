#include "frame/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

Json json_make(Text *out) { return (Json){.out = out}; }

static void new_line(Json *j) {
    if (j->compact) return;
    text_char(j->out, '\n');
    text_repeat(j->out, ' ', 2 * j->depth);
}

// what stands between the last item and the next one: nothing behind a key, else a comma, a new line, or both
static void before_item(Json *j) {
    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->has_item[j->depth]) text_append(j->out, j->compact ? ", " : ",");
    if (j->depth > 0) new_line(j);
    j->has_item[j->depth] = true;
}

static void begin(Json *j, char c) {
    before_item(j);
    text_char(j->out, c);
    assert(j->depth + 1 < JSON_DEPTH_MAX);
    j->has_item[++j->depth] = false;
}

static void end(Json *j, char c) {
    assert(j->depth > 0 && !j->after_key);
    bool had_items = j->has_item[j->depth--];
    if (had_items) new_line(j);
    text_char(j->out, c);
}

void json_raw(Json *j, const char *json) {
    before_item(j);
    size_t n = strlen(json);
    while (n && json[n - 1] == '\n') n--;
    if (n) text_append_n(j->out, json, n);
    else   text_append(j->out, "null");
}

void json_object(Json *j)     { begin(j, '{'); }
void json_array(Json *j)      { begin(j, '['); }
void json_end_object(Json *j) { end(j, '}'); }
void json_end_array(Json *j)  { end(j, ']'); }

// invalid bytes become U+FFFD one by one, so that the text behind them is kept
static void put_string(Text *out, const char *s) {
    size_t n = strlen(s), bad = 0, good = 0;
    text_char(out, '"');
    while (n > 0) {
        good = text_is_utf8(s, n, &bad) ? n : bad;
        for (size_t i = 0; i < good; i++) {
            char c = s[i];
            switch (c) {
            case '"':  text_append(out, "\\\""); break;
            case '\\': text_append(out, "\\\\"); break;
            case '\n': text_append(out, "\\n");  break;
            case '\r': text_append(out, "\\r");  break;
            case '\t': text_append(out, "\\t");  break;
            default:
                if ((unsigned char)c < 0x20) text_printf(out, "\\u%04x", (unsigned)c);
                else                         text_char(out, c);
            }
        }
        if (good < n) {
            text_append(out, "\xEF\xBF\xBD");
            good++;
        }
        s += good;
        n -= good;
    }
    text_char(out, '"');
}

void json_key(Json *j, const char *key) {
    assert(!j->after_key);
    before_item(j);
    put_string(j->out, key);
    text_append(j->out, ": ");
    j->after_key = true;
}

void json_number(Json *j, double x) {
    before_item(j);
    if (isfinite(x)) text_double(j->out, x);
    else             text_append(j->out, "null");
}

void json_int(Json *j, int64_t x) {
    before_item(j);
    text_printf(j->out, "%" PRId64, x);
}

void json_bool(Json *j, bool x) {
    before_item(j);
    text_append(j->out, x ? "true" : "false");
}

void json_null(Json *j) {
    before_item(j);
    text_append(j->out, "null");
}

void json_string(Json *j, const char *s) {
    before_item(j);
    if (s) put_string(j->out, s);
    else   text_append(j->out, "null");
}

void json_pair_number(Json *j, const char *key, double x)      { json_key(j, key); json_number(j, x); }
void json_pair_int(Json *j, const char *key, int64_t x)        { json_key(j, key); json_int(j, x); }
void json_pair_string(Json *j, const char *key, const char *s) { json_key(j, key); json_string(j, s); }
void json_pair_bool(Json *j, const char *key, bool x)          { json_key(j, key); json_bool(j, x); }

void json_frame(Json *j, const Frame *frame) {
    json_object(j);
    json_pair_string(j, "name", frame->name);
    json_key(j, "columns");
    json_object(j);
    for (int32_t c = 0; c < frame->n_column; c++) {
        const Column *column = &frame->column[c];
        json_key(j, column->name);
        json_object(j);
        json_pair_string(j, "unit", column->unit);

        // one line for a column: a value a line would bury the rest
        bool was_compact = j->compact;
        json_key(j, "values");
        j->compact = true;
        json_array(j);
        for (int64_t i = 0; i < frame->n_row; i++) {
            if (column->kind == COLUMN_NUMBER) json_number(j, column->number[i]);
            else                               json_string(j, column->text[i] ? column->text[i] : "");
        }
        json_end_array(j);
        j->compact = was_compact;
        json_end_object(j);
    }
    json_end_object(j);
    json_end_object(j);
}
