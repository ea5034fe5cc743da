#include "train/loss_terms.h"

#include "core/cpu.h"
#include "detect/boxes.h"
#include "detect/decode.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

/* --- class --- */

enum { BLOCK = 1024 }; /* logits at a time: values and gradients stay in the first cache */

/* The varifocal loss (Zhang and others, 2021) of one element with sigmoid p and target t, with its published weights: a
 * positive counts by its target, t * BCE(p, t); a negative by how far it is wrong, ALPHA * p^GAMMA * BCE(p, 0). */
static double varifocal_value(double x, double sigmoid, double softplus, double t, double *d)
{
    const double ALPHA = 0.75, GAMMA = 2;
    if (t > 0) {
        *d = t * (sigmoid - t);
        return t * (softplus - t * x);
    }
    double factor = ALPHA * pow(sigmoid, GAMMA);
    *d = factor * (GAMMA * (1 - sigmoid) * softplus + sigmoid);
    return factor * softplus;
}

/* BCE with logits, positive weight and focal factor (SPEC 7.3, 7.4) of one element; *d = its derivative by x. */
static double class_value(const struct class_term *term, double x, double t, double *d)
{
    double e = exp(-fabs(x));
    double sigmoid = (x < 0 ? e : 1) / (1 + e);
    if (term->varifocal)
        return varifocal_value(x, sigmoid, log1p(e) + MAX(x, 0), t, d);
    double weight = 1 + (term->positive_weight - 1) * t;
    double value = (1 - t) * x + weight * (log1p(e) + MAX(-x, 0));
    *d = (1 - t) - weight * (1 - sigmoid);
    if (term->focal_gamma > 0) {
        double away = 1 - (t * sigmoid + (1 - t) * (1 - sigmoid)); /* 1 - p_t */
        double balance = t * 0.25 + (1 - t) * 0.75;
        double factor = balance * pow(away, term->focal_gamma);
        double d_away = -(2 * t - 1) * sigmoid * (1 - sigmoid);
        double d_factor = away > 0 ? factor * term->focal_gamma / away * d_away : 0;
        *d = *d * factor + value * d_factor;
        value *= factor;
    }
    return value;
}

static double weighted_block(const struct class_term *term, const float *x, float *d_x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double d;
        sum += class_value(term, x[i], 0, &d);
        d_x[i] = (float)(d * term->scale);
    }
    return sum;
}

static double zero_block(const struct class_term *term, const struct softplus_kernel *kernel, const float *x,
                         float *d_x, int n)
{
    bool weighted = term->varifocal || term->focal_gamma > 0;
    return weighted ? weighted_block(term, x, d_x, n) : kernel->run(x, d_x, (float)term->scale, (size_t)n);
}

double class_zero(const struct class_term *term, const float *x, size_t x_stride, float *d_x, size_t d_stride, int rows,
                  int columns)
{
    float block[BLOCK], d_block[BLOCK]; /* rows are packed: a row of three logits would waste the registers */
    const struct softplus_kernel *kernel = kernels_for(cpu_features()).softplus;
    double sum = 0;
    for (int c = 0; c < columns; c += BLOCK) {
        size_t width = (size_t)MIN(columns - c, BLOCK);
        int step = BLOCK / (int)width;
        for (int r = 0; r < rows; r += step) {
            int n = MIN(rows - r, step);
            for (int i = 0; i < n; i++)
                memcpy(block + (size_t)i * width, x + (size_t)(r + i) * x_stride + c, width * sizeof *x);
            sum += zero_block(term, kernel, block, d_block, n * (int)width);
            for (int i = 0; d_x && i < n; i++)
                memcpy(d_x + (size_t)(r + i) * d_stride + c, d_block + (size_t)i * width, width * sizeof *d_x);
        }
    }
    return sum;
}

double class_positive(const struct class_term *term, float x, float t, float *d_x)
{
    double d_zero, d;
    double zero = class_value(term, x, 0, &d_zero);
    double value = class_value(term, x, t, &d);
    if (d_x)
        *d_x = (float)(d * term->scale);
    return value - zero;
}

/* --- box and dfl --- */

/* ln(sum e^x) of one side, from its softmax: the largest bin's share is at least 1 / bins. */
static float log_sum_of(const float *x, const float *softmax, int bins)
{
    int top = 0;
    for (int j = 1; j < bins; j++)
        if (x[j] > x[top])
            top = j;
    return x[top] - logf(softmax[top]);
}

/* Where a true distance falls among the bins: between `low` and `low + 1`. */
struct bin_target {
    int low;
    float low_weight, high_weight;
};

static struct bin_target bin_target_of(float distance, int bins)
{
    float top = (float)bins - 1 - 0.01f;
    distance = distance < 0 ? 0 : distance > top ? top : distance;
    struct bin_target t = {.low = (int)distance};
    t.low_weight = (float)(t.low + 1) - distance;
    t.high_weight = 1 - t.low_weight;
    return t;
}

void box_positive(const struct box_term *term, const float *logits, float x, float y, const float target[4],
                  double value[2], float *d_logits)
{
    const int bins = term->bins;
    float p[4][DECODE_MAX_BINS], ltrb[4], box[4], d_box[4], target_ltrb[4];
    for (int side = 0; side < 4; side++)
        ltrb[side] = dfl_expectation(logits + side * bins, bins, p[side]);
    box_ltrb_to_xyxy(ltrb, x, y, box);
    box_xyxy_to_ltrb(target, x, y, target_ltrb);

    value[0] = 1.0 - box_ciou_gradient(box, target, 0, d_box);
    value[1] = 0;
    for (int side = 0; side < 4; side++) {
        const float *row = logits + side * bins;
        struct bin_target t = bin_target_of(target_ltrb[side], bins);
        float log_sum = log_sum_of(row, p[side], bins);
        value[1] +=
            0.25 * ((double)(log_sum - row[t.low]) * t.low_weight + (double)(log_sum - row[t.low + 1]) * t.high_weight);
        if (!d_logits)
            continue;
        /* left and top run against their coordinate, and the loss against CIoU */
        float d_distance = (float)term->box_scale * (side < 2 ? d_box[side] : -d_box[side]);
        float scale = 0.25f * (float)term->dfl_scale;
        float *d_row = d_logits + side * bins;
        for (int j = 0; j < bins; j++)
            d_row[j] = p[side][j] * (d_distance * ((float)j - ltrb[side]) + scale);
        d_row[t.low] -= scale * t.low_weight;
        d_row[t.low + 1] -= scale * t.high_weight;
    }
}
