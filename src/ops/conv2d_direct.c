/* Direct convolution, forward and data gradient: an implicit GEMM whose rows are pixels reached through pointers and
 * whose columns are packed panels of output channels. */
#include "ops/conv2d_internal.h"

struct conv_shape conv_shape_of(const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct conv_shape s = {.ic = c->src[0].c,
                           .oc = a->oc,
                           .groups = a->groups,
                           .icg = c->src[0].c / a->groups,
                           .ocg = a->oc / a->groups,
                           .kh = a->kh,
                           .kw = a->kw,
                           .stride = a->stride,
                           .pad = a->pad,
                           .dilation = a->dilation};
    return s;
}

struct tap_grid forward_grid(const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct tap_grid g = {.gh = c->dst.h,
                         .gw = c->dst.w,
                         .step = a->stride,
                         .n_ty = a->kh,
                         .n_tx = a->kw,
                         .y0 = -a->pad,
                         .x0 = -a->pad,
                         .dy = a->dilation,
                         .dx = a->dilation,
                         .tstep = 1,
                         .kstep = 1};
    return g;
}

/* One axis of a phase: the taps k with (p + pad - k*dilation) divisible by stride form a progression. */
static void phase_axis(const struct conv_attr *a, int p, int kernel, int *n, int *k0, int *kstep, int *first,
                       int *delta)
{
    *n = 0;
    *k0 = *first = *delta = 0;
    *kstep = 1;
    for (int k = 0; k < kernel; k++) {
        int at = p + a->pad - k * a->dilation;
        if (at % a->stride)
            continue;
        if (*n == 0) {
            *k0 = k;
            *first = at / a->stride;
        } else if (*n == 1) {
            *kstep = k - *k0;
            *delta = at / a->stride - *first;
        }
        ++*n;
    }
}

/* d_src[y] gathers d_dst[(y + pad - k*dilation) / stride] where that is whole; y = phase + stride*i. */
struct tap_grid dgrad_grid(const struct call *c, int phase)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct tap_grid g = {.step = 1, .ty0 = phase / a->stride, .tx0 = phase % a->stride, .tstep = a->stride};
    int kx_step;
    g.gh = MAX(0, (c->src[0].h - g.ty0 + a->stride - 1) / a->stride);
    g.gw = MAX(0, (c->src[0].w - g.tx0 + a->stride - 1) / a->stride);
    phase_axis(a, g.ty0, a->kh, &g.n_ty, &g.ky0, &g.kstep, &g.y0, &g.dy);
    phase_axis(a, g.tx0, a->kw, &g.n_tx, &g.kx0, &kx_step, &g.x0, &g.dx);
    if (g.n_tx > 1)
        g.kstep = kx_step; /* both axes have the same stride and dilation, so the same progression */
    if (!g.n_ty || !g.n_tx)
        g.n_ty = g.n_tx = 0;
    return g;
}

/* --- pointers ---------------------------------------------------------------------------------------------------- */

/* Grid columns [*low, *high) whose source column lies inside 0 .. w-1. */
static void inside(int first, int step, int w, int gw, int *low, int *high)
{
    int l = first >= 0 ? 0 : (-first + step - 1) / step;
    int h = first >= w ? 0 : (w - 1 - first) / step + 1;
    *low = MIN(l, gw);
    *high = MAX(*low, MIN(h, gw));
}

static void fill_tap(const struct tap_grid *g, const struct tensor *src, int image, const float *zeros, int first,
                     int count, int ty, int tx, const float **out)
{
    int low, high, sx = g->x0 + tx * g->dx;
    inside(sx, g->step, src->w, g->gw, &low, &high);
    const size_t advance = (size_t)g->step * src->pixel_stride;
    for (int i = 0, gy = first / g->gw, gx = first % g->gw; i < count; gy++, gx = 0) {
        int y = gy * g->step + g->y0 + ty * g->dy, end = MIN(g->gw, gx + count - i);
        if (y < 0 || y >= src->h) {
            for (; gx < end; gx++)
                out[i++] = zeros;
            continue;
        }
        for (; gx < MIN(low, end); gx++)
            out[i++] = zeros;
        if (gx < MIN(high, end)) {
            const float *p = tensor_pixel(src, image, y, gx * g->step + sx);
            for (; gx < MIN(high, end); gx++, p += advance)
                out[i++] = p;
        }
        for (; gx < end; gx++)
            out[i++] = zeros;
    }
}

