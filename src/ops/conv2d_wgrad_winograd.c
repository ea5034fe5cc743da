/* Weight gradients of a 3x3 of stride 1 by F(3x3, 4x4) (kernels/slots.h has the mathematics): tiles of src and of d_dst
 * are transformed, multiplied point by point and summed over the tiles, and only the sums are transformed back, once a
 * weight.
 *
 * Parts are runs of blocks of tiles with sums of their own, added in order in the end; and the sums of a run are shared
 * out by input and output channels until those of a part stay in L2 (each transforms its channels of both maps, some of
 * them again). */
#include "ops/conv2d_internal.h"

enum {
    PAD = 16,
    ROWS = 16,                 /* side of the squares of weights in the end */
    MAX_RUNS = 8,              /* runs of tiles */
    MAX_BLOCK = 64,            /* tiles */
    BLOCK_FLOATS = 128 * 1024, /* of the transformed maps of a block: L2 holds them beside the sums */
    SHARE_FLOATS = 160 * 1024, /* of the sums of a part */
    RUN_TILES = 96,            /* fewer are not worth sums of their own */
    SUM_FLOATS = 1024 * 1024,  /* of all runs */
    MOST_FLOATS = 8 * SUM_FLOATS,
};

struct wino_wgrad {
    const struct call *call;
    const struct kernels *kernels;
    struct conv_shape shape;
    int tiles_x, tiles; /* of an image */
    int block, blocks;  /* tiles of a block, blocks of an image */
    int runs, row_shares, column_shares;
    int share_rows, share_columns; /* input and output channels of a group in a share; multiples of ROWS when several */
    size_t v_row, v_point, e_row, e_point;
    size_t per_point, share_floats, sums_floats; /* run: [share][point][group][share_rows][share_columns] */
    size_t thread_floats, zero_floats;
    const float *zeros;
    float *sums, *scratch;
};

/* The smallest shares that keep the sums of a part small, by halving the longer side. Groups are narrow: no shares. */
static void cut_shares(struct wino_wgrad *w)
{
    const struct conv_shape *s = &w->shape;
    const int vl = w->kernels->wgrad_tile->vl;
    w->row_shares = w->column_shares = 1;
    w->share_rows = s->icg;
    w->share_columns = round_up(s->ocg, vl);
    while (s->groups == 1 && WINO_POINTS * w->share_rows * w->share_columns > SHARE_FLOATS) {
        if (w->share_rows > w->share_columns)
            w->share_rows = round_up((w->share_rows + 1) / 2, ROWS);
        else
            w->share_columns = round_up((w->share_columns + 1) / 2, ROWS);
        w->row_shares = (s->icg + w->share_rows - 1) / w->share_rows;
        w->column_shares = (s->ocg + w->share_columns - 1) / w->share_columns;
    }
}

static struct wino_wgrad lay_out(const struct kernels *k, const struct call *c)
{
    struct wino_wgrad w = {.call = c, .kernels = k, .shape = conv_shape_of(c)};
    const struct conv_shape *s = &w.shape;
    cut_shares(&w);
    w.tiles_x = (c->dst.w + 3) / 4;
    w.tiles = w.tiles_x * ((c->dst.h + 3) / 4);
    w.per_point = (size_t)(s->groups * w.share_rows) * (size_t)w.share_columns;
    w.share_floats = WINO_POINTS * w.per_point;
    w.sums_floats = (size_t)(w.row_shares * w.column_shares) * w.share_floats;
    w.runs = MAX(1, MIN(MAX_RUNS, MIN((int)(SUM_FLOATS / w.sums_floats), w.tiles * c->dst.n / RUN_TILES)));
    w.runs = w.row_shares * w.column_shares >= 4 ? 1 : w.runs;
    w.runs = w.runs >= 4 ? w.runs / 4 * 4 : w.runs; /* numbers that two and four threads share evenly */
    w.runs = w.runs == 3 ? 2 : w.runs;
    w.v_row = (size_t)round_up(s->groups * w.share_rows, 16);
    w.e_row = (size_t)(s->groups * w.share_columns);
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
    const int least = 36; /* pixels: sums of few terms are small beside the transforms' rounding errors */
    return winograd_fits(c) && c->dst.h * c->dst.w >= least && lay_out(k, c).sums_floats <= MOST_FLOATS;
}

size_t wino_wgrad_scratch_floats(const struct kernels *k, const struct call *c)
{
    const struct wino_wgrad w = lay_out(k, c);
    return w.zero_floats + (size_t)w.runs * w.sums_floats + (size_t)MAX(1, c->options.threads) * w.thread_floats;
}

/* What a part sums: channels [row0, row0 + rows) of src and [column0, column0 + columns) of d_dst, of each group. */
struct weight_share {
    int row0, rows, column0, columns;
};

static struct weight_share share_of(const struct wino_wgrad *w, int share)
{
    struct weight_share r = {.row0 = share % w->row_shares * w->share_rows,
                             .column0 = share / w->row_shares * w->share_columns};
    r.rows = MIN(w->share_rows, w->shape.icg - r.row0);
    r.columns = MIN(w->share_columns, w->shape.ocg - r.column0);
    return r;
}

