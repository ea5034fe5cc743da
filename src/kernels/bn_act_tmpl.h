/* Batch normalisation and activation, one source for every vector width: include a simd_<isa>.h first. Vectors run
 * over channels, so statistics are summed pixel by pixel whatever the width: they have the bits of plain C.
 *
 * GROUP vectors go through a step side by side, to fill the pipelines: GROUP pixels of narrow maps, GROUP vectors of
 * channels of wide ones. Either way memory is read nearly in order; strides of pixels inside a step halved the speed.
 */
#include "kernels/act_tmpl.h"
#include "kernels/slots.h"

enum {
    GROUP = ACT_GROUP,
    PAIR = 2,
    BLOCK_FLOATS = 1024, /* what is summed in registers before the sums go back to memory */
};

/* `n_src` and `act` are constants wherever a function below is called: each use becomes straight code. */

FORCE_INLINE vf load(const float *p, int n)
{
    return n == VL ? v_load(p) : v_load_n(p, n);
}

FORCE_INLINE void store(float *p, vf x, int n)
{
    if (n == VL)
        v_store(p, x);
    else
        v_store_n(p, x, n);
}

/* A step: pixels p .. p + mp - 1 times mk vectors of channels from k on, mp * mk <= GROUP. Vector j is pixel
 * p + j / mk, channels k + j % mk * VL; only its first n lanes count (n < VL: mk is 1). */
struct step {
    int p, k, n;
};

FORCE_INLINE size_t place(struct step s, int j, const int mk, size_t stride)
{
    return (size_t)(s.p + j / mk) * stride + (size_t)(s.k + j % mk * VL);
}

/* The sources of a step less their means, and z made of them. */
FORCE_INLINE void normalise(const struct bn_run *r, struct step s, const int mp, const int mk, vf x[][GROUP], vf *z,
                            const int n_src)
{
    for (int j = 0; j < mp * mk; j++) {
        const int k = s.k + j % mk * VL;
        for (int i = 0; i < n_src; i++) {
            x[i][j] = v_sub(load(r->src[i] + place(s, j, mk, r->src_stride[i]), s.n), v_load(r->mean[i] + k));
            z[j] = v_fma(x[i][j], v_load(r->scale[i] + k), i ? z[j] : v_load(r->beta + k));
        }
    }
}

/* The same and d_z = d_dst * act'(z), which takes the place of d_dst. */
FORCE_INLINE void make_d_z(const struct bn_run *r, struct step s, const int mp, const int mk, vf x[][GROUP], vf *d_z,
                           const int n_src, enum act act)
{
    vf z[GROUP];
    normalise(r, s, mp, mk, x, z, n_src);
    for (int j = 0; j < mp * mk; j++)
        d_z[j] = load(r->d_dst + place(s, j, mk, r->d_dst_stride), s.n);
    act_backward(d_z, z, mp * mk, act);
    for (int j = 0; j < mp * mk && act != ACT_NONE; j++)
        store(r->d_dst + place(s, j, mk, r->d_dst_stride), d_z[j], s.n);
}

/* --- sums of doubles --- */

struct sums {
    vd low, high;
};

FORCE_INLINE struct sums sums_load(const double *from)
{
    return (struct sums){vd_load(from), vd_load(from + VL / 2)};
}

FORCE_INLINE void sums_store(double *to, struct sums s)
{
    vd_store(to, s.low);
    vd_store(to + VL / 2, s.high);
}

FORCE_INLINE void sums_add(struct sums *s, vf x)
{
    s->low = vd_add(s->low, v_low(x));
    s->high = vd_add(s->high, v_high(x));
}

FORCE_INLINE void sums_fma(struct sums *s, vf a, vf b)
{
    s->low = vd_fma(v_low(a), v_low(b), s->low);
    s->high = vd_fma(v_high(a), v_high(b), s->high);
}

static inline int block_pixels(const struct bn_run *r)
{
    int pixels = BLOCK_FLOATS / r->c / GROUP * GROUP;
    return pixels < GROUP ? GROUP : pixels;
}

static void sums_clear(const struct bn_run *r, int rows)
{
    for (int row = 0; row < rows; row++)
        for (int k = 0; k < r->c; k += VL)
            sums_store(r->sum + (size_t)row * r->sum_stride + k, (struct sums){vd_zero(), vd_zero()});
}

/* --- statistics --- */

