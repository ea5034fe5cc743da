#include "lab/retention.h"

#include "core/mem.h"
#include "core/rng.h"
#include "lab/random_net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SIDES = 4, /* parts of a position's square, each way, at most */
    TILES = 8, /* of a photo, each way, that are told apart where photos are too few */
    CHECK_STRIDE = 4,
    NOISE_FEATURES = 48,
    POSITION_FEATURES = 6,
};

/* What maps of one size have in common. */
struct grid {
    int h, w;
    int n, a_photo; /* positions in all, of a photo */
    int *position;  /* (n) y * w + x */
    int *photo;     /* (n) */
    uint8_t *fold;  /* (n) */
    int parts;      /* of a position's square, each way */
    int side;       /* pixels of a part */
    float *y;       /* (n, 3 parts^2) */
    float *object;  /* (n); NULL without labels */
};

struct retention {
    const struct retention_options *o;
    struct grid *grids; /* (n_grids), room for one a map */
    int n_grids;
    struct random_net net;
    int at; /* photo that runs */
    struct retention_net *out;
    float **features;            /* (out->n): each (grid->n, c), NULL before the first photo */
    const struct grid **grid_of; /* (out->n) */
};

/* --- grids --- */

/* a_photo of h * w positions without repeating any, the same for a photo's number whatever network is measured. */
static enum status draw_positions(struct grid *g, int photo)
{
    struct rng rng = rng_seed((uint64_t)photo, (uint64_t)g->h, (uint64_t)g->w);
    const int all = g->h * g->w, first = photo * g->a_photo;
    int *order = mem_alloc((size_t)all, sizeof *order);
    if (!order)
        return E_NOMEM;
    for (int i = 0; i < all; i++)
        order[i] = i;
    for (int i = 0; i < g->a_photo; i++) {
        const int k = i + (int)rng_below(&rng, (uint64_t)(all - i)), taken = order[k];
        order[k] = order[i];
        order[i] = taken;
        g->position[first + i] = taken;
        g->photo[first + i] = photo;
    }
    mem_free(order);
    return OK;
}

/* Photos apart, or parts of photos where there are too few of them. */
static void set_folds(struct grid *g, int photos)
{
    const int tile_h = MAX(g->h / TILES, 1), tile_w = MAX(g->w / TILES, 1);
    for (int i = 0; i < g->n; i++) {
        const int y = g->position[i] / g->w / tile_h, x = g->position[i] % g->w / tile_w;
        g->fold[i] = (uint8_t)((photos >= PROBE_FOLDS ? g->photo[i] : y + 2 * x) % PROBE_FOLDS);
    }
}

static bool folds_are_filled(const struct grid *g)
{
    int count[PROBE_FOLDS] = {0};
    for (int i = 0; i < g->n; i++)
        count[g->fold[i]]++;
    for (int k = 0; k < PROBE_FOLDS; k++)
        if (!count[k])
            return false;
    return true;
}

/* Mean colours, 0 to 1, of the parts of a position's square. */
static void read_square(const struct grid *g, const struct image *picture, int position, float *out)
{
    const int square = g->parts * g->side, top = position / g->w * square, left = position % g->w * square;
    for (int p = 0; p < g->parts * g->parts; p++) {
        const int y0 = top + p / g->parts * g->side, x0 = left + p % g->parts * g->side;
        double sum[3] = {0};
        for (int i = 0; i < g->side * g->side; i++) {
            const size_t at = (size_t)(y0 + i / g->side) * (size_t)picture->w + (size_t)(x0 + i % g->side);
            for (int c = 0; c < 3; c++)
                sum[c] += picture->data[3 * at + (size_t)c];
        }
        for (int c = 0; c < 3; c++)
            out[3 * p + c] = (float)(sum[c] / (255.0 * g->side * g->side));
    }
}

static void fill_targets(struct grid *g, const struct photo_set *photos)
{
    const size_t t = 3 * (size_t)g->parts * (size_t)g->parts;
    for (int i = 0; i < g->n; i++) {
        const struct lab_photo *p = &photos->items[g->photo[i]];
        read_square(g, &p->picture, g->position[i], g->y + (size_t)i * t);
        if (g->object)
            g->object[i] =
                photo_has_object(p, (g->position[i] % g->w + 0.5) / g->w, (g->position[i] / g->w + 0.5) / g->h);
    }
}

