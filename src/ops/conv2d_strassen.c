/* Wide 1x1 convolutions: one level of Strassen's algorithm, seven products of half size for eight (kernels/slots.h has
 * the mathematics). Pixels are paired, top and bottom half of a part; sums of weights are made once, by packing, those
 * of pixels once a part. A tile goes through all seven products before the next, so that what lies between stays in L1.
 */
#include "ops/conv2d_internal.h"

#include <math.h>

enum { PAD = 16 };
enum { POINTERS = STRASSEN_PRODUCTS + 3 * 2 }; /* of a pair: factors; source, target and addend of both pixels */

struct strassen_pass {
    const struct strassen_kernel *kernel;
    struct tensor src, dst, addend; /* addend.data NULL: none */
    int addend_scale;
    int half, columns;                       /* half of the input channels, of the output channels */
    const float *bias, *q, *right, *weights; /* q and right (1 / e) as in kernels/slots.h */
    enum act act;

    int points, per_part, parts_per_image; /* pixels of an image, and how they are cut: even numbers */
    size_t stride, sums_floats, thread_floats;
    float *scratch;
};

bool strassen_fits(const struct kernels *k, const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    const struct conv_shape s = conv_shape_of(c);
    const int least = 128, weights = 3 << 14; /* with fewer the additions cost what the products save */
    return c->options.mode == RUN_INFER && a->kh == 1 && a->kw == 1 && a->stride == 1 && a->pad == 0 && s.groups == 1 &&
           !a->residual && s.ic >= least && s.oc >= least && s.ic * s.oc >= weights && s.ic % 32 == 0 &&
           s.oc % (2 * k->strassen->width) == 0 && c->dst.h * c->dst.w % 2 == 0;
}

/* A part's pixels and their sums, 9/8 of cache_floats, stay in L2 while the weights pass by. */
static struct strassen_pass pass_of(const struct kernels *k, const struct call *c)
{
    const struct conv_shape s = conv_shape_of(c);
    struct strassen_pass p = {.kernel = k->strassen,
                              .src = c->src[0],
                              .dst = c->dst,
                              .addend_scale = c->node->u.conv.addend_scale,
                              .half = s.ic / 2,
                              .columns = s.oc / 2,
                              .act = c->node->u.conv.act};
    if (p.addend_scale)
        p.addend = c->src[1];
    const int cache_floats = 64 * 1024, most = MAX(64, cache_floats / (4 * p.half)) / 2 * 2;
    p.points = p.dst.h * p.dst.w;
    p.parts_per_image = (p.points + most - 1) / most;
    if (p.parts_per_image > 1)
        p.parts_per_image = round_up(p.parts_per_image, p.parts_per_image < 8 ? 4 : 2);
    p.per_part = round_up((p.points + p.parts_per_image - 1) / p.parts_per_image, 2);
    p.stride = (size_t)(STRASSEN_SUMS * p.half) +
               PAD; /* no power of two: the rows of a tile in different places of the cache */
    p.sums_floats = (size_t)(p.per_part / 2) * p.stride;
    p.thread_floats = p.sums_floats + round_up_size((size_t)(p.per_part / 2 * POINTERS) * POINTER_FLOATS, 16);
    return p;
}

/* `count` pixels from `first` on, each from channel `offset`. */
static void fill_pixels(const struct tensor *map, int image, int first, int count, int offset, float **out)
{
    for (int i = first; i < first + count; i++)
        *out++ = tensor_pixel(map, image, i / map->w, i % map->w) + offset;
}

/* The factors of the products, in their order; a11 and a22 lie in the map, the others are sums. */
static void fill_factors(const struct strassen_pass *p, int image, int first, int pairs, float *sums, float **a)
{
    static const enum strassen_product summed[STRASSEN_SUMS] = {STRASSEN_P1, STRASSEN_P7, STRASSEN_P6, STRASSEN_P5,
                                                                STRASSEN_P2};
    fill_pixels(&p->src, image, first, pairs, 0, a + STRASSEN_P3 * pairs);
    fill_pixels(&p->src, image, first + pairs, pairs, p->half, a + STRASSEN_P4 * pairs);
    for (int k = 0; k < STRASSEN_SUMS; k++) {
        for (int i = 0; i < pairs; i++)
            a[summed[k] * pairs + i] = sums + (size_t)i * p->stride + k * p->half;
    }
}

static void strassen_part(void *context, int part, int thread)
{
    const struct strassen_pass *p = context;
    const int image = part / p->parts_per_image, first = part % p->parts_per_image * p->per_part;
    const int pairs = MIN(p->per_part, p->points - first) / 2, width = p->kernel->width;
    if (pairs <= 0)
        return;
    float *const sums = p->scratch + (size_t)thread * p->thread_floats;
    float **dst = (float **)(sums + p->sums_floats), **a = dst + 2 * pairs;
    float **src = a + STRASSEN_PRODUCTS * pairs;
    const float **addends = (const float **)src + 2 * pairs;
    const float *const *const pixels[2] = {(const float *const *)src, (const float *const *)src + pairs};
    fill_pixels(&p->dst, image, first, 2 * pairs, 0, dst);
    fill_pixels(&p->src, image, first, 2 * pairs, 0, src);
    fill_factors(p, image, first, pairs, sums, a);
    if (p->addend.data)
        fill_addends(&p->addend, p->addend_scale, image, first, 2 * pairs, addends);
    struct strassen_tile t = {.half = p->half, .a_stride = (size_t)pairs, .b = p->weights, .act = p->act};
    const int tiles = (pairs + p->kernel->mr - 1) / p->kernel->mr;
    for (int column = 0; column < p->columns; column += width) {
        t.right = p->right + column;
        for (int half = 0; half < 2; half++) {
            t.column[half] = (size_t)(half * p->columns + column);
            t.bias[half] = p->bias ? p->bias + t.column[half] : NULL;
        }
        for (int i = 0, at = 0; i < tiles; i++, at += t.m) {
            t.m = (pairs - at + tiles - i - 1) / (tiles - i);
            if (column == 0)
                p->kernel->sums(&(struct strassen_sums){.top = pixels[0] + at,
                                                        .bottom = pixels[1] + at,
                                                        .pairs = t.m,
                                                        .half = p->half,
                                                        .q = p->q,
                                                        .sums = sums + (size_t)at * p->stride,
                                                        .stride = p->stride});
            t.a = (const float *const *)a + at;
            for (int row = 0; row < 2; row++) {
                t.dst[row] = dst + row * pairs + at;
                t.next[row] = column == 0 && i + 1 < tiles ? pixels[row] + at + t.m : NULL;
                t.addend[row] = p->addend.data ? addends + row * pairs + at : NULL;
            }
            p->kernel->tile(&t);
        }
        t.b += (size_t)STRASSEN_PRODUCTS * (size_t)(p->half * width);
    }
}

