/* Convolutions by a matrix unit. Sixteen points are loaded by an address and a stride, so a part of the map has to lie
 * before it as one line of points, with what its taps read beyond the borders. A 1x1 of stride 1 that reads the unit's
 * own words has that in the map itself. Else each part fills a window that stays in L2: rows of `pitch` pixels with
 * their borders, of a stride over 1 the columns and rows of each parity in planes of their own, so that a tap's points
 * are neighbours there. Points of the line that are no column of the target (they lie in borders) are computed and put
 * aside.
 *
 * Packed: bias, of bytes SiLU's pieces before it and scales behind it, all in whole panels; then the kernel's panels.
 */
#include "graph/elements.h"
#include "kernels/bf16_inline.h"
#include "ops/conv2d_internal.h"

#include <stdlib.h>

enum kind { FP32, BF16, BYTES };
enum { MOST_TAPS = 128 };

static const struct matrix_kernel *kernel_of(const struct kernels *k, enum kind kind)
{
    return kind == FP32 ? &k->matrix_fp32->kernel : kind == BF16 ? &k->matrix_bf16->kernel : &k->matrix_bytes->kernel;
}

static int elements_of(enum kind kind)
{
    return kind == BYTES ? 4 : 2;
}

static int parts_of(enum kind kind)
{
    return kind == FP32 ? 2 : 1;
}

/* How the channels of a pixel are cut into steps. */
struct cut {
    int words, steps, step; /* step: bytes */
};

static struct cut cut_channels(int channels, enum kind kind)
{
    struct cut c = {.words = (channels + elements_of(kind) - 1) / elements_of(kind)};
    c.steps = (4 * c.words + MATRIX_STEP - 1) / MATRIX_STEP;
    c.step = 4 * ((c.words + c.steps - 1) / c.steps);
    return c;
}

/* --- what fits --- */

static bool shape_fits(const struct conv_shape *s)
{
    return s->groups == 1 && s->kh * s->kw <= MOST_TAPS && s->oc >= 16;
}

/* The two parts of a float lose up to 3 * 2^-18 of a term, of a sum of n terms of like size sqrt(n) times less. A sum
 * of 512 terms is within what direct sums may lose, but whole networks add up: with convolutions from 512, 1024, 2048
 * terms on yolov8n's boxes (golden case) err 1.36, 1.03 and 0.44 times what they may; without any 0.29. The fourth
 * product takes a third of the error. Narrow maps leave tiles half empty, and are no slower without them. */
enum { FP32_TERMS = 1536, FP32_THREE = 2048, FP32_CHANNELS = 32 };

bool matrix_fp32_fits(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return k->matrix_fp32->kernel.fast && !c->options.exact && !c->node->u.conv.pooled &&
           c->options.precision == PRECISION_FP32 && shape_fits(&s) && s.ic >= FP32_CHANNELS &&
           s.ic * s.kh * s.kw >= FP32_TERMS && s.oc >= FP32_CHANNELS;
}

bool matrix_dgrad_fits(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return matrix_fp32_fits(k, c) && s.stride == 1 && s.oc * s.kh * s.kw >= FP32_TERMS;
}

bool matrix_bf16_fits(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return k->matrix_bf16->kernel.fast && bf16_fits(c) && shape_fits(&s);
}

bool matrix_bytes_fits(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return k->matrix_bytes->kernel.fast && shape_fits(&s) && s.ic >= 16;
}

/* --- packing --- */

/* The weights of a grid: element (row r, column j, tap) is w[r * row_stride + j * column_stride + ky * kw + kx]. */
struct matrix_packing {
    enum kind kind;
    const struct tap_grid *grid;
    const float *w;
    size_t row_stride, column_stride;
    int kw, rows, columns;
    const struct call *call; /* of bytes */
    const float *scale;
};

static size_t panels_floats(enum kind kind, int taps, int rows, int columns)
{
    const struct cut cut = cut_channels(rows, kind);
    const size_t bytes = matrix_panels_bytes(columns, taps, cut.steps, cut.step, parts_of(kind));
    return round_up_size(bytes / sizeof(float), 16);
}