void fill_taps(const struct tap_grid *g, const struct tensor *src, int image, const float *zeros, int first, int count,
               const float **out, size_t out_stride)
{
    for (int ty = 0; ty < g->n_ty; ty++) {
        for (int tx = 0; tx < g->n_tx; tx++, out += out_stride)
            fill_tap(g, src, image, zeros, first, count, ty, tx, out);
    }
}

void fill_targets(const struct tap_grid *g, const struct tensor *dst, int image, int first, int count, float **out)
{
    for (int i = 0, gy = first / g->gw, gx = first % g->gw; i < count; gy++, gx = 0) {
        for (; gx < g->gw && i < count; gx++)
            out[i++] = tensor_pixel(dst, image, g->ty0 + gy * g->tstep, g->tx0 + gx * g->tstep);
    }
}

/* --- packing -----------------------------------------------------------------------------------------------------
 * Forward: [group][ocg padded to a vector] bias, then [group][panel][tap][icg][panel columns].
 * Gradient: [phase][group][panel][tap][ocg][panel columns of icg]. Both start at a cache line. */

static size_t bias_floats(const struct conv_tile_kernel *k, const struct conv_shape *s)
{
    return round_up_size((size_t)s->groups * (size_t)round_up(s->ocg, k->vl), 16);
}

size_t direct_packed_floats(const struct kernels *k, const struct conv_shape *s)
{
    size_t reduction = (size_t)s->icg * (size_t)s->kh * (size_t)s->kw;
    return bias_floats(k->conv_tile, s) + (size_t)s->groups * (size_t)round_up(s->ocg, k->conv_tile->vl) * reduction;
}

size_t direct_packed_d_floats(const struct kernels *k, const struct conv_shape *s)
{
    size_t reduction = (size_t)s->ocg * (size_t)s->kh * (size_t)s->kw;
    return (size_t)s->groups * (size_t)round_up(s->icg, k->conv_tile->vl) * reduction;
}

/* The weights of one grid and group as panels: rows (tap, r < reduction), columns 0 .. columns-1. Element (row r,
 * column j, tap) is w[r*row_stride + j*column_stride + ky*kw + kx]. Returns the end. */
static float *pack_panels(const struct conv_tile_kernel *k, const struct conv_shape *s, const struct tap_grid *g,
                          const float *w, size_t row_stride, size_t column_stride, int reduction, int columns,
                          float *out)
{
    for (int left = round_up(columns, k->vl) / k->vl, first = 0; left > 0;) {
        int nv = panel_vectors(left, k->nv_main, k->nv_max), width = nv * k->vl, used = MIN(width, columns - first);
        for (int tap = 0; tap < g->n_ty * g->n_tx; tap++) {
            int ky = g->ky0 + tap / g->n_tx * g->kstep, kx = g->kx0 + tap % g->n_tx * g->kstep;
            const float *from = w + (size_t)first * column_stride + (size_t)(ky * s->kw + kx);
            for (int r = 0; r < reduction; r++, out += width, from += row_stride) {
                for (int j = 0; j < used; j++)
                    out[j] = from[(size_t)j * column_stride];
                memset(out + used, 0, (size_t)(width - used) * sizeof *out);
            }
        }
        left -= nv;
        first += width;
    }
    return out;
}

void direct_pack(const struct kernels *kernels, const struct call *c)
{
    const struct conv_tile_kernel *k = kernels->conv_tile;
    const struct conv_shape s = conv_shape_of(c);
    const struct tap_grid g = forward_grid(c);
    const int padded = round_up(s.ocg, k->vl);
    const size_t taps = (size_t)(s.kh * s.kw), group = (size_t)s.ocg * (size_t)s.icg * taps;
    float *out = c->packed[0] + bias_floats(k, &s);
    memset(c->packed[0], 0, bias_floats(k, &s) * sizeof *out);
    for (int i = 0; i < s.groups; i++) {
        if (c->param[1])
            memcpy(c->packed[0] + i * padded, c->param[1] + i * s.ocg, (size_t)s.ocg * sizeof *out);
        out = pack_panels(k, &s, &g, c->param[0] + (size_t)i * group, taps, taps * (size_t)s.icg, s.icg, s.ocg, out);
    }
}

