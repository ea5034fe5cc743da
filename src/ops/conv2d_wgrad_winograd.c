/* Weight gradients of a 3x3 of stride 1 by F(3x3, 4x4) (kernels/slots.h has the mathematics): tiles of src and of d_dst
 * are transformed, multiplied point by point and summed over the tiles, and only the sums are transformed back, once a
 * weight.
 *
 * Parts are runs of blocks of tiles with sums of their own, added in order in the end. Where the sums are large or
 * tiles few there is one run, and parts share its output channels instead (each transforms the whole src again). */
#include "ops/conv2d_internal.h"

enum {
    POINTER_FLOATS = sizeof(void *) / sizeof(float),
    PAD = 16,
    ROWS = 16,                 /* side of the squares of weights in the end */
    MAX_RUNS = 8,              /* runs of tiles */
    MAX_BLOCK = 64,            /* tiles */
    BLOCK_FLOATS = 160 * 1024, /* of the transformed maps of a block: L2 holds them beside the sums */
    RUN_TILES = 96,            /* fewer are not worth sums of their own */
    SUM_FLOATS = 1024 * 1024,  /* of all runs */
    MOST_FLOATS = 4 * SUM_FLOATS,
};

struct wino_wgrad {
    const struct call *call;
    const struct kernels *kernels;
    struct conv_shape shape;
    int padded;         /* columns of a group, whole vectors */
    int tiles_x, tiles; /* of an image */
    int block, blocks;  /* tiles of a block, blocks of an image */
    int runs, shares;
    size_t v_row, v_point, e_row, e_point;
    size_t per_point, sums_floats; /* of a run: [point][group][icg][padded] */
    size_t thread_floats, zero_floats;
    const float *zeros;
    float *sums, *scratch;
};

static struct wino_wgrad lay_out(const struct kernels *k, const struct call *c)
{
    struct wino_wgrad w = {.call = c, .kernels = k, .shape = conv_shape_of(c)};
    const struct conv_shape *s = &w.shape;
    w.padded = round_up(s->ocg, k->wgrad_tile->vl);
    w.tiles_x = (c->dst.w + 3) / 4;
    w.tiles = w.tiles_x * ((c->dst.h + 3) / 4);
    w.per_point = (size_t)s->ic * (size_t)w.padded;
    w.sums_floats = WINO_POINTS * w.per_point;
    w.runs = MAX(1, MIN(MAX_RUNS, MIN((int)(SUM_FLOATS / w.sums_floats), w.tiles * c->dst.n / RUN_TILES)));
    w.runs = w.runs >= 4 ? w.runs / 4 * 4 : w.runs; /* numbers that two and four threads share evenly */
    w.runs = w.runs == 3 ? 2 : w.runs;
    w.shares = w.runs == 1 && s->groups == 1 ? MIN(2, w.padded / k->wgrad_tile->vl) : 1;
    w.v_row = (size_t)round_up(s->ic, 16);
    w.e_row = (size_t)(s->groups * w.padded);
    const int fit = (int)(BLOCK_FLOATS / (WINO_POINTS * (w.v_row + w.e_row)));
    w.blocks = (w.tiles + MAX(8, MIN(fit, MAX_BLOCK)) - 1) / MAX(8, MIN(fit, MAX_BLOCK));
    w.block = (w.tiles + w.blocks - 1) / w.blocks;
    w.v_point = (size_t)w.block * w.v_row + PAD; /* no power of two */
    w.e_point = (size_t)w.block * w.e_row + PAD;
    const size_t pointers = round_up_size((size_t)w.block * POINTER_FLOATS, 16);
    w.thread_floats = WINO_POINTS * (w.v_point + w.e_point) + pointers;
    w.zero_floats = round_up_size((size_t)MAX(s->ic, s->oc), 16);
    return w;
}

bool wino_wgrad_fits(const struct kernels *k, const struct call *c)
{
    return winograd_fits(c) && lay_out(k, c).sums_floats <= MOST_FLOATS;
}

size_t wino_wgrad_scratch_floats(const struct kernels *k, const struct call *c)
{
    const struct wino_wgrad w = lay_out(k, c);
    return w.zero_floats + (size_t)w.runs * w.sums_floats + (size_t)MAX(1, c->options.threads) * w.thread_floats;
}

/* Both maps of tiles [first, first + count) of an image; of d_dst columns [column0, column1) of each group. */
static void transform_maps(const struct wino_wgrad *w, int image, int first, int count, int column0, int column1,
                           float *v, float *e)
{
    const struct conv_shape *s = &w->shape;
    const float *pixels[WINO_POINTS];
    struct wino_input in = {.src = pixels, .channels = s->ic, .stride = w->v_point};
    struct wino_spread out = {.src = pixels, .stride = w->e_point};
    for (int i = 0; i < count; i++) {
        const int y = (first + i) / w->tiles_x * 4, x = (first + i) % w->tiles_x * 4;
        fill_tile(&w->call->src[0], image, y - s->pad, x - s->pad, 6, w->zeros, pixels);
        in.v = v + (size_t)i * w->v_row;
        w->kernels->winograd->input[WINO_S1](&in);
        fill_tile(&w->call->d_dst, image, y, x, 4, w->zeros, pixels);
        for (int g = 0; g < s->groups; g++) {
            out.offset = (size_t)(g * s->ocg + column0);
            out.channels = MIN(column1, s->ocg) - column0;
            out.e = e + (size_t)i * w->e_row + g * w->padded + column0;
            w->kernels->wino_weights->spread(&out);
        }
    }
}

