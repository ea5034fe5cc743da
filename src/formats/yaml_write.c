#include "formats/yaml_write.h"

#include "core/text.h"
#include "formats/yaml_scalar.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SIMPLE_KEY = 1000 };

static void put(struct yaml_writer *w, const char *text)
{
    if (w->rc == OK)
        w->rc = buf_append(w->out, text, strlen(text));
}

static bool printable(unsigned c)
{
    return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe &&
           c != 0xffff;
}

/* Letters first, nothing that YAML gives a meaning to, and no word of its own. */
static bool is_plain(const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/0123456789.+- ";
    size_t n = strlen(text);
    return n > 0 && strspn(text, safe) == n && strcspn(text, "0123456789.+- ") > 0 && text[n - 1] != ' ' &&
           yaml_resolve(text) == YAML_STRING && strcmp(text, "y") != 0 && strcmp(text, "n") != 0 &&
           strcmp(text, "Y") != 0 && strcmp(text, "N") != 0;
}

static void put_quoted(struct yaml_writer *w, const char *text)
{
    bool escapes = false;
    int n;
    for (const char *p = text; *p; p += n) {
        unsigned c = 0;
        n = text_decode(p, &c);
        if (n == 0) {
            if (w->rc == OK)
                w->rc = fail(E_ARGUMENT, "text is not UTF-8 and cannot be written as YAML: %.60s", text);
            return;
        }
        escapes |= !printable(c);
    }
    put(w, escapes ? "\"" : "'");
    for (const char *p = text; *p; p += n) {
        unsigned c = 0;
        n = text_decode(p, &c);
        char piece[16];
        if (c == '\n' || c == '\t')
            snprintf(piece, sizeof piece, "\\%c", c == '\n' ? 'n' : 't');
        else if (!printable(c))
            snprintf(piece, sizeof piece, "\\u%04X", c);
        else if (escapes ? c == '"' || c == '\\' : c == '\'')
            snprintf(piece, sizeof piece, "%c%c", escapes ? '\\' : '\'', (int)c);
        else
            snprintf(piece, sizeof piece, "%.*s", n, p);
        put(w, piece);
    }
    put(w, escapes ? "\"" : "'");
}

static void put_text(struct yaml_writer *w, const char *text)
{
    if (is_plain(text))
        put(w, text);
    else
        put_quoted(w, text);
}

/* Readers look for the colon of a simple key within 1,024 characters; a longer key is written behind a question mark.
 */
static bool is_long_key(const char *key)
{
    size_t written = 2; /* quotes */
    unsigned c;
    int n;
    for (const char *p = key; *p && written <= LONGEST_SIMPLE_KEY; p += n) {
        n = text_decode(p, &c);
        if (n == 0)
            return false; /* refused by put_quoted */
        written += !printable(c) ? 6 : c == '\'' || c == '"' || c == '\\' ? 2 : 1;
    }
    return written > LONGEST_SIMPLE_KEY;
}

static void put_key(struct yaml_writer *w, const char *key)
{
    bool explicit_key = is_long_key(key);
    int d = w->depth - 1;
    if (explicit_key)
        put(w, "? ");
    put_text(w, key);
    if (explicit_key && !w->level[d].flow) {
        put(w, "\n");
        for (int i = 0; i < w->level[d].column; i++)
            put(w, " ");
    }
    put(w, ":");
}

/* What stands in front of an entry: separator, indentation, dash, key. */
static void start_entry(struct yaml_writer *w, const char *key)
{
    if (w->depth == 0) {
        assert(!key);
        return;
    }
    int d = w->depth - 1;
    bool first = w->level[d].count++ == 0;
    assert(w->level[d].map == (key != NULL));
    if (w->level[d].flow) {
        put(w, first ? "" : ", ");
    } else {
        /* The first entry of a container that is itself a list's element stands behind the dash. */
        bool behind_dash = first && d > 0 && !w->level[d - 1].map;
        if (behind_dash)
            put(w, " ");
        else if (first && d > 0)
            put(w, "\n");
        for (int i = 0; i < w->level[d].column && !behind_dash; i++)
            put(w, " ");
        if (!w->level[d].map)
            put(w, "-");
    }
    if (key)
        put_key(w, key);
}

