/* Inference in bf16 and int8: conversions, convolutions and pools against plain arithmetic on the converted values, in
 * every instruction set this CPU can run, on slices with canaries around them; whole networks against float32. */
#include "core/cpu.h"
#include "core/mem.h"
#include "core/rng.h"
#include "graph/elements.h"
#include "graph/net.h"
#include "kernels/bf16_inline.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "ops/conv2d.h"
#include "ops/cpu.h"
#include "support/activations.h"
#include "support/feature_masks.h"
#include "support/map.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- conversions --- */

static const float odd_floats[] = {0.0f, -0.0f, 1e-42f, -1e-42f, 1e-30f, INFINITY, -INFINITY, NAN,    3.4e38f, -3.4e38f,
                                   1e9f, -1e9f, 0.5f,   1.5f,    2.5f,   -0.5f,    254.5f,    255.5f, 256.0f,  3e9f};

static void converted_bytes_are_equal(void **state)
{
    (void)state;
    uint64_t masks[MASKS_MOST];
    const int n_masks = masks_of_sets(masks);
    for (int round = 0; round < 200; round++) {
        struct rng r = rng_seed(11, (uint64_t)round, 0);
        const bool image = below(&r, 5) == 0; /* three channels of four floats have a way of their own */
        const int c = image ? 3 : 1 + below(&r, 70), pixels = 1 + below(&r, image ? 50 : 5);
        const int src_pixel = image ? 4 : c + below(&r, 9), words = image ? 2 : (c + 1) / 2 + below(&r, 5);
        float *src = mem_alloc((size_t)(src_pixel * pixels), sizeof *src);
        for (int i = 0; i < src_pixel * pixels; i++)
            src[i] = below(&r, 6) ? (float)(40 * rng_normal(&r)) : odd_floats[below(&r, COUNT(odd_floats))];
        uint32_t want[2][512], got[512];
        struct word_run run = {.src = src,
                               .src_pixel = (size_t)src_pixel,
                               .pixels = pixels,
                               .c = c,
                               .factor = 0.1f + (float)below(&r, 30) / 10,
                               .zero = image ? 0 : (float)below(&r, 256)};
        for (int i = 0; i < n_masks; i++) {
            const struct words_kernel *k = kernels_for(masks[i]).words;
            for (int kind = 0; kind < 2; kind++) {
                memset(got, CANARY, sizeof got);
                run.dst = got;
                run.dst_pixel = (size_t)(image && kind ? 1 : words);
                (kind ? k->to_bytes : k->to_bf16)(&run);
                if (i == 0)
                    memcpy(want[kind], got, sizeof got);
                assert_memory_equal(want[kind], got, sizeof got);
            }
        }
        for (int i = 0; i < c; i++) { /* what the oracle says is what slots say */
            const float x = rintf(src[i] * run.factor) + run.zero;
            const int q = isnan(x) ? 0 : x < 0 ? 0 : x > 255 ? 255 : (int)x;
            assert_int_equal(((unsigned char *)want[1])[i], q);
        }
        mem_free(src);
    }
}

/* --- convolutions --- */

struct shape {
    int n, h, w, ic, oc, k, stride, pad, groups;
    enum act act;
    bool bias, residual;
};

struct conv_case {
    struct shape s;
    struct node node;
    struct map src, dst, residual;
    struct conv_quant *channels; /* of src */
    float *weights, *bias;
    double *seen, *seen_weights; /* input [pixel][channel] (bytes: less their zeros) and weights, as the precision
                                  * sees them; made by see() */
    struct call call;
};

static struct shape random_shape(struct rng *r, int unit)
{
    static const int channels[] = {1, 2, 3, 4, 6, 8, 9, 16, 20, 33, 48};
    struct shape s = {.n = 1 + below(r, 2), .h = 1 + below(r, 14), .w = 1 + below(r, 14), .groups = 1};
    s.k = below(r, 3) ? 3 : 1;
    s.pad = s.k / 2;
    s.stride = 1 + (below(r, 3) == 0);
    s.ic = channels[below(r, COUNT(channels))] * (unit > 1 ? unit : 1);
    s.oc = channels[below(r, COUNT(channels))] * unit;
    if (below(r, 8) == 0) { /* anything */
        s.k = 1 + below(r, 4);
        s.pad = below(r, 3);
        s.stride = 1 + below(r, 3);
        s.h += s.k;
        s.w += s.k;
        if (below(r, 2)) { /* one row of outputs from several of inputs */
            s.h = s.k;
            s.pad = 0;
        }
    }
    if (below(r, 4) == 0 && s.ic % 4 == 0) {
        s.groups = 1 << below(r, 3);
        s.ic *= s.groups;
        s.oc *= s.groups;
    }
    s.act = (enum act)below(r, ACT_COUNT);
    s.bias = below(r, 2);
    s.residual = below(r, 3) == 0;
    return s;
}

