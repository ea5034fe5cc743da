/* The kernel check. First every row of kernels.def by itself, with the check of its slot (tests/kernels/). Then
 * convolutions of random shapes, tails, strides and misaligned slices, forward and backward, in every
 * instruction set this CPU can run, against a plain double precision convolution. Neighbouring channels hold NaN
 * (a read that counts is seen) or a canary (a write is seen), and every buffer ends at a page that may not be
 * touched. Needs only core, kernels and ops/conv2d, so that it also runs alone under an emulator.
 *
 *   test_kernels [--seed N] [--rounds N]
 *   test_kernels --bench [--exact] [--cold] [--threads N] [--batch N] [--layer WORD]   GFLOP/s of a table of layers */
#include "core/clock.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "kernels/check.h"
#include "ops/conv2d.h"
#include "support/feature_masks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float canary = 12345.678f;

struct isa {
    const char *name;
    uint64_t features;
};

/* --- cases --- */

struct shape {
    int n, h, w, ic, oc, kh, kw, stride, pad, dilation, groups;
    enum act act;
    bool bias, residual;
};

struct map {
    struct guarded memory;
    struct tensor t;
};

static int below(struct rng *r, int n)
{
    return (int)rng_below(r, (uint64_t)n);
}

/* A slice of `c` channels at a random place of a wider home, or a tight map. The last pixel ends at the guard page. */
static struct map map_alloc(struct rng *r, int n, int h, int w, int c, float fill)
{
    size_t before = 0, stride = (size_t)c;
    switch (below(r, 4)) {
    case 0:
        break;
    case 1: /* aligned home, aligned slice */
        before = 16 * (size_t)below(r, 3);
        stride = (before + (size_t)c + 15) / 16 * 16 + 16 * (size_t)below(r, 2);
        break;
    default:
        before = (size_t)below(r, 20);
        stride = before + (size_t)c + (size_t)below(r, 20);
    }
    const size_t pixels = (size_t)n * (size_t)h * (size_t)w, floats = (pixels - 1) * stride + before + (size_t)c;
    const size_t slack = below(r, 2) ? 0 : (16 - floats % 16) % 16; /* half of them: the home is aligned */
    struct map m = {.memory = guarded_alloc(floats, slack)};
    for (size_t i = 0; i < floats; i++)
        m.memory.data[i] = fill;
    m.t = (struct tensor){.data = m.memory.data + before,
                          .n = n,
                          .h = h,
                          .w = w,
                          .c = c,
                          .pixel_stride = stride,
                          .image_stride = stride * (size_t)h * (size_t)w};
    return m;
}

static void map_random(struct map *m, struct rng *r)
{
    for (int i = 0; i < m->t.n * m->t.h * m->t.w; i++) {
        for (int c = 0; c < m->t.c; c++)
            m->t.data[(size_t)i * m->t.pixel_stride + (size_t)c] = (float)rng_normal(r);
    }
}

/* Nothing outside the slice changed. */
static bool map_clean(const struct map *m, float fill)
{
    const size_t before = (size_t)(m->t.data - m->memory.data);
    for (size_t i = 0; i < m->memory.count; i++) {
        size_t at = i + m->t.pixel_stride - before % m->t.pixel_stride;
        if (at % m->t.pixel_stride >= (size_t)m->t.c && memcmp(&m->memory.data[i], &fill, sizeof fill) != 0)
            return false;
    }
    return true;
}

static float *random_floats(size_t count, double scale, struct rng *r)
{
    float *p = mem_alloc(count, sizeof *p);
    for (size_t i = 0; p && i < count; i++)
        p[i] = (float)(scale * rng_normal(r));
    return p;
}

/* Channels and columns of very different size, as real networks have them: sums of whole channels would drown the small
 * ones. */
static void make_uneven(struct map *src, float *weights, int oc, struct rng *r)
{
    const int ic = src->t.c;
    for (int k = 0; k < ic; k++) {
        const int power = below(r, 13) - 6;
        for (int i = 0; i < src->t.n * src->t.h * src->t.w; i++)
            src->t.data[(size_t)i * src->t.pixel_stride + (size_t)k] *= ldexpf(1, power);
        for (int j = 0; j < oc; j++)
            weights[j * ic + k] *= ldexpf(1, -power);
    }
    for (int j = 0; j < oc; j++) {
        const float factor = ldexpf(1, below(r, 13) - 6);
        for (int k = 0; k < ic; k++)
            weights[j * ic + k] *= factor;
    }
}

