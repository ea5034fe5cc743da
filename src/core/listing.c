#include "core/listing.h"

#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_COLUMNS = 16, GAP = 1 };

void listing_init(struct listing *l, const struct listing_column *columns, int n_columns)
{
    *l = (struct listing){.columns = columns, .n_columns = MIN(n_columns, MOST_COLUMNS)};
}

void listing_free(struct listing *l)
{
    for (int i = 0; i < l->n_cells; i++)
        mem_free(l->cells[i]);
    mem_free(l->cells);
    *l = (struct listing){0};
}

enum status listing_add(struct listing *l, const char *format, ...)
{
    if (l->n_cells == l->capacity) {
        int capacity = 2 * l->capacity + 64;
        char **grown = mem_grow(l->cells, (size_t)l->n_cells * sizeof *grown, (size_t)capacity * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        l->cells = grown;
        l->capacity = capacity;
    }
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *cell = n < 0 ? NULL : mem_alloc((size_t)n + 1, 1);
    if (cell) {
        vsnprintf(cell, (size_t)n + 1, format, again);
        l->cells[l->n_cells++] = cell;
    }
    va_end(again);
    va_end(args);
    return cell ? OK : E_NOMEM;
}

/* --- fitting --- */

/* Widths of the columns, with their gaps; 0: left out. */
struct fit {
    int content[MOST_COLUMNS]; /* widest cell or title */
    int width[MOST_COLUMNS];
};

static int total(const struct listing *l, const struct fit *f)
{
    int sum = 0;
    for (int c = 0; c < l->n_columns; c++)
        sum += f->width[c];
    return sum;
}

static void measure(const struct listing *l, struct fit *f)
{
    for (int c = 0; c < l->n_columns; c++)
        f->content[c] = text_columns(l->columns[c].title);
    for (int i = 0; i < l->n_cells; i++)
        f->content[i % l->n_columns] = MAX(f->content[i % l->n_columns], text_columns(l->cells[i]));
    for (int c = 0; c < l->n_columns; c++)
        f->width[c] = MAX(f->content[c] + (c ? GAP : 0), l->columns[c].width);
}

/* Take `excess` from the columns, one at a time from that which is farthest above `least`; what is left of it. */
static int take(const struct listing *l, struct fit *f, const int *least, int excess)
{
    while (excess > 0) {
        int best = -1, most = 0;
        for (int c = 0; c < l->n_columns; c++) {
            if (f->width[c] && f->width[c] - least[c] > most) {
                most = f->width[c] - least[c];
                best = c;
            }
        }
        if (best < 0)
            break;
        f->width[best]--;
        excess--;
    }
    return excess;
}

/* First the columns' space beyond their content, then the content of those that may be cut. */
static int shrink(const struct listing *l, struct fit *f, int excess)
{
    int whole[MOST_COLUMNS], cut[MOST_COLUMNS];
    for (int c = 0; c < l->n_columns; c++) {
        int least = l->columns[c].least;
        whole[c] = f->content[c] + (c ? GAP : 0);
        cut[c] = least ? MIN(least + (c ? GAP : 0), whole[c]) : whole[c];
    }
    return take(l, f, cut, take(l, f, whole, excess));
}

static bool drop_one(const struct listing *l, struct fit *f)
{
    int worst = -1;
    for (int c = 0; c < l->n_columns; c++)
        if (f->width[c] && l->columns[c].drop && (worst < 0 || l->columns[c].drop > l->columns[worst].drop))
            worst = c;
    if (worst >= 0)
        f->width[worst] = 0;
    return worst >= 0;
}

static void fit(const struct listing *l, int limit, struct fit *f)
{
    *f = (struct fit){.width = {0}};
    measure(l, f);
    while (limit) {
        struct fit tried = *f;
        int excess = shrink(l, &tried, total(l, &tried) - limit);
        if (excess <= 0 || !drop_one(l, f)) {
            *f = tried;
            return;
        }
    }
}

/* --- writing --- */

static enum status write_cell(const struct listing_column *c, int width, const char *text, bool first, struct buf *out)
{
    char shown[1024];
    int room = width - (first ? 0 : GAP);
    text_fit(text, MAX(room, 1), c->cut, shown, sizeof shown);
    int blank = MAX(room - text_columns(shown), 0);
    return buf_printf(out, "%*s%s%*s", (first ? 0 : GAP) + (c->align == LISTING_RIGHT ? blank : 0), "", shown,
                      c->align == LISTING_LEFT ? blank : 0, "");
}

static enum status write_row(const struct listing *l, const struct fit *f, char *const *cells, struct buf *out)
{
    bool first = true;
    for (int c = 0; c < l->n_columns; c++) {
        if (!f->width[c])
            continue;
        TRY(write_cell(&l->columns[c], f->width[c], cells ? cells[c] : l->columns[c].title, first, out));
        first = false;
    }
    while (out->size && out->data[out->size - 1] == ' ')
        out->size--; /* blanks at the end of a line serve nobody */
    TRY(buf_append(out, "\n", 1));
    return OK;
}

enum status listing_write(const struct listing *l, int limit, struct buf *out)
{
    struct fit f;
    fit(l, limit, &f);
    TRY(write_row(l, &f, NULL, out));
    for (int i = 0; i + l->n_columns <= l->n_cells; i += l->n_columns)
        TRY(write_row(l, &f, l->cells + i, out));
    return OK;
}