static struct conv_quant random_quant(struct rng *r, bool on)
{
    return (struct conv_quant){on, 0.01f + (float)rng_uniform(r) * 0.03f, below(r, 256)};
}

/* `exact`: whole numbers of steps, so that float arithmetic behind the sums does not round. */
static void case_make(struct conv_case *t, struct rng *r, uint64_t features, enum precision precision, bool exact)
{
    const bool bytes_in = precision == PRECISION_INT8 && below(r, 2);
    const bool bytes_out = precision == PRECISION_INT8 && !exact && below(r, 2);
    const bool bf16_maps = precision == PRECISION_BF16 && below(r, 2);
    const struct shape s = t->s = random_shape(r, bytes_in || bytes_out ? 4 : bf16_maps ? 2 : 1);
    const struct conv_quant reads = exact ? (struct conv_quant){true, 1, below(r, 256)} : random_quant(r, true);
    const int oh = (s.h + 2 * s.pad - s.k) / s.stride + 1, ow = (s.w + 2 * s.pad - s.k) / s.stride + 1;
    struct conv_quant in = reads;
    in.on = bytes_in;
    t->src = map_make(r, s.n, s.h, s.w, s.ic, in);
    t->dst = map_make(r, s.n, oh, ow, s.oc, random_quant(r, bytes_out));
    t->residual = map_make(r, s.n, oh, ow, s.oc, random_quant(r, precision == PRECISION_INT8 && !exact && below(r, 2)));
    for (int i = 0; bf16_maps && i < 3; i++) {
        struct map *const m = i == 0 ? &t->src : i == 1 ? &t->dst : &t->residual;
        const struct tensor as = m->t;
        if (i < 2 && below(r, 4) == 0)
            continue;
        mem_free(m->memory);
        *m = map_of(r, as.n, as.h, as.w, as.c, ELEMENT_BF16, (struct conv_quant){0});
    }
    map_random(r, &t->src, exact);
    map_random(r, &t->residual, exact);
    const int icg = s.ic / s.groups, count = icg * s.k * s.k;
    t->channels = mem_alloc((size_t)s.ic, sizeof *t->channels); /* two parts of a concat */
    for (int i = 0, part = below(r, s.ic); i < s.ic; i++) {
        t->channels[i] = reads;
        if (bytes_in && !exact && i >= part)
            t->channels[i] = (struct conv_quant){true, reads.scale * 1.5f, 255 - reads.zero};
    }
    t->weights = mem_alloc((size_t)(s.oc * count), sizeof(float));
    t->bias = s.bias ? mem_alloc((size_t)s.oc, sizeof(float)) : NULL;
    for (int i = 0; i < s.oc * count; i++)
        t->weights[i] =
            exact ? (float)(i % count ? below(r, 255) - 127 : 127) : (float)rng_normal(r) / sqrtf((float)count);
    for (int i = 0; i < s.oc && s.bias; i++)
        t->bias[i] = exact ? (float)below(r, 100) : (float)rng_normal(r) * (i % 2 ? 6 : 1); /* SiLU's ends too */
    if (exact)
        t->s.act = below(r, 2) ? ACT_NONE : ACT_RELU;
    t->node = (struct node){.op = OP_CONV2D,
                            .name = "test",
                            .u.conv = {.oc = s.oc,
                                       .kh = s.k,
                                       .kw = s.k,
                                       .stride = s.stride,
                                       .pad = s.pad,
                                       .dilation = 1,
                                       .groups = s.groups,
                                       .act = t->s.act,
                                       .residual = s.residual,
                                       .quant = reads}};
    t->node.u.conv.quant.on = precision == PRECISION_INT8;
    t->call = (struct call){.node = &t->node,
                            .src = {t->src.t, t->residual.t},
                            .dst = t->dst.t,
                            .src_quant = {t->src.quant, t->residual.quant},
                            .src_channels = bytes_in ? t->channels : NULL,
                            .dst_quant = t->dst.quant,
                            .param = {t->weights, t->bias},
                            .options = {.mode = RUN_INFER,
                                        .exact = precision == PRECISION_BF16,
                                        .precision = precision,
                                        .features = features,
                                        .threads = 1}};
}

