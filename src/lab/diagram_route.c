/* Ways of wires. A wire leaves its box behind it, in the gap, turns aside to a gutter and enters the other box at its
 * side; a box's next one in the column gets it straight. A position across is 2*c + 1 for column c and 2*g for the
 * gutter left of column g. */
#include "lab/diagram_parts.h"

#include <math.h>
#include <stdlib.h>

enum way {
    WAY_STRAIGHT, /* into the next box */
    WAY_GUTTER,   /* one gutter: exit, up or down, entry */
    WAY_EXIT,     /* across columns at the height of the exit, then the last gutter */
    WAY_ENTRY,    /* the first gutter, then across columns at the height of the entry */
    WAY_CHANNEL,  /* the first gutter, a channel between bands, the last gutter */
};

struct plan {
    enum way way;
    bool exit_right, entry_left;
    int first, last; /* gutters */
    int channel;     /* band below it */
    double entry;    /* y */
};

/* A stretch that is taken: of a gutter (a: y range) or across (a: positions, y its height). */
struct stretch {
    int net, place; /* net: the box that the wire comes from; place: gutter or channel; of stretches across unused */
    double low, high, y;
    int track;
};

struct list {
    struct stretch *items;
    int n;
};

struct router {
    struct diagram *d;
    struct plan *plans; /* (n_wires) */
    struct list across, vertical, channels;
    int *gutter; /* (n_stages + 1) tracks */
};

static bool across_is_free(const struct router *r, int net, double y, double low, double high, double apart)
{
    for (int i = 0; i < r->across.n; i++) {
        const struct stretch *s = &r->across.items[i];
        if (s->net != net && fabs(s->y - y) < apart && s->low <= high && low <= s->high)
            return false;
    }
    return true;
}

static void take_across(struct router *r, int net, double y, double low, double high)
{
    r->across.items[r->across.n++] = (struct stretch){.net = net, .low = low, .high = high, .y = y};
}

/* No box of columns first..last meets y - above .. y + below. */
static bool boxes_leave(const struct diagram *d, int first, int last, double low, double high)
{
    for (int i = 0; i < d->n_boxes; i++) {
        const struct box *b = &d->boxes[i];
        int column = box_column(d, i);
        if (column >= first && column <= last && b->y - 5 < high && b->y + b->height + 5 > low)
            return false;
    }
    return true;
}

static int nearest_channel(const struct diagram *d, double exit, double entry)
{
    int best = 1;
    double least = INFINITY;
    for (int k = 1; k < DIAGRAM_BANDS; k++) {
        const struct band *b = &d->bands[k];
        double way = fabs(exit - b->y) + fabs(entry - b->y);
        if (b->height > 0 && way < least) {
            least = way;
            best = k;
        }
    }
    return best;
}

/* Columns strictly between the ends of a wire, and the gutters at both ends. */
static void plan_gutters(const struct router *r, const struct wire *w, struct plan *p)
{
    int from = box_column(r->d, w->from), to = box_column(r->d, w->to);
    p->exit_right = from < to;
    p->entry_left = from <= to;
    p->first = p->exit_right ? from + 1 : from;
    p->last = p->entry_left ? to : to + 1;
}

static void plan_wire(struct router *r, int i)
{
    const struct diagram *d = r->d;
    const struct wire *w = &d->wires[i];
    const struct box *to = &d->boxes[w->to];
    struct plan *p = &r->plans[i];
    double exit = box_exit(d, w->from), entry = to->y + to->height / 2;
    plan_gutters(r, w, p);
    p->entry = entry;
    int left = MIN(p->first, p->last), right = MAX(p->first, p->last) - 1; /* columns between */
    if (box_follows(d, w->from, w->to))
        p->way = WAY_STRAIGHT;
    else if (p->first == p->last)
        p->way = WAY_GUTTER;
    else if (boxes_leave(d, left, right, exit - 1, exit + 1) &&
             across_is_free(r, w->from, exit, 2 * left, 2 * right + 2, 4))
        p->way = WAY_EXIT;
    else if (boxes_leave(d, left, right, to->y, to->y + to->height) &&
             across_is_free(r, w->from, entry, 2 * left, 2 * right + 2, to->height))
        p->way = WAY_ENTRY;
    else {
        p->way = WAY_CHANNEL;
        p->channel = nearest_channel(d, exit, entry);
    }
    if (p->way == WAY_EXIT)
        take_across(r, w->from, exit, 2 * left, 2 * right + 2);
    if (p->way == WAY_ENTRY)
        take_across(r, w->from, entry, 2 * left, 2 * right + 2);
}

/* --- tracks --- */

static int by_place_and_low(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    return x->net - y->net;
}

/* Adds a stretch, or lengthens the one that the same net has at this place. */
static void take(struct list *l, int place, int net, double a, double b)
{
    double low = MIN(a, b), high = MAX(a, b);
    for (int i = 0; i < l->n; i++) {
        struct stretch *s = &l->items[i];
        if (s->place == place && s->net == net) {
            s->low = MIN(s->low, low);
            s->high = MAX(s->high, high);
            return;
        }
    }
    l->items[l->n++] = (struct stretch){.net = net, .place = place, .low = low, .high = high};
}