struct worst {
    double units; /* largest error in units of 2^-24 times the sum of absolute terms */
    const char *where;
};

static void compare(struct worst *w, double got, double want, double absolute, const char *where)
{
    double units = fabs(got - want) / (ldexp(absolute, -24) + 1e-30);
    if (!(units <= w->units)) { /* also for NaN */
        w->units = isnan(units) ? INFINITY : units;
        w->where = where;
    }
}

static void check_forward(const struct shape *s, const struct call *c, const struct tensor *out, struct worst *worst)
{
    const int icg = s->ic / s->groups, ocg = s->oc / s->groups;
    for (int i = 0; i < out->n * out->h * out->w; i++) {
        const int image = i / (out->h * out->w), oy = i / out->w % out->h, ox = i % out->w;
        for (int o = 0; o < s->oc; o++) {
            double sum = s->bias ? c->param[1][o] : 0, absolute = fabs(sum) + 1e-3;
            for (int tap = 0; tap < s->kh * s->kw; tap++) {
                const int y = oy * s->stride - s->pad + tap / s->kw * s->dilation;
                const int x = ox * s->stride - s->pad + tap % s->kw * s->dilation;
                if (y < 0 || y >= s->h || x < 0 || x >= s->w)
                    continue;
                const float *p = tensor_pixel(&c->src[0], image, y, x) + o / ocg * icg;
                const float *weight = c->param[0] + (size_t)o * (size_t)(icg * s->kh * s->kw) + tap;
                for (int k = 0; k < icg; k++) {
                    double term = (double)p[k] * weight[(size_t)k * (size_t)(s->kh * s->kw)];
                    sum += term;
                    absolute += fabs(term);
                }
            }
            sum = act_exact(sum, s->act);
            if (s->residual) {
                double add = tensor_pixel(&c->src[1], image, oy, ox)[o];
                sum += add;
                absolute += fabs(add);
            }
            compare(worst, tensor_pixel(out, image, oy, ox)[o], sum, absolute, "forward");
        }
    }
}

/* want/absolute: d_src as [pixel][ic], d_weights in its own order, d_bias. */
static void check_backward(const struct shape *s, const struct call *c, const struct tensor *d_src_before,
                           const float *d_weights_before, const float *d_bias_before, struct worst *worst)
{
    const int icg = s->ic / s->groups, ocg = s->oc / s->groups, taps = s->kh * s->kw;
    const size_t n_src = (size_t)s->n * (size_t)(s->h * s->w) * (size_t)s->ic;
    const size_t n_weights = (size_t)s->oc * (size_t)(icg * taps);
    double *src = mem_calloc(2 * n_src, sizeof *src), *src_abs = src + n_src;
    double *w = mem_calloc(2 * n_weights, sizeof *w), *w_abs = w + n_weights;
    double *b = mem_calloc(2 * (size_t)s->oc, sizeof *b), *b_abs = b + s->oc;
    for (int i = 0; i < s->n * c->dst.h * c->dst.w; i++) {
        const int image = i / (c->dst.h * c->dst.w), oy = i / c->dst.w % c->dst.h, ox = i % c->dst.w;
        const float *d = tensor_pixel(&c->d_dst, image, oy, ox);
        for (int o = 0; o < s->oc; o++) {
            b[o] += d[o];
            b_abs[o] += fabs(d[o]);
            for (int tap = 0; tap < taps; tap++) {
                const int y = oy * s->stride - s->pad + tap / s->kw * s->dilation;
                const int x = ox * s->stride - s->pad + tap % s->kw * s->dilation;
                if (y < 0 || y >= s->h || x < 0 || x >= s->w)
                    continue;
                const float *p = tensor_pixel(&c->src[0], image, y, x) + o / ocg * icg;
                const size_t at = ((size_t)(image * s->h + y) * (size_t)s->w + (size_t)x) * (size_t)s->ic;
                for (int k = 0; k < icg; k++) {
                    const size_t wi = ((size_t)o * (size_t)icg + (size_t)k) * (size_t)taps + (size_t)tap;
                    const size_t si = at + (size_t)(o / ocg * icg + k);
                    double ts = (double)d[o] * c->param[0][wi], tw = (double)d[o] * p[k];
                    src[si] += ts;
                    src_abs[si] += fabs(ts);
                    w[wi] += tw;
                    w_abs[wi] += fabs(tw);
                }
            }
        }
    }
    for (size_t i = 0; i < n_src; i++) {
        const size_t pixel = i / (size_t)s->ic, k = i % (size_t)s->ic;
        double before = c->add[0] ? d_src_before->data[pixel * d_src_before->pixel_stride + k] : 0;
        compare(worst, c->d_src[0].data[pixel * c->d_src[0].pixel_stride + k], src[i] + before,
                src_abs[i] + fabs(before) + 1e-3, "d_src");
    }
    for (size_t i = 0; i < n_weights; i++)
        compare(worst, c->d_param[0][i], w[i] + d_weights_before[i], w_abs[i] + fabs(d_weights_before[i]), "d_weights");
    for (int i = 0; c->d_param[1] && i < s->oc; i++)
        compare(worst, c->d_param[1][i], b[i] + d_bias_before[i], b_abs[i] + fabs(d_bias_before[i]), "d_bias");
    mem_free(src);
    mem_free(w);
    mem_free(b);
}