static enum status make_grid(struct retention *r, int h, int w, struct grid *g)
{
    const struct photo_set *photos = r->o->photos;
    const int square = photos->size / h;
    *g = (struct grid){.h = h, .w = w, .a_photo = MIN(h * w, r->o->positions), .parts = MIN(square, SIDES)};
    while (square % g->parts)
        g->parts--;
    g->side = square / g->parts;
    g->n = g->a_photo * photos->n;
    g->position = mem_alloc((size_t)g->n, sizeof *g->position);
    g->photo = mem_alloc((size_t)g->n, sizeof *g->photo);
    g->fold = mem_alloc((size_t)g->n, sizeof *g->fold);
    g->y = mem_alloc(3 * (size_t)g->n * (size_t)g->parts * (size_t)g->parts, sizeof *g->y);
    g->object = photos->labelled ? mem_alloc((size_t)g->n, sizeof *g->object) : NULL;
    if (!g->position || !g->photo || !g->fold || !g->y || (photos->labelled && !g->object))
        return E_NOMEM;
    for (int i = 0; i < photos->n; i++)
        TRY(draw_positions(g, i));
    set_folds(g, photos->n);
    if (!folds_are_filled(g))
        return fail(E_ARGUMENT, "%d photos with %d positions each are too few to fit on some and test on others",
                    photos->n, g->a_photo);
    fill_targets(g, photos);
    return OK;
}

static enum status find_grid(struct retention *r, int h, int w, const struct grid **out)
{
    for (int i = 0; i < r->n_grids; i++)
        if (r->grids[i].h == h && r->grids[i].w == w) {
            *out = &r->grids[i];
            return OK;
        }
    struct grid *g = &r->grids[r->n_grids++];
    *out = g;
    return make_grid(r, h, w, g);
}

static enum status start(struct retention *r, int maps)
{
    r->grids = mem_calloc((size_t)maps, sizeof *r->grids);
    r->features = mem_calloc((size_t)maps, sizeof *r->features);
    r->grid_of = mem_calloc((size_t)maps, sizeof *r->grid_of);
    r->out->maps = mem_calloc((size_t)maps, sizeof *r->out->maps);
    if (!r->grids || !r->features || !r->grid_of || !r->out->maps)
        return E_NOMEM;
    r->out->n = maps;
    return OK;
}

static void finish(struct retention *r)
{
    for (int i = 0; i < r->n_grids; i++) {
        struct grid *g = &r->grids[i];
        mem_free(g->position);
        mem_free(g->photo);
        mem_free(g->fold);
        mem_free(g->y);
        mem_free(g->object);
    }
    for (int i = 0; r->features && i < r->out->n; i++)
        mem_free(r->features[i]);
    mem_free(r->features);
    mem_free(r->grid_of);
    mem_free(r->grids);
    random_net_close(&r->net);
}

/* --- networks --- */

/* The positions of the photo that runs. */
static enum status take(void *context, int i, const struct tensor *map)
{
    struct retention *r = context;
    struct retention_map *m = &r->out->maps[i];
    const size_t c = (size_t)map->c;
    if (!r->features[i]) {
        TRY(find_grid(r, map->h, map->w, &r->grid_of[i]));
        m->h = map->h, m->w = map->w, m->c = map->c;
        r->features[i] = mem_alloc((size_t)r->grid_of[i]->n * c, sizeof(float));
        if (!r->features[i])
            return E_NOMEM;
    }
    const struct grid *g = r->grid_of[i];
    for (int k = r->at * g->a_photo; k < (r->at + 1) * g->a_photo; k++)
        memcpy(r->features[i] + (size_t)k * c, tensor_pixel(map, 0, g->position[k] / g->w, g->position[k] % g->w),
               c * sizeof(float));
    return OK;
}

static enum status run_photos(struct retention *r)
{
    enum status rc = OK;
    const struct photo_set *photos = r->o->photos;
    const int measured = MIN(r->o->measured, photos->n);
    struct image *batch = mem_calloc((size_t)measured, sizeof *batch); /* borrows the pixels */
    if (!batch)
        return E_NOMEM;
    for (int i = 0; i < measured; i++)
        batch[i] = photos->items[i].picture;
    TRY_CLEAN(random_net_run(&r->net, batch, measured, true, NULL, NULL));
    for (r->at = 0; r->at < photos->n; r->at++)
        TRY_CLEAN(random_net_run(&r->net, &photos->items[r->at].picture, 1, false, take, r));
cleanup:
    mem_free(batch);
    return rc;
}

