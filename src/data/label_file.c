#include "data/label_file.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BOX_WORDS = 5, MOST_BOX_WORDS = 6 };

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
static enum status read_number(const struct label_text *t, const char *word, const char *end, float *value)
{
    char *stop;
    double x = strtod(word, &stop);
    int length = (int)MIN(end - word, 40);
    if (stop != end)
        return fail(E_FORMAT, "%s:%d: '%.*s' is not a number", t->name, t->line, length, word);
    *value = (float)x;
    if (!isfinite(*value))
        return fail(E_FORMAT, "%s:%d: '%.*s' is not a finite number", t->name, t->line, length, word);
    return OK;
}

static enum status read_class(const struct label_text *t, float value, int nc, bool single_class, int *class)
{
    if (value < 0)
        return fail(E_FORMAT, "%s:%d: class %g is negative", t->name, t->line, (double)value);
    if (value != floorf(value) || value > 1e6f)
        return fail(E_FORMAT, "%s:%d: class %g is no class number", t->name, t->line, (double)value);
    if (!single_class && nc > 0 && value >= (float)nc)
        return fail(E_FORMAT, "%s:%d: class %d, but the dataset has %d classes (0 to %d)", t->name, t->line, (int)value,
                    nc, nc - 1);
    *class = single_class ? 0 : (int)value;
    return OK;
}

static enum status check_box(const struct label_text *t, const float box[4])
{
    static const char *const names[4] = {"centre x", "centre y", "width", "height"};
    for (int i = 0; i < 4; i++) {
        if (!(box[i] >= 0))
            return fail(E_FORMAT, "%s:%d: %s %g is negative", t->name, t->line, names[i], (double)box[i]);
        if (!(box[i] <= 1))
            return fail(E_FORMAT, "%s:%d: %s %g is above 1; coordinates are normalised", t->name, t->line, names[i],
                        (double)box[i]);
    }
    return OK;
}

/* Points of one polygon line to the end of the array, and the box around them. */
static void polygon_box(const float (*points)[2], int n, float box[4])
{
    float x1 = points[0][0], x2 = x1, y1 = points[0][1], y2 = y1;
    for (int i = 1; i < n; i++) {
        x1 = MIN(x1, points[i][0]);
        x2 = MAX(x2, points[i][0]);
        y1 = MIN(y1, points[i][1]);
        y2 = MAX(y2, points[i][1]);
    }
    box[0] = (x1 + x2) / 2;
    box[1] = (y1 + y2) / 2;
    box[2] = x2 - x1;
    box[3] = y2 - y1;
}

static enum status read_row(struct label_text *t, int words, bool polygons, int nc, bool single_class,
                            struct label_rows *rows)
{
    enum status rc = OK;
    struct dataset_object *o = &rows->objects[rows->n_objects];
    const char *next, *word = next_word(t->at, t->end, &next);
    float value = 0;
    *o = (struct dataset_object){.first_point = (size_t)rows->n_points};
    if (!polygons && words != BOX_WORDS)
        return fail(E_FORMAT, "%s:%d: %d words where `class cx cy w h` is expected", t->name, t->line, words);
    if (polygons && (words < 3 || words % 2 == 0))
        return fail(E_FORMAT, "%s:%d: %d words where a class and pairs x y are expected", t->name, t->line, words);
    TRY(read_number(t, word, next, &value));
    TRY(read_class(t, value, nc, single_class, &o->class));
    for (int i = 0; i < words - 1; i++) {
        word = next_word(next, t->end, &next);
        TRY(read_number(t, word, next, &value));
        if (polygons)
            rows->points[rows->n_points + i / 2][i % 2] = value;
        else
            o->cxcywh[i] = value;
    }
    if (polygons) {
        o->n_points = (words - 1) / 2;
        polygon_box((const float(*)[2])rows->points + rows->n_points, o->n_points, o->cxcywh);
        rows->n_points += o->n_points;
    }
    TRY(check_box(t, o->cxcywh));
    rows->n_objects++;
cleanup:
    return rc;
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

enum status label_text_read(const char *name, const char *text, size_t size, int nc, bool single_class,
                            struct label_rows *rows)
{
    enum status rc = OK;
    struct label_text t = {name, text, text + size, 0};
    size_t n_rows = 0, n_words = 0;
    bool polygons = false;
    memset(rows, 0, sizeof(*rows));
    for (const char *line = text, *end; line < t.end; line = end + (end < t.end)) {
        end = line_end(line, t.end);
        int words = count_words(line, end);
        n_rows += words > 0;
        n_words += (size_t)words;
        polygons |= words > MOST_BOX_WORDS;
    }
    if (n_rows == 0)
        return OK;
    if (n_rows > LABEL_FILE_MAX_ROWS)
        return fail(E_LIMIT, "%s: %zu labels, more than %d", name, n_rows, LABEL_FILE_MAX_ROWS);
    rows->objects = mem_alloc(n_rows, sizeof(*rows->objects));
    rows->points = polygons ? mem_alloc(n_words / 2 + 1, sizeof(*rows->points)) : NULL;
    TRY(rows->objects && (rows->points || !polygons) ? OK : E_NOMEM);
    for (const char *end; t.at < t.end; t.at = end + (end < t.end)) {
        end = line_end(t.at, t.end);
        t.line++;
        int words = count_words(t.at, end);
        if (words > 0)
            TRY(read_row(&t, words, polygons, nc, single_class, rows));
    }
    TRY(remove_duplicates(rows));
cleanup:
    if (rc != OK)
        label_rows_free(rows);
    return rc;
}