/* What the convolution reads at a place, and its weight, as its precision sees them. */
static double input_of(const struct conv_case *t, int image, int y, int x, int c)
{
    const struct conv_quant *q = &t->node.u.conv.quant;
    if (t->src.quant.on)
        return (double)*(unsigned char *)place(&t->src, image, y, x, c) - t->channels[c].zero;
    const float v = (float)value(&t->src, image, y, x, c);
    if (t->call.options.precision == PRECISION_BF16)
        return (double)bf16_value(bf16_of(v));
    return fmin(255, fmax(0, (double)rintf(v * (1 / q->scale)) + q->zero)) - q->zero;
}

static void see_weights(struct conv_case *t, int oc, int count)
{
    const int taps = t->s.k * t->s.k, first = oc / (t->s.oc / t->s.groups) * (t->s.ic / t->s.groups);
    const float *w = t->weights + oc * count;
    double *to = t->seen_weights + oc * count;
    float most = 0;
    for (int i = 0; i < count; i++)
        most = fmaxf(most, fabsf(w[i] * t->channels[first + i / taps].scale));
    const float step = most / 127;
    for (int i = 0; i < count; i++) {
        if (t->call.options.precision == PRECISION_BF16)
            to[i] = (double)bf16_value(bf16_of(w[i]));
        else
            to[i] = (double)step * (double)rintf(w[i] * t->channels[first + i / taps].scale / step);
    }
}

static void see(struct conv_case *t)
{
    const struct shape *s = &t->s;
    const int count = s->ic / s->groups * s->k * s->k;
    double *to = t->seen = mem_alloc((size_t)(s->n * s->h * s->w * s->ic), sizeof *to);
    EACH(&t->src, image, y, x, c)
    *to++ = input_of(t, image, y, x, c);
    t->seen_weights = mem_alloc((size_t)(s->oc * count), sizeof *to);
    for (int oc = 0; oc < s->oc; oc++)
        see_weights(t, oc, count);
}

static void case_run(struct conv_case *t)
{
    struct call *c = &t->call;
    see(t);
    assert_int_equal(cpu_conv2d.plan(c), OK);
    c->packed[0] = mem_alloc(c->packed_floats[0], sizeof(float));
    c->scratch = mem_alloc(c->scratch_floats + 1, sizeof(float));
    memset(c->scratch, CANARY, (c->scratch_floats + 1) * sizeof(float));
    cpu_conv2d.pack(c);
    cpu_conv2d.forward(c);
    for (size_t i = 0; i < sizeof(float); i++)
        assert_int_equal(((unsigned char *)(c->scratch + c->scratch_floats))[i], CANARY);
    map_check_canaries(&t->dst);
}

static void case_free(struct conv_case *t)
{
    mem_free(t->src.memory);
    mem_free(t->dst.memory);
    mem_free(t->residual.memory);
    mem_free(t->weights);
    mem_free(t->bias);
    mem_free(t->channels);
    mem_free(t->seen);
    mem_free(t->seen_weights);
    mem_free(t->call.packed[0]);
    mem_free(t->call.scratch);
}

/* The result in double, and the sum of the absolute values of all terms. */
static double reference(const struct conv_case *t, int image, int oy, int ox, int oc, double *absolute)
{
    const struct shape *s = &t->s;
    const int icg = s->ic / s->groups, count = icg * s->k * s->k, first = oc / (s->oc / s->groups) * icg;
    const double *w = t->seen_weights + oc * count;
    double sum = s->bias ? (double)t->bias[oc] : 0;
    *absolute = fabs(sum);
    for (int i = 0; i < count; i++) {
        const int y = oy * s->stride - s->pad + i % (s->k * s->k) / s->k, x = ox * s->stride - s->pad + i % s->k;
        const int c = first + i / (s->k * s->k);
        if (t->node.u.conv.quant.on) /* sums of bytes meet the zeros' share at the end */
            *absolute += 2 * t->channels[c].zero * fabs(w[i]);
        if (y < 0 || y >= s->h || x < 0 || x >= s->w)
            continue;
        const double term = w[i] * t->seen[((image * s->h + y) * s->w + x) * s->ic + c];
        sum += term;
        *absolute += fabs(term);
    }
    sum = act_exact(sum, s->act);
    if (s->residual) {
        sum += value(&t->residual, image, oy, ox, oc);
        *absolute += fabs(value(&t->residual, image, oy, ox, oc));
    }
    return sum;
}