static int out_size(int in, int k, const struct shape *s)
{
    return (in + 2 * s->pad - s->dilation * (k - 1) - 1) / s->stride + 1;
}

static void describe(const struct shape *s, const char *isa, const char *variant)
{
    printf("%s [%s]: n %d, %dx%d, %d -> %d, k %dx%d s%d p%d d%d g%d %s%s%s\n", isa, variant, s->n, s->h, s->w, s->ic,
           s->oc, s->kh, s->kw, s->stride, s->pad, s->dilation, s->groups, act_name(s->act), s->bias ? " bias" : "",
           s->residual ? " residual" : "");
}

static struct node node_of(const struct shape *s)
{
    return (struct node){.op = OP_CONV2D,
                         .u.conv = {.oc = s->oc,
                                    .kh = s->kh,
                                    .kw = s->kw,
                                    .stride = s->stride,
                                    .pad = s->pad,
                                    .dilation = s->dilation,
                                    .groups = s->groups,
                                    .bias = s->bias ? 1 : -1,
                                    .act = s->act,
                                    .residual = s->residual}};
}

/* Plan, give memory (NaN in it), pack. */
static void prepare(struct call *c, bool backward)
{
    if (cpu_conv2d.plan(c) != OK) {
        printf("plan: %s\n", fail_text());
        exit(2);
    }
    size_t scratch = MAX(c->scratch_floats, backward ? c->d_scratch_floats : 0);
    for (int i = 0; i < 2; i++)
        c->packed[i] = c->packed_floats[i] ? mem_alloc(c->packed_floats[i] + 1, sizeof(float)) : NULL;
    c->scratch = mem_alloc(scratch + 1, sizeof(float));
    for (size_t i = 0; i <= scratch; i++)
        c->scratch[i] = i == scratch ? canary : NAN;
    for (int i = 0; i < 2; i++) {
        if (c->packed[i])
            c->packed[i][c->packed_floats[i]] = canary;
    }
    cpu_conv2d.pack(c);
}

static bool finish(struct call *c, bool backward)
{
    size_t scratch = MAX(c->scratch_floats, backward ? c->d_scratch_floats : 0);
    bool clean = c->scratch[scratch] == canary;
    for (int i = 0; i < 2; i++)
        clean = clean && (!c->packed[i] || c->packed[i][c->packed_floats[i]] == canary);
    mem_free(c->scratch);
    mem_free(c->packed[0]);
    mem_free(c->packed[1]);
    return clean;
}