static void put_weight(const struct matrix_packing *p, int column, int tap, int row, int part, char *to)
{
    const int ky = p->grid->ky0 + tap / p->grid->n_tx * p->grid->kstep;
    const int kx = p->grid->kx0 + tap % p->grid->n_tx * p->grid->kstep;
    const float w = p->w[(size_t)row * p->row_stride + (size_t)column * p->column_stride + (size_t)(ky * p->kw + kx)];
    const uint16_t half = part ? bf16_rest(w) : bf16_of(w);
    if (p->kind == BYTES)
        *to = (char)bytes_weight(p->call, row, w, p->scale[column]);
    else
        memcpy(to, &half, sizeof half);
}

static void pack_panels(const struct matrix_packing *p, float *out)
{
    const struct cut cut = cut_channels(p->rows, p->kind);
    const int taps = p->grid->n_ty * p->grid->n_tx, elements = elements_of(p->kind), words = cut.step / 4;
    char *to = (char *)out;
    memset(out, 0, panels_floats(p->kind, taps, p->rows, p->columns) * sizeof *out);
    for (int first = 0; first < p->columns; first += MATRIX_COLUMNS) {
        const int halves = p->columns - first > 16 ? 2 : 1;
        for (int i = 0; i < taps * cut.steps * parts_of(p->kind) * halves;
             i++) { /* runs of 16 columns, a part, a step */
            const int half = i % halves, part = i / halves % parts_of(p->kind);
            const int step = i / halves / parts_of(p->kind) % cut.steps,
                      tap = i / halves / parts_of(p->kind) / cut.steps;
            for (int j = 0; j < words * 16 * elements; j++, to += 4 / elements) {
                const int column = first + half * 16 + j / elements % 16;
                const int row = (step * words + j / elements / 16) * elements + j % elements;
                if (column < p->columns && row < p->rows)
                    put_weight(p, column, tap, row, part, to);
            }
        }
    }
}

/* Bias, and of bytes scales: whole panels. */
static size_t column_floats(const struct conv_shape *s)
{
    return (size_t)round_up(s->oc, MATRIX_COLUMNS);
}

static size_t packed_floats(const struct call *c, enum kind kind)
{
    const struct conv_shape s = conv_shape_of(c);
    const size_t before = kind == BYTES ? BYTES_SILU_FLOATS + 2 * column_floats(&s) : column_floats(&s);
    return before + panels_floats(kind, s.kh * s.kw, s.ic, s.oc);
}

static void pack(const struct call *c, enum kind kind)
{
    const struct conv_shape s = conv_shape_of(c);
    const struct tap_grid g = forward_grid(c);
    const size_t taps = (size_t)(s.kh * s.kw), columns = column_floats(&s);
    float *out = c->packed[0];
    struct matrix_packing p = {.kind = kind,
                               .grid = &g,
                               .w = c->param[0] + (size_t)s.first_ic * taps,
                               .row_stride = taps,
                               .column_stride = (size_t)s.weight_ic * taps,
                               .kw = s.kw,
                               .rows = s.ic,
                               .columns = s.oc,
                               .call = c};
    memset(out, 0, packed_floats(c, kind) * sizeof *out);
    if (kind == BYTES) {
        bytes_silu_pieces(out);
        out += BYTES_SILU_FLOATS;
        bytes_fold(c, out, out + columns, round_up(s.oc, MATRIX_COLUMNS));
        p.scale = out + columns;
        out += columns;
    } else if (c->param[1]) {
        memcpy(out, c->param[1], (size_t)s.oc * sizeof *out);
    }
    pack_panels(&p, out + columns);
}

size_t matrix_packed_d_floats(const struct kernels *k, const struct call *c)
{
    (void)k;
    const struct conv_shape s = conv_shape_of(c);
    return panels_floats(FP32, s.kh * s.kw, s.oc, s.ic);
}

