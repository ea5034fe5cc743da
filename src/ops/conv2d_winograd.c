/* Winograd F(4x4, 3x3) and F(5x5, 3x3): forward of stride 1 and 2, data gradient of stride 1 (kernels/slots.h has the
 * mathematics). A part is a block of tiles: transform the input of all channels, then for each panel of output channels
 * a product a point and the output transform, all in the thread's scratch, which is sized to stay in L2. */
#include "ops/conv2d_internal.h"

#include <limits.h>

enum { PAD = 16, MAX_PANEL_FLOATS = MAX_PANEL_VECTORS * 16 };

struct wino_pass {
    const struct conv_tile_kernel *tile;
    const struct winograd_kernel *kernel;
    enum wino_form form;
    struct tensor src, dst, residual;    /* residual.data NULL: none */
    int pad, groups, reduction, columns; /* of one group */
    const float *bias, *weights;
    bool accumulate;
    enum act act;

    int side, points, step;            /* of a tile: products a side, in all; source pixels to the next */
    int out;                           /* target pixels of a tile a side */
    int from;                          /* source pixels of a tile a side */
    int tiles_x, tiles, block, blocks; /* of an image */
    int shares;                        /* parts that share a block's panels */
    bool fetch_source;                 /* it is too large for L2 */
    bool weights_overflow;             /* L2: they come from memory once a block */
    bool fetch_weights;                /* those of the next product, while one runs */
    size_t v_row, v_point, m_point;    /* floats of a tile's channels, from a point to the next */
    size_t v_floats, m_floats, pointer_floats, dump_floats, thread_floats;
    const float *zeros;
    float *scratch;
};

bool winograd_fits(const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    const struct conv_shape s = conv_shape_of(c);
    const int least = a->stride == 1 ? 8 : 24; /* channels: with fewer the transforms cost more than they save */
    if (a->pooled)
        return true; /* graph_lower saw to it */
    return a->kh == 3 && a->kw == 3 && a->stride <= 2 && a->dilation == 1 && a->pad <= 2 && s.icg >= least &&
           s.ocg >= least && c->dst.h >= 3 && c->dst.w >= 3;
}

/* F(5x5) has fewer products a pixel, if its tiles do not reach too far beyond the map, and 1.36 times the weights. That
 * memory must buy some time: small maps share it among few pixels, and in narrow layers the transforms take what the
 * products save. */
static bool by_five(const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const int narrow = 32, h = c->dst.h, w = c->dst.w;
    const int least = h * w >= 80 * 80 ? narrow : h * w >= 40 * 40 ? 128 : INT_MAX;
    const long long four = (long long)((h + 3) / 4) * ((w + 3) / 4) * WINO_POINTS;
    const long long five = (long long)((h + 4) / 5) * ((w + 4) / 5) * WINO5_POINTS;
    return s.stride == 1 && five < four && s.icg >= least && s.ocg >= narrow;
}

enum wino_form winograd_form(const struct call *c)
{
    if (c->node->u.conv.stride == 1)
        return by_five(c) ? WINO_S1_5 : WINO_S1;
    return c->node->u.conv.pooled ? WINO_POOLED : WINO_S2;
}

/* Transformed weights of a pair of channels */
static int weight_points(enum wino_form form)
{
    return form == WINO_S1_5 ? WINO5_POINTS : WINO_POINTS;
}

/* Tiles of a block. Small weights stay in L2, and blocks of up to 48 tiles leave room for them. Large ones come from
 * memory once a block, which costs more than transformed maps that overflow L2: fewer, larger blocks, and where that
 * leaves a single one, its panels are shared by two parts (each transforms the input again, a few percent).
 * An even number of parts keeps two threads busy. */
static void cut_blocks(struct wino_pass *p)
{
    const int large = 1024 * 1024; /* floats of transformed weights */
    const long long weights = (long long)weight_points(p->form) * p->groups * p->reduction * p->columns;
    p->weights_overflow = weights > large;
    p->fetch_weights = weights > 96 * 1024;
    int most = p->weights_overflow ? 64 : MIN(48, MAX(12, (p->tiles + 1) / 2));
    if (p->form == WINO_S1_5)
        most = most * WINO_POINTS / WINO5_POINTS; /* as much memory */
    if (p->form >= WINO_S2)
        most = 16;
    p->blocks = (p->tiles + most - 1) / most;
    if (p->blocks > 1)
        p->blocks = round_up(p->blocks, 2);
    p->block = (p->tiles + p->blocks - 1) / p->blocks;
    p->shares = p->blocks == 1 && p->groups == 1 && p->columns >= 64 ? 2 : 1;
}

