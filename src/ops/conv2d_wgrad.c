/* Weight and bias gradients. d_weights is a GEMM of source pixels and d_dst over all pixels. Its rows are cut into
 * units (tap, group, input channels, panel of output channels) that threads share, and its pixels into fixed parts
 * whose partial sums are added in order, so the bits do not depend on the number of threads. */
#include "ops/conv2d_internal.h"

enum { MAX_PIXEL_PARTS = 8, BLOCK = 96, ROWS = 16 };

struct wgrad {
    const struct call *call;
    const struct wgrad_tile_kernel *kernel;
    const struct wgrad_bf16_kernel *words; /* not NULL: pairs of pixels as words of bf16 */
    struct conv_shape shape;
    struct tap_grid grid;
    int taps, points, padded; /* padded: columns of a group, whole vectors */
    int blocks, pixel_parts;  /* blocks of BLOCK points in the batch; parts of blocks */
    int blocks_per_image;
    int tiles;                /* of a group, for one tap and block */
    int tap_parts, row_parts; /* taps, or input channels, are shared among parts when pixels are not */
    size_t partial;           /* floats of one partial sum: [tap][group][icg][padded] */
    const float *zeros;
    float *pointers, *sums;
    size_t pointer_floats; /* a thread's; with words the pairs of a block of one tap and of d_dst behind it */
    size_t pair_floats;    /* of them the pairs of a tap */
};

bool bf16_fits_wgrad(const struct call *c)
{
    return c->options.precision == PRECISION_BF16 && conv_shape_of(c).icg >= 16;
}

static struct wgrad wgrad_layout(const struct kernels *k, const struct call *c)
{
    struct wgrad w = {.call = c, .kernel = k->wgrad_tile, .shape = conv_shape_of(c), .grid = forward_grid(c)};
    if (bf16_fits_wgrad(c)) {
        w.words = k->wgrad_bf16;
        w.kernel = w.words->tile;
    }
    w.taps = w.shape.kh * w.shape.kw;
    w.points = w.grid.gh * w.grid.gw;
    w.padded = round_up(w.shape.ocg, w.kernel->vl);
    w.partial = (size_t)w.taps * (size_t)w.shape.ic * (size_t)w.padded;
    w.blocks_per_image = (w.points + BLOCK - 1) / BLOCK;
    w.blocks = w.blocks_per_image * c->dst.n;
    const size_t small = 64 * 1024; /* floats of a partial sum that L2 holds besides the maps */
    w.pixel_parts = w.partial <= small ? MAX(1, MIN(w.blocks, MAX_PIXEL_PARTS)) : 1;
    w.tap_parts = w.pixel_parts >= 4 ? 1 : w.taps;
    w.row_parts = w.pixel_parts >= 4 || w.taps > 1 || w.shape.groups > 1 ? 1 : MIN(8, (w.shape.icg + 95) / 96);
    for (int left = w.padded / w.kernel->vl, nv; left > 0; left -= nv) {
        nv = panel_vectors(left, w.kernel->nv_main, w.kernel->nv_max);
        w.tiles += (w.shape.icg / w.row_parts + w.kernel->mr[nv] - 1) / w.kernel->mr[nv];
    }
    w.pointer_floats = 2 * round_up_size((size_t)(w.taps * BLOCK) * POINTER_FLOATS, 16);
    if (w.words) {
        w.pair_floats = BLOCK / 2 * round_up_size((size_t)w.shape.ic, 16);
        w.pointer_floats +=
            round_up_size(BLOCK * POINTER_FLOATS, 16) + w.pair_floats + BLOCK / 2 * (size_t)(w.shape.groups * w.padded);
    }
    return w;
}

size_t wgrad_scratch_floats(const struct kernels *k, const struct call *c)
{
    const struct wgrad w = wgrad_layout(k, c);
    return round_up_size((size_t)c->src[0].c, 16) + (size_t)MAX(1, c->options.threads) * w.pointer_floats +
           (size_t)w.pixel_parts * w.partial;
}