/* sum[.][0]: of x, sum[.][1]: of its squares */
FORCE_INLINE void statistics_step(const struct bn_run *r, int i, struct step s, const int mp, const int mk,
                                  size_t ahead, struct sums sum[][2])
{
    for (int j = 0; j < mp * mk; j++) {
        const float *src = r->src[i] + place(s, j, mk, r->src_stride[i]);
        vf x = load(src, s.n);
        __builtin_prefetch(src + ahead);
        sums_add(&sum[j % mk][0], x);
        sums_fma(&sum[j % mk][1], x, x);
    }
}

/* A block: pixels s.p .. end - 1. */
FORCE_INLINE void statistics_block(const struct bn_run *r, int i, struct step s, int end, const int mk)
{
    const size_t ahead = (size_t)(end - s.p) * r->src_stride[i];
    double *to = r->sum + (size_t)(2 * i) * r->sum_stride + s.k;
    struct sums sum[PAIR][2];
    for (int j = 0; j < mk; j++) {
        sum[j][0] = sums_load(to + j * VL);
        sum[j][1] = sums_load(to + j * VL + r->sum_stride);
    }
    for (; s.p + PAIR <= end; s.p += PAIR)
        statistics_step(r, i, s, PAIR, mk, ahead, sum);
    if (s.p < end)
        statistics_step(r, i, s, 1, mk, ahead, sum);
    for (int j = 0; j < mk; j++) {
        sums_store(to + j * VL, sum[j][0]);
        sums_store(to + j * VL + r->sum_stride, sum[j][1]);
    }
}

static void bn_statistics(const struct bn_run *r)
{
    const int block = block_pixels(r);
    sums_clear(r, 2 * r->n_src);
    for (int i = 0; i < r->n_src; i++)
        for (int p = 0; p < r->pixels; p += block) {
            int end = p + block < r->pixels ? p + block : r->pixels, k = 0;
            for (; k + PAIR * VL <= r->c; k += PAIR * VL)
                statistics_block(r, i, (struct step){p, k, VL}, end, PAIR);
            for (; k + VL <= r->c; k += VL)
                statistics_block(r, i, (struct step){p, k, VL}, end, 1);
            if (k < r->c)
                statistics_block(r, i, (struct step){p, k, r->c - k}, end, 1);
        }
}

/* --- forward --- */

FORCE_INLINE void forward_step(const struct bn_run *r, struct step s, const int mp, const int mk, const int n_src,
                               enum act act)
{
    vf x[MAX_BN_SRC][GROUP], z[GROUP];
    normalise(r, s, mp, mk, x, z, n_src);
    act_forward(z, mp * mk, act);
    for (int j = 0; j < mp * mk; j++) {
        if (r->residual)
            z[j] = v_add(z[j], load(r->residual + place(s, j, mk, r->residual_stride), s.n));
        store(r->dst + place(s, j, mk, r->dst_stride), z[j], s.n);
    }
}

/* --- backward --- */

/* sum[0]: of d_z, sum[i + 1]: of d_z * (src[i] - mean[i]); mp pixels of VL channels, added in float first. */
FORCE_INLINE void d_sums_step(const struct bn_run *r, struct step s, const int mp, int block, struct sums *sum,
                              const int n_src, enum act act)
{
    vf x[MAX_BN_SRC][GROUP], d_z[GROUP], total[1 + MAX_BN_SRC];
    make_d_z(r, s, mp, 1, x, d_z, n_src, act);
    for (int j = 0; j < mp; j++) {
        const struct step next = {s.p + block, s.k, s.n};
        __builtin_prefetch(r->d_dst + place(next, j, 1, r->d_dst_stride));
        for (int i = 0; i < n_src; i++)
            __builtin_prefetch(r->src[i] + place(next, j, 1, r->src_stride[i]));
        total[0] = j ? v_add(total[0], d_z[j]) : d_z[j];
        for (int i = 0; i < n_src; i++)
            total[i + 1] = j ? v_fma(d_z[j], x[i][j], total[i + 1]) : v_mul(d_z[j], x[i][j]);
    }
    for (int i = 0; i <= n_src; i++)
        sums_add(&sum[i], total[i]);
}

FORCE_INLINE void d_sums_block(const struct bn_run *r, struct step s, int end, const int n_src, enum act act)
{
    const int block = end - s.p;
    double *to = r->sum + s.k;
    struct sums sum[1 + MAX_BN_SRC];
    for (int i = 0; i <= n_src; i++)
        sum[i] = sums_load(to + (size_t)i * r->sum_stride);
    for (; s.p + GROUP <= end; s.p += GROUP)
        d_sums_step(r, s, GROUP, block, sum, n_src, act);
    for (; s.p < end; s.p++)
        d_sums_step(r, s, 1, block, sum, n_src, act);
    for (int i = 0; i <= n_src; i++)
        sums_store(to + (size_t)i * r->sum_stride, sum[i]);
}

