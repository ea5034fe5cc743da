/* Checks of convolution tiles: floats, words of two bf16 numbers, words of four bytes. */
#include "core/status.h"
#include "kernels/bf16_inline.h"
#include "kernels/c/map_inline.h"
#include "kernels/check.h"
#include "ops/conv2d_internal.h"

#include <math.h>
#include <string.h>

enum operand { FLOATS, BF16, BYTES };
enum { MOST_PIXELS = 16, MOST_TAPS = 6, SOURCE = 2048, DST_STEP = 150 };

static const float canary = 12345.678f;

struct tile_case {
    enum operand element;
    struct conv_tile t;
    struct conv_bytes bytes;
    int width; /* columns of the panel */
    const float *a[2 * MOST_TAPS * MOST_PIXELS], *residual[MOST_PIXELS], *addend[MOST_PIXELS];
    float *dst[MOST_PIXELS], *before[MOST_PIXELS];
    float *panel, *bias;
};

/* Words of random numbers: `input` as the maps have them, else as weights. */
static void fill_words(struct kernel_check *c, enum operand element, float *words, size_t count, bool input)
{
    for (size_t i = 0; i < count; i++) {
        if (element == FLOATS) {
            words[i] = (float)rng_normal(&c->rng);
        } else if (element == BF16) {
            const uint16_t pair[2] = {bf16_of((float)rng_normal(&c->rng)), bf16_of((float)rng_normal(&c->rng))};
            memcpy(&words[i], pair, sizeof pair);
        } else {
            unsigned char four[4];
            for (int k = 0; k < 4; k++)
                four[k] = (unsigned char)(input ? check_below(c, 256) : check_below(c, 255) - 127);
            memcpy(&words[i], four, sizeof four);
        }
    }
}

/* Adds the products of two words. */
static void add_word(enum operand element, const float *a, const float *b, double *sum, double *absolute)
{
    const int parts = element == FLOATS ? 1 : element == BF16 ? 2 : 4;
    for (int k = 0; k < parts; k++) {
        double x = (double)*a, y = (double)*b;
        uint16_t half[2];
        if (element == BF16) {
            memcpy(half, a, sizeof half);
            x = (double)bf16_value(half[k]);
            memcpy(half, b, sizeof half);
            y = (double)bf16_value(half[k]);
        } else if (element == BYTES) {
            x = ((const unsigned char *)a)[k];
            y = ((const signed char *)b)[k];
        }
        *sum += x * y;
        *absolute += fabs(x * y);
    }
}

/* `count` rows of so many channels, `step` words apart, in a block of its own, which ends with the last row. */
static float *rows_make(struct kernel_check *c, int count, size_t channels, size_t step, bool bf16)
{
    const size_t before = (size_t)(count - 1) * step;
    return bf16 ? check_halves(c, before + (channels + 1) / 2) : check_floats(c, before + channels);
}

static void sources_make(struct kernel_check *c, struct tile_case *s)
{
    struct conv_tile *t = &s->t;
    const int groups = t->taps / (t->beside + 1);
    const size_t reach =
        t->a_offset + (size_t)t->k + (size_t)t->more * t->a_next + (size_t)(t->beside * t->beside_step);
    float *map = check_filled(c, SOURCE, 0);
    fill_words(c, s->element, map, SOURCE, true);
    t->a_stride = (size_t)(t->m + check_below(c, 3));
    for (int g = 0; g < groups; g++) {
        for (int i = 0; i < t->m; i++)
            s->a[(size_t)g * t->a_stride + (size_t)i] =
                map + (check_below(c, 8) ? (size_t)check_below(c, (int)(SOURCE - reach)) : SOURCE - reach);
        for (size_t i = (size_t)t->m; i < t->a_stride; i++)
            s->a[(size_t)g * t->a_stride + i] = map;
    }
    t->a = s->a;
    if (check_below(c, 2))
        t->next = s->a;
}

static void targets_make(struct kernel_check *c, struct tile_case *s)
{
    struct conv_tile *t = &s->t;
    const size_t step = DST_STEP + (size_t)t->more * t->dst_next;
    const size_t last = t->dst_offset + (size_t)t->more * t->dst_next + (size_t)t->n; /* the last row ends with it */
    const size_t words = (size_t)(t->m - 1) * step + (t->dst_bf16 ? (last + 1) / 2 : last);
    float *dst = rows_make(c, t->m, last, step, t->dst_bf16);
    if (!t->accumulate)
        for (size_t i = 0; i < words; i++)
            dst[i] = canary;
    float *before = check_copy(c, dst, words);
    float *residual = rows_make(c, t->m, t->residual_offset + (size_t)t->n, DST_STEP, t->residual_bf16);
    float *addend = rows_make(c, t->m, t->addend_offset + (size_t)t->n, DST_STEP, t->addend_bf16);
    for (int i = 0; i < t->m; i++) {
        s->dst[i] = dst + (size_t)i * step;
        s->before[i] = before + (size_t)i * step;
        s->residual[i] = residual + (size_t)i * DST_STEP;
        s->addend[i] = addend + (size_t)i * DST_STEP;
    }
    t->dst = s->dst;
}