/* First fit: a track is free again `apart` behind the end of what was on it. count(place) = tracks needed. */
static void share_tracks(struct list *l, double apart, int *count)
{
    qsort(l->items, (size_t)l->n, sizeof *l->items, by_place_and_low);
    for (int i = 0; i < l->n; i++) {
        struct stretch *s = &l->items[i];
        bool taken = true;
        for (s->track = 0; taken; s->track += taken) {
            taken = false;
            for (int k = i - 1; k >= 0 && l->items[k].place == s->place && !taken; k--)
                taken = l->items[k].track == s->track && l->items[k].high + apart > s->low;
        }
        count[s->place] = MAX(count[s->place], s->track + 1);
    }
}

static int track_of(const struct list *l, int place, int net)
{
    for (int i = 0; i < l->n; i++) {
        if (l->items[i].place == place && l->items[i].net == net)
            return l->items[i].track;
    }
    return 0;
}

/* --- entries --- */

/* Wires that enter a box on one side get heights of their own, in the order of where they come from, and away from
 * other wires that cross the gutter there. */
static void place_entries(struct router *r, int box, bool left)
{
    const struct box *b = &r->d->boxes[box];
    int n = 0, k = 0;
    for (int i = 0; i < r->d->n_wires; i++)
        n += r->d->wires[i].to == box && r->plans[i].way != WAY_STRAIGHT && r->plans[i].entry_left == left;
    double step = n > 1 ? MIN(2.0 * PORT, (b->height - PORT) / (n - 1)) : 0;
    for (int i = 0; i < r->d->n_wires; i++) {
        struct plan *p = &r->plans[i];
        if (r->d->wires[i].to != box || p->way == WAY_STRAIGHT || p->entry_left != left)
            continue;
        double y = b->y + b->height / 2 + (k++ - 0.5 * (n - 1)) * step;
        static const double shift[] = {0, 3, -3, 5, -5};
        for (int t = 0; t < COUNT(shift); t++) {
            if (y + shift[t] < b->y + 2 || y + shift[t] > b->y + b->height - 2 || (n > 1 && fabs(shift[t]) > step / 2))
                continue;
            if (across_is_free(r, r->d->wires[i].from, y + shift[t], 2 * p->last, 2 * p->last, 3)) {
                y += shift[t];
                break;
            }
        }
        /* A wire that comes across at the height of its exit, which is also that of the box, goes straight on. */
        double exit = box_exit(r->d, r->d->wires[i].from);
        if (n == 1 && (p->way == WAY_EXIT || p->way == WAY_GUTTER) && fabs(exit - y) < 6 && exit > b->y + 2 &&
            exit < b->y + b->height - 2)
            y = exit;
        p->entry = y;
        take_across(r, r->d->wires[i].from, y, 2 * p->last, 2 * p->last);
    }
}

/* --- points --- */

static double channel_y(const struct router *r, const struct plan *p, int net)
{
    const struct band *b = &r->d->bands[p->channel];
    return b->y - b->channel_height + CHANNEL_PAD + TRACK * (track_of(&r->channels, p->channel, net) + 0.5);
}

static double gutter_x(const struct router *r, int gutter, int net)
{
    double x = gutter ? r->d->column_x[gutter - 1] + BOX_WIDTH : r->d->left;
    return x + GUTTER_PAD + TRACK * (track_of(&r->vertical, gutter, net) + 0.5);
}

static void add_point(struct wire *w, double x, double y)
{
    w->x[w->n] = x;
    w->y[w->n++] = y;
}

static void draw_way(struct router *r, int i)
{
    struct wire *w = &r->d->wires[i];
    const struct plan *p = &r->plans[i];
    const struct box *from = &r->d->boxes[w->from], *to = &r->d->boxes[w->to];
    double exit = box_exit(r->d, w->from), middle = from->x + from->width / 2;
    bool up = box_upwards(r->d, w->from);
    add_point(w, middle, up ? from->y : from->y + from->height);
    if (p->way == WAY_STRAIGHT) {
        add_point(w, middle, up ? to->y + to->height : to->y);
        return;
    }
    add_point(w, middle, exit);
    double first = gutter_x(r, p->first, w->from), last = gutter_x(r, p->last, w->from);
    if (p->way == WAY_ENTRY || p->way == WAY_CHANNEL) {
        double y = p->way == WAY_ENTRY ? p->entry : channel_y(r, p, w->from);
        add_point(w, first, exit);
        add_point(w, first, y);
        if (p->way == WAY_CHANNEL) {
            add_point(w, last, y);
            add_point(w, last, p->entry);
        }
    } else {
        add_point(w, last, exit);
        add_point(w, last, p->entry);
    }
    w->x[w->n] = p->entry_left ? to->x : to->x + to->width;
    w->y[w->n++] = p->entry;
}

