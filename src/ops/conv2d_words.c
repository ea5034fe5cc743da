/* Convolutions of lower precision: the direct pass on words of two bf16 numbers or four bytes. Packed:
 * [group][ocg padded to a vector] bias (bytes: SiLU's pieces before it, the same of scales behind it), then
 * [group][panel][tap][word][column][element]. */
#include "graph/elements.h"
#include "kernels/bf16_inline.h"
#include "ops/conv2d.h"
#include "ops/conv2d_internal.h"

#include <math.h>

enum { BF16 = 2, BYTES = 4 }; /* elements of a word */

static int words_of(int channels, int elements)
{
    return (channels + elements - 1) / elements;
}

static size_t column_floats(const struct conv_tile_kernel *t, const struct conv_shape *s)
{
    return round_up_size((size_t)s->groups * (size_t)round_up(s->ocg, t->vl), 16);
}

static size_t panel_floats(const struct conv_tile_kernel *t, const struct conv_shape *s, int elements)
{
    return (size_t)(s->groups * s->kh * s->kw) * (size_t)words_of(s->icg, elements) * (size_t)round_up(s->ocg, t->vl);
}

/* A 1x1 of stride 1 is one long row of pixels, whatever the map's shape. */
static struct tensor one_row(struct tensor t)
{
    t.w *= t.h;
    t.h = 1;
    return t;
}

static struct pass words_pass(const struct conv_tile_kernel *kernel, const struct call *c, int elements)
{
    const struct conv_shape s = conv_shape_of(c);
    struct pass p = {.kernel = kernel,
                     .grid = forward_grid(c),
                     .src = c->src[0],
                     .dst = c->dst,
                     .groups = s.groups,
                     .reduction = words_of(s.icg, elements),
                     .columns = s.ocg,
                     .act = c->node->u.conv.act};
    pass_set_sources(&p, c);
    if (s.kh == 1 && s.kw == 1 && s.stride == 1 && s.pad == 0) {
        p.src = one_row(p.src);
        p.dst = one_row(p.dst);
        p.residual = one_row(p.residual);
        p.grid.gw *= p.grid.gh;
        p.grid.gh = 1;
    }
    return p;
}

/* Where the weight of (group, column, tap, channel) lies among the packed elements: a walk in packed order calls
 * put(context, place, output channel, input channel of the group, weight), place counting elements. */
struct word_packing {
    const struct conv_tile_kernel *kernel;
    const struct conv_shape *shape;
    int elements;
};

typedef void put_fn(void *context, size_t place, int oc, int channel, float weight);

static void pack_words(const struct word_packing *p, const float *w, put_fn *put, void *context)
{
    const struct conv_shape *s = p->shape;
    const int taps = s->kh * s->kw, words = words_of(s->icg, p->elements), vl = p->kernel->vl;
    size_t at = 0;
    for (int g = 0; g < s->groups; g++) {
        for (int left = round_up(s->ocg, vl) / vl, first = 0; left > 0;) {
            const int nv = panel_vectors(left, p->kernel->nv_main, p->kernel->nv_max), width = nv * vl;
            for (int i = 0; i < taps * words * width; i++, at += (size_t)p->elements) {
                const int column = first + i % width, word = i / width % words, tap = i / width / words;
                const int oc = g * s->ocg + column;
                for (int e = 0; column < s->ocg && e < MIN(p->elements, s->icg - word * p->elements); e++)
                    put(context, at + (size_t)e, oc, word * p->elements + e,
                        w[((size_t)oc * (size_t)s->weight_ic + (size_t)(s->first_ic + word * p->elements + e)) *
                              (size_t)taps +
                          (size_t)tap]);
            }
            left -= nv;
            first += width;
        }
    }
}

/* --- bf16 --- */

bool bf16_fits(const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return !c->node->u.conv.pooled && c->options.precision != PRECISION_FP32 &&
           (s.icg >= 16 || c->src[0].element == ELEMENT_BF16) && s.icg % 2 == 0;
}

size_t bf16_packed_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_tile_kernel *t = k->conv_bf16->tile;
    const struct conv_shape s = conv_shape_of(c);
    return column_floats(t, &s) + panel_floats(t, &s, BF16);
}

static void put_bf16(void *context, size_t place, int oc, int channel, float weight)
{
    (void)oc, (void)channel;
    ((uint16_t *)context)[place] = bf16_of(weight);
}

