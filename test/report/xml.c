#include "xml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, NAME_MAX_ = 32, ATTRIBUTES_MAX = 32 };

static bool fail(char why[256], const char *reason, const char *at) {
    snprintf(why, 256, "%s at \"%.60s\"", reason, at);
    return false;
}

static const char *name_end(const char *s) {
    while (isalnum((unsigned char)*s) || *s == '-' || *s == '_' || *s == ':') s++;
    return s;
}

// an ampersand starts one of the five entities or a number
static bool is_entity(const char *s) {
    static const char *const entity[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
    for (size_t i = 0; i < sizeof entity / sizeof *entity; i++)
        if (strncmp(s, entity[i], strlen(entity[i])) == 0) return true;
    if (s[1] != '#' || !isdigit((unsigned char)s[2])) return false;
    s += 2;
    while (isdigit((unsigned char)*s)) s++;
    return *s == ';';
}

// from behind the name to behind the ">": name="value" pairs, each name once
static const char *read_attributes(const char *s, bool *is_closed, char why[256]) {
    char seen[ATTRIBUTES_MAX][NAME_MAX_];
    int n = 0;
    *is_closed = false;
    for (;;) {
        const char *space = s;
        while (*s == ' ' || *s == '\n') s++;
        if (*s == '>') return s + 1;
        if (s[0] == '/' && s[1] == '>') {
            *is_closed = true;
            return s + 2;
        }
        const char *end = name_end(s);
        if (s == space || end == s || end - s >= NAME_MAX_ || end[0] != '=' || end[1] != '"' || n == ATTRIBUTES_MAX) {
            fail(why, "bad attribute", s);
            return NULL;
        }
        snprintf(seen[n], NAME_MAX_, "%.*s", (int)(end - s), s);
        for (int i = 0; i < n; i++)
            if (strcmp(seen[i], seen[n]) == 0) {
                fail(why, "attribute twice", s);
                return NULL;
            }
        n++;
        for (s = end + 2; *s != '"'; s++)
            if (!*s || *s == '<' || (*s == '&' && !is_entity(s))) {
                fail(why, "bad attribute value", s);
                return NULL;
            }
        s++;
    }
}

bool xml_attribute(const XmlTag *tag, const char *name, char *buffer, size_t size) {
    char key[64];
    int n = snprintf(key, sizeof key, " %s=\"", name);
    for (const char *s = tag->start; s + n < tag->end; s++) {
        if (strncmp(s, key, (size_t)n) != 0) continue;
        const char *end = strchr(s + n, '"');
        if ((size_t)(end - s - n) >= size) abort();
        snprintf(buffer, size, "%.*s", (int)(end - s - n), s + n);
        return true;
    }
    return false;
}

bool xml_read(const char *page, XmlVisit visit, void *context, char why[256]) {
    static const char doctype[] = "<!DOCTYPE html>\n";
    char open[DEPTH_MAX][NAME_MAX_];
    int depth = 0;
    bool had_root = false;
    size_t bad = 0;
    if (!text_is_utf8(page, strlen(page), &bad)) return fail(why, "not UTF-8", page + bad);
    if (strncmp(page, doctype, strlen(doctype)) != 0) return fail(why, "no document type", page);

    for (const char *s = page + strlen(doctype); *s;) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) return fail(why, "control character", s);
        if (c == '&' && !is_entity(s)) return fail(why, "bare ampersand", s);
        if (strncmp(s, "]]>", 3) == 0) return fail(why, "]]> in text", s);
        if (c != '<') {
            if (depth == 0 && c != '\n') return fail(why, "text outside the root", s);
            s++;
            continue;
        }
        if (s[1] == '/') {
            const char *end = name_end(s + 2);
            if (*end != '>' || depth == 0) return fail(why, "bad end tag", s);
            depth--;
            size_t n = (size_t)(end - s - 2);
            if (strlen(open[depth]) != n || strncmp(open[depth], s + 2, n) != 0)
                return fail(why, "end tag of another element", s);
            s = end + 1;
            continue;
        }
        const char *end = name_end(s + 1);
        if (end == s + 1 || end - s - 1 >= NAME_MAX_) return fail(why, "bad start tag", s);
        if (depth == 0 && had_root) return fail(why, "second root", s);
        if (depth == DEPTH_MAX) return fail(why, "too deep", s);
        had_root = true;
        snprintf(open[depth], NAME_MAX_, "%.*s", (int)(end - s - 1), s + 1);
        bool is_closed;
        const char *behind = read_attributes(end, &is_closed, why);
        if (!behind) return false;
        if (visit) visit(context, &(XmlTag){open[depth], s + 1, behind - 1});
        if (!is_closed) depth++;
        s = behind;
    }
    if (depth) return fail(why, "element not closed", open[depth - 1]);
    return true;
}