void matrix_pack_d(const struct kernels *k, const struct call *c)
{
    (void)k;
    const struct conv_shape s = conv_shape_of(c);
    const struct tap_grid g = dgrad_grid(c, 0);
    const size_t taps = (size_t)(s.kh * s.kw);
    pack_panels(&(struct matrix_packing){.kind = FP32,
                                         .grid = &g,
                                         .w = c->param[0],
                                         .row_stride = taps * (size_t)s.ic,
                                         .column_stride = taps,
                                         .kw = s.kw,
                                         .rows = s.oc,
                                         .columns = s.ic},
                c->packed[1]);
}

/* --- the pass --- */

struct matrix_pass {
    const struct matrix_kernel *kernel;
    const struct kernels *kernels;
    enum kind kind;
    struct tap_grid grid;
    struct tensor src, dst, residual, addend; /* as of struct pass */
    int addend_scale, columns;
    const char *weights;
    struct conv_tile finish;
    float factor, zero;                /* of floats that become bytes */
    const struct conv_quant *channels; /* of a map of bytes: what pixels outside of it hold */
    uint32_t padding;                  /* else */

    /* Of lay_out */
    struct cut cut;
    bool straight;             /* the map is the line of points */
    int pitch;                 /* points of a row of the line, columns of a plane */
    int rows, parts_per_image; /* rows of the target in a part */
    int reach_y, reach_x;      /* rows and columns that a plane has beyond the points */
    int low_y, low_x;          /* the source pixel of point (0, 0) and the first tap */
    size_t pixel_words;        /* of a pixel in the window */
    size_t plane_words;        /* of a plane; of its low part, too, which lies behind all high ones */
    size_t window_floats, thread_floats;
    float *scratch;
};

static bool reads_words(const struct matrix_pass *p)
{
    return (p->kind == BF16 && p->src.element == ELEMENT_BF16) || (p->kind == BYTES && p->src.element == ELEMENT_BYTE);
}

/* Offsets of taps from the lowest one, along an axis. */
static int lowest(int first, int delta, int taps)
{
    return first + MIN(0, MAX(0, taps - 1) * delta);
}

/* Rows of the target in a part: the window stays in a fifth of an L2 of 2 MB, but weights that do not are read once a
 * part. A number that threads share evenly. A function of the shape alone. */
static int rows_per_part(const struct matrix_pass *p, size_t row_words)
{
    const size_t cache_words = 400 * 1024 / 4;
    int rows = (int)MAX(1, MIN((size_t)p->grid.gh, cache_words / MAX(1, row_words)));
    int parts = (p->grid.gh + rows - 1) / rows;
    if (p->grid.gh * p->grid.gw >= 8 * MATRIX_POINTS)
        parts = MIN(p->grid.gh, round_up(parts, parts < 8 ? 4 : 2));
    return (p->grid.gh + parts - 1) / parts;
}

static void lay_out(struct matrix_pass *p)
{
    const struct tap_grid *g = &p->grid;
    p->cut = cut_channels(p->src.c, p->kind);
    p->low_y = lowest(g->y0, g->dy, g->n_ty);
    p->low_x = lowest(g->x0, g->dx, g->n_tx);
    p->reach_y = abs(g->dy) * MAX(0, g->n_ty - 1) / g->step;
    p->reach_x = abs(g->dx) * MAX(0, g->n_tx - 1) / g->step;
    p->pitch = g->gw + p->reach_x;
    p->pixel_words = (size_t)p->cut.steps * (size_t)p->cut.step / 4;
    const bool one = g->n_ty * g->n_tx == 1 && g->step == 1 && p->low_y == 0 && p->low_x == 0;
    const bool whole = g->gh == p->src.h && g->gw == p->src.w && g->tstep == 1;
    p->straight = one && whole && reads_words(p) && p->src.c == p->cut.words * elements_of(p->kind) &&
                  p->cut.words == p->cut.steps * p->cut.step / 4;
    const size_t planes = (size_t)(g->step * g->step), row_words = planes * (size_t)p->pitch * p->pixel_words;
    p->rows = rows_per_part(p, row_words * (size_t)parts_of(p->kind));
    p->parts_per_image = (g->gh + p->rows - 1) / p->rows;
    const int last = g->gh - (p->parts_per_image - 1) * p->rows;
    if (last * p->pitch < MATRIX_POINTS) /* of a shorter line the kernel reads more than there is */
        p->straight = false;
    p->plane_words = (size_t)(p->rows + p->reach_y) * (size_t)p->pitch * p->pixel_words;
    const size_t windows = planes * p->plane_words * (size_t)parts_of(p->kind);
    const size_t behind = MATRIX_POINTS * p->pixel_words; /* points that are read and not used */
    p->window_floats = p->straight ? 0 : round_up_size(windows + behind, 16);
    const size_t pointers = (size_t)(p->rows * p->pitch) * 3 * POINTER_FLOATS;
    p->thread_floats = p->window_floats + round_up_size(pointers, 16) + round_up_size((size_t)p->columns, 16);
}