static enum status measure_map(struct retention *r, int i)
{
    struct retention_map *m = &r->out->maps[i];
    const struct grid *g = r->grid_of[i];
    m->t = 3 * g->parts * g->parts;
    m->samples = g->n;
    const enum status rc = probe_measure(&(struct samples){.n = g->n,
                                                           .c = m->c,
                                                           .t = m->t,
                                                           .x = r->features[i],
                                                           .y = g->y,
                                                           .fold = g->fold,
                                                           .object = g->object,
                                                           .photo = g->photo,
                                                           .photos = r->o->photos->n,
                                                           .noise = 1 / (12.0 * 255 * 255 * g->side * g->side)},
                                         &m->result);
    return rc == OK ? OK : fail_prefix(rc, "%s, depth %d", r->out->name, m->depth);
}

enum status retention_measure(const struct retention_options *o, const char *network, uint64_t seed, const int *depths,
                              int n_depths, struct retention_net *out)
{
    enum status rc = OK;
    struct retention r = {.o = o, .out = out};
    *out = (struct retention_net){0};
    TRY_CLEAN(random_net_open(network, seed, depths, n_depths, o->team, &r.net));
    TRY_CLEAN((out->name = mem_strdup(r.net.table.name)) ? OK : E_NOMEM);
    TRY_CLEAN(start(&r, n_depths));
    for (int i = 0; i < n_depths; i++) {
        const struct random_map *m = &r.net.maps[i];
        out->maps[i].asked = m->asked;
        out->maps[i].depth = m->depth;
        out->maps[i].row = m->row;
        snprintf(out->maps[i].module, sizeof out->maps[i].module, "%s", r.net.rows[m->row].module);
    }
    TRY_CLEAN(run_photos(&r));
    for (int i = 0; i < n_depths; i++)
        TRY_CLEAN(measure_map(&r, i));
cleanup:
    finish(&r);
    return rc;
}

/* --- checks --- */

static void fill_noise(float *x, int n, uint64_t seed)
{
    struct rng rng = rng_seed(seed, 0, 0);
    for (int i = 0; i < n * NOISE_FEATURES; i++)
        x[i] = (float)rng_normal(&rng);
}

static void fill_positions(const struct grid *g, float *x)
{
    for (int i = 0; i < g->n; i++, x += POSITION_FEATURES) {
        const float v = ((float)(g->position[i] / g->w) + 0.5F) / (float)g->h;
        const float u = ((float)(g->position[i] % g->w) + 0.5F) / (float)g->w;
        const float border = fminf(fminf(u, 1 - u), fminf(v, 1 - v));
        const float all[POSITION_FEATURES] = {u, v, u * u, v * v, u * v, border};
        memcpy(x, all, sizeof all);
    }
}

enum status retention_check(const struct retention_options *o, enum retention_check check, uint64_t seed,
                            struct retention_net *out)
{
    static const char *const names[] = {"copy", "noise", "position"};
    enum status rc = OK;
    struct retention r = {.o = o, .out = out};
    const int side = o->photos->size / CHECK_STRIDE;
    *out = (struct retention_net){.name = mem_strdup(names[check])};
    TRY_CLEAN(out->name ? OK : E_NOMEM);
    TRY_CLEAN(start(&r, 1));
    TRY_CLEAN(find_grid(&r, side, side, &r.grid_of[0]));
    const struct grid *g = r.grid_of[0];
    const int t = 3 * g->parts * g->parts;
    out->maps[0] = (struct retention_map){.asked = -1, .depth = -1, .row = -1, .h = side, .w = side};
    out->maps[0].c = check == CHECK_COPY ? t : check == CHECK_NOISE ? NOISE_FEATURES : POSITION_FEATURES;
    r.features[0] = mem_alloc((size_t)g->n * (size_t)out->maps[0].c, sizeof(float));
    TRY_CLEAN(r.features[0] ? OK : E_NOMEM);
    if (check == CHECK_COPY)
        memcpy(r.features[0], g->y, (size_t)g->n * (size_t)t * sizeof(float));
    else if (check == CHECK_NOISE)
        fill_noise(r.features[0], g->n, seed);
    else
        fill_positions(g, r.features[0]);
    TRY_CLEAN(measure_map(&r, 0));
cleanup:
    finish(&r);
    return rc;
}

void retention_free(struct retention_net *r)
{
    for (int i = 0; i < r->n; i++)
        probe_free(&r->maps[i].result);
    mem_free(r->maps);
    mem_free(r->name);
    *r = (struct retention_net){0};
}