/* Integer sums are exact, so where scales are whole numbers the result is, in every instruction set. */
static void int8_sums_are_exact(void **state)
{
    (void)state;
    uint64_t masks[MASKS_MOST];
    const int n_masks = masks_of_sets(masks);
    for (int i = 0; i < n_masks; i++) {
        for (int round = 0; round < 60; round++) {
            struct rng r = rng_seed(21, (uint64_t)round, 0);
            struct conv_case t;
            double absolute;
            case_make(&t, &r, masks[i], PRECISION_INT8, true);
            case_run(&t);
            assert_non_null(strstr(conv2d_variant_name(&t.call), "int8"));
            EACH(&t.dst, image, y, x, c)
            {
                const double want = reference(&t, image, y, x, c, &absolute), got = value(&t.dst, image, y, x, c);
                if (absolute < 0x1p24 && got != want)
                    fail_msg("%s, round %d: %g instead of %g", conv2d_variant_name(&t.call), round, got, want);
            }
            case_free(&t);
        }
    }
}

/* What a SiLU that is looked up may lose (kernels/word_slots.h): 2.5e-4, more beyond its pieces. */
static double silu_loss(double silu)
{
    if (silu > 6.7)
        return 4e-3;
    return silu > -3e-3 && silu < 0 ? 1.2e-3 : 2.5e-4;
}

/* Worst error of a case over what is allowed. */
static double worst_of(const struct conv_case *t, double units)
{
    double worst = 0, absolute;
    EACH(&t->dst, image, y, x, c)
    {
        const double want = reference(t, image, y, x, c, &absolute), got = value(&t->dst, image, y, x, c);
        const struct conv_quant *q = &t->dst.quant;
        double allowed = units * 0x1p-24 * (absolute + 1e-3), error = fabs(got - want);
        if (t->dst.t.element == ELEMENT_BF16) /* rounded to eight bits */
            allowed += fabs(want) * 0x1p-8 * (1 + 1e-5) + 0x1p-126;
        if (q->on) { /* half a step, and what the SiLU of bytes may lose; cut at the ends */
            const double low = -q->zero * (double)q->scale, high = (255 - q->zero) * (double)q->scale;
            error = fabs(got - fmin(high, fmax(low, want)));
            allowed += 0.5 * (double)q->scale * (1 + 1e-5) + 2e-4 * (fabs(want) + (double)q->scale);
            const double residual = t->s.residual ? value(&t->residual, image, y, x, c) : 0;
            allowed += t->s.act == ACT_SILU ? silu_loss(want - residual) : 0;
        }
        worst = fmax(worst, isnan(got) ? INFINITY : error / allowed);
    }
    return worst;
}

static void check_random_cases(enum precision precision, uint64_t seed, double units)
{
    uint64_t masks[MASKS_MOST];
    const int n_masks = masks_of_sets(masks);
    for (int i = 0; i < n_masks; i++) {
        double worst = 0;
        char name[64] = "";
        for (int round = 0; round < 150; round++) {
            struct rng r = rng_seed(seed, (uint64_t)round, 0);
            struct conv_case t;
            case_make(&t, &r, masks[i], precision, false);
            case_run(&t);
            const double error = worst_of(&t, units);
            if (!strstr(conv2d_variant_name(&t.call), precision == PRECISION_BF16 ? "bf16" : "int8")) {
                case_free(&t); /* stays in float32: not this test's subject */
                continue;
            }
            snprintf(name, sizeof name, "%s", conv2d_variant_name(&t.call));
            worst = fmax(worst, error);
            if (error > 1)
                fail_msg("%s, round %d: %d -> %d, k %d s%d p%d g%d %s%s, elements %d %d %d: error %.2f of the allowed",
                         name, round, t.s.ic, t.s.oc, t.s.k, t.s.stride, t.s.pad, t.s.groups, act_name(t.s.act),
                         t.s.residual ? " residual" : "", t.src.t.element, t.dst.t.element, t.residual.t.element,
                         error);
            case_free(&t);
        }
        print_message("%-24s largest error %.2f of the allowed\n", name, worst);
    }
}