/* Pixels that the next block will read: fetched into the cache between the tiles of this one. */
struct fetch {
    const float *const *a; /* NULL: nothing */
    const float *d_dst;    /* NULL: not these */
    int count, done;
};

static void fetch_pixels(const struct wgrad *w, struct fetch *f, int end)
{
    for (; f->done < end; f->done++) {
        for (int c = 0; c < w->shape.ic; c += 16)
            __builtin_prefetch(f->a[f->done] + c);
        const float *d = f->d_dst + (size_t)f->done * w->call->d_dst.pixel_stride;
        for (int c = 0; f->d_dst && c < w->shape.oc; c += 16)
            __builtin_prefetch(d + c);
    }
}

/* The pixels of d_dst in a block. */
struct columns {
    const float *data;
    size_t stride;
    int group;  /* from a group to the next */
    bool whole; /* they are whole vectors */
};

/* One tap, one block of points: input channels [row0, row1) of each group against every panel. */
static void wgrad_block(const struct wgrad *w, const float *const *a, const struct columns *d, int pixels, int row0,
                        int row1, float *sums, struct fetch fetch)
{
    const struct conv_shape *s = &w->shape;
    const struct wgrad_tile_kernel *k = w->kernel;
    struct wgrad_tile t = {.pixels = pixels, .a = a, .b_stride = d->stride, .c_stride = (size_t)w->padded};
    const int step = fetch.count / (s->groups * w->tiles) + 1;
    for (int g = 0; g < s->groups; g++, sums += (size_t)s->icg * (size_t)w->padded) {
        for (int left = w->padded / k->vl, column = 0; left > 0; left -= t.nv, column += t.nv * k->vl) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            t.n = d->whole ? t.nv * k->vl : MIN(t.nv * k->vl, s->ocg - column);
            t.b = d->data + g * d->group + column;
            int tiles = (row1 - row0 + k->mr[t.nv] - 1) / k->mr[t.nv];
            for (int i = 0, at = row0; i < tiles; i++, at += t.m) {
                t.m = (row1 - at + tiles - i - 1) / (tiles - i);
                t.a_offset = (size_t)(g * s->icg + at);
                t.c = sums + (size_t)at * (size_t)w->padded + column;
                k->run(&t);
                if (fetch.a)
                    fetch_pixels(w, &fetch, MIN(fetch.count, fetch.done + step));
            }
        }
    }
}

/* The pointers of a block's taps [tap0, tap1), BLOCK a tap; returns its points. */
static int fill_block(const struct wgrad *w, int block, int tap0, int tap1, const float **a)
{
    const int image = block / w->blocks_per_image, first = block % w->blocks_per_image * BLOCK;
    const int count = MIN(BLOCK, w->points - first);
    for (int tap = tap0; tap < tap1; tap++, a += BLOCK) {
        struct tap_grid g = w->grid;
        g.y0 += tap / g.n_tx * g.dy;
        g.x0 += tap % g.n_tx * g.dx;
        g.n_ty = g.n_tx = 1;
        fill_taps(&g, &w->call->src[0], image, w->zeros, first, count, a, BLOCK);
    }
    return count;
}

static const float *block_d_dst(const struct wgrad *w, int block)
{
    const struct tensor *d = &w->call->d_dst;
    return tensor_image(d, block / w->blocks_per_image) +
           (size_t)(block % w->blocks_per_image * BLOCK) * d->pixel_stride;
}

/* Where a thread keeps what it makes of a block: pointers to pairs, the pairs of a tap, those of d_dst. */
struct block_pairs {
    const float **rows;
    float *tap, *d_dst;
};

static struct block_pairs pairs_of(const struct wgrad *w, float *mine)
{
    struct block_pairs b;
    b.rows = (const float **)(mine + 2 * round_up_size((size_t)(w->taps * BLOCK) * POINTER_FLOATS, 16));
    b.tap = (float *)b.rows + round_up_size(BLOCK * POINTER_FLOATS, 16);
    b.d_dst = b.tap + w->pair_floats;
    return b;
}