static void bytes_make(struct kernel_check *c, struct tile_case *s)
{
    struct conv_bytes *q = &s->bytes;
    *q = (struct conv_bytes){.scale_offset = (size_t)s->width,
                             .dst_bytes = check_below(c, 2),
                             .residual_bytes = check_below(c, 2),
                             .factor = 5 + (float)check_below(c, 100),
                             .zero = (float)check_below(c, 256),
                             .residual_step = 0.01f,
                             .residual_zero = (float)check_below(c, 256)};
    float pieces[3 * SILU_PIECES];
    bytes_silu_pieces(pieces);
    for (int i = 0; i < 3 * SILU_PIECES; i++)
        q->silu[i / SILU_PIECES][i % SILU_PIECES] = pieces[i] * q->factor + (i < SILU_PIECES ? q->zero : 0);
    for (int j = 0; j < s->width; j++) /* scales */
        s->bias[s->width + j] = (1 + (float)check_below(c, 100)) * 1e-6f;
    s->t.bytes = q;
    s->t.bias = s->bias;
}

static void tile_make(struct kernel_check *c, const struct conv_tile_kernel *k, struct tile_case *s)
{
    struct conv_tile *t = &s->t;
    do
        t->nv = 1 + check_below(c, k->nv_max);
    while (!k->mr[t->nv]);
    s->width = t->nv * k->vl;
    t->m = 1 + check_below(c, k->mr[t->nv]);
    t->n = s->width - (check_below(c, 2) ? check_below(c, k->vl) : 0);
    t->half = t->n <= s->width - k->vl / 2 && check_below(c, 2);
    t->k = 1 + check_below(c, 40);
    t->beside = check_below(c, 3);
    t->taps = (t->beside + 1) * check_below(c, MOST_TAPS / 3 + 1);
    t->beside_step = check_below(c, 50);
    t->a_offset = (size_t)check_below(c, 20);
    t->dst_offset = (size_t)check_below(c, 20);
    t->residual_offset = (size_t)check_below(c, 20);
    t->addend_offset = (size_t)check_below(c, 20);
    t->act = (enum act)check_below(c, ACT_COUNT);
    if (s->element == FLOATS && !check_below(c, 4)) { /* several tiles of plain sums */
        t->more = 1 + check_below(c, 3);
        t->taps = 1;
        t->beside = 0;
        t->n = s->width;
        t->half = false;
        t->act = ACT_NONE;
        t->a_next = (size_t)(t->k + check_below(c, 5));
        t->dst_next = (size_t)(s->width + check_below(c, 20));
    }
    const size_t panel = (size_t)(MAX(t->taps * t->k * (t->more + 1), 1) * s->width);
    t->b = s->panel = check_filled(c, panel, 0);
    fill_words(c, s->element, s->panel, panel, false);
    for (size_t i = 0; i < panel; i++) /* columns that do not exist have no weights */
        s->panel[i] = (int)(i % (size_t)s->width) < t->n ? s->panel[i] : 0;
    s->bias = check_floats(c, 2 * (size_t)s->width);
    if (check_below(c, 2)) {
        t->ahead = s->panel;
        t->ahead_lines = 1 + check_below(c, 3);
    }
    t->accumulate = s->element == FLOATS && !t->more && check_below(c, 3) == 0;
    t->dst_bf16 = s->element != BYTES && !t->more && check_below(c, 2);
    t->residual_bf16 = s->element != BYTES && check_below(c, 2);
    t->addend_bf16 = check_below(c, 2);
    sources_make(c, s);
    targets_make(c, s);
    if (s->element == BYTES)
        bytes_make(c, s);
    else if (!t->more && check_below(c, 2))
        t->bias = s->bias;
    if (!t->more && !check_below(c, 3))
        t->residual = s->residual;
    if (!t->more && s->element != BYTES && !check_below(c, 3))
        t->addend = s->addend;
    t->residual_next = t->residual && check_below(c, 2) ? t->residual : NULL;
}

