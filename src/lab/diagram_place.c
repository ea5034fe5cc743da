/* Where bands, columns and boxes lie. */
#include "lab/diagram_parts.h"

#include <string.h>

enum { LEFT = 92, TOP = 112, BOTTOM = 14 };

bool box_follows(const struct diagram *d, int from, int to)
{
    const struct box *a = &d->boxes[from], *b = &d->boxes[to];
    bool up = box_upwards(d, from);
    if (a->stage != b->stage || (up ? b->y >= a->y : b->y <= a->y))
        return false;
    double low = up ? b->y : a->y, high = up ? a->y : b->y;
    for (int i = 0; i < d->n_boxes; i++) {
        const struct box *c = &d->boxes[i];
        if (c->stage == a->stage && c->y > low && c->y < high)
            return false;
    }
    return true;
}

/* Height of what a column has in a band. */
static double stack_height(const struct diagram *d, int stage, int band)
{
    double height = 0;
    for (int i = 0; i < d->n_boxes; i++) {
        if (d->boxes[i].stage == stage && d->boxes[i].band == band)
            height += d->boxes[i].height + BOX_GAP;
    }
    return height;
}

static void stack_boxes(struct diagram *d, int stage, int band)
{
    const struct band *b = &d->bands[band];
    bool up = d->stages[stage].direction < 0;
    double y = up ? b->y + b->height - BAND_PAD : b->y + BAND_PAD;
    for (int i = 0; i < d->n_boxes; i++) {
        struct box *box = &d->boxes[i];
        if (box->stage != stage || box->band != band)
            continue;
        box->y = up ? y - box->height : y;
        y += (up ? -1 : 1) * (box->height + BOX_GAP);
    }
}

/* A box alone in its band, in a stage whose rows stand each for itself, goes where its wire comes from. */
static void align_alone(struct diagram *d)
{
    for (int i = 0; i < d->n_wires; i++) {
        const struct wire *w = &d->wires[i];
        struct box *b = &d->boxes[w->to];
        const struct band *band = &d->bands[b->band];
        if (d->stages[b->stage].direction || stack_height(d, b->stage, b->band) > b->height + BOX_GAP)
            continue;
        if (i && d->wires[i - 1].to == w->to)
            continue;
        double least = band->y + BAND_PAD, most = band->y + band->height - BAND_PAD - BOX_GAP - b->height;
        b->y = MAX(least, MIN(most, box_exit(d, w->from) - b->height / 2));
    }
}

void diagram_place_rows(struct diagram *d)
{
    double y = d->top = TOP;
    d->left = LEFT;
    for (int k = 0; k < DIAGRAM_BANDS; k++) {
        struct band *b = &d->bands[k];
        double most = 0;
        for (int s = 0; s < d->n_stages; s++)
            most = MAX(most, stack_height(d, s, k));
        b->channel_height = b->n_tracks ? b->n_tracks * TRACK + 2 * CHANNEL_PAD : 0;
        y += b->channel_height;
        b->y = y;
        b->height = most > 0 ? most + 2 * BAND_PAD : 0;
        y += b->height;
        for (int s = 0; s < d->n_stages; s++)
            stack_boxes(d, s, k);
    }
    d->height = y + BOTTOM;
    align_alone(d);
}

void diagram_place_columns(struct diagram *d, const int *gutter)
{
    double x = LEFT;
    for (int c = 0; c < d->n_stages; c++) {
        x += 2 * GUTTER_PAD + gutter[c] * TRACK;
        d->column_x[c] = x;
        x += BOX_WIDTH;
    }
    d->width = x + 2 * GUTTER_PAD + gutter[d->n_stages] * TRACK;
    for (int i = 0; i < d->n_boxes; i++) {
        d->boxes[i].x = d->column_x[box_column(d, i)];
        d->boxes[i].width = BOX_WIDTH;
    }
}
