#include "lab/map_numbers.h"

#include "core/mem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ITERATIONS = 200 }; /* of the power method */

/* The part of a map that is photo and not border. */
struct window_of_map {
    struct tensor t;
    int top, left, h, w;
};

static const float *pixel(const struct window_of_map *m, int i)
{
    return tensor_pixel(&m->t, 0, m->top + i / m->w, m->left + i % m->w);
}

static struct window_of_map inner_window(const struct tensor *t, const struct letterbox *box)
{
    const double fy = (double)t->h / box->h, fx = (double)t->w / box->w;
    struct window_of_map m = {.t = *t, .top = (int)ceil(box->top * fy), .left = (int)ceil(box->left * fx)};
    m.h = MAX((int)floor((box->top + box->inner_h) * fy) - m.top, 1);
    m.w = MAX((int)floor((box->left + box->inner_w) * fx) - m.left, 1);
    m.top = MIN(m.top, t->h - m.h);
    m.left = MIN(m.left, t->w - m.w);
    return m;
}

/* Brightness (Rec. 601) of the picture's pixels below pixel i of the map, 0 to 255. */
static double brightness(const struct window_of_map *m, const struct image *input, int i)
{
    const int sy = MAX(input->h / m->t.h, 1), sx = MAX(input->w / m->t.w, 1);
    const int y0 = MIN((m->top + i / m->w) * sy, input->h - sy), x0 = MIN((m->left + i % m->w) * sx, input->w - sx);
    double sum = 0;
    for (int y = y0; y < y0 + sy; y++)
        for (int x = x0; x < x0 + sx; x++) {
            const uint8_t *p = input->data + ((size_t)y * (size_t)input->w + (size_t)x) * 3;
            sum += 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        }
    return sum / (sy * sx);
}

/* --- moments --- */

struct moments {
    int c;
    double *mean;       /* (c) */
    double *covariance; /* (c, c) */
};

static enum status moments_make(const struct window_of_map *m, struct moments *out)
{
    const int c = m->t.c, n = m->h * m->w;
    *out = (struct moments){.c = c, .mean = mem_calloc((size_t)c, sizeof(double))};
    out->covariance = mem_calloc((size_t)c * (size_t)c, sizeof(double));
    double *d = mem_calloc((size_t)c, sizeof *d);
    if (!out->mean || !out->covariance || !d) {
        mem_free(d);
        return E_NOMEM;
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c; k++)
            out->mean[k] += (double)pixel(m, i)[k] / n;
    for (int i = 0; i < n; i++) {
        const float *p = pixel(m, i);
        for (int k = 0; k < c; k++)
            d[k] = p[k] - out->mean[k];
        for (int k = 0; k < c; k++)
            for (int j = k; j < c; j++)
                out->covariance[k * c + j] += d[k] * d[j] / n;
    }
    for (int k = 0; k < c; k++)
        for (int j = 0; j < k; j++)
            out->covariance[k * c + j] = out->covariance[j * c + k];
    mem_free(d);
    return OK;
}

static void moments_free(struct moments *m)
{
    mem_free(m->mean);
    mem_free(m->covariance);
}

/* (tr C)^2 / tr C^2 */
static double directions(const struct moments *m)
{
    double trace = 0, squares = 0;
    for (int k = 0; k < m->c; k++)
        trace += m->covariance[k * m->c + k];
    for (int k = 0; k < m->c * m->c; k++)
        squares += m->covariance[k] * m->covariance[k];
    return squares > 0 ? trace * trace / squares : 0;
}

/* The first eigenvector of the covariance by the power method; `next` is room for as much. */
static void component(const struct moments *m, double *v, double *next)
{
    for (int k = 0; k < m->c; k++)
        v[k] = 1 + 0.01 * k; /* no eigenvector of a network stands upright on it */
    for (int step = 0; step < ITERATIONS; step++) {
        double norm = 0;
        for (int k = 0; k < m->c; k++) {
            next[k] = 0;
            for (int j = 0; j < m->c; j++)
                next[k] += m->covariance[k * m->c + j] * v[j];
            norm += next[k] * next[k];
        }
        if (norm <= 0)
            return;
        for (int k = 0; k < m->c; k++)
            v[k] = next[k] / sqrt(norm);
    }
}