/* What is behind the sum of pixel i and column j; *absolute grows by what is added. */
static double finished(const struct tile_case *s, int i, int j, double sum, double *absolute, double *before_residual)
{
    const struct conv_tile *t = &s->t;
    const size_t column = (size_t)j;
    if (s->element == BYTES) {
        sum *= (double)t->bias[s->width + j];
        *absolute *= (double)t->bias[s->width + j];
    }
    const double more[3] = {t->bias ? (double)t->bias[j] : 0,
                            t->accumulate ? (double)map_value(s->before[i], t->dst_offset + column, t->dst_bf16) : 0,
                            t->addend ? (double)map_value(s->addend[i], t->addend_offset + column, t->addend_bf16) : 0};
    for (int k = 0; k < 3; k++) {
        sum += more[k];
        *absolute += fabs(more[k]);
    }
    *before_residual = sum = act_exact(sum, t->act);
    if (!t->residual)
        return sum;
    double residual = (double)map_value(s->residual[i], t->residual_offset + column, t->residual_bf16);
    if (t->bytes && t->bytes->residual_bytes)
        residual = ((double)((const unsigned char *)s->residual[i])[t->residual_offset + column] -
                    (double)t->bytes->residual_zero) *
                   (double)t->bytes->residual_step;
    *absolute += fabs(residual);
    return sum + residual;
}

/* What a SiLU that is looked up may lose (kernels/word_slots.h). */
static double silu_loss(double silu)
{
    if (silu > 6.7)
        return 4e-3;
    return silu > -3e-3 && silu < 0 ? 1.2e-3 : 2.5e-4;
}

/* A byte is right when it is within half a step of the number, and what the SiLU of bytes may lose. */
static void compare_byte(struct kernel_check *c, const struct tile_case *s, int got, double want,
                         double before_residual)
{
    const struct conv_bytes *q = s->t.bytes;
    const double exact = want * (double)q->factor + (double)q->zero, cut = fmin(255, fmax(0, exact));
    double allowed = 0.5 * (1 + 1e-5) + 2e-4 * (fabs(want) * (double)q->factor + 1);
    if (s->t.act == ACT_SILU)
        allowed += silu_loss(before_residual) * (double)q->factor;
    check_true(c, fabs(got - cut) <= allowed, "a byte");
}

static void tile_compare(struct kernel_check *c, const struct tile_case *s, int i, int tile)
{
    const struct conv_tile *t = &s->t;
    const size_t at = t->dst_offset + (size_t)tile * t->dst_next;
    const float *b = s->panel + (size_t)(tile * t->k * s->width);
    for (int j = 0; j < t->n; j++) {
        double sum = 0, absolute = 1e-3, before_residual;
        for (int tap = 0; tap < t->taps; tap++) {
            const float *a = t->a[(size_t)(tap / (t->beside + 1)) * t->a_stride + (size_t)i] +
                             tap % (t->beside + 1) * t->beside_step + t->a_offset + (size_t)tile * t->a_next;
            for (int k = 0; k < t->k; k++)
                add_word(s->element, a + k, b + (tap * t->k + k) * s->width + j, &sum, &absolute);
        }
        const double want = finished(s, i, j, sum, &absolute, &before_residual);
        if (t->bytes && t->bytes->dst_bytes)
            compare_byte(c, s, ((unsigned char *)t->dst[i])[at + (size_t)j], want, before_residual);
        else if (t->dst_bf16)
            check_compare_bf16(c, (double)map_value(t->dst[i], at + (size_t)j, true), want, absolute, "a tile");
        else
            check_compare(c, (double)t->dst[i][at + (size_t)j], want, absolute, "a tile");
    }
}

/* Nothing was written but the columns of the tiles. */
static void tile_clean(struct kernel_check *c, const struct tile_case *s, int i)
{
    const struct conv_tile *t = &s->t;
    const size_t size = t->bytes && t->bytes->dst_bytes ? 1 : t->dst_bf16 ? 2 : sizeof(float);
    const char *got = (const char *)t->dst[i], *before = (const char *)s->before[i];
    size_t from = 0;
    for (int tile = 0; tile <= t->more; tile++) {
        const size_t at = (t->dst_offset + (size_t)tile * t->dst_next) * size;
        check_equal(c, got + from, before + from, at - from, "neighbours are overwritten");
        from = at + (size_t)t->n * size;
    }
    if (i + 1 < t->m)
        check_equal(c, got + from, before + from, (size_t)((const char *)t->dst[i + 1] - got) - from,
                    "neighbours are overwritten");
}

static void check_tiles(struct kernel_check *c, const struct conv_tile_kernel *k, enum operand element)
{
    for (int round = 0; round < c->cases; round++) {
        struct tile_case s = {.element = element};
        tile_make(c, k, &s);
        k->run(&s.t);
        for (int i = 0; i < s.t.m; i++) {
            for (int tile = 0; tile <= s.t.more; tile++)
                tile_compare(c, &s, i, tile);
            tile_clean(c, &s, i);
        }
        check_release(c);
    }
}

void check_conv_tile(struct kernel_check *c, const struct conv_tile_kernel *tested)
{
    check_tiles(c, tested, FLOATS);
}

void check_conv_bf16(struct kernel_check *c, const struct conv_bf16_kernel *tested)
{
    check_tiles(c, tested->tile, BF16);
}

void check_conv_bytes(struct kernel_check *c, const struct conv_bytes_kernel *tested)
{
    check_tiles(c, tested->tile, BYTES);
}
