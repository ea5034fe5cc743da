/* Plain C batch normalisation and activation: the oracle of every other variant. */
#include "kernels/c/act_inline.h"
#include "kernels/slots.h"

static const float *pixel(const struct bn_run *r, int i, int p)
{
    return r->src[i] + (size_t)p * r->src_stride[i];
}

static float normalise(const struct bn_run *r, int p, int k)
{
    float z = (pixel(r, 0, p)[k] - r->mean[0][k]) * r->scale[0][k] + r->beta[k];
    for (int i = 1; i < r->n_src; i++)
        z += (pixel(r, i, p)[k] - r->mean[i][k]) * r->scale[i][k];
    return z;
}

static void clear(const struct bn_run *r, int rows)
{
    for (int row = 0; row < rows; row++)
        for (int k = 0; k < r->c; k++)
            r->sum[(size_t)row * r->sum_stride + (size_t)k] = 0.0;
}

static void bn_statistics(const struct bn_run *r)
{
    clear(r, 2 * r->n_src);
    for (int i = 0; i < r->n_src; i++) {
        double *sum = r->sum + (size_t)(2 * i) * r->sum_stride, *squares = sum + r->sum_stride;
        for (int p = 0; p < r->pixels; p++) {
            const float *src = pixel(r, i, p);
            for (int k = 0; k < r->c; k++) {
                double x = (double)src[k];
                sum[k] += x;
                squares[k] += x * x;
            }
        }
    }
}

FORCE_INLINE void forward_run(const struct bn_run *r, const enum act act)
{
    for (int p = 0; p < r->pixels; p++) {
        float *dst = r->dst + (size_t)p * r->dst_stride;
        for (int k = 0; k < r->c; k++) {
            float y = act_value(normalise(r, p, k), act);
            dst[k] = r->residual ? y + r->residual[(size_t)p * r->residual_stride + (size_t)k] : y;
        }
    }
}

FORCE_INLINE void d_sums_run(const struct bn_run *r, const enum act act)
{
    for (int p = 0; p < r->pixels; p++) {
        float *d_dst = r->d_dst + (size_t)p * r->d_dst_stride;
        for (int k = 0; k < r->c; k++) {
            d_dst[k] *= act_derivative(normalise(r, p, k), act);
            double d_z = (double)d_dst[k];
            r->sum[k] += d_z;
            for (int i = 0; i < r->n_src; i++)
                r->sum[(size_t)(i + 1) * r->sum_stride + (size_t)k] +=
                    d_z * (double)(pixel(r, i, p)[k] - r->mean[i][k]);
        }
    }
}

/* `body` with the activation as a constant: a loop each. */
typedef void bn_body(const struct bn_run *r, const enum act act);

FORCE_INLINE void specialise(const struct bn_run *r, bn_body *body)
{
    switch (r->act) {
#define ACTIVATION(id, ...) \
    case ACT_##id:          \
        body(r, ACT_##id);  \
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
    clear(r, 1 + r->n_src);
    specialise(r, d_sums_run);
}

static void bn_backward(const struct bn_run *r)
{
    for (int p = 0; p < r->pixels; p++) {
        const float *d_z = r->d_dst + (size_t)p * r->d_dst_stride;
        for (int k = 0; k < r->c; k++) {
            for (int i = 0; i < r->n_src; i++) {
                if (!r->d_src[i])
                    continue;
                float d = r->scale[i][k] * d_z[k];
                if (r->slope[i])
                    d -= r->shift[i][k] + (pixel(r, i, p)[k] - r->mean[i][k]) * r->slope[i][k];
                float *to = r->d_src[i] + (size_t)p * r->d_src_stride[i] + k;
                *to = r->add[i] ? *to + d : d;
            }
        }
    }
}

KERNEL_TABLE(bn_act, c) = {"c", bn_statistics, bn_forward, bn_d_sums, bn_backward, ACTS_ALL};