void direct_pack_d(const struct kernels *kernels, const struct call *c)
{
    const struct conv_tile_kernel *k = kernels->conv_tile;
    const struct conv_shape s = conv_shape_of(c);
    const size_t taps = (size_t)(s.kh * s.kw), group = (size_t)s.ocg * (size_t)s.icg * taps;
    float *out = c->packed[1];
    for (int phase = 0; phase < s.stride * s.stride; phase++) {
        const struct tap_grid g = dgrad_grid(c, phase);
        for (int i = 0; i < s.groups; i++)
            out =
                pack_panels(k, &s, &g, c->param[0] + (size_t)i * group, taps * (size_t)s.icg, taps, s.ocg, s.icg, out);
    }
}

/* --- the pass ---------------------------------------------------------------------------------------------------- */

struct pass {
    const struct conv_tile_kernel *kernel;
    struct tap_grid grid;
    struct tensor src, dst, residual; /* residual.data NULL: none */
    int groups, reduction, columns;   /* of one group: source channels, target channels */
    const float *bias, *weights;      /* bias NULL: none */
    bool accumulate;
    enum kernel_act act;
    int points, per_part, parts_per_image; /* grid points of an image; how they are cut */
    const float *zeros;
    float *scratch;
    size_t scratch_floats; /* a thread */
};

enum { POINTER_FLOATS = sizeof(void *) / sizeof(float) };

/* Points of a part: the source pixels they read should stay in half of L2 while the panels of weights pass by, but a
 * part must not be so small that reading the weights dominates. A function of the shape alone. */
static int points_per_part(int points, int taps, int source_floats)
{
    const int cache_floats = 96 * 1024;
    int n = MAX(96, MIN(cache_floats / MAX(1, source_floats), 16384 / (taps + 2)));
    int parts = (points + n - 1) / n;
    if (points >= 4 * 48) /* a number that two threads, of few parts also four, share evenly */
        parts = round_up(parts, parts < 8 ? 4 : 2);
    return (points + parts - 1) / parts;
}

static size_t pointer_floats(int per_part, int taps)
{
    return round_up_size((size_t)per_part * (size_t)(taps + 2) * POINTER_FLOATS, 16);
}

static void run_panel(const struct pass *p, struct conv_tile *t, const float **taps, float **targets,
                      const float **residuals, int count, bool fetch)
{
    int tiles = (count + p->kernel->mr[t->nv] - 1) / p->kernel->mr[t->nv];
    for (int i = 0, at = 0; i < tiles; i++) {
        t->m = (count - at + tiles - i - 1) / (tiles - i); /* equal tiles: no short one at the end */
        t->a = taps + at;
        t->dst = targets + at;
        t->residual = residuals ? residuals + at : NULL;
        t->next = fetch && i + 1 < tiles ? t->a + t->m : NULL;
        p->kernel->run(t);
        at += t->m;
    }
}

static void pass_part(void *context, int part, int thread)
{
    const struct pass *p = context;
    const struct conv_tile_kernel *k = p->kernel;
    const int image = part / p->parts_per_image, first = part % p->parts_per_image * p->per_part;
    const int count = MIN(p->per_part, p->points - first), taps = p->grid.n_ty * p->grid.n_tx;
    const float **pointers = (const float **)(p->scratch + (size_t)thread * p->scratch_floats);
    float **targets = (float **)(pointers + (size_t)taps * (size_t)p->per_part);
    const float **residuals = (const float **)(targets + p->per_part);
    fill_taps(&p->grid, &p->src, image, p->zeros, first, count, pointers, (size_t)p->per_part);
    fill_targets(&p->grid, &p->dst, image, first, count, targets);
    if (p->residual.data)
        fill_targets(&p->grid, &p->residual, image, first, count, (float **)residuals);
    struct conv_tile t = {.taps = taps,
                          .k = p->reduction,
                          .a_stride = (size_t)p->per_part,
                          .b = p->weights,
                          .bias = p->bias,
                          .accumulate = p->accumulate,
                          .act = p->act};
    for (int g = 0; g < p->groups; g++) {
        t.a_offset = (size_t)(g * p->reduction);
        t.dst_offset = t.residual_offset = (size_t)(g * p->columns);
        for (int left = round_up(p->columns, k->vl) / k->vl, column = 0; left > 0; left -= t.nv) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            const int width = t.nv * k->vl;
            t.n = MIN(width, p->columns - column);
            const bool first_use = column == 0 && p->reduction >= 16; /* pixels of the group not in L2 yet */
            run_panel(p, &t, pointers, targets, p->residual.data ? residuals : NULL, count, first_use);
            t.b += (size_t)taps * (size_t)p->reduction * (size_t)width;
            t.bias = t.bias ? t.bias + width : NULL;
            t.dst_offset += (size_t)width;
            t.residual_offset += (size_t)width;
            column += width;
        }
    }
}

