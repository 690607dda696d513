#include "store/store.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

static void put_little(Text *out, uint64_t x, int n_byte) {
    for (int i = 0; i < n_byte; i++) text_char(out, (char)(x >> 8 * i & 0xff));
}

// the next code point of valid UTF-8; a byte that is none stands for itself
static uint32_t next_point(const char **s) {
    const unsigned char *c = (const unsigned char *)*s;
    int n = c[0] < 0x80 ? 1 : c[0] >> 5 == 6 ? 2 : c[0] >> 4 == 14 ? 3 : c[0] >> 3 == 30 ? 4 : 1;
    uint32_t point = n == 1 ? c[0] : c[0] & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if (c[i] >> 6 != 2) {
            n = 1;
            point = c[0];
            break;
        }
        point = point << 6 | (c[i] & 0x3f);
    }
    *s += n;
    return point;
}

// letters that the longest text of a column has; a field of none would be no field
static int64_t widest(const Frame *frame, const Column *column) {
    int64_t most = 1;
    for (int64_t r = 0; r < frame->n_row; r++) {
        int64_t n = 0;
        for (const char *s = column->text[r] ? column->text[r] : ""; *s; n++) next_point(&s);
        most = n > most ? n : most;
    }
    return most;
}

// a Python string
static void put_quoted(Text *out, const char *s) {
    text_char(out, '\'');
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\') text_char(out, '\\');
        text_char(out, *s);
    }
    text_char(out, '\'');
}

void npy_frame(Text *out, const Frame *frame) {
    text_clear(out);
    Text header = {0};
    int64_t *wide = memory_zeroed((size_t)frame->n_column, sizeof *wide);
    if (!wide) {
        out->failed = true;
        return;
    }
    text_append(&header, "{'descr': [");
    for (int32_t c = 0; c < frame->n_column; c++) {
        const Column *column = &frame->column[c];
        text_append(&header, "(");
        put_quoted(&header, column->name);
        if (column->kind == COLUMN_NUMBER) text_append(&header, ", '<f8'), ");
        else text_printf(&header, ", '<U%lld'), ", (long long)(wide[c] = widest(frame, column)));
    }
    text_printf(&header, "], 'fortran_order': False, 'shape': (%lld,), }", (long long)frame->n_row);
    // magic, version, length and header together are a multiple of 64 bytes long; version 3 where a name is not ASCII
    bool is_ascii = true;
    for (size_t i = 0; i < header.length; i++) is_ascii = is_ascii && (unsigned char)header.data[i] < 0x80;
    int n_length = is_ascii && header.length < 65000 ? 2 : 4;
    while ((8 + (size_t)n_length + header.length + 1) % 64) text_char(&header, ' ');
    text_char(&header, '\n');
    text_append_n(out, "\x93NUMPY", 6);
    text_char(out, n_length == 2 ? 1 : is_ascii ? 2 : 3);
    text_char(out, 0);
    put_little(out, header.length, n_length);
    text_append_n(out, text_view(&header), header.length);
    out->failed |= header.failed;
    text_free(&header);

    for (int64_t r = 0; r < frame->n_row && !out->failed; r++)
        for (int32_t c = 0; c < frame->n_column; c++) {
            const Column *column = &frame->column[c];
            if (column->kind == COLUMN_NUMBER) {
                uint64_t bits;
                memcpy(&bits, &column->number[r], sizeof bits);
                put_little(out, bits, 8);
                continue;
            }
            int64_t width = wide[c];
            for (const char *s = column->text[r] ? column->text[r] : ""; *s; width--) put_little(out, next_point(&s), 4);
            for (; width > 0; width--) put_little(out, 0, 4);
        }
    memory_free(wide);
}