/* Everything that follows from the shape; scratch pointers excepted. */
static void lay_out(struct wino_pass *p)
{
    const int vl = p->tile->vl, channels = p->groups * p->reduction;
    static const int side[] = {WINO_SIDE_S1, WINO_SIDE_S1_5, WINO_SIDE_S2, WINO_SIDE_S2};
    p->side = side[p->form];
    p->points = p->side * p->side;
    p->out = p->form == WINO_S1_5 ? 5 : 4;
    p->step = p->form >= WINO_S2 ? 2 * p->out : p->out;
    p->from = p->form == WINO_POOLED ? WINO_SIDE_POOLED : p->side;
    p->tiles_x = (p->dst.w + p->out - 1) / p->out;
    p->tiles = p->tiles_x * ((p->dst.h + p->out - 1) / p->out);
    p->v_row = (size_t)round_up(channels, MAX(vl, 16));
    p->fetch_source = (long long)p->src.h * p->src.w * channels > 128 * 1024;
    cut_blocks(p);
    const int width = MIN(p->tile->nv_max * vl, round_up(p->columns, vl));
    p->v_point =
        (size_t)p->block * p->v_row + PAD; /* no power of two: a tile's stores go to different places of the cache */
    p->m_point = (size_t)(p->block * width) + PAD;
    p->v_floats = (size_t)p->points * p->v_point;
    p->m_floats = (size_t)p->points * p->m_point;
    p->pointer_floats = round_up_size((size_t)(p->block * (2 + 2 * p->out * p->out)) * POINTER_FLOATS, 16);
    p->dump_floats = round_up_size((size_t)(p->groups * p->columns), 16);
    p->thread_floats = p->v_floats + p->m_floats + p->pointer_floats + p->dump_floats;
}

static size_t zero_floats(const struct wino_pass *p)
{
    return round_up_size((size_t)MAX(p->groups * p->reduction, p->groups * p->columns), 16);
}

/* --- parts --- */

void fill_tile(const struct tensor *map, int image, int y0, int x0, int side, const float *outside, const float **out)
{
    const bool inner = x0 >= 0 && x0 + side <= map->w; /* the usual tile: no question a pixel */
    for (int y = y0; y < y0 + side; y++, out += side) {
        const bool in_rows = y >= 0 && y < map->h;
        const float *row = in_rows ? tensor_pixel(map, image, y, MAX(0, x0)) : outside;
        const size_t step = in_rows ? map->pixel_stride : 0;
        if (inner || !in_rows) {
            for (int x = 0; x < side; x++)
                out[x] = row + (size_t)x * step;
            continue;
        }
        for (int x = x0; x < x0 + side; x++)
            out[x - x0] = x >= 0 && x < map->w ? tensor_pixel(map, image, y, x) : outside;
    }
}

static void fill_inputs(const struct wino_pass *p, int image, int tile, const float **src)
{
    fill_tile(&p->src, image, tile / p->tiles_x * p->step - p->pad, tile % p->tiles_x * p->step - p->pad, p->from,
              p->zeros, src);
}

/* The pooled map has a row and a column less than the source; around it lies the convolution's padding. */
static void fill_factors(const struct wino_pass *p, int tile, float *factors)
{
    const int y0 = tile / p->tiles_x * p->step - p->pad, x0 = tile % p->tiles_x * p->step - p->pad;
    for (int i = 0; i < WINO_SIDE_S2 * WINO_SIDE_S2; i++) {
        const int y = y0 + i / WINO_SIDE_S2, x = x0 + i % WINO_SIDE_S2;
        factors[i] = y >= 0 && y < p->src.h - 1 && x >= 0 && x < p->src.w - 1 ? 0.25f : 0;
    }
}

static void transform_input(const struct wino_pass *p, int image, int first, int count, float *v)
{
    const float *src[2][WINO_SIDE_POOLED * WINO_SIDE_POOLED];
    float factors[WINO_SIDE_S2 * WINO_SIDE_S2];
    struct wino_input t = {.bf16 = p->src.element == ELEMENT_BF16,
                           .factors = factors,
                           .channels = p->groups * p->reduction,
                           .stride = p->v_point};
    fill_inputs(p, image, first, src[0]);
    for (int i = 0; i < count; i++) {
        t.src = src[i % 2];
        t.next = NULL;
        if (i + 1 < count) {
            fill_inputs(p, image, first + i + 1, src[(i + 1) % 2]);
            t.next = p->fetch_source ? src[(i + 1) % 2] : NULL;
        }
        t.v = v + (size_t)i * p->v_row;
        if (p->form == WINO_POOLED)
            fill_factors(p, first + i, factors);
        p->kernel->input[p->form](&t);
    }
}