/* --- reduction --- */

void reduction_words(enum reduction r, int channels, char *text, size_t size)
{
    static const char *const words[REDUCTIONS] = {
        [REDUCE_MEAN] = "mean of %d channels",
        [REDUCE_RMS] = "RMS of %d channels",
        [REDUCE_MAX] = "largest of %d channels",
        [REDUCE_COMPONENT] = "1st component of %d",
    };
    snprintf(text, size, words[r], channels);
}

static double reduce(enum reduction r, const float *p, int c, const struct moments *m, const double *v)
{
    double sum = 0, most = -DBL_MAX;
    for (int k = 0; k < c; k++) {
        sum += r == REDUCE_MEAN ? p[k] : r == REDUCE_RMS ? (double)p[k] * p[k] : v ? v[k] * (p[k] - m->mean[k]) : 0;
        most = fmax(most, p[k]);
    }
    return r == REDUCE_MAX ? most : r == REDUCE_MEAN ? sum / c : r == REDUCE_RMS ? sqrt(sum / c) : sum;
}

static double correlation(double n, double x, double y, double xx, double yy, double xy)
{
    const double vx = xx / n - x / n * (x / n), vy = yy / n - y / n * (y / n);
    const double least = 1e-12; /* rounding of a constant's variance, in shares of its square */
    if (vx <= least * xx / n || vy <= least * yy / n)
        return 0;
    return fmin(fmax((xy / n - x / n * (y / n)) / sqrt(vx * vy), -1), 1);
}

/* Of n numbers, one every `stride`. */
static double correlate(const float *values, size_t stride, const float *light, int n)
{
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        const double a = values[(size_t)i * stride], b = light[i];
        x += a, y += b, xx += a * a, yy += b * b, xy += a * b;
    }
    return correlation(n, x, y, xx, yy, xy);
}

/* The largest absolute correlation of one channel. */
static double best_channel(const struct window_of_map *m, const float *light, float *room)
{
    double best = 0;
    for (int k = 0; k < m->t.c; k++) {
        for (int i = 0; i < m->h * m->w; i++)
            room[i] = pixel(m, i)[k];
        best = fmax(best, fabs(correlate(room, 1, light, m->h * m->w)));
    }
    return best;
}

static void fill_values(const struct window_of_map *m, enum reduction reduction, const struct moments *moments,
                        const double *v, const float *light, struct feature_map *out)
{
    const int n = m->h * m->w;
    for (int i = 0; i < n; i++)
        out->values[i] = (float)reduce(reduction, pixel(m, i), m->t.c, moments, v);
    out->shown_correlation = correlate(out->values, 1, light, n);
    if (reduction != REDUCE_COMPONENT || out->shown_correlation >= 0)
        return;
    for (int i = 0; i < n; i++)
        out->values[i] = -out->values[i];
    out->shown_correlation = -out->shown_correlation;
}

enum status map_measure(const struct tensor *t, const struct image *input, const struct letterbox *box,
                        enum reduction reduction, struct feature_map *out)
{
    enum status rc = OK;
    struct moments moments = {0};
    const struct window_of_map m = inner_window(t, box);
    const size_t n = (size_t)m.h * (size_t)m.w;
    float *light = mem_alloc(n, sizeof *light), *room = mem_alloc(n, sizeof *room);
    double *v = mem_alloc(2 * (size_t)t->c, sizeof *v);
    out->h = t->h, out->w = t->w, out->c = t->c;
    out->inner_h = m.h, out->inner_w = m.w;
    out->values = mem_alloc(n, sizeof *out->values);
    TRY_CLEAN(light && room && v && out->values ? OK : E_NOMEM);
    TRY_CLEAN(moments_make(&m, &moments));
    for (size_t i = 0; i < n; i++)
        light[i] = (float)brightness(&m, input, (int)i);
    component(&moments, v, v + t->c);
    out->directions = directions(&moments);
    out->channel_correlation = best_channel(&m, light, room);
    fill_values(&m, reduction, &moments, v, light, out);
cleanup:
    moments_free(&moments);
    mem_free(light);
    mem_free(room);
    mem_free(v);
    return rc;
}