static void run_pass(struct pass *p, const struct call *c, float *scratch)
{
    const int taps = p->grid.n_ty * p->grid.n_tx;
    p->points = p->grid.gh * p->grid.gw;
    if (!p->points)
        return;
    p->per_part = points_per_part(p->points, taps, p->groups * p->reduction * p->grid.step * p->grid.step);
    p->parts_per_image = (p->points + p->per_part - 1) / p->per_part;
    p->zeros = scratch;
    const size_t zero_floats = round_up_size((size_t)(p->groups * p->reduction), 16);
    memset(scratch, 0, zero_floats * sizeof *scratch);
    p->scratch = scratch + zero_floats;
    p->scratch_floats = pointer_floats(p->per_part, taps);
    team_run(c->team, p->parts_per_image * p->src.n, pass_part, p);
}

static size_t pass_scratch(const struct tap_grid *g, int source_channels, int threads)
{
    const int taps = g->n_ty * g->n_tx, points = g->gh * g->gw;
    const size_t zero_floats = round_up_size((size_t)source_channels, 16);
    if (!points)
        return zero_floats;
    const int per_part = points_per_part(points, taps, source_channels * g->step * g->step);
    return zero_floats + (size_t)MAX(1, threads) * pointer_floats(per_part, taps);
}

size_t direct_scratch_floats(const struct kernels *k, const struct call *c)
{
    (void)k;
    const struct tap_grid g = forward_grid(c);
    return pass_scratch(&g, c->src[0].c, c->options.threads);
}

size_t direct_d_scratch_floats(const struct kernels *k, const struct call *c)
{
    (void)k;
    const int stride = c->node->u.conv.stride;
    size_t most = 0;
    for (int phase = 0; phase < stride * stride; phase++) {
        const struct tap_grid g = dgrad_grid(c, phase);
        most = MAX(most, pass_scratch(&g, c->node->u.conv.oc, c->options.threads));
    }
    return most;
}

void direct_forward(const struct kernels *kernels, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const struct conv_attr *a = &c->node->u.conv;
    struct pass p = {.kernel = kernels->conv_tile,
                     .grid = forward_grid(c),
                     .src = c->src[0],
                     .dst = c->dst,
                     .groups = s.groups,
                     .reduction = s.icg,
                     .columns = s.ocg,
                     .bias = c->param[1] ? c->packed[0] : NULL,
                     .weights = c->packed[0] + bias_floats(kernels->conv_tile, &s),
                     .act = (enum kernel_act)a->act};
    if (a->residual)
        p.residual = c->src[1];
    run_pass(&p, c, c->scratch);
}

void direct_dgrad(const struct kernels *kernels, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const float *weights = c->packed[1];
    for (int phase = 0; phase < s.stride * s.stride; phase++) {
        struct pass p = {.kernel = kernels->conv_tile,
                         .grid = dgrad_grid(c, phase),
                         .src = c->d_dst,
                         .dst = c->d_src[0],
                         .groups = s.groups,
                         .reduction = s.ocg,
                         .columns = s.icg,
                         .weights = weights,
                         .accumulate = c->add[0]};
        run_pass(&p, c, c->scratch);
        weights +=
            (size_t)(p.grid.n_ty * p.grid.n_tx * s.ocg * s.groups) * (size_t)round_up(s.icg, kernels->conv_tile->vl);
    }
}