static void fill_padding(const struct matrix_pass *p, float *to, int pixels)
{
    for (int i = 0; i < pixels; i++, to += p->pixel_words) {
        for (size_t w = 0; w < p->pixel_words; w++)
            memcpy(to + w, &p->padding, sizeof *to);
        for (int k = 0; p->channels && k < p->src.c; k++)
            ((unsigned char *)to)[k] = (unsigned char)p->channels[k].zero;
    }
}

/* Pixels `step` apart of a row of the source as the kernel's words. */
static void take_pixels(const struct matrix_pass *p, const float *from, int pixels, float *to)
{
    const size_t step = (size_t)p->grid.step * p->src.pixel_stride;
    const struct words_kernel *words = p->kernels->words;
    const struct word_run run = {.src = from,
                                 .src_pixel = step,
                                 .dst = to,
                                 .dst_pixel = p->pixel_words,
                                 .pixels = pixels,
                                 .c = p->src.c,
                                 .factor = p->factor,
                                 .zero = p->zero};
    if (reads_words(p)) {
        const size_t bytes = (size_t)p->src.c * element_size(p->src.element);
        for (int i = 0; i < pixels; i++)
            memcpy(to + (size_t)i * p->pixel_words, from + (size_t)i * step, bytes);
    } else if (p->kind == FP32) {
        words->split(&run, (size_t)(p->grid.step * p->grid.step) * p->plane_words);
    } else if (p->kind == BF16) {
        words->to_bf16(&run);
    } else {
        words->to_bytes(&run);
    }
}

/* A row of a plane: source columns low_x + px + i * step. */
static void fill_row(const struct matrix_pass *p, int image, int y, int px, float *to)
{
    const int step = p->grid.step, x0 = p->low_x + px;
    int from = x0 < 0 ? MIN(p->pitch, (-x0 + step - 1) / step) : 0;
    int end = y < 0 || y >= p->src.h || x0 >= p->src.w ? 0 : MIN(p->pitch, (p->src.w - 1 - x0) / step + 1);
    from = MIN(from, MAX(end, 0));
    end = MAX(from, end);
    const size_t low = (size_t)(step * step) * p->plane_words;
    for (int part = 0; part < parts_of(p->kind); part++) {
        fill_padding(p, to + (size_t)part * low, from);
        fill_padding(p, to + (size_t)part * low + (size_t)end * p->pixel_words, p->pitch - end);
    }
    if (from < end)
        take_pixels(p, tensor_pixel(&p->src, image, y, x0 + from * step), end - from,
                    to + (size_t)from * p->pixel_words);
}

static void fill_window(const struct matrix_pass *p, int image, int first, int rows, float *window)
{
    const int step = p->grid.step;
    if ((size_t)p->cut.words != p->pixel_words || p->src.c % elements_of(p->kind))
        memset(window, 0, p->window_floats * sizeof *window); /* words behind the last channel */
    for (int plane = 0; plane < step * step; plane++) {
        float *to = window + (size_t)plane * p->plane_words;
        for (int i = 0; i < rows + p->reach_y; i++, to += (size_t)p->pitch * p->pixel_words)
            fill_row(p, image, (first + i) * step + p->low_y + plane / step, plane % step, to);
    }
}

