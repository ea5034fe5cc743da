#include "image/label_place.h"

#include "core/mem.h"

#include <math.h>

enum { MAX_CELLS = 1 << 20 };

static const double PROTECTED = 6;      /* boxes up to so many areas of their label */
static const double LABEL_COST = 4;     /* of covering a whole label, against 1 for a whole small box */
static const double INSIDE_COST = 0.3;  /* of a label that lies wholly in its own box */
static const double CELLS_PER_TEXT = 6; /* along the height of a letter */

enum status label_map_init(struct label_map *m, int h, int w, double text_size)
{
    double cell = MAX(text_size / CELLS_PER_TEXT, 1.0);
    cell = MAX(cell, sqrt((double)h * w / MAX_CELLS));
    cell = MAX(cell, MAX(h, w) / (double)MAX_CELLS);
    *m = (struct label_map){.h = h, .w = w, .cell = cell};
    m->rows = (int)(h / cell) + 1;
    m->cols = (int)(w / cell) + 1;
    m->weight = mem_calloc((size_t)m->rows * (size_t)m->cols, sizeof *m->weight);
    return m->weight ? OK : E_NOMEM;
}

void label_map_free(struct label_map *m)
{
    mem_free(m->weight);
    *m = (struct label_map){0};
}

/* The part of cell `i` that lo..hi (in cells) covers. */
static double covered(int i, double lo, double hi)
{
    return MAX(MIN(hi, i + 1.0) - MAX(lo, (double)i), 0.0);
}

/* Weight of what lies under `r`; `add` per pixel is put there where it is not 0. */
static double walk(struct label_map *m, struct rect r, double add)
{
    double x0 = MAX(r.x, 0.0) / m->cell, y0 = MAX(r.y, 0.0) / m->cell, sum = 0;
    double x1 = MIN(r.x + r.w, (double)m->w) / m->cell, y1 = MIN(r.y + r.h, (double)m->h) / m->cell;
    for (int y = (int)y0; y < y1 && y < m->rows; y++) {
        double part = covered(y, y0, y1);
        float *row = m->weight + (size_t)y * (size_t)m->cols;
        for (int x = (int)x0; x < x1 && x < m->cols; x++) {
            double share = part * covered(x, x0, x1);
            sum += share * row[x];
            if (add != 0)
                row[x] += (float)(share * add);
        }
    }
    return sum * m->cell * m->cell;
}

void label_map_protect(struct label_map *m, const float b[4], double label_w, double label_h)
{
    struct rect r = {b[0], b[1], MAX(b[2] - b[0], 1), MAX(b[3] - b[1], 1)};
    if (r.w * r.h <= PROTECTED * label_w * label_h)
        walk(m, r, 1 / (r.w * r.h));
}

/* The part of `r` that lies in the box. */
static double part_inside(struct rect r, const float b[4])
{
    double w = MIN(r.x + r.w, (double)b[2]) - MAX(r.x, (double)b[0]);
    double h = MIN(r.y + r.h, (double)b[3]) - MAX(r.y, (double)b[1]);
    return w > 0 && h > 0 ? w * h / (r.w * r.h) : 0;
}

static double into(double v, double most)
{
    return MAX(MIN(v, most), 0.0);
}

struct rect label_map_place(struct label_map *m, const float b[4], double w, double h, double line)
{
    double edge = ceil(line / 2), x0 = rint(b[0]) - edge, y0 = rint(b[1]) - edge;
    double x1 = rint(b[2]) + edge, y1 = rint(b[3]) + edge;
    const struct {
        double x, y, cost;
    } places[] = {
        {x0, y0 - h, 0}, {x1 - w, y0 - h, 0.04}, {x0, y1, 0.06},     {x1 - w, y1, 0.08},
        {x1, y0, 0.10},  {x1, y1 - h, 0.12},     {x0 - w, y0, 0.12}, {x0 - w, y1 - h, 0.14},
        {x0, y0, 0},     {x1 - w, y0, 0.02},     {x0, y1 - h, 0.04}, {x1 - w, y1 - h, 0.06},
    };
    struct rect best = {0};
    double least = INFINITY;
    for (int i = 0; i < COUNT(places); i++) {
        struct rect r = {into(places[i].x, m->w - w), into(places[i].y, m->h - h), w, h};
        double moved = (fabs(r.x - places[i].x) + fabs(r.y - places[i].y)) / (w + h);
        double cost = places[i].cost + INSIDE_COST * part_inside(r, b) + 0.1 * moved + walk(m, r, 0);
        if (cost < least) {
            least = cost;
            best = r;
        }
    }
    walk(m, best, LABEL_COST / (w * h));
    return best;
}