static void int8_convolutions(void **state)
{
    (void)state;
    check_random_cases(PRECISION_INT8, 31, 64);
}

static void bf16_convolutions(void **state)
{
    (void)state;
    check_random_cases(PRECISION_BF16, 41, 24);
}

/* --- pools, upsampling and copies of bytes --- */

/* The value that a pool makes, in double. */
static double pooled(const struct map *src, const struct pool_attr *p, bool mean, int image, int y, int x, int c)
{
    double most = -1e30, sum = 0;
    int taps = 0;
    for (int ky = 0; ky < p->k; ky++) {
        for (int kx = 0; kx < p->k; kx++) {
            const int sy = y * p->stride - p->pad + ky, sx = x * p->stride - p->pad + kx;
            if (sy < 0 || sy >= src->t.h || sx < 0 || sx >= src->t.w)
                continue;
            most = fmax(most, value(src, image, sy, sx, c));
            sum += value(src, image, sy, sx, c);
            taps++;
        }
    }
    return mean ? sum / taps : most;
}

static void bytes_in_other_ops(void **state)
{
    (void)state;
    static const struct {
        enum op op;
        const struct op_impl *impl;
        struct pool_attr pool;
    } cases[] = {{OP_MAXPOOL, &cpu_maxpool, {5, 1, 2}},   {OP_MAXPOOL, &cpu_maxpool, {3, 2, 1}},
                 {OP_AVGPOOL, &cpu_avgpool, {2, 1, 0}},   {OP_AVGPOOL, &cpu_avgpool, {3, 2, 0}},
                 {OP_UPSAMPLE, &cpu_upsample, {1, 1, 0}}, {OP_COPY, &cpu_copy, {1, 1, 0}}};
    uint64_t masks[MASKS_MOST];
    const int n_masks = masks_of_sets(masks);
    for (int i = 0; i < n_masks * COUNT(cases); i++) {
        const enum op op = cases[i % COUNT(cases)].op;
        const struct pool_attr pool = cases[i % COUNT(cases)].pool;
        struct rng r = rng_seed(51, (uint64_t)i, 0);
        struct node node = {.op = op, .name = "test", .u.pool = pool};
        const int h = 7, w = 9, c = 4 * (1 + below(&r, 40)), up = op == OP_UPSAMPLE ? 2 : 1;
        if (op == OP_UPSAMPLE)
            node.u.scale = 2;
        const struct conv_quant quant = random_quant(&r, true), other = i % 2 ? quant : random_quant(&r, true);
        struct map src = map_make(&r, 2, h, w, c, quant);
        struct map dst = map_make(&r, 2, up * ((h + 2 * pool.pad - pool.k) / pool.stride + 1),
                                  up * ((w + 2 * pool.pad - pool.k) / pool.stride + 1), c, other);
        map_random(&r, &src, false);
        struct call call = {.node = &node,
                            .src = {src.t},
                            .dst = dst.t,
                            .src_quant = {quant},
                            .dst_quant = other,
                            .options = {.mode = RUN_INFER, .features = masks[i / COUNT(cases)], .threads = 1}};
        cases[i % COUNT(cases)].impl->forward(&call);
        EACH(&dst, image, y, x, k)
        {
            const double want = pooled(&src, &pool, op == OP_AVGPOOL, image, y / up, x / up, k);
            const double q = fmin(255, fmax(0, want / (double)other.scale + other.zero));
            assert_true(fabs(*(unsigned char *)place(&dst, image, y, x, k) - q) <= 0.5001);
            if (op != OP_AVGPOOL && i % 2) /* the same scale: the same byte */
                assert_true(value(&dst, image, y, x, k) == want);
        }
        map_check_canaries(&dst);
        mem_free(src.memory);
        mem_free(dst.memory);
    }
}

