#include "support/op_reference.h"

#include "support/activations.h"

#include <math.h>

int op_source_channels(const struct op_case *o)
{
    return o->src_c ? o->src_c : o->c;
}

/* Element (i, y, x, k) of a dense map. */
static size_t at(int h, int w, int c, int i, int y, int x, int k)
{
    return (((size_t)i * (size_t)h + (size_t)y) * (size_t)w + (size_t)x) * (size_t)c + (size_t)k;
}

static void bn_act_exact(const struct op_case *o, const double *const *src, const double *const *param, double *dst)
{
    const struct bn_act_attr *attr = &o->node.u.bn_act;
    size_t pixels = (size_t)o->n * (size_t)o->h * (size_t)o->w, c = (size_t)o->c;
    for (size_t k = 0; k < c; k++)
        for (size_t p = 0; p < pixels; p++)
            dst[p * c + k] = 0.0;
    for (int i = 0; i < attr->n_bn; i++)
        for (size_t k = 0; k < c; k++) {
            double mean = param[4 * i + 2][k], var = param[4 * i + 3][k];
            if (o->mode == RUN_TRAIN) {
                mean = var = 0.0;
                for (size_t p = 0; p < pixels; p++)
                    mean += src[i][p * c + k] / (double)pixels;
                for (size_t p = 0; p < pixels; p++)
                    var += pow(src[i][p * c + k] - mean, 2.0) / (double)pixels;
            }
            for (size_t p = 0; p < pixels; p++)
                dst[p * c + k] += (src[i][p * c + k] - mean) / sqrt(var + 1e-3) * param[4 * i][k] + param[4 * i + 1][k];
        }
    for (size_t p = 0; p < pixels * c; p++)
        dst[p] = act_exact(dst[p], attr->act) + (attr->residual ? src[attr->n_bn][p] : 0.0);
}

static double pool_reference(const struct op_case *o, const double *src, int i, int y, int x, int k)
{
    const struct pool_attr *pool = &o->node.u.pool;
    const struct extent size = o->size[0];
    double best = -INFINITY, sum = 0.0;
    for (int ky = 0; ky < pool->k; ky++)
        for (int kx = 0; kx < pool->k; kx++) {
            int v = y * pool->stride - pool->pad + ky, u = x * pool->stride - pool->pad + kx;
            if (v < 0 || v >= size.h || u < 0 || u >= size.w)
                continue;
            double value = src[at(size.h, size.w, o->c, i, v, u, k)];
            best = value > best ? value : best;
            sum += value;
        }
    return o->node.op == OP_MAXPOOL ? best : sum / (pool->k * pool->k);
}

/* Channel k of ReOrg is channel k % q of the pixel k / q of its square: down, then to the right. */
static double reorg_reference(const struct op_case *o, const double *src, int i, int y, int x, int k)
{
    const int q = o->c / 4;
    return src[at(2 * o->h, 2 * o->w, q, i, 2 * y + k / q % 2, 2 * x + k / q / 2, k % q)];
}

static double map_reference(const struct op_case *o, const double *const *src, const double *const *param, int i, int y,
                            int x, int k)
{
    double sum = 0.0;
    switch (o->node.op) {
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        return pool_reference(o, src[0], i, y, x, k);
    case OP_UPSAMPLE:
        return src[0][at(o->size[0].h, o->size[0].w, o->c, i, y / o->node.u.scale, x / o->node.u.scale, k)];
    case OP_FUSE:
        for (int s = 0; s < o->node.n_src; s++)
            sum += src[s][at(o->size[s].h, o->size[s].w, o->c, i, y * o->size[s].h / o->h, x * o->size[s].w / o->w, k)];
        return sum;
    case OP_REORG:
        return reorg_reference(o, src[0], i, y, x, k);
    case OP_IMPLICIT:
        sum = src[0][at(o->h, o->w, o->c, i, y, x, k)];
        return o->node.u.implicit.multiplies ? sum * param[0][k] : sum + param[0][k];
    case OP_GELU:
        sum = src[0][at(o->h, o->w, o->c, i, y, x, k)];
        return sum * 0.5 * erfc(-sum * sqrt(0.5));
    case OP_ACT:
        return act_exact(src[0][at(o->h, o->w, o->c, i, y, x, k)], o->node.u.act);
    default:
        return src[0][at(o->h, o->w, o->c, i, y, x, k)];
    }
}

void op_reference(const struct op_case *o, const double *const *src, const double *const *param, double *dst)
{
    if (o->node.op == OP_BN_ACT) {
        bn_act_exact(o, src, param, dst);
        return;
    }
    for (int i = 0; i < o->n; i++)
        for (int y = 0; y < o->h; y++)
            for (int x = 0; x < o->w; x++)
                for (int k = 0; k < o->c; k++)
                    dst[at(o->h, o->w, o->c, i, y, x, k)] = map_reference(o, src, param, i, y, x, k);
}