/* The columns of a block; with words they are made into pairs. */
static struct columns block_columns(const struct wgrad *w, const struct block_pairs *pairs, int block, int count)
{
    const struct tensor *d_dst = &w->call->d_dst;
    const struct conv_shape *s = &w->shape;
    struct columns d = {block_d_dst(w, block), d_dst->pixel_stride, s->ocg, false};
    if (!w->words)
        return d;
    for (int i = 0; i < count; i++)
        pairs->rows[i] = d.data + (size_t)i * d.stride;
    d = (struct columns){pairs->d_dst, (size_t)(s->groups * w->padded), w->padded, true};
    for (int g = 0; g < s->groups; g++)
        w->words->pairs(&(struct pair_run){.src = pairs->rows,
                                           .offset = (size_t)(g * s->ocg),
                                           .pixels = count,
                                           .c = s->ocg,
                                           .dst = pairs->d_dst + g * w->padded,
                                           .dst_pair = d.stride,
                                           .width = w->padded});
    return d;
}

/* A tap's input channels [row0, row1) of each group as pairs; returns pointers to them. */
static const float *const *tap_pairs(const struct wgrad *w, const struct block_pairs *pairs, const float *const *a,
                                     int count, int row0, int row1)
{
    const int ic = w->shape.ic, first = w->row_parts > 1 ? row0 : 0, c = w->row_parts > 1 ? row1 - row0 : ic;
    const size_t stride = round_up_size((size_t)ic, 16);
    w->words->pairs(&(struct pair_run){.src = a,
                                       .offset = (size_t)first,
                                       .pixels = count,
                                       .c = c,
                                       .dst = pairs->tap + first,
                                       .dst_pair = stride,
                                       .width = c});
    for (int i = 0; i < (count + 1) / 2; i++)
        pairs->rows[i] = pairs->tap + (size_t)i * stride;
    return pairs->rows;
}

static void wgrad_part(void *context, int part, int thread)
{
    const struct wgrad *w = context;
    const int pixel_part = part % w->pixel_parts, tap_part = part / w->pixel_parts % w->tap_parts;
    const int row_part = part / w->pixel_parts / w->tap_parts, icg = w->shape.icg;
    const int row0 = icg * row_part / w->row_parts, row1 = icg * (row_part + 1) / w->row_parts;
    const int tap0 = w->taps * tap_part / w->tap_parts, tap1 = w->taps * (tap_part + 1) / w->tap_parts;
    const size_t per_tap = w->partial / (size_t)w->taps;
    float *sums = w->sums + (size_t)pixel_part * w->partial;
    float *const mine = w->pointers + (size_t)thread * w->pointer_floats;
    const float **a = (const float **)mine, **next = a + w->taps * BLOCK;
    const struct block_pairs pairs = pairs_of(w, mine);
    /* several row parts: one tap and one group, rows of their own */
    const size_t skip = (size_t)tap0 * per_tap + (size_t)row0 * (size_t)w->padded;
    const size_t own = w->row_parts > 1 ? (size_t)(row1 - row0) * (size_t)w->padded : (size_t)(tap1 - tap0) * per_tap;
    memset(sums + skip, 0, own * sizeof *sums);
    const int block1 = (int)((long long)w->blocks * (pixel_part + 1) / w->pixel_parts);
    int block = (int)((long long)w->blocks * pixel_part / w->pixel_parts);
    int count = block < block1 ? fill_block(w, block, tap0, tap1, a) : 0;
    for (; block < block1; block++) {
        struct fetch fetch = {0};
        if (block + 1 < block1)
            fetch.count = fill_block(w, block + 1, tap0, tap1, next);
        const struct columns d = block_columns(w, &pairs, block, count);
        for (int tap = tap0; tap < tap1; tap++) {
            const float *const *pixels = a + (tap - tap0) * BLOCK;
            if (w->words)
                pixels = tap_pairs(w, &pairs, pixels, count, row0, row1);
            /* of three channels the taps share their lines */
            fetch.a = fetch.count && (w->shape.ic >= 16 || tap == tap0) ? next + (tap - tap0) * BLOCK : NULL;
            fetch.d_dst = tap == tap0 ? block_d_dst(w, block + 1) : NULL;
            wgrad_block(w, pixels, &d, w->words ? (count + 1) / 2 : count, row0, row1, sums + (size_t)tap * per_tap,
                        fetch);
        }
        const float **swap = a;
        a = next;
        next = swap;
        count = fetch.count;
    }
}

