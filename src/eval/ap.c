#include "eval/ap.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TINY            1e-16 /* SPEC 12.4 */
#define SMOOTH_FRACTION 0.1

enum { AP_POINTS = 101 };

double ap_fitness(double map50, double map)
{
    return 0.1 * map50 + 0.9 * map;
}

/* Linear interpolation in a rising xp (equal neighbours allowed: the last one counts), as numpy.interp does it:
 * `left` below xp[0], the last value beyond the end. */
static double interpolate(double x, const double *xp, const double *fp, size_t n, double left)
{
    if (x < xp[0])
        return left;
    size_t low = 0, high = n; /* xp[low] <= x < xp[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (xp[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    if (low == n - 1 || xp[low] == x)
        return fp[low];
    double slope = (fp[low + 1] - fp[low]) / (xp[low + 1] - xp[low]);
    return slope * (x - xp[low]) + fp[low];
}

static double even_step(int i, int n) /* linspace(0, 1, n)[i] */
{
    return i == n - 1 ? 1.0 : i * (1.0 / (n - 1));
}

double ap_of_curve(const double *recall, const double *precision, size_t n, double *mrec, double *mpre)
{
    mrec[0] = 0;
    mpre[0] = 1;
    for (size_t i = 0; i < n; i++) {
        mrec[i + 1] = recall[i];
        mpre[i + 1] = precision[i];
    }
    mrec[n + 1] = 1;
    mpre[n + 1] = 0;
    for (size_t i = n + 1; i > 0; i--)
        mpre[i - 1] = MAX(mpre[i - 1], mpre[i]);
    double area = 0, x0 = 0, y0 = interpolate(0, mrec, mpre, n + 2, 0);
    for (int i = 1; i < AP_POINTS; i++) {
        double x = even_step(i, AP_POINTS), y = interpolate(x, mrec, mpre, n + 2, 0);
        area += (x - x0) * (y + y0) / 2;
        x0 = x;
        y0 = y;
    }
    return area;
}

void curve_smooth(const double *src, int n, double fraction, double *dst)
{
    int half = ((int)nearbyint(n * fraction * 2) / 2 + 1) / 2, width = 2 * half + 1;
    for (int i = 0; i < n; i++) { /* every window is summed anew: a running sum would make plateaus uneven */
        double sum = 0;
        for (int k = i - half; k <= i + half; k++)
            sum += src[k < 0 ? 0 : k >= n ? n - 1 : k] * (1.0 / width);
        dst[i] = sum;
    }
}

/* A record's place in the sort: by class, then by falling score, then as added. */
struct ranked_score {
    int class;
    float score;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct ranked_score *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Columns of one class's detections; all of `longest` + 2 doubles. */
struct class_scratch {
    double *memory, *falling_score, *recall, *precision, *recall50, *precision50, *mrec, *mpre;
};

static void class_result(struct ap_result *result, int row, const struct ap_record *records,
                         const struct ranked_score *place, size_t n, struct class_scratch *s)
{
    double n_labels = (double)result->labels[row];
    for (int t = 0; t < EVAL_IOUS; t++) {
        double tp = 0, fp = 0;
        double *recall = t == 0 ? s->recall50 : s->recall, *precision = t == 0 ? s->precision50 : s->precision;
        for (size_t i = 0; i < n; i++) {
            int right = (records[place[i].index].correct >> t) & 1;
            tp += right;
            fp += !right;
            recall[i] = tp / (n_labels + TINY);
            precision[i] = tp / (tp + fp);
        }
        result->ap[row][t] = ap_of_curve(recall, precision, n, s->mrec, s->mpre);
        for (int k = 0; k < AP_CURVE_POINTS && t == 0; k++)
            result->pr_curve[(size_t)row * AP_CURVE_POINTS + (size_t)k] =
                interpolate(even_step(k, AP_CURVE_POINTS), s->mrec, s->mpre, n + 2, 0);
    }
    for (size_t i = 0; i < n; i++)
        s->falling_score[i] = -(double)place[i].score;
    for (int k = 0; k < AP_CURVE_POINTS; k++) {
        size_t at = (size_t)row * AP_CURVE_POINTS + (size_t)k;
        double x = -even_step(k, AP_CURVE_POINTS);
        result->r_curve[at] = interpolate(x, s->falling_score, s->recall50, n, 0);
        result->p_curve[at] = interpolate(x, s->falling_score, s->precision50, n, 1);
    }
}

static enum status result_reserve(struct ap_result *result, const uint64_t *labels, int nc)
{
    memset(result, 0, sizeof(*result));
    for (int c = 0; c < nc; c++)
        result->n_classes += labels[c] > 0;
    size_t rows = (size_t)result->n_classes;
    result->class = mem_calloc(rows, sizeof(int));
    result->labels = mem_calloc(rows, sizeof(*result->labels));
    result->ap = mem_calloc(rows, sizeof(*result->ap));
    result->p = mem_calloc(5 * rows, sizeof(double));
    result->p_curve = mem_calloc(4 * rows, AP_CURVE_POINTS * sizeof(double));
    result->maps = mem_calloc((size_t)nc, sizeof(double));
    if (!result->class || !result->labels || !result->ap || !result->p || !result->p_curve || !result->maps)
        return E_NOMEM;
    result->r = result->p + rows;
    result->f1 = result->p + 2 * rows;
    result->tp = result->p + 3 * rows;
    result->fp = result->p + 4 * rows;
    result->r_curve = result->p_curve + rows * AP_CURVE_POINTS;
    result->f1_curve = result->p_curve + 2 * rows * AP_CURVE_POINTS;
    result->pr_curve = result->p_curve + 3 * rows * AP_CURVE_POINTS;
    int row = 0;
    for (int c = 0; c < nc; c++) {
        if (labels[c] == 0)
            continue;
        result->class[row] = c;
        result->labels[row++] = labels[c];
    }
    return OK;
}

void ap_free(struct ap_result *result)
{
    mem_free(result->class);
    mem_free(result->labels);
    mem_free(result->ap);
    mem_free(result->p);
    mem_free(result->p_curve);
    mem_free(result->maps);
    memset(result, 0, sizeof(*result));
}

/* The score at which the smoothed mean of the F1 curves is best, and what every class does there. */
static void operating_point(struct ap_result *result)
{
    double mean[AP_CURVE_POINTS] = {0}, smooth[AP_CURVE_POINTS];
    for (int row = 0; row < result->n_classes; row++)
        for (int k = 0; k < AP_CURVE_POINTS; k++) {
            size_t at = (size_t)row * AP_CURVE_POINTS + (size_t)k;
            double p = result->p_curve[at], r = result->r_curve[at];
            result->f1_curve[at] = 2 * p * r / (p + r + TINY);
            mean[k] += result->f1_curve[at] / result->n_classes;
        }
    curve_smooth(mean, AP_CURVE_POINTS, SMOOTH_FRACTION, smooth);
    for (int k = 1; k < AP_CURVE_POINTS; k++)
        if (smooth[k] > smooth[result->operating_point])
            result->operating_point = k;
    for (int row = 0; row < result->n_classes; row++) {
        size_t at = (size_t)row * AP_CURVE_POINTS + (size_t)result->operating_point;
        result->p[row] = result->p_curve[at];
        result->r[row] = result->r_curve[at];
        result->f1[row] = result->f1_curve[at];
        result->tp[row] = nearbyint(result->r[row] * (double)result->labels[row]);
        result->fp[row] = nearbyint(result->tp[row] / (result->p[row] + TINY) - result->tp[row]);
    }
}

static void summarize(struct ap_result *result, int nc)
{
    int rows = result->n_classes;
    for (int row = 0; row < rows; row++) {
        double mean = 0;
        for (int t = 0; t < EVAL_IOUS; t++)
            mean += result->ap[row][t] / EVAL_IOUS;
        result->precision += result->p[row] / rows;
        result->recall += result->r[row] / rows;
        result->map50 += result->ap[row][0] / rows;
        result->map += mean / rows;
    }
    result->fitness = ap_fitness(result->map50, result->map);
    for (int c = 0; c < nc; c++)
        result->maps[c] = result->map;
    for (int row = 0; row < rows; row++) {
        result->maps[result->class[row]] = 0;
        for (int t = 0; t < EVAL_IOUS; t++)
            result->maps[result->class[row]] += result->ap[row][t] / EVAL_IOUS;
    }
}

static enum status class_scratch_init(struct class_scratch *s, size_t longest)
{
    size_t column = longest + 2;
    s->memory = mem_alloc(7 * column, sizeof(double));
    if (!s->memory)
        return E_NOMEM;
    s->falling_score = s->memory;
    s->recall = s->memory + column;
    s->precision = s->memory + 2 * column;
    s->recall50 = s->memory + 3 * column;
    s->precision50 = s->memory + 4 * column;
    s->mrec = s->memory + 5 * column;
    s->mpre = s->memory + 6 * column;
    return OK;
}

enum status ap_compute(const struct ap_record *records, size_t n, const uint64_t *labels, int nc,
                       struct ap_result *result)
{
    enum status rc = OK;
    struct class_scratch scratch = {0};
    struct ranked_score *places = mem_alloc(n, sizeof(*places));
    TRY_CLEAN(result_reserve(result, labels, nc));
    TRY_CLEAN(places ? OK : E_NOMEM);
    for (size_t i = 0; i < n; i++)
        places[i] = (struct ranked_score){records[i].class, records[i].score, i};
    qsort(places, n, sizeof(*places), compare_places);
    TRY_CLEAN(class_scratch_init(&scratch, n));
    size_t first = 0;
    for (int row = 0; row < result->n_classes; row++) {
        while (first < n && places[first].class < result->class[row])
            first++;
        size_t end = first;
        while (end < n && places[end].class == result->class[row])
            end++;
        if (end > first) /* without detections every curve stays 0 */
            class_result(result, row, records, places + first, end - first, &scratch);
        first = end;
    }
    operating_point(result);
    summarize(result, nc);
cleanup:
    mem_free(scratch.memory);
    mem_free(places);
    if (rc != OK)
        ap_free(result);
    return rc;
}
