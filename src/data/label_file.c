#include "data/label_file.h"
#include "core/terminal.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BOX_WORDS = 5, LEAST_POLYGON_WORDS = 7 };

/* Coordinates this far outside the picture are rounding and are clipped to it: labels are written with three decimals
 * or more, and a thousandth of a side is less than a pixel of all but the largest photos. */
static const double OVERSHOOT = 1e-3;

void label_rows_free(struct label_rows *rows)
{
    mem_free(rows->objects);
    mem_free(rows->points);
    memset(rows, 0, sizeof(*rows));
}

/* Where the reader stands. */
struct label_text {
    const char *name, *at, *end;
    int line;
    const struct label_rules *rules;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The next word of the line, or NULL at its end; *next = behind it. */
static const char *next_word(const char *at, const char *end, const char **next)
{
    while (at < end && is_blank(*at))
        at++;
    if (at == end || *at == '\n')
        return NULL;
    *next = at;
    while (*next < end && **next != '\n' && !is_blank(**next))
        ++*next;
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline : end;
}

static int count_words(const char *at, const char *end)
{
    int n = 0;
    for (const char *next; next_word(at, end, &next); at = next)
        n++;
    return n;
}

/* A finite number that is the whole word. */
static enum status read_number(const struct label_text *t, const char *word, const char *end, double *value)
{
    char *stop;
    int length = (int)MIN(end - word, 40);
    *value = strtod(word, &stop);
    if (stop != end)
        return fail(E_FORMAT, "%s:%d: '%.*s' is not a number", t->name, t->line, length, word);
    if (!isfinite((float)*value))
        return fail(E_FORMAT, "%s:%d: '%.*s' is not a finite number", t->name, t->line, length, word);
    return OK;
}

static enum status read_class(const struct label_text *t, double value, int *class)
{
    const struct label_rules *r = t->rules;
    if (value < 0)
        return fail(E_FORMAT, "%s:%d: class %.10g is negative", t->name, t->line, value);
    if (value != floor(value) || value > 1e6)
        return fail(E_FORMAT, "%s:%d: class %.10g is no class number", t->name, t->line, value);
    if (!r->single_class && r->nc > 0 && value >= r->nc)
        return fail(E_FORMAT, "%s:%d: class %d, but the dataset has %d class%s (0 to %d)", t->name, t->line, (int)value,
                    r->nc, noun(r->nc, "", "es"), r->nc - 1);
    *class = r->single_class ? 0 : (int)value;
    return OK;
}

/* Normalised values into [0, 1]; what is further outside than rounding takes it is a fault. */
static enum status take_box(const struct label_text *t, const double box[4], float out[4])
{
    static const char *const names[4] = {"centre x", "centre y", "width", "height"};
    for (int i = 0; i < 4; i++) {
        if (!(box[i] >= -OVERSHOOT))
            return fail(E_FORMAT, "%s:%d: %s %.10g is negative", t->name, t->line, names[i], box[i]);
        if (!(box[i] <= 1 + OVERSHOOT))
            return fail(E_FORMAT, "%s:%d: %s %.10g is above 1; coordinates are normalised", t->name, t->line, names[i],
                        box[i]);
        out[i] = (float)MIN(MAX(box[i], 0), 1);
    }
    return OK;
}

/* Points of one polygon line to the end of the array, and the box around them. */
static void polygon_box(const float (*points)[2], int n, double box[4])
{
    float x1 = points[0][0], x2 = x1, y1 = points[0][1], y2 = y1;
    for (int i = 1; i < n; i++) {
        x1 = MIN(x1, points[i][0]);
        x2 = MAX(x2, points[i][0]);
        y1 = MIN(y1, points[i][1]);
        y2 = MAX(y2, points[i][1]);
    }
    const float cxcywh[4] = {(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1}; /* in float32, as the official code */
    for (int i = 0; i < 4; i++)
        box[i] = (double)cxcywh[i];
}

/* What a row of so many words is: its own length decides, never that of its neighbours. */
enum row_kind { ROW_BOX, ROW_POSE, ROW_POLYGON };

static enum status row_kind(const struct label_text *t, int words, enum row_kind *kind)
{
    const int key_values = t->rules->key_points * t->rules->key_values;
    *kind = words == BOX_WORDS ? ROW_BOX : key_values ? ROW_POSE : ROW_POLYGON;
    if (*kind == ROW_POSE && words != BOX_WORDS + key_values)
        return fail(E_FORMAT,
                    "%s:%d: %d word%s where a class, a box and %d key points of %d values (%d words) are "
                    "expected (kpt_shape)",
                    t->name, t->line, words, noun(words, "", "s"), t->rules->key_points, t->rules->key_values,
                    BOX_WORDS + key_values);
    if (*kind != ROW_POLYGON)
        return OK;
    if (words == BOX_WORDS + 1)
        return fail(E_FORMAT,
                    "%s:%d: 6 words where `class cx cy w h` is expected: a score or a track number behind "
                    "the box is not part of a label and must be removed",
                    t->name, t->line);
    if (words < BOX_WORDS)
        return fail(E_FORMAT, "%s:%d: %d word%s where `class cx cy w h` is expected", t->name, t->line, words,
                    noun(words, "", "s"));
    if (words < LEAST_POLYGON_WORDS || words % 2 == 0)
        return fail(E_FORMAT, "%s:%d: %d words: a polygon is a class and at least three pairs x y", t->name, t->line,
                    words);
    return OK;
}

/* The next `n` words as points at the end of the array, and the box around them. */
static enum status read_polygon(const struct label_text *t, const char *at, int n, struct label_rows *rows,
                                struct dataset_object *o, double box[4])
{
    float(*points)[2] = rows->points + rows->n_points;
    for (int i = 0; i < n; i++) {
        double value;
        const char *word = next_word(at, t->end, &at);
        TRY(read_number(t, word, at, &value));
        bool rounding = (value < 0 && value >= -OVERSHOOT) || (value > 1 && value <= 1 + OVERSHOOT);
        points[i / 2][i % 2] = (float)(rounding ? MIN(MAX(value, 0), 1) : value);
    }
    o->n_points = n / 2;
    rows->n_points += n / 2;
    polygon_box((const float(*)[2])points, n / 2, box);
    return OK;
}

static enum status read_row(struct label_text *t, int words, struct label_rows *rows)
{
    struct dataset_object *o = &rows->objects[rows->n_objects];
    const char *next, *word = next_word(t->at, t->end, &next);
    double value = 0, box[4] = {0};
    enum row_kind kind;
    *o = (struct dataset_object){.first_point = (size_t)rows->n_points};
    TRY(row_kind(t, words, &kind));
    TRY(read_number(t, word, next, &value));
    TRY(read_class(t, value, &o->class));
    if (kind == ROW_POLYGON)
        TRY(read_polygon(t, next, words - 1, rows, o, box));
    for (int i = 0; i < words - 1 && kind != ROW_POLYGON; i++) { /* key points must be numbers too */
        word = next_word(next, t->end, &next);
        TRY(read_number(t, word, next, i < 4 ? &box[i] : &value));
    }
    TRY(take_box(t, box, o->cxcywh));
    rows->n_objects++;
    rows->poses += kind == ROW_POSE;
    return OK;
}

static int compare_rows(const struct dataset_object *a, const struct dataset_object *b)
{
    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    for (int i = 0; i < 4; i++)
        if (a->cxcywh[i] != b->cxcywh[i])
            return a->cxcywh[i] < b->cxcywh[i] ? -1 : 1;
    return 0;
}

/* Keeps the first of equal rows in front: its polygon is the one that stays. */
static int compare_objects(const void *a, const void *b)
{
    const struct dataset_object *x = a, *y = b;
    int order = compare_rows(x, y);
    return order ? order : x->first_point < y->first_point ? -1 : x->first_point > y->first_point;
}

/* Rows that stand twice are removed, and only then the rest comes sorted: numpy's unique() does that, and the order of
 * labels decides ties of the assigner. */
static enum status remove_duplicates(struct label_rows *rows)
{
    int n = rows->n_objects, unique = n > 0;
    struct dataset_object *sorted = mem_alloc((size_t)n, sizeof(*sorted));
    if (!sorted)
        return E_NOMEM;
    memcpy(sorted, rows->objects, (size_t)n * sizeof(*sorted));
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_objects);
    for (int i = 1; i < n; i++)
        if (compare_rows(&sorted[unique - 1], &sorted[i]) != 0)
            sorted[unique++] = sorted[i];
    if (unique < n) {
        memcpy(rows->objects, sorted, (size_t)unique * sizeof(*sorted));
        rows->duplicates = n - unique;
        rows->n_objects = unique;
    }
    mem_free(sorted);
    return OK;
}

enum status label_text_read(const char *name, const char *text, size_t size, const struct label_rules *rules,
                            struct label_rows *rows)
{
    enum status rc = OK;
    struct label_text t = {name, text, text + size, 0, rules};
    size_t n_rows = 0, polygon_words = 0;
    memset(rows, 0, sizeof(*rows));
    for (const char *line = text, *end; line < t.end; line = end + (end < t.end)) {
        end = line_end(line, t.end);
        int words = count_words(line, end);
        n_rows += words > 0;
        polygon_words += words > BOX_WORDS ? (size_t)words : 0;
    }
    if (n_rows == 0)
        return OK;
    if (n_rows > LABEL_FILE_MAX_ROWS)
        return fail(E_LIMIT, "%s: %zu labels, more than %d", name, n_rows, LABEL_FILE_MAX_ROWS);
    rows->objects = mem_alloc(n_rows, sizeof(*rows->objects));
    rows->points = polygon_words ? mem_alloc(polygon_words / 2 + 1, sizeof(*rows->points)) : NULL;
    TRY_CLEAN(rows->objects && (rows->points || !polygon_words) ? OK : E_NOMEM);
    for (const char *end; t.at < t.end; t.at = end + (end < t.end)) {
        end = line_end(t.at, t.end);
        t.line++;
        int words = count_words(t.at, end);
        if (words > 0)
            TRY_CLEAN(read_row(&t, words, rows));
    }
    TRY_CLEAN(remove_duplicates(rows));
cleanup:
    if (rc != OK)
        label_rows_free(rows);
    return rc;
}
