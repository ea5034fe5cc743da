#include "lab/points.h"

#include "core/file.h"
#include "core/text.h"
#include "formats/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_CELLS = 40, MAX_SIDE = 65536 };

void points_free(struct points *p)
{
    arena_free(&p->arena);
    mem_free(p->items);
    *p = (struct points){0};
}

static enum status add(struct points *p, const struct point *point)
{
    if (!p->items && !(p->items = mem_alloc(POINTS_MOST, sizeof *p->items)))
        return E_NOMEM;
    if (p->n == POINTS_MOST)
        return fail(E_LIMIT, "more than %d points are too many for a chart", POINTS_MOST);
    p->items[p->n++] = *point;
    return OK;
}

/* A copy as text of one line that can be drawn. */
static const char *keep(struct points *p, const char *text)
{
    char *copy = arena_strdup(&p->arena, text);
    if (copy)
        text_one_line(copy);
    return copy ? text_utf8(&p->arena, copy) : NULL;
}

/* --- CSV --- */

enum column {
    COLUMN_FAMILY,
    COLUMN_MODEL,
    COLUMN_PARAMS,
    COLUMN_FLOPS,
    COLUMN_AP, /* those up to here are needed */
    COLUMN_NETWORK,
    COLUMN_SIZE,
    COLUMN_SPLIT,
    COLUMN_SOURCE,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {"family",  "model", "params_m", "flops_g", "ap",
                                                       "network", "size",  "split",    "source"};

struct csv {
    const char *name;
    int line;
    char *at; /* the rest of the text, which cells are cut out of in place */
    char *cells[MAX_CELLS];
    int n;
    int place[COLUMN_COUNT]; /* cell of a column; -1: there is none */
};

/* One cell, in quotation marks or not; *more: a comma ended it. */
static enum status cut_cell(struct csv *c, bool *more)
{
    char *from = c->at, *to = from, *cell = from;
    if (c->n == MAX_CELLS)
        return fail(E_FORMAT, "%s:%d: more than %d columns", c->name, c->line, MAX_CELLS);
    if (*from == '"') {
        for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
            from += *from == '"';
            *to++ = *from;
        }
        if (!*from)
            return fail(E_FORMAT, "%s:%d: a quotation mark is not closed", c->name, c->line);
        from++;
    }
    while (*from && *from != ',' && *from != '\n')
        *to++ = *from++;
    *more = *from == ',';
    c->at = *from ? from + 1 : from;
    if (to > cell && to[-1] == '\r')
        to--;
    *to = 0;
    c->cells[c->n++] = cell;
    return OK;
}

static enum status cut_line(struct csv *c)
{
    bool more = true;
    c->n = 0;
    c->line++;
    while (more)
        TRY(cut_cell(c, &more));
    return OK;
}

static enum status find_columns(struct csv *c)
{
    TRY(cut_line(c));
    for (int k = 0; k < COLUMN_COUNT; k++) {
        c->place[k] = -1;
        for (int i = 0; i < c->n; i++) {
            if (!strcmp(c->cells[i], column_names[k]))
                c->place[k] = i;
        }
        if (c->place[k] < 0 && k <= COLUMN_AP)
            return fail(E_FORMAT,
                        "%s:1: there is no column \"%s\": points are a CSV file with family, model, params_m, flops_g "
                        "and ap, or what `yolo9 val --json` writes",
                        c->name, column_names[k]);
    }
    return OK;
}

static const char *cell_of(const struct csv *c, enum column column)
{
    int place = c->place[column];
    return place >= 0 && place < c->n ? c->cells[place] : "";
}

/* A number above 0 and up to `most`; an empty cell is not known. */
static enum status number_of(const struct csv *c, enum column column, double most, double *out)
{
    const char *text = cell_of(c, column);
    char *rest;
    *out = NAN;
    if (!*text)
        return OK;
    *out = strtod(text, &rest);
    if (*rest || !(*out > 0 && *out <= most))
        return fail(E_FORMAT, "%s:%d: %s is \"%.40s\", not a number above 0 and up to %g", c->name, c->line,
                    column_names[column], text, most);
    return OK;
}