/* Bytes from a point to its taps in the window. */
static void fill_offsets(const struct matrix_pass *p, long *out)
{
    const struct tap_grid *g = &p->grid;
    for (int tap = 0; tap < g->n_ty * g->n_tx; tap++) {
        const int y = g->y0 + tap / g->n_tx * g->dy - p->low_y, x = g->x0 + tap % g->n_tx * g->dx - p->low_x;
        const size_t plane = (size_t)(y % g->step * g->step + x % g->step);
        const size_t pixel = (size_t)(y / g->step * p->pitch + x / g->step);
        out[tap] = (long)(4 * (plane * p->plane_words + pixel * p->pixel_words));
    }
}

/* Where the points of the line go: pixels of the target, or `aside`. */
static void fill_line(const struct matrix_pass *p, const struct tensor *map, int scale, int image, int first, int rows,
                      float *aside, float **out)
{
    const struct tap_grid *g = &p->grid;
    for (int i = 0; i < rows; i++) {
        for (int x = 0; x < p->pitch; x++, out++) {
            const int ty = g->ty0 + (first + i) * g->tstep, tx = g->tx0 + x * g->tstep;
            *out = x < g->gw ? tensor_pixel(map, image, ty / scale, tx / scale) : aside;
        }
    }
}

static void matrix_part(void *context, int part, int thread)
{
    const struct matrix_pass *p = context;
    const int image = part / p->parts_per_image, first = part % p->parts_per_image * p->rows;
    const int rows = MIN(p->rows, p->grid.gh - first), most = p->rows * p->pitch;
    float *window = p->scratch + (size_t)thread * p->thread_floats, *aside = window + p->window_floats;
    float **targets = (float **)(aside + round_up_size((size_t)p->columns, 16));
    long taps[MOST_TAPS] = {0};
    struct conv_tile finish = p->finish;
    fill_line(p, &p->dst, 1, image, first, rows, aside, targets);
    finish.dst = targets;
    if (p->residual.data) {
        fill_line(p, &p->residual, 1, image, first, rows, aside, targets + most);
        finish.residual = (const float *const *)(targets + most);
    }
    if (p->addend.data) {
        fill_line(p, &p->addend, p->addend_scale, image, first, rows, aside, targets + 2 * most);
        finish.addend = (const float *const *)(targets + 2 * most);
    }
    memset(aside, 0, round_up_size((size_t)p->columns, 16) * sizeof *aside);
    if (!p->straight) {
        fill_window(p, image, first, rows, window);
        fill_offsets(p, taps);
    }
    const size_t bytes =
        matrix_panels_bytes(p->columns, p->grid.n_ty * p->grid.n_tx, p->cut.steps, p->cut.step, parts_of(p->kind));
    /* What the last tile reads of earlier points begins in this part's rows, or in the map before them. */
    p->kernel->run(
        &(struct matrix_run){.points = (rows - 1) * p->pitch + p->grid.gw,
                             .a = (const char *)(p->straight ? tensor_pixel(&p->src, image, first, 0) : window),
                             .pixel = (long)(4 * (p->straight ? p->src.pixel_stride : p->pixel_words)),
                             .tap = taps,
                             .four = p->src.c * p->grid.n_ty * p->grid.n_tx < FP32_THREE,
                             .low = (long)(4 * (size_t)(p->grid.step * p->grid.step) * p->plane_words),
                             .taps = p->grid.n_ty * p->grid.n_tx,
                             .steps = p->cut.steps,
                             .step = p->cut.step,
                             .b = p->weights,
                             .columns = p->columns,
                             .block = bytes <= 1300 * 1024 ? MATRIX_POINTS : round_up(most, MATRIX_POINTS),
                             .finish = &finish});
}