FORCE_INLINE void d_sums_run(const struct bn_run *r, const int n_src, enum act act)
{
    const int block = block_pixels(r);
    for (int p = 0; p < r->pixels; p += block) {
        int end = p + block < r->pixels ? p + block : r->pixels, k = 0;
        for (; k + VL <= r->c; k += VL)
            d_sums_block(r, (struct step){p, k, VL}, end, n_src, act);
        if (k < r->c)
            d_sums_block(r, (struct step){p, k, r->c - k}, end, n_src, act);
    }
}

FORCE_INLINE void backward_step(const struct bn_run *r, struct step s, const int mp, const int mk, const int n_src,
                                enum act act)
{
    (void)act;
    vf d_z[GROUP];
    for (int j = 0; j < mp * mk; j++)
        d_z[j] = load(r->d_dst + place(s, j, mk, r->d_dst_stride), s.n);
    for (int i = 0; i < n_src; i++) {
        if (!r->d_src[i])
            continue;
        vf mean[GROUP], scale[GROUP], shift[GROUP], slope[GROUP];
        for (int j = 0; j < mk; j++) {
            const int k = s.k + j * VL;
            mean[j] = v_load(r->mean[i] + k);
            scale[j] = v_load(r->scale[i] + k);
            shift[j] = r->slope[i] ? v_load(r->shift[i] + k) : v_zero();
            slope[j] = r->slope[i] ? v_load(r->slope[i] + k) : v_zero();
        }
        for (int j = 0; j < mp * mk; j++) {
            vf x = load(r->src[i] + place(s, j, mk, r->src_stride[i]), s.n);
            vf pull = v_fma(v_sub(x, mean[j % mk]), slope[j % mk], shift[j % mk]);
            vf d = v_sub(v_mul(scale[j % mk], d_z[j]), pull);
            float *to = r->d_src[i] + place(s, j, mk, r->d_src_stride[i]);
            store(to, r->add[i] ? v_add(load(to, s.n), d) : d, s.n);
        }
    }
}

/* --- all pixels, step by step --- */

typedef void bn_step(const struct bn_run *r, struct step s, const int mp, const int mk, const int n_src, enum act act);

FORCE_INLINE void pixels(const struct bn_run *r, int p, const int mp, const int mk, const int n_src, enum act act,
                         bn_step *step)
{
    int k = 0;
    for (; mk > 1 && k + mk * VL <= r->c; k += mk * VL)
        step(r, (struct step){p, k, VL}, mp, mk, n_src, act);
    for (; k + VL <= r->c; k += VL)
        step(r, (struct step){p, k, VL}, mp, 1, n_src, act);
    if (k < r->c)
        step(r, (struct step){p, k, r->c - k}, mp, 1, n_src, act);
}

FORCE_INLINE void all_pixels(const struct bn_run *r, const int n_src, enum act act, bn_step *step)
{
    int p = 0;
    for (; r->c < GROUP * VL && p + GROUP <= r->pixels; p += GROUP)
        pixels(r, p, GROUP, 1, n_src, act, step);
    for (; p < r->pixels; p++)
        pixels(r, p, 1, GROUP, n_src, act, step);
}

FORCE_INLINE void forward_run(const struct bn_run *r, const int n_src, enum act act)
{
    all_pixels(r, n_src, act, forward_step);
}

FORCE_INLINE void backward_run(const struct bn_run *r, const int n_src, enum act act)
{
    all_pixels(r, n_src, act, backward_step);
}

/* --- choice of the straight code --- */

typedef void bn_body(const struct bn_run *r, const int n_src, enum act act);

FORCE_INLINE void by_sources(const struct bn_run *r, bn_body *body, enum act act)
{
    if (r->n_src == 1)
        body(r, 1, act);
    else if (r->n_src == 2)
        body(r, 2, act);
    else
        body(r, 3, act);
}

FORCE_INLINE void specialise(const struct bn_run *r, bn_body *body)
{
    switch (r->act) {
#define ACTIVATION(id, ...)            \
    case ACT_##id:                     \
        by_sources(r, body, ACT_##id); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

static void bn_forward(const struct bn_run *r)
{
    specialise(r, forward_run);
}

static void bn_d_sums(const struct bn_run *r)
{
    sums_clear(r, 1 + r->n_src);
    specialise(r, d_sums_run);
}

static void bn_backward(const struct bn_run *r)
{
    by_sources(r, backward_run, ACT_NONE);
}