static bool in_flow(const struct yaml_writer *w)
{
    return w->depth && w->level[w->depth - 1].flow;
}

/* A blank between key or dash and what follows on the same line. */
static void put_gap(struct yaml_writer *w)
{
    if (w->depth && (w->level[w->depth - 1].map || !w->level[w->depth - 1].flow))
        put(w, " ");
}

static void end_line(struct yaml_writer *w)
{
    if (!in_flow(w))
        put(w, "\n");
}

static void put_value(struct yaml_writer *w, const char *key, const char *text)
{
    start_entry(w, key);
    put_gap(w);
    put(w, text);
    end_line(w);
}

static void begin_container(struct yaml_writer *w, const char *key, bool map, bool flow)
{
    flow |= in_flow(w);
    start_entry(w, key);
    if (w->depth == YAML_WRITE_DEPTH) {
        if (w->rc == OK)
            w->rc = fail(E_LIMIT, "YAML nested deeper than %d levels cannot be written", YAML_WRITE_DEPTH);
        return;
    }
    if (flow) {
        put_gap(w);
        put(w, map ? "{" : "[");
    }
    int column = w->depth ? w->level[w->depth - 1].column + 2 : 0;
    w->level[w->depth].map = map;
    w->level[w->depth].flow = flow;
    w->level[w->depth].count = 0;
    w->level[w->depth++].column = column;
}

void yaml_begin(struct yaml_writer *w, struct buf *out)
{
    *w = (struct yaml_writer){.out = out};
}

void yaml_begin_map(struct yaml_writer *w, const char *key, bool flow)
{
    if (w->rc == OK)
        begin_container(w, key, true, flow);
}

void yaml_begin_list(struct yaml_writer *w, const char *key, bool flow)
{
    if (w->rc == OK)
        begin_container(w, key, false, flow);
}

void yaml_end(struct yaml_writer *w)
{
    if (w->rc != OK)
        return;
    assert(w->depth > 0);
    int d = --w->depth;
    bool map = w->level[d].map, empty = w->level[d].count == 0;
    if (w->level[d].flow) {
        put(w, map ? "}" : "]");
    } else if (empty) {
        put_gap(w);
        put(w, map ? "{}" : "[]");
    }
    if (w->level[d].flow || empty)
        end_line(w);
}

void yaml_put_string(struct yaml_writer *w, const char *key, const char *text)
{
    if (w->rc != OK)
        return;
    if (!text) {
        put_value(w, key, "null");
        return;
    }
    start_entry(w, key);
    put_gap(w);
    put_text(w, text);
    end_line(w);
}

void yaml_put_int(struct yaml_writer *w, const char *key, long long value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", value);
    if (w->rc == OK)
        put_value(w, key, text);
}

/* YAML 1.1 readers take a float only with a dot: 1.0e-05. */
static void format_double(double value, char *text, size_t size)
{
    double back = 0;
    if (!isfinite(value)) {
        snprintf(text, size, "%s", isnan(value) ? ".nan" : value < 0 ? "-.inf" : ".inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        for (char *p = text; *p; p++)
            *p = *p == ',' ? '.' : *p; /* the caller's locale */
        if (yaml_parse_double(text, &back) && back == value)
            break;
    }
    if (strchr(text, '.'))
        return;
    char *exponent = strchr(text, 'e');
    char tail[16] = "";
    if (exponent) {
        snprintf(tail, sizeof tail, "%s", exponent);
        *exponent = 0;
    }
    size_t n = strlen(text);
    snprintf(text + n, size - n, ".0%s", tail);
}

void yaml_put_double(struct yaml_writer *w, const char *key, double value)
{
    char text[64];
    format_double(value, text, sizeof text);
    if (w->rc == OK)
        put_value(w, key, text);
}

void yaml_put_bool(struct yaml_writer *w, const char *key, bool value)
{
    if (w->rc == OK)
        put_value(w, key, value ? "true" : "false");
}

void yaml_put_null(struct yaml_writer *w, const char *key)
{
    if (w->rc == OK)
        put_value(w, key, "null");
}

enum status yaml_finish(struct yaml_writer *w)
{
    assert(w->rc != OK || w->depth == 0);
    return w->rc;
}