/* Stretches of gutters and channels that the wires take. */
static void take_stretches(struct router *r)
{
    for (int i = 0; i < r->d->n_wires; i++) {
        const struct plan *p = &r->plans[i];
        int net = r->d->wires[i].from;
        double exit = box_exit(r->d, net), y = r->d->bands[p->channel].y;
        if (p->way == WAY_GUTTER || p->way == WAY_EXIT)
            take(&r->vertical, p->last, net, exit, p->entry);
        if (p->way == WAY_ENTRY)
            take(&r->vertical, p->first, net, exit, p->entry);
        if (p->way == WAY_CHANNEL) {
            take(&r->vertical, p->first, net, exit, y);
            take(&r->vertical, p->last, net, y - r->d->bands[p->channel].channel_height, p->entry);
        }
    }
}

/* Wires of one box fork where one of them turns and another one goes on. */
static void find_forks(struct diagram *d)
{
    for (int i = 0; i < d->n_wires; i++) {
        const struct wire *w = &d->wires[i];
        for (int k = 1; k + 1 < w->n; k++) {
            bool fork = false;
            for (int j = 0; j < d->n_wires && !fork; j++) {
                const struct wire *o = &d->wires[j];
                for (int q = 0; o->from == w->from && q + 1 < o->n && !fork; q++) {
                    double x0 = MIN(o->x[q], o->x[q + 1]), x1 = MAX(o->x[q], o->x[q + 1]);
                    double y0 = MIN(o->y[q], o->y[q + 1]), y1 = MAX(o->y[q], o->y[q + 1]);
                    bool on = w->x[k] >= x0 - 0.1 && w->x[k] <= x1 + 0.1 && w->y[k] >= y0 - 0.1 && w->y[k] <= y1 + 0.1;
                    bool end = fabs(w->x[k] - o->x[q]) + fabs(w->y[k] - o->y[q]) < 0.1 ||
                               fabs(w->x[k] - o->x[q + 1]) + fabs(w->y[k] - o->y[q + 1]) < 0.1;
                    fork = on && !end;
                }
            }
            if (fork)
                d->dots[d->n_dots++] = (struct dot){w->x[k], w->y[k], w->from};
        }
    }
}

static void count_channels(struct router *r)
{
    int tracks[DIAGRAM_BANDS] = {0};
    for (int i = 0; i < r->d->n_wires; i++) {
        const struct plan *p = &r->plans[i];
        if (p->way == WAY_CHANNEL)
            take(&r->channels, p->channel, r->d->wires[i].from, MIN(p->first, p->last), MAX(p->first, p->last));
    }
    share_tracks(&r->channels, 0.5, tracks);
    for (int k = 0; k < DIAGRAM_BANDS; k++)
        r->d->bands[k].n_tracks = tracks[k];
}

static void route(struct router *r)
{
    struct diagram *d = r->d;
    diagram_place_rows(d);
    for (int i = 0; i < d->n_wires; i++)
        plan_wire(r, i);
    count_channels(r);
    diagram_place_rows(d); /* bands move as a whole: what was free still is */
    r->across.n = 0;
    for (int i = 0; i < d->n_wires; i++) {
        const struct plan *p = &r->plans[i];
        int from = box_column(d, d->wires[i].from);
        double exit = box_exit(d, d->wires[i].from), low = 2 * from + 1, high = low;
        double end = p->way == WAY_EXIT || p->way == WAY_GUTTER ? 2 * p->last : 2 * p->first;
        if (p->way != WAY_STRAIGHT)
            take_across(r, d->wires[i].from, exit, MIN(low, end), MAX(high, end));
    }
    for (int i = 0; i < d->n_boxes; i++) {
        place_entries(r, i, true);
        place_entries(r, i, false);
    }
    take_stretches(r);
    share_tracks(&r->vertical, 6, r->gutter);
    diagram_place_columns(d, r->gutter);
    for (int i = 0; i < d->n_wires; i++)
        draw_way(r, i);
    find_forks(d);
}

enum status diagram_route(struct diagram *d)
{
    enum status rc = OK;
    size_t n = (size_t)d->n_wires;
    struct router r = {.d = d, .plans = mem_calloc(n, sizeof *r.plans)};
    r.across.items = mem_calloc(2 * n, sizeof *r.across.items);
    r.vertical.items = mem_calloc(2 * n, sizeof *r.vertical.items);
    r.channels.items = mem_calloc(n, sizeof *r.channels.items);
    r.gutter = mem_calloc((size_t)d->n_stages + 1, sizeof *r.gutter);
    d->column_x = mem_calloc((size_t)d->n_stages, sizeof *d->column_x);
    d->dots = mem_calloc(n * WIRE_POINTS, sizeof *d->dots);
    if (r.plans && r.across.items && r.vertical.items && r.channels.items && r.gutter && d->column_x && d->dots)
        route(&r);
    else
        rc = E_NOMEM;
    mem_free(r.plans);
    mem_free(r.across.items);
    mem_free(r.vertical.items);
    mem_free(r.channels.items);
    mem_free(r.gutter);
    return rc;
}