static double tolerance_of(const struct isa *isa, const char *slot)
{
    double result = 0;
#define KERNEL(name, variant, needs, tolerance)                                           \
    if (!strcmp(slot, #name) && (isa->features & (uint64_t)(needs)) == (uint64_t)(needs)) \
        result = tolerance;
#include "kernels/kernels.def"
#undef KERNEL
    return result;
}

/* Deployed form forward; returns whether all is well. */
static bool check_infer(struct rng *r, const struct shape *s, const struct isa *isa, struct team *team, bool exact,
                        double tolerance, struct worst *all)
{
    const int oh = out_size(s->h, s->kh, s), ow = out_size(s->w, s->kw, s);
    struct node node = node_of(s);
    struct map src = map_alloc(r, s->n, s->h, s->w, s->ic, NAN), dst = map_alloc(r, s->n, oh, ow, s->oc, canary);
    struct map residual = map_alloc(r, s->n, oh, ow, s->oc, NAN);
    const int icg = s->ic / s->groups;
    map_random(&src, r);
    map_random(&residual, r);
    struct call c = {
        .node = &node,
        .src = {src.t, residual.t},
        .dst = dst.t,
        .team = team,
        .options = {.mode = RUN_INFER, .features = isa->features, .threads = team_size(team), .exact = exact}};
    c.param[0] = random_floats((size_t)s->oc * (size_t)(icg * s->kh * s->kw), 1 / sqrt(icg * s->kh * s->kw), r);
    c.param[1] = s->bias ? random_floats((size_t)s->oc, 0.5, r) : NULL;
    if (s->kh == 1 && s->kw == 1 && s->groups == 1 && below(r, 2))
        make_uneven(&src, c.param[0], s->oc, r);
    prepare(&c, false);
    cpu_conv2d.forward(&c);
    struct worst worst = {0};
    check_forward(s, &c, &dst.t, &worst);
    all->units = fmax(all->units, worst.units);
    const char *name = conv2d_variant_name(&c);
    if (!strncmp(name, "strassen", 8))
        tolerance = tolerance_of(isa, "strassen");
    bool clean = map_clean(&dst, canary);
    clean = finish(&c, false) && clean;
    bool good = clean && worst.units <= tolerance;
    if (!good) {
        describe(s, isa->name, name);
        printf("  forward: error %.1f units (tolerance %.0f), neighbours %s\n", worst.units, tolerance,
               clean ? "clean" : "OVERWRITTEN");
    }
    mem_free(c.param[0]);
    mem_free(c.param[1]);
    guarded_free(&src.memory);
    guarded_free(&dst.memory);
    guarded_free(&residual.memory);
    return good;
}

/* Training form, forward and backward. */
static bool check_train(struct rng *r, const struct shape *shape, const struct isa *isa, struct team *team,
                        double tolerance, struct worst *all)
{
    struct shape s = *shape;
    s.act = ACT_NONE;
    s.residual = false;
    const int oh = out_size(s.h, s.kh, &s), ow = out_size(s.w, s.kw, &s), icg = s.ic / s.groups;
    struct node node = node_of(&s);
    struct map src = map_alloc(r, s.n, s.h, s.w, s.ic, NAN), dst = map_alloc(r, s.n, oh, ow, s.oc, canary);
    struct map d_dst = map_alloc(r, s.n, oh, ow, s.oc, NAN), d_src = map_alloc(r, s.n, s.h, s.w, s.ic, canary);
    map_random(&src, r);
    map_random(&d_dst, r);
    map_random(&d_src, r);
    struct guarded before = guarded_alloc(d_src.memory.count, 0);
    memcpy(before.data, d_src.memory.data, before.count * sizeof(float));
    struct tensor d_src_before = d_src.t;
    d_src_before.data = before.data + (d_src.t.data - d_src.memory.data);
    struct call c = {.node = &node,
                     .src = {src.t},
                     .dst = dst.t,
                     .d_src = {d_src.t},
                     .d_dst = d_dst.t,
                     .team = team,
                     .options = {.mode = RUN_TRAIN, .features = isa->features, .threads = team_size(team)}};
    const size_t n_weights = (size_t)s.oc * (size_t)(icg * s.kh * s.kw);
    c.add[0] = below(r, 2);
    c.param[0] = random_floats(n_weights, 1 / sqrt(icg * s.kh * s.kw), r);
    c.param[1] = s.bias ? random_floats((size_t)s.oc, 0.5, r) : NULL;
    c.d_param[0] = random_floats(n_weights, 1, r);
    c.d_param[1] = s.bias ? random_floats((size_t)s.oc, 1, r) : NULL;
    float *d_weights = mem_alloc(n_weights, sizeof(float)), *d_bias = mem_alloc((size_t)s.oc, sizeof(float));
    memcpy(d_weights, c.d_param[0], n_weights * sizeof(float));
    if (s.bias)
        memcpy(d_bias, c.d_param[1], (size_t)s.oc * sizeof(float));
    prepare(&c, true);
    struct worst worst = {0};
    cpu_conv2d.forward(&c);
    check_forward(&s, &c, &dst.t, &worst);
    cpu_conv2d.backward(&c);
    check_backward(&s, &c, &d_src_before, d_weights, d_bias, &worst);
    all->units = fmax(all->units, worst.units);
    const char *name = conv2d_variant_name(&c);
    bool clean = map_clean(&dst, canary) && map_clean(&d_src, canary);
    clean = finish(&c, true) && clean;
    bool good = clean && worst.units <= tolerance;
    if (!good) {
        describe(&s, isa->name, name);
        printf("  training: %s error %.1f units (tolerance %.0f), add %d, neighbours %s\n",
               worst.where ? worst.where : "no", worst.units, tolerance, c.add[0], clean ? "clean" : "OVERWRITTEN");
    }
    for (int i = 0; i < 2; i++) {
        mem_free(c.param[i]);
        mem_free(c.d_param[i]);
    }
    mem_free(d_weights);
    mem_free(d_bias);
    guarded_free(&before);
    guarded_free(&src.memory);
    guarded_free(&dst.memory);
    guarded_free(&d_src.memory);
    guarded_free(&d_dst.memory);
    return good;
}

static struct shape random_shape(struct rng *r)
{
    static const int channels[] = {1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 64, 80, 96};
    struct shape s = {.n = 1 + below(r, 2), .h = 1 + below(r, 18), .w = 1 + below(r, 18), .dilation = 1, .groups = 1};
    s.ic = channels[below(r, COUNT(channels))];
    s.oc = channels[below(r, COUNT(channels))];
    if (below(r, 12) == 0) { /* weights that outgrow the caches are cut in other ways */
        s.ic = 128 + below(r, 40);
        s.oc = 128 + below(r, 60);
    }
    s.stride = 1 + (below(r, 3) == 0);
    switch (below(r, 12)) {
    case 0:
    case 1:
        s.kh = s.kw = 1;
        break;
    case 2: /* a wide 1x1, mostly of an even number of pixels */
        s.kh = s.kw = s.stride = 1;
        s.ic = 128 + 32 * below(r, 5);
        s.oc = 256 + 32 * below(r, 3);
        s.w += s.w % 2 && below(r, 4);
        break;
    case 3: /* anything */
        s.kh = 1 + below(r, 5);
        s.kw = 1 + below(r, 5);
        s.dilation = 1 + below(r, 2);
        s.stride = 1 + below(r, 3);
        s.pad = below(r, 4);
        break;
    case 4: /* groups */
        s.groups = 1 << below(r, 3);
        s.ic *= s.groups;
        s.oc *= s.groups;
        s.kh = s.kw = below(r, 2) ? 3 : 1;
        s.pad = s.kh / 2;
        break;
    case 5: /* depthwise */
        s.groups = s.oc = s.ic;
        s.kh = s.kw = 3;
        s.pad = 1;
        break;
    case 6: /* a map large enough for F(5x5) */
        s.kh = s.kw = 3;
        s.stride = s.pad = s.n = 1;
        s.h = 80 + below(r, 4);
        s.w = 80 + below(r, 4);
        s.ic = 32 + below(r, 2) * 16;
        s.oc = 32 + below(r, 4);
        break;
    default:
        s.kh = s.kw = 3;
        s.pad = 1;
    }
    if (s.h + 2 * s.pad < s.dilation * (s.kh - 1) + 1)
        s.h = s.dilation * (s.kh - 1) + 1;
    if (s.w + 2 * s.pad < s.dilation * (s.kw - 1) + 1)
        s.w = s.dilation * (s.kw - 1) + 1;
    s.act = (enum act)below(r, ACT_COUNT);
    s.bias = below(r, 2);
    s.residual = below(r, 3) == 0;
    return s;
}

static int list_isas(struct isa out[MASKS_MOST])
{
    uint64_t masks[MASKS_MOST];
    const int n = masks_of_levels(masks);
    for (int i = 0; i < n; i++)
        out[i] = (struct isa){cpu_level(masks[i]), masks[i]};
    return n;
}

/* --- every kernel by itself --- */

struct kernel_row {
    const char *name;
    uint64_t needs;
    double tolerance;
};

/* "avx512, avx512bf16" */
static const char *set_names(uint64_t features)
{
    static char names[16 * CPU_SETS + 1];
    size_t at = 0;
    for (int i = 0; i < CPU_SETS; i++) {
        if (features & UINT64_C(1) << i)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", cpu_set_name(i));
    }
    return names;
}

/* Whether a row's kernel runs here; where it does not that is said, so that nobody takes it for checked. */
static bool row_begins(const struct kernel_row *row, struct kernel_check *c, uint64_t seed, int rounds)
{
    *c = (struct kernel_check){.rng = rng_seed(seed, 2, 0), .cases = rounds, .where = ""};
    if ((cpu_features() & row->needs) == row->needs)
        return true;
    if ((cpu_found() & row->needs) == row->needs)
        printf("left out by Y9_CPU: %s\n", row->name);
    else
        printf("not run here: %s, this processor has no %s\n", row->name, set_names(row->needs & ~cpu_found()));
    return false;
}

static bool row_ends(const struct kernel_row *row, const struct kernel_check *c)
{
    const bool good = c->units <= row->tolerance;
    printf("%s %s: largest error %.2f units (tolerance %.0f)%s%s\n", good ? "pass" : "fail", row->name, c->units,
           row->tolerance, *c->where ? ", " : "", c->where);
    return good;
}

/* The check of its slot for every row of kernels.def. Returns how many failed. */
static int check_rows(uint64_t seed, int rounds)
{
    struct kernel_check c;
    struct kernel_row row;
    int bad = 0, run = 0;
#define KERNEL(slot, variant, needs, tolerance)                          \
    row = (struct kernel_row){#variant, (uint64_t)(needs), (tolerance)}; \
    if (row_begins(&row, &c, seed, rounds)) {                            \
        check_##slot(&c, &variant);                                      \
        bad += !row_ends(&row, &c);                                      \
        run++;                                                           \
    }
#include "kernels/kernels.def"
#undef KERNEL
    printf("%d kernels run one by one with %s\n", run, cpu_features() ? set_names(cpu_features()) : "plain C only");
    return bad;
}

static int check(uint64_t seed, int rounds)
{
    struct isa isas[MASKS_MOST];
    const int n_isas = list_isas(isas);
    struct team *team = NULL;
    int bad = check_rows(seed, rounds);
    if (team_create(3, &team) != OK)
        return 2;
    for (int i = 0; i < n_isas; i++) {
        struct worst direct = {0}, any = {0}, train = {0};
        const double exact = tolerance_of(&isas[i], "conv_tile"), fast = tolerance_of(&isas[i], "winograd");
        for (int round = 0; round < rounds; round++) {
            struct rng r = rng_seed(seed, (uint64_t)round, 0);
            struct shape s = random_shape(&r);
            struct team *with = round % 2 ? team : NULL;
            bad += !check_infer(&r, &s, &isas[i], with, true, exact, &direct);
            bad += !check_infer(&r, &s, &isas[i], with, false, fast, &any);
            bad += !check_train(&r, &s, &isas[i], with, fast, &train);
        }
        printf("%-7s %d rounds, seed %llu: largest error exact %.2f, chosen %.2f, training %.2f units\n", isas[i].name,
               rounds, (unsigned long long)seed, direct.units, any.units, train.units);
    }
    team_destroy(team);
    printf("%s\n", bad ? "FAILED" : "passed");
    return bad != 0;
}

/* --- bench --- */

/* Layers of gelan-t/s/c at 640 and the gradient shapes that go with them. */
static const struct {
    const char *name;
    struct shape s;
} layers[] = {
    {"stem T 3x3 s2 3->16 640", {1, 640, 640, 3, 16, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"stem C 3x3 s2 3->64 640", {1, 640, 640, 3, 64, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"s2 T 16->32 320", {1, 320, 320, 16, 32, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"s2 C 64->128 320", {1, 320, 320, 64, 128, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"s2 S 128->192 80", {1, 80, 80, 128, 192, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"s2 C 256->256 40", {1, 40, 40, 256, 256, 3, 3, 2, 1, 1, 1, ACT_SILU, true}},
    {"3x3 16->16 160", {1, 160, 160, 16, 16, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 32->32 160", {1, 160, 160, 32, 32, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 64->64 160", {1, 160, 160, 64, 64, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 16->16 80 residual", {1, 80, 80, 16, 16, 3, 3, 1, 1, 1, 1, ACT_SILU, true, true}},
    {"3x3 32->32 80", {1, 80, 80, 32, 32, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 64->64 80", {1, 80, 80, 64, 64, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 128->128 80", {1, 80, 80, 128, 128, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 256->256 80", {1, 80, 80, 256, 256, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 24->24 40", {1, 40, 40, 24, 24, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 48->48 40", {1, 40, 40, 48, 48, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 96->128 40", {1, 40, 40, 96, 128, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 128->128 40", {1, 40, 40, 128, 128, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 256->256 40", {1, 40, 40, 256, 256, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 512->256 40", {1, 40, 40, 512, 256, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 512->512 20", {1, 20, 20, 512, 512, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 64->64 20", {1, 20, 20, 64, 64, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 256->256 20", {1, 20, 20, 256, 256, 3, 3, 1, 1, 1, 1, ACT_SILU, true}},
    {"3x3 g4 64->64 80", {1, 80, 80, 64, 64, 3, 3, 1, 1, 1, 4, ACT_SILU, true}},
    {"3x3 depthwise 64 80", {1, 80, 80, 64, 64, 3, 3, 1, 1, 1, 64, ACT_SILU, true}},
    {"1x1 32->32 160", {1, 160, 160, 32, 32, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 64->32 160", {1, 160, 160, 64, 32, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 128->128 160", {1, 160, 160, 128, 128, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 64->64 80", {1, 80, 80, 64, 64, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 160->64 80", {1, 80, 80, 160, 64, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 1024->256 80", {1, 80, 80, 1024, 256, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 192->96 40", {1, 40, 40, 192, 96, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 512->512 40", {1, 40, 40, 512, 512, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 1024->512 40", {1, 40, 40, 1024, 512, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 1024->512 20", {1, 20, 20, 1024, 512, 1, 1, 1, 0, 1, 1, ACT_SILU, true}},
    {"1x1 256->80 80 head", {1, 80, 80, 256, 80, 1, 1, 1, 0, 1, 1, ACT_NONE, true}},
};

enum bench_pass { BENCH_FORWARD, BENCH_DGRAD, BENCH_WGRAD };

enum { COLD_FLOATS = 24 << 20 }; /* swept before each run with --cold: maps and weights come from memory */

static struct tensor bench_map(struct rng *r, int n, int h, int w, int c)
{
    const size_t stride = c == 3 ? 4 : ((size_t)c + 15) / 16 * 16;
    struct tensor t = {
        .n = n, .h = h, .w = w, .c = c, .pixel_stride = stride, .image_stride = stride * (size_t)h * (size_t)w};
    t.data = random_floats(t.image_stride * (size_t)n, 1, r);
    return t;
}

/* GFLOP/s: the fastest of many runs, because other work shares the machine. One thread is timed in processor seconds,
 * which leave out the time slices of others. */
static double bench_call(const struct call *c, enum bench_pass pass, double flops, float *cold)
{
    double (*const now)(void) = team_size(c->team) == 1 ? clock_cpu_seconds : clock_seconds;
    double best = 1e30, start = now();
    for (int i = 0; i < 400 && (i < 5 || now() - start < 0.15); i++) {
        for (size_t k = 0; cold && k < COLD_FLOATS; k += 16)
            cold[k] += 1;
        double t = now();
        pass == BENCH_FORWARD ? cpu_conv2d.forward(c) : cpu_conv2d.backward(c);
        best = fmin(best, now() - t);
    }
    return flops / best * 1e-9;
}

static void bench_layer(int index, int batch, const struct isa *isa, bool exact, struct team *team, float *cold)
{
    struct rng r = rng_seed(7, (uint64_t)index, 0);
    struct shape shape = layers[index].s, *s = &shape;
    s->n = batch;
    const int oh = out_size(s->h, s->kh, s), ow = out_size(s->w, s->kw, s), icg = s->ic / s->groups;
    const double flops = 2.0 * oh * ow * s->oc * icg * s->kh * s->kw * s->n;
    double rate[3] = {0};
    char name[3][64] = {"", "", ""};
    struct tensor src = bench_map(&r, s->n, s->h, s->w, s->ic), dst = bench_map(&r, s->n, oh, ow, s->oc);
    struct tensor second = bench_map(&r, s->n, oh, ow, s->oc), d_src = bench_map(&r, s->n, s->h, s->w, s->ic);
    const size_t n_weights = (size_t)s->oc * (size_t)(icg * s->kh * s->kw);
    float *weights = random_floats(n_weights, 0.05, &r), *bias = random_floats((size_t)s->oc, 0.5, &r);
    float *d_weights = random_floats(n_weights, 1, &r);
    for (int pass = 0; pass < 3; pass++) {
        struct node node = node_of(s);
        if (pass != BENCH_FORWARD)
            node.u.conv.act = ACT_NONE, node.u.conv.residual = false;
        struct call c = {.node = &node,
                         .src = {src, second},
                         .dst = dst,
                         .d_dst = second,
                         .team = team,
                         .param = {weights, bias},
                         .options = {.mode = pass ? RUN_TRAIN : RUN_INFER,
                                     .features = isa->features,
                                     .threads = team_size(team),
                                     .exact = exact}};
        if (pass == BENCH_DGRAD)
            c.d_src[0] = d_src;
        if (pass == BENCH_WGRAD)
            c.d_param[0] = d_weights;
        prepare(&c, pass != 0);
        snprintf(name[pass], sizeof name[pass], "%s", conv2d_variant_name(&c));
        rate[pass] = bench_call(&c, (enum bench_pass)pass, flops, cold);
        finish(&c, pass != 0);
    }
    printf("%-26s %7.0f %7.0f %7.0f   %8.3f ms  %s\n", layers[index].name, rate[0], rate[1], rate[2],
           flops / rate[0] * 1e-6, name[0]);
    fflush(stdout);
    mem_free(src.data);
    mem_free(dst.data);
    mem_free(second.data);
    mem_free(d_src.data);
    mem_free(weights);
    mem_free(bias);
    mem_free(d_weights);
}

static int bench(const char *word, int batch, bool exact, int threads, bool cold)
{
    float *sweep = cold ? mem_calloc(COLD_FLOATS, sizeof *sweep) : NULL;
    struct isa isas[MASKS_MOST];
    const int n_isas = list_isas(isas);
    const struct isa *isa = &isas[n_isas - 1]; /* the best one; Y9_CPU=... for others */
    struct team *team = NULL;
    if (threads > 1 && team_create(threads, &team) != OK)
        return 2;
    printf("GFLOP/s on %s, %s, %d thread(s)%s\n%-26s %7s %7s %7s\n", cpu_name(), isa->name, threads,
           exact ? ", exact" : "", "layer", "forward", "dgrad", "wgrad");
    for (int i = 0; i < COUNT(layers); i++) {
        if (!word || strstr(layers[i].name, word))
            bench_layer(i, batch, isa, exact, team, sweep);
    }
    team_destroy(team);
    mem_free(sweep);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: test_kernels [--seed N] [--rounds N]\n"
                    "       test_kernels --bench [--exact] [--cold] [--threads N] [--batch N] "
                    "[--layer WORD]\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    int rounds = 150, threads = 1, batch = 1;
    bool benching = false, exact = false, cold = false;
    const char *word = NULL;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--bench"))
            benching = true;
        else if (!strcmp(argv[i], "--exact"))
            exact = true;
        else if (!strcmp(argv[i], "--cold"))
            cold = true;
        else if (!value)
            return usage();
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(value, NULL, 10), i++;
        else if (!strcmp(argv[i], "--rounds"))
            rounds = atoi(value), i++;
        else if (!strcmp(argv[i], "--threads"))
            threads = atoi(value), i++;
        else if (!strcmp(argv[i], "--batch"))
            batch = MAX(1, atoi(value)), i++;
        else if (!strcmp(argv[i], "--layer"))
            word = value, i++;
        else
            return usage();
    }
    return benching ? bench(word, batch, exact, threads, cold) : check(seed, rounds);
}