/* The pixels of each tile in a map of dst's size; `outside` for those beyond it. */
static void fill_outputs(const struct wino_pass *p, const struct tensor *map, int image, int first, int count,
                         float *outside, float **out)
{
    for (int i = first; i < first + count; i++, out += p->out * p->out)
        fill_tile(map, image, i / p->tiles_x * p->out, i % p->tiles_x * p->out, p->out, outside, (const float **)out);
}

/* Which of the transformed weights belongs to a product: with stride 2 the four pixels of a side share one. */
static int weights_of(const struct wino_pass *p, int point)
{
    if (p->form < WINO_S2)
        return point;
    return MIN(point / p->side, 5) * 6 + MIN(point % p->side, 5);
}

/* Point by point, all tiles: a point's weights stay in L1, and large ones of the next point are fetched meanwhile. */
static void multiply_by_point(const struct wino_pass *p, struct conv_tile t, const float *const *rows,
                              float *const *products, int count)
{
    const int tiles = (count + p->tile->mr[t.nv] - 1) / p->tile->mr[t.nv];
    const float *const b = t.b;
    const size_t weights = (size_t)t.k * (size_t)(t.nv * p->tile->vl);
    for (int point = 0; point < p->points; point++, t.a_offset += p->v_point) {
        const int mine = weights_of(p, point), next = point + 1 < p->points ? weights_of(p, point + 1) : mine;
        t.b = b + (size_t)mine * weights;
        t.dst_offset = (size_t)point * p->m_point;
        conv_ahead(&t, p->fetch_weights && next != mine ? b + (size_t)next * weights : NULL, weights, tiles);
        for (int i = 0, at = 0; i < tiles; i++, at += t.m, conv_ahead_step(&t)) {
            t.m = (count - at + tiles - i - 1) / (tiles - i);
            t.a = rows + at;
            t.dst = products + at;
            p->tile->run(&t);
        }
    }
}

/* Products of few channels: tile by tile, all points in one call, whose own cost would show. Stride 1 only, where the
 * weights of the points follow one another. */
static void multiply_by_tile(const struct wino_pass *p, struct conv_tile t, const float *const *rows,
                             float *const *products, int count)
{
    const int tiles = (count + p->tile->mr[t.nv] - 1) / p->tile->mr[t.nv];
    t.more = p->points - 1;
    t.a_next = p->v_point;
    t.dst_next = p->m_point;
    for (int i = 0, at = 0; i < tiles; i++, at += t.m) {
        t.m = (count - at + tiles - i - 1) / (tiles - i);
        t.a = rows + at;
        t.dst = products + at;
        p->tile->run(&t);
    }
}

static void multiply(const struct wino_pass *p, const struct conv_tile *t, const float *const *rows,
                     float *const *products, int count)
{
    const bool few = p->form < WINO_S2 && p->reduction <= 16;
    (few ? multiply_by_tile : multiply_by_point)(p, *t, rows, products, count);
}