size_t strassen_scratch_floats(const struct kernels *k, const struct call *c)
{
    return (size_t)MAX(1, c->options.threads) * pass_of(k, c).thread_floats;
}

void strassen_forward(const struct kernels *k, const struct call *c)
{
    struct strassen_pass p = pass_of(k, c);
    p.bias = c->param[1] ? c->packed[0] : NULL;
    p.q = c->packed[0] + 2 * p.columns;
    p.right = p.q + p.half;
    p.weights = p.right + p.columns;
    p.scratch = c->scratch;
    team_run(c->team, p.parts_per_image * p.src.n, strassen_part, &p);
}

/* --- packing: bias, q, right, then [panel of a half][product][half of the input][panel columns] --- */

size_t strassen_packed_floats(const struct kernels *k, const struct call *c)
{
    (void)k;
    const struct conv_shape s = conv_shape_of(c);
    const size_t half = (size_t)(s.ic / 2), columns = (size_t)(s.oc / 2);
    return 3 * columns + half + STRASSEN_PRODUCTS * half * columns;
}

/* The power of two next to sqrt(a / b), within reason: of two sums of squares. */
static float level(double a, double b)
{
    const double most = 30, log = a > 0 && b > 0 ? round(0.5 * log2(a / b)) : 0;
    return (float)exp2(fmax(-most, fmin(most, log)));
}

/* q levels the weights of input channels half + k with those of k, e those of output channels columns + j with j. */
static void balance(const struct strassen_pass *p, const float *weights, size_t row, float *q, float *right)
{
    enum { BLOCK = 16 }; /* channels at once: a cache line of each row */
    for (int k = 0; k < p->half; k += BLOCK) {
        double first[BLOCK] = {0}, second[BLOCK] = {0};
        for (int j = 0; j < 2 * p->columns; j++) {
            const float *a = weights + (size_t)j * row + k, *b = a + p->half;
            for (int i = 0; i < BLOCK; i++) {
                first[i] += (double)a[i] * a[i];
                second[i] += (double)b[i] * b[i];
            }
        }
        for (int i = 0; i < BLOCK; i++)
            q[k + i] = level(second[i], first[i]); /* the channel counts as much as its weights say */
    }
    for (int j = 0; j < p->columns; j++) {
        const float *a = weights + (size_t)j * row, *b = a + (size_t)p->columns * row;
        double left = 0, other = 0;
        for (int k = 0; k < 2 * p->half; k++) {
            left += (double)a[k] * a[k];
            other += (double)b[k] * b[k];
        }
        right[j] = level(other, left);
    }
}

/* The seven factors of one weight in each quarter of B, in double and rounded once. */
static void weight_factors(double b11, double b12, double b21, double b22, double q, float *out, size_t product)
{
    out[STRASSEN_P1 * product] = (float)(b11 + b22 / q);
    out[STRASSEN_P2 * product] = (float)b11;
    out[STRASSEN_P3 * product] = (float)(b12 - b22 / q);
    out[STRASSEN_P4 * product] = (float)(b21 - b11 * q);
    out[STRASSEN_P5 * product] = (float)(b22 / q);
    out[STRASSEN_P6 * product] = (float)(b11 + b12);
    out[STRASSEN_P7 * product] = (float)(b21 + b22);
}

void strassen_pack(const struct kernels *k, const struct call *c)
{
    const struct strassen_pass p = pass_of(k, c);
    const struct conv_shape s = conv_shape_of(c);
    const int width = p.kernel->width;
    const size_t product = (size_t)(p.half * width), row = (size_t)s.weight_ic;
    const float *weights = c->param[0] + s.first_ic;
    float *q = c->packed[0] + 2 * p.columns, *right = q + p.half, *out = right + p.columns;
    if (c->param[1])
        memcpy(c->packed[0], c->param[1], (size_t)s.oc * sizeof *out);
    balance(&p, weights, row, q, right);
    for (int column = 0; column < p.columns; column += width, out += STRASSEN_PRODUCTS * product) {
        for (int j = 0; j < width; j++) {
            const float *b1 = weights + (size_t)(column + j) * row, *b2 = b1 + (size_t)p.columns * row;
            const double e = 1.0 / (double)right[column + j];
            for (int r = 0; r < p.half; r++)
                weight_factors(b1[r], b2[r] * e, b1[p.half + r], b2[p.half + r] * e, q[r], out + r * width + j,
                               product);
        }
    }
}
