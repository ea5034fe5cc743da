/* Checks of Winograd's transforms, of every form, against plain C. */
#include "kernels/c/map_inline.h"
#include "kernels/check.h"

#include <math.h>

enum { MOST_SRC = WINO_SIDE_POOLED * WINO_SIDE_POOLED, MOST_POINTS = WINO_SIDE_MOST * WINO_SIDE_MOST };

static const int products[WINO_FORMS] = {WINO_SIDE_S1, WINO_SIDE_S1_5, WINO_SIDE_S2, WINO_SIDE_S2};
static const int sources[WINO_FORMS] = {WINO_SIDE_S1, WINO_SIDE_S1_5, WINO_SIDE_S2, WINO_SIDE_POOLED};
static const int outputs[WINO_FORMS] = {4, 5, 4, 4};

static size_t vectors(int columns)
{
    return (size_t)(columns + 15) / 16 * 16;
}

/* `count` pixels of `channels` behind `offset`, each at a random place of a map that ends where the last one does. */
static void pixels_make(struct kernel_check *c, const float **pixel, int count, size_t offset, int channels, bool bf16)
{
    const size_t end = offset + (size_t)channels, step = end + (size_t)check_below(c, 20);
    const size_t before = (size_t)(count - 1) * step;
    const float *map = bf16 ? check_halves(c, before + (end + 1) / 2) : check_floats(c, before + end);
    for (int i = 0; i < count; i++)
        pixel[i] = map + (size_t)i * step;
}

static void check_input(struct kernel_check *c, const struct winograd_kernel *k, enum wino_form form)
{
    const float *src[MOST_SRC];
    struct wino_input t = {.src = src, .channels = 1 + check_below(c, 50), .offset = (size_t)check_below(c, 20)};
    const int count = sources[form] * sources[form], points = products[form] * products[form];
    t.bf16 = check_below(c, 2);
    pixels_make(c, src, count, t.offset, t.channels, t.bf16);
    float *factors = check_filled(c, MOST_POINTS, 0.25f);
    for (int i = 0; i < MOST_POINTS; i++)
        factors[i] = check_below(c, 6) ? 0.25f : 0;
    t.factors = factors;
    t.next = check_below(c, 2) ? src : NULL;
    t.stride = vectors(t.channels) + 16 * (size_t)check_below(c, 2);
    float *got = t.v = check_filled(c, (size_t)points * t.stride, NAN);
    k->input[form](&t);
    float *want = t.v = check_filled(c, (size_t)points * t.stride, NAN);
    winograd__c.input[form](&t);
    for (int n = 0; n < t.channels; n++) {
        double absolute = 1e-3;
        for (int i = 0; i < count; i++)
            absolute += fabs((double)map_value(src[i], t.offset + (size_t)n, t.bf16));
        for (int i = 0; i < points; i++) {
            const size_t at = (size_t)i * t.stride + (size_t)n;
            check_compare(c, (double)got[at], (double)want[at], absolute, "an input transform");
        }
    }
}

struct output_case {
    struct wino_output t;
    float *dst[2][WINO_OUT_MOST * WINO_OUT_MOST]; /* of the kernel, of plain C */
    const float *residual[WINO_OUT_MOST * WINO_OUT_MOST];
    size_t dst_floats;
};

static void output_make(struct kernel_check *c, enum wino_form form, struct output_case *s)
{
    struct wino_output *t = &s->t;
    const int count = outputs[form] * outputs[form];
    t->n = 1 + check_below(c, 50);
    t->stride = vectors(t->n) + 16 * (size_t)check_below(c, 2);
    t->m = check_floats(c, (size_t)(products[form] * products[form]) * t->stride);
    t->bias = check_below(c, 2) ? check_floats(c, vectors(t->n)) : NULL;
    t->dst_offset = (size_t)check_below(c, 20);
    t->residual_offset = (size_t)check_below(c, 20);
    t->dst_bf16 = check_below(c, 2);
    t->residual_bf16 = check_below(c, 2);
    t->accumulate = !t->dst_bf16 && check_below(c, 3) == 0;
    t->act = (enum act)check_below(c, ACT_COUNT);
    const size_t step = t->dst_offset + (size_t)(t->n + check_below(c, 20));
    s->dst_floats = (size_t)(count - 1) * step + t->dst_offset + (size_t)t->n;
    float *first = check_floats(c, s->dst_floats), *second = check_copy(c, first, s->dst_floats);
    for (int i = 0; i < count; i++) {
        s->dst[0][i] = first + (size_t)i * step;
        s->dst[1][i] = second + (size_t)i * step;
    }
    pixels_make(c, s->residual, count, t->residual_offset, t->n, t->residual_bf16);
    t->residual = check_below(c, 2) ? s->residual : NULL;
    t->residual_next = t->residual && check_below(c, 2) ? t->residual : NULL;
}

/* The same of maps of bf16: two roundings, each of half a unit, may differ by a whole one. */
static void compare_halves(struct kernel_check *c, enum wino_form form, const struct output_case *s,
                           const double *absolute)
{
    const int count = outputs[form] * outputs[form];
    for (int i = 0; i < count; i++) {
        for (size_t n = 0; n < (size_t)s->t.n; n++) {
            float *const got = s->dst[0][i], *const want = s->dst[1][i];
            const double x = (double)map_value(want, s->t.dst_offset + n, true);
            const double y = (double)map_value(got, s->t.dst_offset + n, true);
            check_compare_bf16(c, x + (y - x) / 2, x, absolute[n], "an output transform");
            map_put(got, s->t.dst_offset + n, (float)x, true);
        }
    }
    check_equal(c, s->dst[0][0], s->dst[1][0], s->dst_floats * sizeof(float), "neighbours are overwritten");
}