/* An op on maps of bf16 is the op on the same numbers as floats, rounded once. */
static void check_moved_bf16(struct rng *r, const struct node *node, const struct op_impl *impl, uint64_t features,
                             const struct tensor *src, int n_src, const struct tensor *shape)
{
    struct map from[2][MAX_SRC], to[2];
    struct call call[2];
    for (int k = 0; k < 2; k++) {
        const enum element element = k ? ELEMENT_BF16 : ELEMENT_FLOAT;
        call[k] = (struct call){.node = node, .options = {.mode = RUN_INFER, .features = features, .threads = 1}};
        to[k] = map_of(r, shape->n, shape->h, shape->w, shape->c, element, (struct conv_quant){0});
        call[k].dst = to[k].t;
        for (int s = 0; s < n_src; s++) {
            from[k][s] = map_of(r, src[s].n, src[s].h, src[s].w, src[s].c, element, (struct conv_quant){0});
            call[k].src[s] = from[k][s].t;
        }
    }
    for (int s = 0; s < n_src; s++) {
        map_random(r, &from[1][s], false);
        EACH(&from[1][s], image, y, x, c)
        *(float *)place(&from[0][s], image, y, x, c) = (float)value(&from[1][s], image, y, x, c);
    }
    for (int k = 0; k < 2; k++) {
        if (impl->plan)
            assert_int_equal(impl->plan(&call[k]), OK);
        call[k].scratch = mem_alloc(call[k].scratch_floats + 1, sizeof(float));
        impl->forward(&call[k]);
        mem_free(call[k].scratch);
    }
    EACH(&to[0], image, y, x, c)
    {
        const uint16_t want = bf16_of(*(float *)place(&to[0], image, y, x, c));
        assert_int_equal(*(uint16_t *)place(&to[1], image, y, x, c), want);
    }
    map_check_canaries(&to[1]);
    for (int k = 0; k < 2; k++) {
        mem_free(to[k].memory);
        for (int s = 0; s < n_src; s++)
            mem_free(from[k][s].memory);
    }
}

static void bf16_in_other_ops(void **state)
{
    (void)state;
    static const struct {
        const struct op_impl *impl;
        struct node node;
        int n_src, up, down, wider; /* dst's side, its channels */
    } cases[] = {
        {&cpu_maxpool, {.op = OP_MAXPOOL, .u.pool = {5, 1, 2}}, 1, 1, 1, 1},
        {&cpu_maxpool, {.op = OP_MAXPOOL, .u.pool = {3, 2, 1}}, 1, 1, 2, 1},
        {&cpu_maxpool, {.op = OP_MAXPOOL, .u.pool = {3, 2, 1, .pooled = true}}, 1, 1, 2, 1},
        {&cpu_avgpool, {.op = OP_AVGPOOL, .u.pool = {2, 2, 0}}, 1, 1, 2, 1},
        {&cpu_upsample, {.op = OP_UPSAMPLE, .u.scale = 2}, 1, 2, 1, 1},
        {&cpu_reorg, {.op = OP_REORG}, 1, 1, 2, 4},
        {&cpu_copy, {.op = OP_COPY}, 1, 1, 1, 1},
        {&cpu_fuse, {.op = OP_FUSE}, 3, 1, 1, 1},
    };
    uint64_t masks[MASKS_MOST];
    const int n_masks = masks_of_sets(masks);
    for (int i = 0; i < n_masks * COUNT(cases); i++) {
        const int k = i % COUNT(cases);
        struct rng r = rng_seed(52, (uint64_t)i, 0);
        struct node node = cases[k].node;
        node.name = "test";
        node.n_src = cases[k].n_src;
        struct tensor src[MAX_SRC], shape = {.n = 2, .h = 8, .w = 10, .c = 2 * (1 + below(&r, 80))};
        for (int s = 0; s < node.n_src; s++) {
            src[s] = shape;
            src[s].h = s + 1 < node.n_src ? 4 : 8; /* CBFuse brings all to the size of the last */
        }
        shape.h = shape.h * cases[k].up / cases[k].down;
        shape.w = shape.w * cases[k].up / cases[k].down;
        shape.c *= cases[k].wider;
        check_moved_bf16(&r, &node, cases[k].impl, masks[i / COUNT(cases)], src, node.n_src, &shape);
    }
}

/* --- networks --- */

struct network {
    struct table table;
    struct graph training, deployed;
    float *params;
};