static void wino_part(void *context, int part, int thread)
{
    const struct wino_pass *p = context;
    const int share = part % p->shares, image = part / p->shares / p->blocks, vl = p->tile->vl;
    const int first = part / p->shares % p->blocks * p->block, middle = round_up(p->columns / p->shares, 2 * vl);
    const int count = MIN(p->block, p->tiles - first), pixels = p->out * p->out;
    if (count <= 0)
        return;
    float *v = p->scratch + (size_t)thread * p->thread_floats, *m = v + p->v_floats, *dump = m + p->m_floats;
    const float **rows = (const float **)(dump + p->dump_floats);
    float **products = (float **)(rows + p->block), **targets = products + p->block;
    float **residuals = targets + pixels * p->block;
    transform_input(p, image, first, count, v);
    fill_outputs(p, &p->dst, image, first, count, dump, targets);
    if (p->residual.data)
        fill_outputs(p, &p->residual, image, first, count, (float *)p->zeros, residuals);
    struct conv_tile t = {.taps = 1, .k = p->reduction, .b = p->weights};
    struct wino_output o = {.stride = p->m_point,
                            .bias = p->bias,
                            .accumulate = p->accumulate,
                            .dst_bf16 = p->dst.element == ELEMENT_BF16,
                            .residual_bf16 = p->residual.element == ELEMENT_BF16,
                            .act = p->act};
    for (int g = 0; g < p->groups; g++) {
        t.a_offset = (size_t)(g * p->reduction);
        o.dst_offset = o.residual_offset = (size_t)(g * p->columns);
        for (int left = round_up(p->columns, vl) / vl, column = 0; left > 0; left -= t.nv) {
            t.nv = panel_vectors(left, p->tile->nv_main, p->tile->nv_max);
            const int width = t.nv * vl;
            for (int i = 0; i < count; i++) {
                rows[i] = v + (size_t)i * p->v_row;
                products[i] = m + (size_t)(i * width);
            }
            t.n = width; /* products are whole vectors */
            o.n = MIN(width, p->columns - column);
            t.half = panel_is_half(p->tile, t.nv, o.n);
            if (p->shares == 1 || (column >= middle) == (share == 1)) {
                multiply(p, &t, rows, products, count);
                for (int i = 0; i < count; i++) {
                    o.m = m + (size_t)(i * width);
                    o.dst = targets + pixels * i;
                    o.residual = p->residual.data ? (const float *const *)residuals + pixels * i : NULL;
                    o.residual_next = o.residual && p->fetch_source && i + 1 < count ? o.residual + pixels : NULL;
                    p->kernel->output[p->form](&o);
                }
            }
            t.b += (size_t)(weight_points(p->form) * t.k) * (size_t)width;
            o.bias = o.bias ? o.bias + width : NULL;
            o.dst_offset += (size_t)width;
            o.residual_offset += (size_t)width;
            column += width;
        }
    }
}

static void run_wino(struct wino_pass *p, const struct call *c)
{
    lay_out(p);
    memset(c->scratch, 0, zero_floats(p) * sizeof *c->scratch);
    p->zeros = c->scratch;
    p->scratch = c->scratch + zero_floats(p);
    team_run(c->team, p->blocks * p->shares * p->src.n, wino_part, p);
}

/* --- the two passes --- */

static struct wino_pass forward_pass(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct wino_pass p = {.tile = k->conv_tile,
                          .kernel = k->winograd,
                          .form = winograd_form(c),
                          .src = c->src[0],
                          .dst = c->dst,
                          .pad = s.pad,
                          .groups = s.groups,
                          .reduction = s.icg,
                          .columns = s.ocg,
                          .act = c->node->u.conv.act};
    if (c->node->u.conv.residual)
        p.residual = c->src[1];
    return p;
}

static struct wino_pass dgrad_pass(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct wino_pass p = {.tile = k->conv_tile,
                          .kernel = k->winograd,
                          .form = winograd_form(c),
                          .src = c->d_dst,
                          .dst = c->d_src[0],
                          .pad = 2 - s.pad,
                          .groups = s.groups,
                          .reduction = s.ocg,
                          .columns = s.icg,
                          .accumulate = c->add[0]};
    if (!p.dst.data) /* planning: the shapes are those of the maps */
        p.dst = c->src[0], p.src = c->dst;
    return p;
}

static size_t scratch_of(struct wino_pass *p, const struct call *c)
{
    lay_out(p);
    return zero_floats(p) + (size_t)MAX(1, c->options.threads) * p->thread_floats;
}

size_t winograd_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct wino_pass p = forward_pass(k, c);
    return scratch_of(&p, c);
}

size_t winograd_d_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct wino_pass p = dgrad_pass(k, c);
    return scratch_of(&p, c);
}

static size_t bias_floats(const struct kernels *k, const struct conv_shape *s)
{
    return round_up_size((size_t)s->groups * (size_t)round_up(s->ocg, k->conv_tile->vl), 16);
}

void winograd_forward(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct wino_pass p = forward_pass(k, c);
    p.bias = c->param[1] ? c->packed[0] : NULL;
    p.weights = c->packed[0] + bias_floats(k, &s);
    run_wino(&p, c);
}

void winograd_dgrad(const struct kernels *k, const struct call *c)
{
    struct wino_pass p = dgrad_pass(k, c);
    p.weights = c->packed[1];
    run_wino(&p, c);
}