/* Sum the partial sums in order into d_weights (oc, icg, kh, kw), for up to ROWS input channels of a group. Squares of
 * ROWS x ROWS weights of a tap, because one side is read across what the other is written along. */
static void gather_part(void *context, int part, int thread)
{
    (void)thread;
    const struct wgrad *w = context;
    const struct conv_shape *s = &w->shape;
    const int per_group = (s->icg + ROWS - 1) / ROWS, group = part / per_group, i0 = part % per_group * ROWS;
    const int i1 = MIN(i0 + ROWS, s->icg);
    const size_t per_tap = w->partial / (size_t)w->taps, row = (size_t)s->icg * (size_t)w->taps;
    const float *sums = w->sums + (size_t)(group * s->icg) * (size_t)w->padded;
    float *d_weights = w->call->d_param[0] + (size_t)(group * s->ocg) * row;
    for (int j0 = 0; j0 < s->ocg; j0 += ROWS) {
        for (int tap = 0; tap < w->taps; tap++) {
            for (int i = i0; i < i1; i++) {
                const float *from = sums + (size_t)tap * per_tap + (size_t)i * (size_t)w->padded + j0;
                float *to = d_weights + (size_t)j0 * row + (size_t)(i * w->taps + tap), sum[ROWS];
                const int n = MIN(ROWS, w->padded - j0);
                memcpy(sum, from, (size_t)n * sizeof *sum);
                for (int p = 1; p < w->pixel_parts; p++)
                    for (int j = 0; j < n; j++)
                        sum[j] += from[(size_t)p * w->partial + (size_t)j];
                for (int j = 0; j < MIN(ROWS, s->ocg - j0); j++)
                    to[(size_t)j * row] += sum[j];
            }
        }
    }
}

void direct_wgrad(const struct kernels *k, const struct call *c)
{
    struct wgrad w = wgrad_layout(k, c);
    const size_t zero_floats = round_up_size((size_t)c->src[0].c, 16);
    w.zeros = c->scratch;
    memset(c->scratch, 0, zero_floats * sizeof *c->scratch);
    w.pointers = c->scratch + zero_floats;
    w.sums = w.pointers + (size_t)MAX(1, c->options.threads) * w.pointer_floats;
    team_run(c->team, w.pixel_parts * w.tap_parts * w.row_parts, wgrad_part, &w);
    team_run(c->team, w.shape.groups * ((w.shape.icg + ROWS - 1) / ROWS), gather_part, &w);
}

/* --- bias --- */

enum { BIAS_COLUMNS = 64 };

static void bias_part(void *context, int part, int thread)
{
    (void)thread;
    const struct call *c = context;
    const int first = part * BIAS_COLUMNS, n = MIN(BIAS_COLUMNS, c->d_dst.c - first);
    double total[BIAS_COLUMNS] = {0};
    for (int image = 0; image < c->d_dst.n; image++) {
        for (int y = 0; y < c->d_dst.h; y++) {
            float row[BIAS_COLUMNS] = {0}; /* a row in float, rows in double */
            for (int x = 0; x < c->d_dst.w; x++) {
                const float *d = tensor_pixel(&c->d_dst, image, y, x) + first;
                for (int j = 0; j < n; j++)
                    row[j] += d[j];
            }
            for (int j = 0; j < n; j++)
                total[j] += row[j];
        }
    }
    for (int j = 0; j < n; j++)
        c->d_param[1][first + j] += (float)total[j];
}

void bias_grad(const struct call *c)
{
    team_run(c->team, (c->d_dst.c + BIAS_COLUMNS - 1) / BIAS_COLUMNS, bias_part, (void *)c);
}