static void check_output(struct kernel_check *c, const struct winograd_kernel *k, enum wino_form form)
{
    struct output_case s = {0};
    const int points = products[form] * products[form];
    output_make(c, form, &s);
    double absolute[64];
    for (int n = 0; n < s.t.n; n++) {
        absolute[n] = 1 + (s.t.bias ? fabs((double)s.t.bias[n]) : 0);
        for (int i = 0; i < points; i++)
            absolute[n] += fabs((double)s.t.m[(size_t)i * s.t.stride + (size_t)n]);
    }
    s.t.dst = s.dst[0];
    k->output[form](&s.t);
    s.t.dst = s.dst[1];
    winograd__c.output[form](&s.t);
    for (size_t i = 0; i < s.dst_floats; i++) { /* and what lies between the pixels stays */
        const size_t step = (size_t)(s.dst[0][1] - s.dst[0][0]), column = i % step - s.t.dst_offset;
        const bool inside = i % step >= s.t.dst_offset && column < (size_t)s.t.n;
        if (s.t.dst_bf16)
            break;
        check_compare(c, (double)s.dst[0][0][i], (double)s.dst[1][0][i], inside ? absolute[column] : 0,
                      inside ? "an output transform" : "neighbours are overwritten");
    }
    if (s.t.dst_bf16)
        compare_halves(c, form, &s, absolute);
}

void check_winograd(struct kernel_check *c, const struct winograd_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        for (int form = 0; form < WINO_FORMS; form++) {
            check_input(c, tested, (enum wino_form)form);
            check_output(c, tested, (enum wino_form)form);
            check_release(c);
        }
    }
}

static void check_pack(struct kernel_check *c, const struct wino_weights_kernel *k, enum wino_form form)
{
    struct wino_pack t = {.columns = k->vl * (1 + check_below(c, 3))};
    const size_t points = form == WINO_S1_5 ? WINO5_POINTS : WINO_POINTS;
    t.g_stride = (size_t)t.columns + 16 * (size_t)check_below(c, 2);
    t.stride = (size_t)t.columns + 16 * (size_t)check_below(c, 2);
    t.g = check_floats(c, 9 * t.g_stride);
    float *got = t.u = check_filled(c, points * t.stride, NAN);
    k->pack[form](&t);
    float *want = t.u = check_filled(c, points * t.stride, NAN);
    wino_weights__c.pack[form](&t);
    for (size_t i = 0; i < points; i++) {
        for (int n = 0; n < t.columns; n++) {
            double absolute = 1e-3;
            for (size_t tap = 0; tap < 9; tap++)
                absolute += fabs((double)t.g[tap * t.g_stride + (size_t)n]);
            const size_t at = i * t.stride + (size_t)n;
            check_compare(c, (double)got[at], (double)want[at], absolute, "packed weights");
        }
    }
}

static void check_spread(struct kernel_check *c, const struct wino_weights_kernel *k)
{
    const float *src[16];
    struct wino_spread t = {.src = src, .channels = 1 + check_below(c, 50), .offset = (size_t)check_below(c, 20)};
    pixels_make(c, src, 16, t.offset, t.channels, false);
    t.stride = vectors(t.channels) + 16 * (size_t)check_below(c, 2);
    float *got = t.e = check_filled(c, WINO_POINTS * t.stride, NAN);
    k->spread(&t);
    float *want = t.e = check_filled(c, WINO_POINTS * t.stride, NAN);
    wino_weights__c.spread(&t);
    for (int n = 0; n < t.channels; n++) {
        double absolute = 1e-3;
        for (int i = 0; i < 16; i++)
            absolute += fabs((double)src[i][t.offset + (size_t)n]);
        for (size_t i = 0; i < WINO_POINTS; i++)
            check_compare(c, (double)got[i * t.stride + (size_t)n], (double)want[i * t.stride + (size_t)n], absolute,
                          "spread gradients");
    }
}

static void check_reduce(struct kernel_check *c, const struct wino_weights_kernel *k)
{
    struct wino_reduce t = {.columns = k->vl * (1 + check_below(c, 3)), .parts = 1 + check_below(c, 4)};
    t.stride = (size_t)t.columns + 16 * (size_t)check_below(c, 2);
    t.part_stride = WINO_POINTS * t.stride + 16 * (size_t)check_below(c, 2);
    t.g_stride = (size_t)t.columns + 16 * (size_t)check_below(c, 2);
    t.m = check_floats(c, (size_t)t.parts * t.part_stride);
    float *got = t.g = check_filled(c, 9 * t.g_stride, NAN);
    k->reduce(&t);
    float *want = t.g = check_filled(c, 9 * t.g_stride, NAN);
    wino_weights__c.reduce(&t);
    for (int n = 0; n < t.columns; n++) {
        double absolute = 1e-3;
        for (size_t part = 0; part < (size_t)t.parts; part++)
            for (size_t i = 0; i < WINO_POINTS; i++)
                absolute += fabs((double)t.m[part * t.part_stride + i * t.stride + (size_t)n]);
        for (size_t tap = 0; tap < 9; tap++)
            check_compare(c, (double)got[tap * t.g_stride + (size_t)n], (double)want[tap * t.g_stride + (size_t)n],
                          absolute, "reduced gradients");
    }
}

void check_wino_weights(struct kernel_check *c, const struct wino_weights_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        for (int form = 0; form < WINO_FORMS; form++)
            check_pack(c, tested, (enum wino_form)form);
        check_spread(c, tested);
        check_reduce(c, tested);
        check_release(c);
    }
}