static void network_make(struct network *n, const char *name, enum act act)
{
    struct model_options options;
    struct rng r = rng_seed(61, 0, 0);
    *n = (struct network){0};
    model_options_init(&options);
    assert_int_equal(table_open(name, &n->table), OK);
    n->table.activation = act;
    assert_int_equal(model_build(&n->table, &options, &n->training, NULL), OK);
    assert_int_equal(model_deploy(&n->table, &n->training, &n->deployed), OK);
    n->params = mem_calloc(n->deployed.param_floats + 16, sizeof(float));
    /* Maps must not grow from layer to layer where nothing bounds them: one byte scale would not fit a concat of both.
     */
    const double gain = act == ACT_NONE ? 0.8 : act == ACT_SILU || act == ACT_HARDSWISH || act == ACT_RELU6 ? 1.5 : 1.2;
    for (int i = 0; i < n->deployed.n_params; i++) {
        const struct param *p = &n->deployed.params[i];
        const double scale = p->role == PARAM_WEIGHT ? gain / sqrt((double)(p->count / (size_t)p->shape[0])) : 0.2;
        for (size_t k = 0; k < p->count; k++)
            n->params[p->first + k] = (float)(scale * rng_normal(&r));
    }
}

static void network_free(struct network *n)
{
    mem_free(n->params);
    graph_free(&n->deployed);
    graph_free(&n->training);
    table_free(&n->table);
}

/* Each convolution's range of inputs, from the values that it reads. */
static void observe(void *context, const struct call *call)
{
    struct graph *g = context;
    assert_ptr_equal(call->graph, g);
    const struct tensor *t = &call->src[0];
    if (call->node->op != OP_CONV2D)
        return;
    float low = 0, high = 1e-3f;
    for (int i = 0; i < t->n * t->h * t->w; i++) {
        for (int c = 0; c < t->c; c++) {
            const float x = tensor_pixel(t, i / (t->h * t->w), 0, i % (t->h * t->w))[c];
            low = fminf(low, x);
            high = fmaxf(high, x);
        }
    }
    const float scale = (high - low) / 255;
    g->nodes[call->node - g->nodes].u.conv.quant = (struct conv_quant){true, scale, (int)lrintf(-low / scale)};
}

struct run {
    enum precision precision;
    bool float_maps;
    int threads;
    net_observer *observer;
    int *maps; /* how many maps were written that are not of floats; NULL: not asked */
};

/* Maps of bytes or of bf16 that nodes write; what an op reads and writes says so, and its strides are those of words.
 */
static int count_maps(struct net *net, enum element element)
{
    const struct node_report *reports;
    int n = net_report(net, &reports), count = 0;
    for (int i = 0; i < n; i++) {
        const struct tensor *dst = &reports[i].call->dst;
        assert_true(dst->element == element || dst->element == ELEMENT_FLOAT);
        count += dst->element != ELEMENT_FLOAT;
        assert_true(dst->pixel_stride * (size_t)element_per_word(dst->element) >= (size_t)dst->c);
        assert_int_equal(dst->element == ELEMENT_BYTE, reports[i].call->dst_quant.scale > 0);
    }
    return count;
}

/* Logits of two images, in fresh memory. */
static float *run_network(struct network *n, struct run run, size_t *count)
{
    struct team *team = NULL;
    struct net *net = NULL;
    struct rng r = rng_seed(71, 0, 0);
    assert_int_equal(team_create(run.threads ? run.threads : 1, &team), OK);
    const struct net_config config = {.backend = &cpu_backend,
                                      .team = team,
                                      .mode = RUN_INFER,
                                      .precision = run.precision,
                                      /* what is observed is the graph as it is, not its lowered form */
                                      .keep_all = run.float_maps || run.observer};
    assert_int_equal(net_create(&n->deployed, n->params, NULL, &config, &net), OK);
    assert_int_equal(net_plan(net, 2, 96, 128), OK);
    struct tensor image = net_input(net);
    for (size_t i = 0; i < image.image_stride * 2; i++)
        image.data[i] = (float)rng_uniform(&r);
    net_set_observer(net, run.observer, &n->deployed);
    net_forward(net);
    static const enum element element[] = {[PRECISION_BF16] = ELEMENT_BF16, [PRECISION_INT8] = ELEMENT_BYTE};
    const int maps = count_maps(net, element[run.precision]);
    if (run.maps)
        *run.maps = maps;
    assert_int_equal(net_copies(net), 0);
    const struct head_output out = net_output(net, n->deployed.n_branches - 1);
    *count = (size_t)out.n * (size_t)out.anchors * (size_t)out.channels;
    float *logits = mem_alloc(*count, sizeof *logits);
    assert_non_null(logits);
    for (size_t i = 0; i < *count; i++) {
        const size_t point = i / (size_t)out.channels;
        logits[i] = out.logits[point / (size_t)out.anchors * out.image_stride +
                               point % (size_t)out.anchors * out.stride + i % (size_t)out.channels];
    }
    net_destroy(net);
    team_destroy(team);
    return logits;
}