static enum status add_line(const struct csv *c, struct points *p)
{
    struct point point = {.latency_ms = NAN};
    double size;
    TRY(number_of(c, COLUMN_PARAMS, 1e9, &point.params_m));
    TRY(number_of(c, COLUMN_FLOPS, 1e9, &point.flops_g));
    TRY(number_of(c, COLUMN_AP, 100, &point.ap));
    TRY(number_of(c, COLUMN_SIZE, MAX_SIDE, &size));
    if (isnan(point.ap))
        return fail(E_FORMAT, "%s:%d: ap is missing", c->name, c->line);
    if (!*cell_of(c, COLUMN_FAMILY) || !*cell_of(c, COLUMN_MODEL))
        return fail(E_FORMAT, "%s:%d: family or model is missing", c->name, c->line);
    point.h = point.w = isnan(size) ? 0 : (int)size;
    point.family = keep(p, cell_of(c, COLUMN_FAMILY));
    point.model = keep(p, cell_of(c, COLUMN_MODEL));
    point.network = *cell_of(c, COLUMN_NETWORK) ? keep(p, cell_of(c, COLUMN_NETWORK)) : NULL;
    point.split = keep(p, cell_of(c, COLUMN_SPLIT));
    point.source = keep(p, cell_of(c, COLUMN_SOURCE));
    if (!point.family || !point.model || !point.split || !point.source)
        return E_NOMEM;
    return add(p, &point);
}

static enum status read_csv(const char *name, char *text, struct points *p)
{
    struct csv c = {.name = name, .at = text};
    TRY(find_columns(&c));
    while (*c.at) {
        TRY(cut_line(&c));
        if (c.n > 1 || *c.cells[0])
            TRY(add_line(&c, p));
    }
    return OK;
}

/* --- what `val --json` writes --- */

static double number_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The COCO protocol's AP where it was computed, else the official code's mean AP. */
static enum status add_result(const char *name, const json_t *root, struct points *p)
{
    const json_t *network = json_object_get(root, "network"), *coco = json_object_get(root, "coco");
    const char *model = json_string_value(json_object_get(network, "name"));
    int h, w;
    struct point point = {.latency_ms = NAN, .measured = true, .family = "measured"};
    double ap = coco ? number_in(coco, "AP") : number_in(root, "map");
    double params = number_in(network, "params"), gflops = number_in(network, "gflops");
    if (!json_is_object(network))
        return fail(E_FORMAT,
                    "%s: it does not say which network it is of (no \"network\"); `yolo9 val --weights FILE --json` "
                    "writes it",
                    name);
    if (!model || json_unpack((json_t *)network, "{s:[i,i]}", "img", &h, &w) != 0 || h < 1 || w < 1 || h > MAX_SIDE ||
        w > MAX_SIDE)
        return fail(E_FORMAT, "%s: \"network\" has no name or no img of two sizes", name);
    if (!(params > 0 && params < 1e15 && gflops > 0 && gflops < 1e9))
        return fail(E_FORMAT, "%s: \"network\" has no params or gflops above 0", name);
    if (!(ap >= 0 && ap <= 1))
        return fail(E_FORMAT, "%s: there is no AP from 0 to 1 in it (\"coco\": {\"AP\"} or \"map\")", name);
    point.h = h;
    point.w = w;
    point.params_m = 1e-6 * params;
    point.flops_g = gflops;
    point.ap = 100 * ap;
    point.model = point.network = keep(p, model);
    point.split = keep(p, json_is_true(json_object_get(root, "partial")) ? "part of the pictures" : "own");
    point.source = keep(p, name);
    if (!point.model || !point.split || !point.source)
        return E_NOMEM;
    return add(p, &point);
}

static enum status read_result(const char *name, const char *text, size_t size, struct points *p)
{
    const struct json_limits limits = {.bytes = MAX_BYTES, .values = 200000, .depth = 16};
    json_t *root = NULL;
    enum status rc = json_read_memory(name, text, size, &limits, &root);
    if (rc == OK)
        rc = add_result(name, root, p);
    json_decref(root);
    return rc;
}

enum status points_read_memory(const char *name, const char *text, size_t size, struct points *p)
{
    size_t start = 0;
    int before = p->n;
    while (start < size && strchr(" \t\r\n", text[start]) && text[start])
        start++;
    if (size > MAX_BYTES)
        return fail(E_LIMIT, "%s: more than %d bytes are no list of points", name, MAX_BYTES);
    if (memchr(text, 0, size))
        return fail(E_FORMAT, "%s: it is no text", name);
    enum status rc;
    if (start < size && text[start] == '{')
        rc = read_result(name, text, size, p);
    else {
        char *copy = arena_alloc(&p->arena, size + 1, 1);
        if (copy)
            memcpy(copy, text, size);
        rc = copy ? read_csv(name, copy, p) : E_NOMEM;
    }
    if (rc != OK)
        p->n = before;
    return rc;
}

enum status points_read_file(const char *path, struct points *p)
{
    struct buf text = {0};
    enum status rc = file_read_text(path, MAX_BYTES, &text);
    if (rc == OK)
        rc = points_read_memory(path, text.size ? text.data : "", text.size, p);
    buf_free(&text);
    return rc;
}