/* The pixels of tile i of an image, 36 of src and 16 of d_dst. */
static void fill_pixels(const struct wino_wgrad *w, int image, int i, const float **src, const float **d_dst)
{
    const int y = i / w->tiles_x * 4, x = i % w->tiles_x * 4, pad = w->shape.pad;
    fill_tile(&w->call->src[0], image, y - pad, x - pad, 6, w->zeros, src);
    fill_tile(&w->call->d_dst, image, y, x, 4, w->zeros, d_dst);
}

/* The next tile's pixels into the cache; the first two columns of src are the last ones of this tile. */
static void fetch_pixels(const struct weight_share *r, const float *const *src, const float *const *d_dst)
{
    for (int i = 0; i < WINO_POINTS; i++)
        for (int c = 0; i % 6 >= 2 && c < r->rows; c += 16)
            __builtin_prefetch(src[i] + r->row0 + c);
    for (int i = 0; i < 16; i++)
        for (int c = 0; c < r->columns; c += 16)
            __builtin_prefetch(d_dst[i] + r->column0 + c);
}

/* Both maps of tiles [first, first + count) of an image. */
static void transform_maps(const struct wino_wgrad *w, int image, int first, int count, const struct weight_share *r,
                           float *v, float *e)
{
    const struct conv_shape *s = &w->shape;
    const float *src[2][WINO_POINTS], *d_dst[2][16];
    struct wino_input in = {
        .channels = s->groups > 1 ? s->ic : r->rows, .offset = (size_t)r->row0, .stride = w->v_point};
    struct wino_spread out = {.stride = w->e_point, .channels = r->columns};
    fill_pixels(w, image, first, src[0], d_dst[0]);
    for (int i = 0; i < count; i++) {
        const int this = i % 2, next = 1 - this;
        if (first + i + 1 < w->tiles) {
            fill_pixels(w, image, first + i + 1, src[next], d_dst[next]);
            fetch_pixels(r, src[next], d_dst[next]);
        }
        in.src = src[this];
        in.v = v + (size_t)i * w->v_row;
        w->kernels->winograd->input[WINO_S1](&in);
        out.src = d_dst[this];
        for (int g = 0; g < s->groups; g++) {
            out.offset = (size_t)(g * s->ocg + r->column0);
            out.e = e + (size_t)i * w->e_row + g * w->share_columns;
            w->kernels->wino_weights->spread(&out);
        }
    }
}

/* sums += products of all points of a block. */
static void multiply(const struct wino_wgrad *w, const float *const *rows, const float *e, int count,
                     const struct weight_share *r, float *sums)
{
    const struct conv_shape *s = &w->shape;
    const struct wgrad_tile_kernel *k = w->kernels->wgrad_tile;
    struct wgrad_tile t = {.pixels = count, .a = rows, .b_stride = w->e_row, .c_stride = (size_t)w->share_columns};
    for (int i = 0; i < WINO_POINTS * s->groups; i++, sums += w->share_rows * w->share_columns) {
        const int point = i / s->groups, g = i % s->groups;
        for (int left = (r->columns + k->vl - 1) / k->vl, column = 0; left > 0; left -= t.nv, column += t.nv * k->vl) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            t.n = t.nv * k->vl;
            t.b = e + (size_t)point * w->e_point + g * w->share_columns + column;
            const int tiles = (r->rows + k->mr[t.nv] - 1) / k->mr[t.nv];
            for (int j = 0, at = 0; j < tiles; j++, at += t.m) {
                t.m = (r->rows - at + tiles - j - 1) / (tiles - j);
                t.a_offset = (size_t)point * w->v_point + (size_t)(g * s->icg + at);
                t.c = sums + (size_t)at * (size_t)w->share_columns + column;
                k->run(&t);
            }
        }
    }
}

static void sum_part(void *context, int part, int thread)
{
    const struct wino_wgrad *w = context;
    const int shares = w->row_shares * w->column_shares, run = part / shares;
    const struct weight_share r = share_of(w, part % shares);
    const int blocks = w->blocks * w->call->dst.n;
    const int end = (int)((long long)blocks * (run + 1) / w->runs);
    float *sums = w->sums + (size_t)part * w->share_floats;
    float *v = w->scratch + (size_t)thread * w->thread_floats, *e = v + WINO_POINTS * w->v_point;
    const float **rows = (const float **)(e + WINO_POINTS * w->e_point);
    for (int i = 0; i < w->block; i++)
        rows[i] = v + (size_t)i * w->v_row;
    memset(sums, 0, w->share_floats * sizeof *sums);
    for (int i = (int)((long long)blocks * run / w->runs); i < end; i++) {
        const int first = i % w->blocks * w->block, count = MIN(w->block, w->tiles - first);
        if (count <= 0)
            continue;
        transform_maps(w, i / w->blocks, first, count, &r, v, e);
        multiply(w, rows, e, count, &r, sums);
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
        const int share = i0 / w->share_rows + j0 / w->share_columns * w->row_shares, columns = MIN(ROWS, s->ocg - j0);
        const float *sums = w->sums + (size_t)share * w->share_floats + j0 % w->share_columns;
        t.columns = MIN(ROWS, w->share_columns - j0 % w->share_columns);
        for (int i = 0; i < rows; i++) {
            t.m = sums + (size_t)(group * w->share_rows + i0 % w->share_rows + i) * (size_t)w->share_columns;
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
    team_run(c->team, w.runs * w.row_shares * w.column_shares, sum_part, &w);
    team_run(c->team, w.shape.groups * ((w.shape.icg + ROWS - 1) / ROWS), reduce_part, &w);
}