void bf16_pack(const struct kernels *k, const struct call *c)
{
    const struct conv_tile_kernel *t = k->conv_bf16->tile;
    const struct conv_shape s = conv_shape_of(c);
    const int padded = round_up(s.ocg, t->vl);
    memset(c->packed[0], 0, bf16_packed_floats(k, c) * sizeof(float));
    for (int i = 0; i < s.groups && c->param[1]; i++)
        memcpy(c->packed[0] + i * padded, c->param[1] + i * s.ocg, (size_t)s.ocg * sizeof(float));
    pack_words(&(struct word_packing){t, &s, BF16}, c->param[0], put_bf16, c->packed[0] + column_floats(t, &s));
}

static struct pass bf16_pass(const struct kernels *k, const struct call *c)
{
    struct pass p = words_pass(k->conv_bf16->tile, c, BF16);
    if (c->src[0].element == ELEMENT_FLOAT)
        p.convert = k->words->to_bf16;
    return p;
}

size_t bf16_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct pass p = bf16_pass(k, c);
    return pass_scratch_floats(&p, c->options.threads);
}

void bf16_forward(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct pass p = bf16_pass(k, c);
    p.bias = c->param[1] ? c->packed[0] : NULL;
    p.weights = c->packed[0] + column_floats(p.kernel, &s);
    run_pass(&p, c, c->scratch);
}

bool bf16_fits_dgrad(const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    return c->options.precision == PRECISION_BF16 && s.ocg >= 16 && s.ocg % 2 == 0 && s.icg >= 16;
}

/* Packed: [phase][group][panel][tap][word of two output channels][column of input channels] */
size_t bf16_packed_d_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    const size_t reduction = (size_t)words_of(s.ocg, BF16) * (size_t)s.kh * (size_t)s.kw;
    return (size_t)s.groups * (size_t)round_up(s.icg, k->conv_bf16->tile->vl) * reduction;
}

/* One panel of columns first .. first + width - 1; `w` are the group's weights. Returns the end. */
static uint16_t *pack_d_panel(const struct conv_shape *s, const struct tap_grid *g, const float *w, int first,
                              int width, uint16_t *out)
{
    const size_t taps = (size_t)(s->kh * s->kw), row = taps * (size_t)s->icg;
    for (int tap = 0; tap < g->n_ty * g->n_tx; tap++) {
        const int ky = g->ky0 + tap / g->n_tx * g->kstep, kx = g->kx0 + tap % g->n_tx * g->kstep;
        const float *from = w + (size_t)first * taps + (size_t)(ky * s->kw + kx);
        for (int oc = 0; oc < s->ocg; oc += 2, out += 2 * width) {
            for (int j = 0; j < width; j++) {
                const float *at = from + (size_t)oc * row + (size_t)j * taps;
                out[2 * j] = first + j < s->icg ? bf16_of(at[0]) : 0;
                out[2 * j + 1] = first + j < s->icg ? bf16_of(at[row]) : 0;
            }
        }
    }
    return out;
}

void bf16_pack_d(const struct kernels *k, const struct call *c)
{
    const struct conv_tile_kernel *t = k->conv_bf16->tile;
    const struct conv_shape s = conv_shape_of(c);
    const size_t group = (size_t)(s.ocg * s.icg * s.kh * s.kw);
    uint16_t *out = (uint16_t *)c->packed[1];
    for (int phase = 0; phase < s.stride * s.stride; phase++) {
        const struct tap_grid g = dgrad_grid(c, phase);
        for (int i = 0; i < s.groups; i++) {
            for (int left = round_up(s.icg, t->vl) / t->vl, first = 0; left > 0;) {
                const int nv = panel_vectors(left, t->nv_main, t->nv_max);
                out = pack_d_panel(&s, &g, c->param[0] + (size_t)i * group, first, nv * t->vl, out);
                left -= nv;
                first += nv * t->vl;
            }
        }
    }
}

static struct pass bf16_dgrad_pass(const struct kernels *k, const struct call *c, int phase)
{
    struct pass p = direct_dgrad_pass(k, c, phase);
    if (!p.src.c) /* planning: the shapes are those of the maps */
        p.src = c->dst, p.dst = c->src[0];
    p.kernel = k->conv_bf16->tile;
    p.reduction = words_of(p.reduction, BF16);
    p.convert = k->words->to_bf16;
    return p;
}

