/* Weight and bias gradients. d_weights is a GEMM of source pixels and d_dst over all pixels. Its rows are cut into
 * units (tap, group, input channels, panel of output channels) that threads share, and its pixels into fixed parts
 * whose partial sums are added in order, so the bits do not depend on the number of threads. */
#include "ops/conv2d_internal.h"

enum { POINTER_FLOATS = sizeof(void *) / sizeof(float), MAX_PIXEL_PARTS = 8, BLOCK = 96 };

struct wgrad {
    const struct call *call;
    const struct wgrad_tile_kernel *kernel;
    struct conv_shape shape;
    struct tap_grid grid;
    int taps, points, padded; /* padded: columns of a group, whole vectors */
    int blocks, pixel_parts;  /* blocks of BLOCK points in the batch; parts of blocks */
    int blocks_per_image;
    int tap_parts;  /* taps are shared among parts when pixels alone are too few */
    size_t partial; /* floats of one partial sum: [tap][group][icg][padded] */
    const float *zeros;
    float *pointers, *sums;
    size_t pointer_floats;
};

static struct wgrad wgrad_layout(const struct kernels *k, const struct call *c)
{
    struct wgrad w = {.call = c, .kernel = k->wgrad_tile, .shape = conv_shape_of(c), .grid = forward_grid(c)};
    w.taps = w.shape.kh * w.shape.kw;
    w.points = w.grid.gh * w.grid.gw;
    w.padded = round_up(w.shape.ocg, w.kernel->vl);
    w.partial = (size_t)w.taps * (size_t)w.shape.ic * (size_t)w.padded;
    w.blocks_per_image = (w.points + BLOCK - 1) / BLOCK;
    w.blocks = w.blocks_per_image * c->dst.n;
    size_t room = (size_t)1 << 20; /* partial sums take at most 4 MB, or one copy of the weights */
    w.pixel_parts = MAX(1, MIN(MIN(w.blocks, MAX_PIXEL_PARTS), (int)MIN(room / w.partial, MAX_PIXEL_PARTS)));
    w.tap_parts = w.pixel_parts >= 4 ? 1 : w.taps;
    w.pointer_floats = round_up_size((size_t)BLOCK * POINTER_FLOATS, 16);
    return w;
}

size_t wgrad_scratch_floats(const struct kernels *k, const struct call *c)
{
    const struct wgrad w = wgrad_layout(k, c);
    return round_up_size((size_t)c->src[0].c, 16) + (size_t)MAX(1, c->options.threads) * w.pointer_floats +
           (size_t)w.pixel_parts * w.partial;
}

/* One tap, one block of points: every input channel against every panel. */
static void wgrad_block(const struct wgrad *w, const float *const *a, const float *d_dst, int pixels, float *sums)
{
    const struct conv_shape *s = &w->shape;
    const struct wgrad_tile_kernel *k = w->kernel;
    struct wgrad_tile t = {
        .pixels = pixels, .a = a, .b_stride = w->call->d_dst.pixel_stride, .c_stride = (size_t)w->padded};
    for (int g = 0; g < s->groups; g++, sums += (size_t)s->icg * (size_t)w->padded) {
        for (int left = w->padded / k->vl, column = 0; left > 0; left -= t.nv, column += t.nv * k->vl) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            t.n = MIN(t.nv * k->vl, s->ocg - column);
            t.b = d_dst + g * s->ocg + column;
            int tiles = (s->icg + k->mr[t.nv] - 1) / k->mr[t.nv];
            for (int i = 0, at = 0; i < tiles; i++, at += t.m) {
                t.m = (s->icg - at + tiles - i - 1) / (tiles - i);
                t.a_offset = (size_t)(g * s->icg + at);
                t.c = sums + (size_t)at * (size_t)w->padded + column;
                k->run(&t);
            }
        }
    }
}

static void wgrad_part(void *context, int part, int thread)
{
    const struct wgrad *w = context;
    const int pixel_part = part % w->pixel_parts, tap_part = part / w->pixel_parts;
    const int tap0 = w->taps * tap_part / w->tap_parts, tap1 = w->taps * (tap_part + 1) / w->tap_parts;
    const size_t per_tap = w->partial / (size_t)w->taps;
    float *sums = w->sums + (size_t)pixel_part * w->partial;
    const float **a = (const float **)(w->pointers + (size_t)thread * w->pointer_floats);
    memset(sums + (size_t)tap0 * per_tap, 0, (size_t)(tap1 - tap0) * per_tap * sizeof *sums);
    const int block1 = (int)((long long)w->blocks * (pixel_part + 1) / w->pixel_parts);
    for (int block = (int)((long long)w->blocks * pixel_part / w->pixel_parts); block < block1; block++) {
        const int image = block / w->blocks_per_image, first = block % w->blocks_per_image * BLOCK;
        const int count = MIN(BLOCK, w->points - first);
        const float *d_dst = tensor_image(&w->call->d_dst, image) + (size_t)first * w->call->d_dst.pixel_stride;
        for (int tap = tap0; tap < tap1; tap++) {
            struct tap_grid g = w->grid;
            g.y0 += tap / g.n_tx * g.dy;
            g.x0 += tap % g.n_tx * g.dx;
            g.n_ty = g.n_tx = 1;
            fill_taps(&g, &w->call->src[0], image, w->zeros, first, count, a, BLOCK);
            wgrad_block(w, a, d_dst, count, sums + (size_t)tap * per_tap);
        }
    }
}

/* Sum the partial sums in order into d_weights (oc, icg, kh, kw), for one input channel of a group. */
static void gather_part(void *context, int part, int thread)
{
    (void)thread;
    const struct wgrad *w = context;
    const struct conv_shape *s = &w->shape;
    const int group = part / s->icg, i = part % s->icg;
    float *d_weights = w->call->d_param[0];
    for (int j = 0; j < s->ocg; j++) {
        float *to = d_weights + (((size_t)(group * s->ocg + j)) * (size_t)s->icg + (size_t)i) * (size_t)w->taps;
        const float *from = w->sums + ((size_t)group * (size_t)s->icg + (size_t)i) * (size_t)w->padded + j;
        for (int tap = 0; tap < w->taps; tap++, from += w->partial / (size_t)w->taps) {
            float sum = from[0];
            for (int p = 1; p < w->pixel_parts; p++)
                sum += from[(size_t)p * w->partial];
            to[tap] += sum;
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
    team_run(c->team, w.pixel_parts * w.tap_parts, wgrad_part, &w);
    team_run(c->team, w.shape.ic, gather_part, &w);
}

/* --- bias -------------------------------------------------------------------------------------------------------- */

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