/* Root mean square of a - b over that of b. */
static double distance(const float *a, const float *b, size_t count)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / size);
}

static void networks_of_lower_precision(void **state)
{
    (void)state;
    static const char *const names[] = {"gelan-t", "gelan-c", "yolov8n"};
    for (int i = 0; i < COUNT(names); i++) {
        struct network n;
        size_t count;
        network_make(&n, names[i], ACT_SILU);
        float *exact = run_network(&n, (struct run){.observer = observe}, &count);
        int maps, halves, none;
        float *bf16 = run_network(&n, (struct run){.precision = PRECISION_BF16, .maps = &halves}, &count);
        float *shared = run_network(&n, (struct run){.precision = PRECISION_BF16, .threads = 3}, &count);
        float *bytes = run_network(&n, (struct run){.precision = PRECISION_INT8, .maps = &maps}, &count);
        float *mixed =
            run_network(&n, (struct run){.precision = PRECISION_INT8, .float_maps = true, .maps = &none}, &count);
        assert_true(maps > 40 && halves > 40 && none == 0);
        float *threads = run_network(&n, (struct run){.precision = PRECISION_INT8, .threads = 3}, &count);
        print_message("%s: distance from float32: bf16 %.5f, int8 %.5f, int8 between float maps %.5f\n", names[i],
                      distance(bf16, exact, count), distance(bytes, exact, count), distance(mixed, exact, count));
        assert_true(distance(bf16, exact, count) < 0.02);
        assert_true(distance(bytes, exact, count) < 0.1);
        assert_true(distance(mixed, exact, count) < 0.1);
        assert_memory_equal(bytes, threads, count * sizeof *bytes);
        assert_memory_equal(bf16, shared, count * sizeof *bf16);
        mem_free(shared);
        mem_free(exact);
        mem_free(bf16);
        mem_free(bytes);
        mem_free(mixed);
        mem_free(threads);
        network_free(&n);
    }
}

/* The same with every other activation, bytes between all convolutions. */
static void activations_of_lower_precision(void **state)
{
    (void)state;
    for (int act = 0; act < ACT_COUNT; act++) {
        struct network n;
        size_t count;
        network_make(&n, "gelan-t", (enum act)act);
        float *exact = run_network(&n, (struct run){.observer = observe}, &count);
        float *bf16 = run_network(&n, (struct run){.precision = PRECISION_BF16}, &count);
        int maps;
        float *bytes = run_network(&n, (struct run){.precision = PRECISION_INT8, .maps = &maps}, &count);
        print_message("%-16s distance from float32: bf16 %.5f, int8 %.5f\n", act_name((enum act)act),
                      distance(bf16, exact, count), distance(bytes, exact, count));
        assert_true(maps > 40);
        assert_true(distance(bf16, exact, count) < 0.05);
        assert_true(distance(bytes, exact, count) < 0.1);
        mem_free(exact);
        mem_free(bf16);
        mem_free(bytes);
        network_free(&n);
    }
}

/* Some convolutions stay in higher precision: bytes and floats meet at the borders. */
static void sensitive_layers(void **state)
{
    (void)state;
    struct network n;
    size_t count;
    network_make(&n, "gelan-t", ACT_SILU);
    float *exact = run_network(&n, (struct run){.observer = observe}, &count);
    for (int every = 2; every < 9; every += 3) {
        int convolutions = 0;
        for (int i = 0; i < n.deployed.n_nodes; i++) {
            if (n.deployed.nodes[i].op == OP_CONV2D)
                n.deployed.nodes[i].u.conv.quant.on = convolutions++ % every != 0;
        }
        float *mixed = run_network(&n, (struct run){.precision = PRECISION_INT8}, &count);
        assert_true(distance(mixed, exact, count) < 0.1);
        mem_free(mixed);
    }
    mem_free(exact);
    network_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(converted_bytes_are_equal),
        cmocka_unit_test(int8_sums_are_exact),
        cmocka_unit_test(int8_convolutions),
        cmocka_unit_test(bf16_convolutions),
        cmocka_unit_test(bytes_in_other_ops),
        cmocka_unit_test(bf16_in_other_ops),
        cmocka_unit_test(networks_of_lower_precision),
        cmocka_unit_test(activations_of_lower_precision),
        cmocka_unit_test(sensitive_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
