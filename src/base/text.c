#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(Text *text) {
    memory_free(text->data);
    *text = (Text){0};
}

void text_clear(Text *text) { text_cut(text, 0); }

void text_cut(Text *text, size_t length) {
    if (length < text->length) text->length = length;
    if (text->data) text->data[text->length] = '\0';
}

static bool take(Text *text, size_t capacity) {
    char *data = memory_resize(text->data, capacity);
    if (!data) { text->failed = true; return false; }
    text->data = data;
    text->capacity = capacity;
    return true;
}

static bool reserve(Text *text, size_t more) {
    if (text->failed) return false;
    if (text->length + more + 1 <= text->capacity) return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < text->length + more + 1) {
        if (capacity > SIZE_MAX / 2) { text->failed = true; return false; }
        capacity *= 2;
    }
    return take(text, capacity);
}

void text_reserve(Text *text, size_t n) {
    if (!text->failed && n >= text->capacity && take(text, n + 1)) text->data[text->length] = '\0';
}

void text_append_n(Text *text, const char *s, size_t n) {
    if (!reserve(text, n)) return;
    if (n) memcpy(text->data + text->length, s, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void text_append(Text *text, const char *s) { text_append_n(text, s, strlen(s)); }
void text_char(Text *text, char c) { text_append_n(text, &c, 1); }

void text_repeat(Text *text, char c, int n) {
    for (int i = 0; i < n; i++) text_char(text, c);
}

void text_printf(Text *text, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && reserve(text, (size_t)n)) {
        vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
        text->length += (size_t)n;
    }
    va_end(again);
}

char *text_from_double(char buffer[32], double x) {
    if (isnan(x)) return strcpy(buffer, "nan");
    if (isinf(x)) return strcpy(buffer, x < 0 ? "-inf" : "inf");
    int digits = 1;
    for (; digits <= 17; digits++) {
        snprintf(buffer, 32, "%.*e", digits - 1, x);
        if (strtod(buffer, NULL) == x) break;
    }
    // whole numbers of up to 15 digits are written out: 20 and not 2e+01
    const char *e = strchr(buffer, 'e');
    int exponent = e ? atoi(e + 1) : 0;
    if (exponent >= digits && exponent < 15) digits = exponent + 1;
    snprintf(buffer, 32, "%.*g", digits, x);
    return buffer;
}

void text_double(Text *text, double x) {
    char buffer[32];
    text_append(text, text_from_double(buffer, x));
}

void text_number(Text *text, double x, int digits) {
    if (!isfinite(x)) { text_double(text, x); return; }
    double size = fabs(x);
    char buffer[400];
    if (size != 0 && (size < 1e-4 || size >= 1e15)) {
        snprintf(buffer, sizeof buffer, "%.*g", digits, x);
        text_append(text, buffer);
        return;
    }
    // digits after the point so that `digits` are significant, none for large whole numbers
    int before = size >= 1 ? (int)floor(log10(size)) + 1 : (size > 0 ? (int)floor(log10(size)) + 1 : 1);
    int after = digits - before;
    if (after < 0) after = 0;
    snprintf(buffer, sizeof buffer, "%.*f", after, x);
    if (strchr(buffer, '.')) {
        size_t n = strlen(buffer);
        while (buffer[n - 1] == '0') buffer[--n] = '\0';
        if (buffer[n - 1] == '.') buffer[--n] = '\0';
    }
    if (strcmp(buffer, "-0") == 0) strcpy(buffer, "0");
    const char *s = buffer;
    if (*s == '-') text_char(text, *s++);
    int whole = (int)strcspn(s, ".");
    for (int i = 0; i < whole; i++) {
        text_char(text, s[i]);
        int left = whole - i - 1;
        if (left > 0 && left % 3 == 0 && whole > 4) text_char(text, ',');
    }
    text_append(text, s + whole);
}

void text_confidence(Text *text, double share) {
    char buffer[400];
    double read;
    int after = 0;
    // as many digits as it takes to read the same share again; DBL_EPSILON / 2 is the place of the last bit below 1
    do {
        snprintf(buffer, sizeof buffer, "%.*f", after, 100 * share);
        read = strtod(buffer, NULL);
    } while (after++ < 14 && (fabs(read / 100 - share) > DBL_EPSILON / 2 || (share < 1 && read >= 100)));
    text_append(text, buffer);
}

const char *text_view(const Text *text) { return text->data ? text->data : ""; }

// restricted Damerau-Levenshtein distance by rows; names longer than the rows are simply not near
int text_distance(const char *a, const char *b, int most) {
    enum { LONGEST = 64 };
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n >= LONGEST || m >= LONGEST || abs(n - m) > most) return most + 1;
    int row[3][LONGEST + 1];
    for (int j = 0; j <= m; j++) row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *older = row[(i + 1) % 3];
        now[0] = i;
        int best = i;
        for (int j = 1; j <= m; j++) {
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            int d = last[j - 1] + !same;
            if (last[j] + 1 < d) d = last[j] + 1;
            if (now[j - 1] + 1 < d) d = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && older[j - 2] + 1 < d)
                d = older[j - 2] + 1;
            now[j] = d;
            if (d < best) best = d;
        }
        if (best > most) return most + 1;
    }
    return row[n % 3][m];
}

const char *text_nearest(const char *name, const char *const *names, int n) {
    int most = ((int)strlen(name) + 2) / 3;
    const char *best = NULL;
    for (int i = 0; i < n; i++) {
        int d = text_distance(name, names[i], most);
        if (d <= most && d < (int)strlen(names[i])) {
            best = names[i];
            most = d - 1;
        }
        if (most < 0) break;
    }
    return best;
}

bool text_is_utf8(const char *s, size_t n, size_t *bad) {
    const unsigned char *u = (const unsigned char *)s;
    for (size_t i = 0; i < n;) {
        size_t more = u[i] < 0x80 ? 0 : (u[i] & 0xE0) == 0xC0 ? 1 : (u[i] & 0xF0) == 0xE0 ? 2
                    : (u[i] & 0xF8) == 0xF0 ? 3 : 9;
        uint32_t c = more == 0 ? u[i] : u[i] & (0x3Fu >> more);
        bool ok = more <= 3 && i + more < n && u[i] != 0;
        for (size_t k = 1; ok && k <= more; k++) {
            ok = (u[i + k] & 0xC0) == 0x80;
            c = c << 6 | (u[i + k] & 0x3F);
        }
        // overlong forms, surrogates and code points past the last plane are not text
        static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
        if (!ok || c < least[more] || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) {
            if (bad) *bad = i;
            return false;
        }
        i += more + 1;
    }
    return true;
}

int text_width(const char *s, size_t n) {
    int width = 0;
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)s[i] & 0xC0) != 0x80) width++;
    return width;
}