size_t bf16_d_scratch_floats(const struct kernels *k, const struct call *c)
{
    const int phases = c->node->u.conv.stride * c->node->u.conv.stride;
    size_t most = 0;
    for (int phase = 0; phase < phases; phase++) {
        struct pass p = bf16_dgrad_pass(k, c, phase);
        most = MAX(most, pass_scratch_floats(&p, c->options.threads));
    }
    return most;
}

void bf16_dgrad(const struct kernels *k, const struct call *c)
{
    const int phases = c->node->u.conv.stride * c->node->u.conv.stride;
    const float *weights = c->packed[1];
    for (int phase = 0; phase < phases; phase++) {
        struct pass p = bf16_dgrad_pass(k, c, phase);
        p.weights = weights;
        run_pass(&p, c, c->scratch);
        weights +=
            (size_t)(p.grid.n_ty * p.grid.n_tx * p.reduction * p.groups) * (size_t)round_up(p.columns, p.kernel->vl);
    }
}

/* --- bytes --- */

size_t bytes_packed_floats(const struct kernels *k, const struct call *c)
{
    const struct conv_tile_kernel *t = k->conv_bytes->tile;
    const struct conv_shape s = conv_shape_of(c);
    return BYTES_SILU_FLOATS + 2 * column_floats(t, &s) + panel_floats(t, &s, BYTES);
}

/* How a channel of the input is read: as its map says if that holds bytes, else as the node says. */
static const struct conv_quant *channel_quant(const struct call *c, int channel)
{
    return c->src[0].element == ELEMENT_BYTE ? &c->src_channels[channel] : &c->node->u.conv.quant;
}

struct byte_packing {
    const struct call *call;
    signed char *out;
    const float *step; /* a column: max|w * scale of the channel| / 127 */
    int icg, ocg, padded;
};

static int byte_of(float weight, float step)
{
    const int q = step > 0 ? (int)lrintf(weight / step) : 0;
    return MAX(-127, MIN(q, 127));
}

signed char bytes_weight(const struct call *c, int channel, float weight, float step)
{
    return (signed char)byte_of(weight * channel_quant(c, channel)->scale, step);
}

static void put_byte(void *context, size_t place, int oc, int channel, float weight)
{
    const struct byte_packing *p = context;
    p->out[place] =
        bytes_weight(p->call, oc / p->ocg * p->icg + channel, weight, p->step[oc / p->ocg * p->padded + oc % p->ocg]);
}

/* One output channel's scale, and its bias: bias - scale * sum of zero * weight. `w` are its weights. */
static void fold_column(const struct call *c, const struct conv_shape *s, int oc, const float *w, float *bias,
                        float *scale)
{
    const int taps = s->kh * s->kw, first = oc / s->ocg * s->icg;
    float most = 0;
    double sum = 0;
    for (int i = 0; i < s->icg * taps; i++)
        most = fmaxf(most, fabsf(w[i] * channel_quant(c, first + i / taps)->scale));
    *scale = most / 127;
    for (int i = 0; i < s->icg * taps; i++) {
        const struct conv_quant *q = channel_quant(c, first + i / taps);
        sum += (double)q->zero * byte_of(w[i] * q->scale, *scale);
    }
    *bias = (float)((c->param[1] ? (double)c->param[1][oc] : 0) - (double)*scale * sum);
}

void conv2d_fold_bytes(const struct call *c, int oc, signed char *weights, float *scale, float *bias)
{
    const struct conv_shape s = conv_shape_of(c);
    const int taps = s.kh * s.kw, count = s.icg * taps;
    const float *w = c->param[0] + (size_t)oc * (size_t)count;
    fold_column(c, &s, oc, w, bias, scale);
    for (int i = 0; i < count; i++)
        weights[i] = (signed char)byte_of(w[i] * channel_quant(c, oc / s.ocg * s.icg + i / taps)->scale, *scale);
}

int conv2d_zero_byte(const struct call *c, int channel)
{
    return channel_quant(c, channel)->zero;
}

void bytes_fold(const struct call *c, float *bias, float *scale, int padded)
{
    const struct conv_shape s = conv_shape_of(c);
    const size_t count = (size_t)(s.icg * s.kh * s.kw);
    for (int oc = 0; oc < s.oc; oc++) {
        const int at = oc / s.ocg * padded + oc % s.ocg;
        fold_column(c, &s, oc, c->param[0] + (size_t)oc * count, &bias[at], &scale[at]);
    }
}