/* --- packing: [group][panel][36 or 49 points][reduction][panel columns] --- */

size_t winograd_packed_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return bias_floats(k, &s) +
           (size_t)(weight_points(winograd_form(c)) * s.groups * s.icg) * (size_t)round_up(s.ocg, k->conv_tile->vl);
}

size_t winograd_packed_d_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return (size_t)(weight_points(winograd_form(c)) * s.groups * s.ocg) * (size_t)round_up(s.icg, k->conv_tile->vl);
}

struct wino_packing {
    const struct wino_weights_kernel *kernel;
    const float *weights;
    float *out;
    int reduction, columns, vl, nv_main, nv_max;
    size_t row_stride, column_stride, group_weights, group_floats;
    bool rotate;
    enum wino_form form;
};

enum { PACK_ROWS = 8 };

/* The nine taps of columns first .. first + width - 1 (zeros from `columns` on) of one row: g[tap*width + column]. */
static void gather_taps(const struct wino_packing *p, const float *w, int first, int width, float *g)
{
    const int used = MIN(width, p->columns - first);
    if (used < width)
        memset(g, 0, (size_t)(9 * width) * sizeof *g);
    for (int j = 0; j < used; j++) {
        const float *from = w + (size_t)(first + j) * p->column_stride;
        for (int i = 0; i < 9; i++)
            g[i * width + j] = from[p->rotate ? 8 - i : i];
    }
}

/* Up to PACK_ROWS rows of the reduction of one group. */
static void pack_part(void *context, int part, int thread)
{
    (void)thread;
    const struct wino_packing *p = context;
    const int per_group = (p->reduction + PACK_ROWS - 1) / PACK_ROWS, group = part / per_group;
    const int row0 = part % per_group * PACK_ROWS, row1 = MIN(row0 + PACK_ROWS, p->reduction);
    const float *w = p->weights + (size_t)group * p->group_weights;
    float *panel = p->out + (size_t)group * p->group_floats, g[9 * MAX_PANEL_FLOATS];
    for (int left = round_up(p->columns, p->vl) / p->vl, first = 0; left > 0;) {
        const int nv = panel_vectors(left, p->nv_main, p->nv_max), width = nv * p->vl;
        struct wino_pack t = {
            .g = g, .g_stride = (size_t)width, .columns = width, .stride = (size_t)p->reduction * (size_t)width};
        for (int row = row0; row < row1; row++) {
            gather_taps(p, w + (size_t)row * p->row_stride, first, width, g);
            t.u = panel + (size_t)row * (size_t)width;
            p->kernel->pack[p->form](&t);
        }
        panel += (size_t)(weight_points(p->form) * p->reduction) * (size_t)width;
        left -= nv;
        first += width;
    }
}

static void pack_winograd(const struct kernels *k, const struct call *c, bool gradient, float *out)
{
    const struct conv_shape s = conv_shape_of(c);
    struct wino_packing p = {.kernel = k->wino_weights,
                             .weights = c->param[0],
                             .out = out,
                             .reduction = gradient ? s.ocg : s.icg,
                             .columns = gradient ? s.icg : s.ocg,
                             .vl = k->conv_tile->vl,
                             .nv_main = k->conv_tile->nv_main,
                             .nv_max = k->conv_tile->nv_max,
                             .row_stride = gradient ? (size_t)s.icg * 9 : 9,
                             .column_stride = gradient ? 9 : (size_t)s.icg * 9,
                             .group_weights = (size_t)s.icg * (size_t)s.ocg * 9,
                             .rotate = gradient,
                             .form = winograd_form(c)};
    p.group_floats = (size_t)(weight_points(p.form) * p.reduction) * (size_t)round_up(p.columns, p.vl);
    team_run(c->team, s.groups * ((p.reduction + PACK_ROWS - 1) / PACK_ROWS), pack_part, &p);
}

void winograd_pack(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const int padded = round_up(s.ocg, k->conv_tile->vl);
    memset(c->packed[0], 0, bias_floats(k, &s) * sizeof(float));
    for (int i = 0; i < s.groups && c->param[1]; i++)
        memcpy(c->packed[0] + i * padded, c->param[1] + i * s.ocg, (size_t)s.ocg * sizeof(float));
    pack_winograd(k, c, false, c->packed[0] + bias_floats(k, &s));
}

void winograd_pack_d(const struct kernels *k, const struct call *c)
{
    pack_winograd(k, c, true, c->packed[1]);
}
