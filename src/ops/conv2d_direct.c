/* Direct convolution, forward and data gradient: an implicit GEMM whose rows are pixels reached through pointers and
 * whose columns are packed panels of output channels. */
#include "ops/conv2d_internal.h"

#include <stdlib.h>

struct conv_shape conv_shape_of(const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct conv_shape s = {.ic = c->src[0].c,
                           .oc = a->oc,
                           .groups = a->groups,
                           .icg = c->src[0].c / a->groups,
                           .ocg = a->oc / a->groups,
                           .first_ic = a->first_ic,
                           .weight_ic = a->weight_ic ? a->weight_ic : c->src[0].c / a->groups,
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

/* d_src[y] gathers d_dst[(y + pad - k*dilation) / stride] where that is whole; y = phase + stride*i, phase
 * 0 .. stride*stride-1. */
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

/* --- pointers --- */

/* Grid columns [*low, *high) whose source column lies inside 0 .. w-1. */
static void inside(int first, int step, int w, int gw, int *low, int *high)
{
    int l = first >= 0 ? 0 : (-first + step - 1) / step;
    int h = first >= w ? 0 : (w - 1 - first) / step + 1;
    *low = MIN(l, gw);
    *high = MAX(*low, MIN(h, gw));
}

/* Points whose taps of a row do not all lie inside of the source have copies of them, with their padding: every row of
 * the source has `count` of these, for the grid columns below `low` and from `high` on. A copy is laid out like the
 * source, its first tap `origin` floats behind its start. */
struct edges {
    float *copies;
    int y0, low, high, count; /* y0: the source row of the first copies */
    size_t copy, origin;
};

static const float *edge_of(const struct edges *e, int y, int gx)
{
    const int i = (y - e->y0) * e->count + (gx < e->low ? gx : gx - e->high + e->low);
    return e->copies + (size_t)i * e->copy + e->origin;
}

/* Tap (ty, tx) of grid points [first, first + count); with edges it is the first of a row's taps. */
static void fill_tap(const struct tap_grid *g, const struct tensor *src, int image, const float *zeros,
                     const struct edges *edges, int first, int count, int ty, int tx, const float **out)
{
    const int sx = g->x0 + tx * g->dx;
    int low, high;
    if (edges) {
        low = edges->low;
        high = edges->high;
    } else {
        inside(sx, g->step, src->w, g->gw, &low, &high);
    }
    const size_t advance = (size_t)g->step * src->pixel_stride;
    for (int i = 0, gy = first / g->gw, gx = first % g->gw; i < count; gy++, gx = 0) {
        int y = gy * g->step + g->y0 + ty * g->dy, end = MIN(g->gw, gx + count - i);
        if (y < 0 || y >= src->h) {
            for (; gx < end; gx++)
                out[i++] = zeros;
            continue;
        }
        for (; gx < MIN(low, end); gx++)
            out[i++] = edges ? edge_of(edges, y, gx) : zeros;
        if (gx < MIN(high, end)) {
            const float *p = tensor_pixel(src, image, y, gx * g->step + sx);
            for (; gx < MIN(high, end); gx++, p += advance)
                out[i++] = p;
        }
        for (; gx < end; gx++)
            out[i++] = edges ? edge_of(edges, y, gx) : zeros;
    }
}

void fill_taps(const struct tap_grid *g, const struct tensor *src, int image, const float *zeros, int first, int count,
               const float **out, size_t out_stride)
{
    for (int ty = 0; ty < g->n_ty; ty++) {
        for (int tx = 0; tx < g->n_tx; tx++, out += out_stride)
            fill_tap(g, src, image, zeros, NULL, first, count, ty, tx, out);
    }
}

/* Target pixels of the grid points that fill_taps fills. */
static void fill_targets(const struct tap_grid *g, const struct tensor *dst, int image, int first, int count,
                         float **out)
{
    for (int i = 0, gy = first / g->gw, gx = first % g->gw; i < count; gy++, gx = 0) {
        for (; gx < g->gw && i < count; gx++)
            out[i++] = tensor_pixel(dst, image, g->ty0 + gy * g->tstep, g->tx0 + gx * g->tstep);
    }
}

void fill_addends(const struct tensor *addend, int scale, int image, int first, int count, const float **out)
{
    const int w = addend->w * scale;
    for (int i = 0, y = first / w, x = first % w; i < count; y++, x = 0) {
        const float *pixel = tensor_pixel(addend, image, y / scale, x / scale);
        for (int left = scale - x % scale; x < w && i < count; x++) {
            out[i++] = pixel;
            if (--left == 0) {
                pixel += addend->pixel_stride;
                left = scale;
            }
        }
    }
}

/* --- packing ---
 * Forward: [group][ocg padded to a vector] bias, then [group][panel][tap][icg][panel columns].
 * Gradient: [phase][group][panel][tap][ocg][panel columns of icg]. Both start at a cache line. */

static size_t bias_floats(const struct conv_tile_kernel *k, const struct conv_shape *s)
{
    return round_up_size((size_t)s->groups * (size_t)round_up(s->ocg, k->vl), 16);
}

size_t direct_packed_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const size_t reduction = (size_t)s.icg * (size_t)s.kh * (size_t)s.kw;
    return bias_floats(k->conv_tile, &s) + (size_t)s.groups * (size_t)round_up(s.ocg, k->conv_tile->vl) * reduction;
}

size_t direct_packed_d_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const size_t reduction = (size_t)s.ocg * (size_t)s.kh * (size_t)s.kw;
    return (size_t)s.groups * (size_t)round_up(s.icg, k->conv_tile->vl) * reduction;
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
    const size_t taps = (size_t)(s.kh * s.kw), row = (size_t)s.weight_ic * taps;
    const float *weights = c->param[0] + (size_t)s.first_ic * taps;
    float *out = c->packed[0] + bias_floats(k, &s);
    memset(c->packed[0], 0, bias_floats(k, &s) * sizeof *out);
    for (int i = 0; i < s.groups; i++) {
        if (c->param[1])
            memcpy(c->packed[0] + i * padded, c->param[1] + i * s.ocg, (size_t)s.ocg * sizeof *out);
        out = pack_panels(k, &s, &g, weights + (size_t)(i * s.ocg) * row, taps, row, s.icg, s.ocg, out);
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

/* --- the pass --- */

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

/* The part of the source that count points from `first` on read: whole rows, of a long row (a 1x1) whole pixels. */
struct grid_window {
    int y0, y1, x0, x1;
};

static bool is_long_row(const struct pass *p)
{
    return p->grid.gh == 1 && p->grid.n_tx == 1 && p->src.h == 1;
}

static struct grid_window window_of(const struct pass *p, int first, int count)
{
    const struct tap_grid *g = &p->grid;
    const int last = first + count - 1, dy = (g->n_ty - 1) * g->dy;
    struct grid_window w = {.x1 = p->src.w};
    w.y0 = MAX(0, first / g->gw * g->step + g->y0 + MIN(0, dy));
    w.y1 = MAX(w.y0, MIN(p->src.h, last / g->gw * g->step + g->y0 + MAX(0, dy) + 1));
    if (is_long_row(p)) {
        w.x0 = MAX(0, first * g->step + g->x0);
        w.x1 = MAX(w.x0, MIN(p->src.w, last * g->step + g->x0 + 1));
    }
    return w;
}

/* Most rows of a window. */
static int window_rows(const struct pass *p)
{
    const struct tap_grid *g = &p->grid;
    const int rows = g->gh == 1 ? 1 : MIN(g->gh, (p->per_part + 2 * g->gw - 2) / g->gw);
    return MIN(p->src.h, (rows - 1) * g->step + (g->n_ty - 1) * abs(g->dy) + 1);
}

static size_t window_floats(const struct pass *p)
{
    const int w = is_long_row(p) ? MIN(p->src.w, (p->per_part - 1) * p->grid.step + 1) : p->src.w;
    return round_up_size((size_t)window_rows(p) * (size_t)w * (size_t)(p->groups * p->reduction), 16);
}

/* Convert what the points read into `to`; src and grid become those of the window. */
static void take_window(const struct pass *p, int image, const struct grid_window *w, float *to, struct tap_grid *grid,
                        struct tensor *src)
{
    const size_t words = (size_t)(p->groups * p->reduction);
    p->convert(&(struct word_run){.src = tensor_pixel(&p->src, image, w->y0, w->x0),
                                  .src_pixel = p->src.pixel_stride,
                                  .dst = to,
                                  .dst_pixel = words,
                                  .pixels = (w->y1 - w->y0) * (w->x1 - w->x0),
                                  .c = p->src.c,
                                  .factor = p->factor,
                                  .zero = p->zero});
    *src = (struct tensor){
        .data = to, .n = 1, .h = w->y1 - w->y0, .w = w->x1 - w->x0, .c = p->src.c, .pixel_stride = words};
    grid->y0 -= w->y0;
    grid->x0 -= w->x0;
}

/* The edges of a grid's points, without their copies. */
static struct edges edges_of(const struct pass *p)
{
    const struct tap_grid *g = &p->grid;
    const int reach = MAX(0, g->n_tx - 1) * g->dx;
    const size_t pixel = p->convert ? (size_t)(p->groups * p->reduction) : p->src.pixel_stride;
    struct edges e = {.origin = reach < 0 ? (size_t)-reach * pixel : 0};
    int low, high;
    inside(g->x0, g->step, p->src.w, g->gw, &e.low, &e.high);
    inside(g->x0 + reach, g->step, p->src.w, g->gw, &low, &high);
    e.low = MAX(e.low, low);
    e.high = MAX(e.low, MIN(e.high, high));
    e.count = e.low + g->gw - e.high;
    e.copy = (size_t)abs(reach) * pixel + (size_t)(p->groups * p->reduction);
    return e;
}

/* Fill the copies of source rows [y0, y1). */
static void take_edges(const struct pass *p, const struct tap_grid *g, const struct tensor *src, int image, int y0,
                       int y1, struct edges *e)
{
    const size_t words = (size_t)(p->groups * p->reduction);
    e->y0 = y0;
    float *to = e->copies + e->origin;
    for (int y = y0; y < y1; y++) {
        for (int i = 0; i < e->count; i++, to += e->copy) {
            const int gx = i < e->low ? i : i - e->low + e->high;
            for (int tx = 0; tx < g->n_tx; tx++) {
                const int x = gx * g->step + g->x0 + tx * g->dx;
                const float *from = x < 0 || x >= src->w ? p->zeros : tensor_pixel(src, image, y, x);
                memcpy(to + (long)(tx * g->dx) * (long)src->pixel_stride, from, words * sizeof *to);
            }
        }
    }
}

/* Pointers to the first tap of each row of taps, made with the help of `scratch`; returns the floats from a tap to the
 * one beside it. */
static long fill_sources(const struct pass *p, int image, int first, int count, float *scratch, const float **pointers)
{
    struct grid_window w = window_of(p, first, count);
    struct tap_grid grid = p->grid;
    struct tensor src = p->src;
    if (p->convert) {
        take_window(p, image, &w, scratch, &grid, &src);
        image = w.y0 = 0;
        w.y1 = src.h;
    }
    struct edges edges = edges_of(p);
    edges.copies = scratch + p->window_floats;
    take_edges(p, &grid, &src, image, w.y0, w.y1, &edges);
    for (int ty = 0; ty < grid.n_ty; ty++, pointers += p->per_part)
        fill_tap(&grid, &src, image, p->zeros + edges.origin, &edges, first, count, ty, 0, pointers);
    return (long)grid.dx * (long)src.pixel_stride;
}

/* Everything that follows from the shape. */
static void lay_out(struct pass *p)
{
    const struct tap_grid *g = &p->grid;
    p->points = g->gh * g->gw;
    if (!p->points)
        return;
    p->per_part = points_per_part(p->points, g->n_ty * g->n_tx, p->groups * p->reduction * p->grid.step * p->grid.step);
    p->parts_per_image = (p->points + p->per_part - 1) / p->per_part;
    p->pointer_floats = round_up_size((size_t)p->per_part * (size_t)(g->n_ty + 3) * POINTER_FLOATS, 16);
    p->window_floats = p->convert ? window_floats(p) : 0;
    const struct edges e = edges_of(p);
    p->zero_floats = round_up_size(e.copy, 16);
    const size_t edge_floats = (size_t)(window_rows(p) * e.count) * e.copy;
    p->thread_floats = p->pointer_floats + p->window_floats + round_up_size(edge_floats, 16);
}

static void run_panel(const struct pass *p, struct conv_tile *t, const float **taps, float **targets,
                      const float **residuals, const float **addends, int count, bool fetch)
{
    int tiles = (count + p->kernel->mr[t->nv] - 1) / p->kernel->mr[t->nv];
    for (int i = 0, at = 0; i < tiles; i++) {
        t->m = (count - at + tiles - i - 1) / (tiles - i); /* equal tiles: no short one at the end */
        t->a = taps + at;
        t->dst = targets + at;
        t->residual = residuals ? residuals + at : NULL;
        t->residual_next = residuals && i + 1 < tiles ? residuals + at + t->m : NULL;
        t->addend = addends ? addends + at : NULL;
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
    const int count = MIN(p->per_part, p->points - first);
    float *const mine = p->scratch + (size_t)thread * p->thread_floats;
    const float **pointers = (const float **)mine;
    float **targets = (float **)(pointers + (size_t)p->grid.n_ty * (size_t)p->per_part);
    const float **residuals = (const float **)(targets + p->per_part), **addends = residuals + p->per_part;
    const long beside_step = fill_sources(p, image, first, count, mine + p->pointer_floats, pointers);
    fill_targets(&p->grid, &p->dst, image, first, count, targets);
    if (p->residual.data)
        fill_targets(&p->grid, &p->residual, image, first, count, (float **)residuals);
    if (p->addend.data)
        fill_addends(&p->addend, p->addend_scale, image, first, count, addends);
    const bool joined = p->groups == 1 && beside_step == p->reduction; /* the taps of a row are one run of words */
    const int n_ty = p->grid.n_ty, n_tx = p->grid.n_tx;
    struct conv_tile t = {.taps = joined ? n_ty : n_ty * n_tx,
                          .beside = joined ? 0 : n_tx - 1,
                          .beside_step = beside_step,
                          .k = joined ? n_tx * p->reduction : p->reduction,
                          .a_stride = (size_t)p->per_part,
                          .b = p->weights,
                          .bias = p->bias,
                          .accumulate = p->accumulate,
                          .dst_bf16 = p->dst.element == ELEMENT_BF16,
                          .residual_bf16 = p->residual.element == ELEMENT_BF16,
                          .addend_bf16 = p->addend.element == ELEMENT_BF16,
                          .act = p->act,
                          .bytes = p->bytes};
    for (int g = 0; g < p->groups; g++) {
        t.a_offset = (size_t)(g * p->reduction);
        t.dst_offset = t.residual_offset = t.addend_offset = (size_t)(g * p->columns);
        for (int left = round_up(p->columns, k->vl) / k->vl, column = 0; left > 0; left -= t.nv) {
            t.nv = panel_vectors(left, k->nv_main, k->nv_max);
            const int width = t.nv * k->vl;
            t.n = MIN(width, p->columns - column);
            t.half = panel_is_half(k, t.nv, t.n);
            const bool first_use = column == 0 && p->reduction >= 16; /* pixels of the group not in L2 yet */
            run_panel(p, &t, pointers, targets, p->residual.data ? residuals : NULL, p->addend.data ? addends : NULL,
                      count, first_use);
            t.b += (size_t)(n_ty * n_tx * p->reduction) * (size_t)width;
            t.bias = t.bias ? t.bias + width : NULL;
            t.dst_offset += (size_t)width;
            t.residual_offset += (size_t)width;
            t.addend_offset += (size_t)width;
            column += width;
        }
    }
}

/* What a pixel outside of the source holds, at every tap of a row. */
static void put_padding(const struct pass *p, float *zeros)
{
    for (size_t i = 0; i < p->zero_floats; i++)
        memcpy(zeros + i, &p->padding, sizeof *zeros);
    for (int tap = 0; p->channels && tap < p->grid.n_tx; tap++) {
        unsigned char *to = (unsigned char *)(zeros + (size_t)(tap * abs(p->grid.dx)) * p->src.pixel_stride);
        for (int i = 0; i < p->src.c; i++)
            to[i] = (unsigned char)p->channels[i].zero;
    }
}

void run_pass(struct pass *p, const struct call *c, float *scratch)
{
    lay_out(p);
    if (!p->points)
        return;
    put_padding(p, scratch);
    p->zeros = scratch;
    p->scratch = scratch + p->zero_floats;
    team_run(c->team, p->parts_per_image * p->src.n, pass_part, p);
}

size_t pass_scratch_floats(struct pass *p, int threads)
{
    lay_out(p);
    return p->points ? p->zero_floats + (size_t)MAX(1, threads) * p->thread_floats : 0;
}

void pass_set_sources(struct pass *p, const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    if (a->residual)
        p->residual = c->src[1];
    p->addend_scale = a->addend_scale;
    if (a->addend_scale)
        p->addend = c->src[1];
}

static struct pass forward_pass(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct pass p = {.kernel = k->conv_tile,
                     .grid = forward_grid(c),
                     .src = c->src[0],
                     .dst = c->dst,
                     .groups = s.groups,
                     .reduction = s.icg,
                     .columns = s.ocg,
                     .act = c->node->u.conv.act};
    pass_set_sources(&p, c);
    return p;
}

struct pass direct_dgrad_pass(const struct kernels *k, const struct call *c, int phase)
{
    const struct conv_shape s = conv_shape_of(c);
    return (struct pass){.kernel = k->conv_tile,
                         .grid = dgrad_grid(c, phase),
                         .src = c->d_dst,
                         .dst = c->d_src[0],
                         .groups = s.groups,
                         .reduction = s.ocg,
                         .columns = s.icg,
                         .accumulate = c->add[0]};
}

size_t direct_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct pass p = forward_pass(k, c);
    return pass_scratch_floats(&p, c->options.threads);
}

size_t direct_d_scratch_floats(const struct kernels *k, const struct call *c)
{
    const int stride = c->node->u.conv.stride;
    size_t most = 0;
    for (int phase = 0; phase < stride * stride; phase++) {
        struct pass p = direct_dgrad_pass(k, c, phase);
        most = MAX(most, pass_scratch_floats(&p, c->options.threads));
    }
    return most;
}

void direct_forward(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct pass p = forward_pass(k, c);
    p.bias = c->param[1] ? c->packed[0] : NULL;
    p.weights = c->packed[0] + bias_floats(k->conv_tile, &s);
    run_pass(&p, c, c->scratch);
}

void direct_dgrad(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const float *weights = c->packed[1];
    for (int phase = 0; phase < s.stride * s.stride; phase++) {
        struct pass p = direct_dgrad_pass(k, c, phase);
        p.weights = weights;
        run_pass(&p, c, c->scratch);
        weights += (size_t)(p.grid.n_ty * p.grid.n_tx * s.ocg * s.groups) * (size_t)round_up(s.icg, k->conv_tile->vl);
    }
}