/* sums += products of all points of a block, columns [column0, column1) of each group. */
static void multiply(const struct wino_wgrad *w, const float *const *rows, const float *e, int count, int column0,
                     int column1, float *sums)
{
    const struct conv_shape *s = &w->shape;
    const struct wgrad_tile_kernel *k = w->kernels->wgrad_tile;
    struct wgrad_tile t = {.pixels = count, .a = rows, .b_stride = w->e_row, .c_stride = (size_t)w->padded};
    for (int i = 0; i < WINO_POINTS * s->groups; i++) {
        const int point = i / s->groups, g = i % s->groups;
        for (int left = (column1 - column0) / k->vl, column = column0; left > 0; left -= t.nv, column += t.nv * k->vl) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            t.n = t.nv * k->vl;
            t.b = e + (size_t)point * w->e_point + g * w->padded + column;
            const int tiles = (s->icg + k->mr[t.nv] - 1) / k->mr[t.nv];
            for (int j = 0, at = 0; j < tiles; j++, at += t.m) {
                t.m = (s->icg - at + tiles - j - 1) / (tiles - j);
                t.a_offset = (size_t)point * w->v_point + (size_t)(g * s->icg + at);
                t.c = sums + (size_t)point * w->per_point + (size_t)(g * s->icg + at) * (size_t)w->padded + column;
                k->run(&t);
            }
        }
    }
}

static void clear_columns(const struct wino_wgrad *w, int column0, int column1, float *sums)
{
    for (size_t i = 0; i < WINO_POINTS * (size_t)w->shape.ic; i++)
        memset(sums + i * (size_t)w->padded + column0, 0, (size_t)(column1 - column0) * sizeof *sums);
}

static void sum_part(void *context, int part, int thread)
{
    const struct wino_wgrad *w = context;
    const int run = part / w->shares, share = part % w->shares, vl = w->kernels->wgrad_tile->vl;
    const int column0 = w->padded / vl * share / w->shares * vl;
    const int column1 = w->padded / vl * (share + 1) / w->shares * vl;
    const int blocks = w->blocks * w->call->dst.n;
    const int end = (int)((long long)blocks * (run + 1) / w->runs);
    float *sums = w->sums + (size_t)run * w->sums_floats;
    float *v = w->scratch + (size_t)thread * w->thread_floats, *e = v + WINO_POINTS * w->v_point;
    const float **rows = (const float **)(e + WINO_POINTS * w->e_point);
    for (int i = 0; i < w->block; i++)
        rows[i] = v + (size_t)i * w->v_row;
    clear_columns(w, column0, column1, sums);
    for (int i = (int)((long long)blocks * run / w->runs); i < end; i++) {
        const int first = i % w->blocks * w->block, count = MIN(w->block, w->tiles - first);
        if (count <= 0)
            continue;
        transform_maps(w, i / w->blocks, first, count, column0, column1, v, e);
        multiply(w, rows, e, count, column0, column1, sums);
    }
}

/* Sums back to d_weights (oc, icg, 3, 3), up to ROWS input channels of a group, in squares: one side is read across
 * what the other is written along. */
static void reduce_part(void *context, int part, int thread)
{
    (void)thread;
    const struct wino_wgrad *w = context;
    const struct conv_shape *s = &w->shape;
    const int per_group = (s->icg + ROWS - 1) / ROWS, group = part / per_group, i0 = part % per_group * ROWS;
    const int rows = MIN(ROWS, s->icg - i0);
    float taps[ROWS * 9 * ROWS];
    struct wino_reduce t = {.stride = w->per_point, .part_stride = w->sums_floats, .parts = w->runs, .g_stride = ROWS};
    for (int j0 = 0; j0 < s->ocg; j0 += ROWS) {
        const int columns = MIN(ROWS, s->ocg - j0);
        t.columns = MIN(ROWS, w->padded - j0);
        for (int i = 0; i < rows; i++) {
            t.m = w->sums + (size_t)(group * s->icg + i0 + i) * (size_t)w->padded + j0;
            t.g = taps + i * 9 * ROWS;
            w->kernels->wino_weights->reduce(&t);
        }
        for (int j = 0; j < columns; j++) {
            float *to = w->call->d_param[0] + ((size_t)(group * s->ocg + j0 + j) * (size_t)s->icg + (size_t)i0) * 9;
            for (int i = 0; i < rows * 9; i++)
                to[i] += taps[i * ROWS + j];
        }
    }
}

void wino_wgrad(const struct kernels *k, const struct call *c)
{
    struct wino_wgrad w = lay_out(k, c);
    memset(c->scratch, 0, w.zero_floats * sizeof *c->scratch);
    w.zeros = c->scratch;
    w.sums = c->scratch + w.zero_floats;
    w.scratch = w.sums + (size_t)w.runs * w.sums_floats;
    team_run(c->team, w.runs * w.shares, sum_part, &w);
    team_run(c->team, w.shape.groups * ((w.shape.icg + ROWS - 1) / ROWS), reduce_part, &w);
}