static double silu(double x)
{
    return x / (1 + exp(-x));
}

/* SiLU in pieces of 1/2 around whole halves: the parabola through three Chebyshev points of each, to 2e-4. Below the
 * first piece there is a constant, above the last one x and a constant, both in the middle of what they stand for. */
void bytes_silu_pieces(float *c0)
{
    float *const c1 = c0 + SILU_PIECES, *const c2 = c1 + SILU_PIECES;
    const double quarter = 0.25, s = quarter * sqrt(3) / 2;
    for (int i = 0; i < SILU_PIECES; i++) {
        const double m = (i - SILU_PIECE_OF_0) / 2.0, low = silu(m - s), high = silu(m + s);
        const double slope = (high - low) / (2 * s), bend = (high + low - 2 * silu(m)) / (2 * s * s);
        c0[i] = (float)(silu(m) - slope * m + bend * m * m);
        c1[i] = (float)(slope - 2 * bend * m);
        c2[i] = (float)bend;
    }
    const int last = SILU_PIECES - 1;
    const double least = -SILU_PIECE_OF_0 / 2.0 + quarter, most = (last - SILU_PIECE_OF_0) / 2.0 - quarter;
    c0[0] = (float)(silu(least) / 2);
    c0[last] = (float)((silu(most) - most) / 2);
    c1[0] = c2[0] = c2[last] = 0;
    c1[last] = 1;
}

void bytes_pack(const struct kernels *k, const struct call *c)
{
    const struct conv_tile_kernel *t = k->conv_bytes->tile;
    const struct conv_shape s = conv_shape_of(c);
    const size_t columns = column_floats(t, &s);
    float *bias = c->packed[0] + BYTES_SILU_FLOATS, *scale = bias + columns;
    struct byte_packing packing = {c, (signed char *)(scale + columns), scale, s.icg, s.ocg, round_up(s.ocg, t->vl)};
    memset(c->packed[0], 0, bytes_packed_floats(k, c) * sizeof *bias);
    bytes_silu_pieces(c->packed[0]);
    bytes_fold(c, bias, scale, packing.padded);
    pack_words(&(struct word_packing){t, &s, BYTES}, c->param[0], put_byte, &packing);
}

static struct pass bytes_pass(const struct kernels *k, const struct call *c)
{
    const struct conv_quant *in = &c->node->u.conv.quant;
    struct pass p = words_pass(k->conv_bytes->tile, c, BYTES);
    if (c->src[0].element == ELEMENT_BYTE) {
        p.channels = c->src_channels;
        return p;
    }
    p.convert = k->words->to_bytes;
    p.factor = 1 / in->scale;
    p.zero = (float)in->zero;
    p.padding = (uint32_t)in->zero * 0x01010101u;
    return p;
}

size_t bytes_scratch_floats(const struct kernels *k, const struct call *c)
{
    struct pass p = bytes_pass(k, c);
    return pass_scratch_floats(&p, c->options.threads);
}

struct conv_bytes bytes_finish_of(const struct call *c, size_t scale_offset)
{
    const struct conv_quant *dst = &c->dst_quant, *residual = &c->src_quant[1];
    struct conv_bytes bytes = {.scale_offset = scale_offset,
                               .dst_bytes = c->dst.element == ELEMENT_BYTE,
                               .residual_bytes = c->src[1].element == ELEMENT_BYTE,
                               .factor = c->dst.element == ELEMENT_BYTE ? 1 / dst->scale : 0,
                               .zero = (float)dst->zero,
                               .residual_step = residual->scale,
                               .residual_zero = (float)residual->zero};
    for (int i = 0; i < BYTES_SILU_FLOATS; i++)
        bytes.silu[i / SILU_PIECES][i % SILU_PIECES] =
            c->packed[0][i] * bytes.factor + (i < SILU_PIECES ? bytes.zero : 0);
    return bytes;
}

void bytes_forward(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct pass p = bytes_pass(k, c);
    const size_t columns = column_floats(p.kernel, &s);
    const struct conv_bytes bytes = bytes_finish_of(c, columns);
    p.bytes = &bytes;
    p.bias = c->packed[0] + BYTES_SILU_FLOATS;
    p.weights = p.bias + 2 * columns;
    run_pass(&p, c, c->scratch);
}