static void run_matrix(struct matrix_pass *p, const struct call *c)
{
    if (!p->grid.gh || !p->grid.gw)
        return;
    lay_out(p);
    p->scratch = c->scratch;
    p->finish.dst_bf16 = p->dst.element == ELEMENT_BF16;
    p->finish.residual_bf16 = p->residual.element == ELEMENT_BF16;
    p->finish.addend_bf16 = p->addend.element == ELEMENT_BF16;
    team_run(c->team, p->parts_per_image * p->src.n, matrix_part, p);
}

static size_t pass_floats(struct matrix_pass *p, const struct call *c)
{
    if (!p->grid.gh || !p->grid.gw)
        return 0;
    lay_out(p);
    return (size_t)MAX(1, c->options.threads) * p->thread_floats;
}

static struct matrix_pass forward_pass(const struct kernels *k, const struct call *c, enum kind kind)
{
    const struct conv_attr *a = &c->node->u.conv;
    struct matrix_pass p = {.kernel = kernel_of(k, kind),
                            .kernels = k,
                            .kind = kind,
                            .grid = forward_grid(c),
                            .src = c->src[0],
                            .dst = c->dst,
                            .addend_scale = a->addend_scale,
                            .columns = a->oc,
                            .finish = {.act = a->act}};
    if (a->residual)
        p.residual = c->src[1];
    if (a->addend_scale)
        p.addend = c->src[1];
    if (kind == BYTES && c->src[0].element == ELEMENT_BYTE) {
        p.channels = c->src_channels;
    } else if (kind == BYTES) {
        p.factor = 1 / a->quant.scale;
        p.zero = (float)a->quant.zero;
        p.padding = (uint32_t)a->quant.zero * 0x01010101u;
    }
    return p;
}

static void forward(const struct kernels *k, const struct call *c, enum kind kind)
{
    const struct conv_shape s = conv_shape_of(c);
    struct matrix_pass p = forward_pass(k, c, kind);
    struct conv_bytes bytes;
    const float *bias = c->packed[0], *panels = bias + column_floats(&s);
    if (kind == BYTES) {
        bytes = bytes_finish_of(c, column_floats(&s));
        p.finish.bytes = &bytes;
        bias += BYTES_SILU_FLOATS;
        panels = bias + 2 * column_floats(&s);
    }
    p.finish.bias = c->param[1] || kind == BYTES ? bias : NULL;
    p.weights = (const char *)panels;
    run_matrix(&p, c);
}

static struct matrix_pass dgrad_pass(const struct kernels *k, const struct call *c)
{
    return (struct matrix_pass){.kernel = kernel_of(k, FP32),
                                .kernels = k,
                                .kind = FP32,
                                .grid = dgrad_grid(c, 0),
                                .src = c->d_dst,
                                .dst = c->d_src[0],
                                .columns = c->d_src[0].c,
                                .weights = (const char *)c->packed[1],
                                .finish = {.accumulate = c->add[0]}};
}

size_t matrix_d_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct matrix_pass p = dgrad_pass(k, c);
    return pass_floats(&p, c);
}

void matrix_dgrad(const struct kernels *k, const struct call *c)
{
    struct matrix_pass p = dgrad_pass(k, c);
    run_matrix(&p, c);
}

/* The functions of the table in conv2d.c. */
#define MATRIX(name, kind)                                                      \
    size_t name##_packed_floats(const struct kernels *k, const struct call *c)  \
    {                                                                           \
        (void)k;                                                                \
        return packed_floats(c, kind);                                          \
    }                                                                           \
    void name##_pack(const struct kernels *k, const struct call *c)             \
    {                                                                           \
        (void)k;                                                                \
        pack(c, kind);                                                          \
    }                                                                           \
    size_t name##_scratch_floats(const struct kernels *k, const struct call *c) \
    {                                                                           \
        struct matrix_pass p = forward_pass(k, c, kind);                        \
        return pass_floats(&p, c);                                              \
    }                                                                           \
    void name##_forward(const struct kernels *k, const struct call *c)          \
    {                                                                           \
        forward(k, c, kind);                                                    \
    }
MATRIX(matrix_fp32, FP32)
MATRIX(matrix_bf16, BF16)
MATRIX(matrix_bytes, BYTES)
#undef MATRIX
