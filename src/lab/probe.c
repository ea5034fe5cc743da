#include "lab/probe.h"

#include "core/mem.h"
#include "lab/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_OF_CLASS = 10 }; /* positions on and beside objects, for an area under the curve */

/* Ridges that are tried, in shares of the number of samples: features have variance 1. */
static const double ridges[] = {1e-8, 1e-6, 1e-4, 1e-2, 1};

/* A row of z: c features with mean 0 and variance 1, a 1, then t numbers and the object: what is predicted. Sums of
 * products of a fold are symmetric (width, width). */
struct fit {
    const struct samples *s;
    int inputs, targets, width; /* c + 1; t, or t + 1 with objects; both together */
    double *mean, *scale;       /* (c) */
    double *z;                  /* (width) a sample */
    double *gram;               /* (PROBE_FOLDS, width, width) */
    double *sum;                /* (width, width): of the folds that are fitted on */
    double *system;             /* (inputs, inputs) */
    double *weights, *tried;    /* (inputs, targets) */
    double *error, *spread;     /* (t, t): sums of products of errors, and of differences from the mean */
    double *difference;         /* (2 t): a sample's error and difference */
    double *photo_sums;         /* (photos, 2): squared errors and differences */
    double colour[2], all[2];   /* the same of mean colours (times pixels), and of all */
    float *score;               /* (n) of the object */
};

static size_t square(int n)
{
    return (size_t)n * (size_t)n;
}

static enum status fit_make(const struct samples *s, struct fit *f)
{
    *f = (struct fit){.s = s, .inputs = s->c + 1, .targets = s->t + (s->object != NULL)};
    f->width = f->inputs + f->targets;
    f->mean = mem_calloc(2 * (size_t)s->c, sizeof(double));
    f->z = mem_calloc((size_t)f->width, sizeof(double));
    f->gram = mem_calloc(PROBE_FOLDS * square(f->width), sizeof(double));
    f->sum = mem_calloc(square(f->width), sizeof(double));
    f->system = mem_calloc(square(f->inputs), sizeof(double));
    f->weights = mem_calloc((size_t)f->inputs * (size_t)f->targets, sizeof(double));
    f->tried = mem_calloc((size_t)f->inputs * (size_t)f->targets, sizeof(double));
    f->error = mem_calloc(square(s->t), sizeof(double));
    f->spread = mem_calloc(square(s->t), sizeof(double));
    f->difference = mem_calloc(2 * (size_t)s->t, sizeof(double));
    f->photo_sums = mem_calloc(2 * (size_t)s->photos, sizeof(double));
    f->score = mem_calloc((size_t)s->n, sizeof(float));
    if (!f->mean || !f->z || !f->gram || !f->sum || !f->system || !f->weights || !f->tried || !f->error || !f->spread ||
        !f->difference || !f->photo_sums || !f->score)
        return E_NOMEM;
    f->scale = f->mean + s->c;
    return OK;
}

static void fit_free(struct fit *f)
{
    double *const blocks[] = {f->mean,  f->z,     f->gram,   f->sum,        f->system,    f->weights,
                              f->tried, f->error, f->spread, f->difference, f->photo_sums};
    for (int i = 0; i < COUNT(blocks); i++)
        mem_free(blocks[i]);
    mem_free(f->score);
}

/* --- sums --- */

static enum status standardise(struct fit *f)
{
    const struct samples *s = f->s;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->c; k++)
            f->mean[k] += (double)s->x[(size_t)i * (size_t)s->c + (size_t)k] / s->n;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->c; k++) {
            const double d = s->x[(size_t)i * (size_t)s->c + (size_t)k] - f->mean[k];
            f->scale[k] += d * d / s->n;
        }
    for (int k = 0; k < s->c; k++) {
        if (!isfinite(f->scale[k]))
            return fail(E_NUMERIC, "feature %d is not finite: its values grew beyond what a float holds", k);
        f->scale[k] = f->scale[k] > 0 ? 1 / sqrt(f->scale[k]) : 0;
    }
    return OK;
}

static void fill_row(const struct fit *f, int i)
{
    const struct samples *s = f->s;
    const float *x = s->x + (size_t)i * (size_t)s->c, *y = s->y + (size_t)i * (size_t)s->t;
    for (int k = 0; k < s->c; k++)
        f->z[k] = (x[k] - f->mean[k]) * f->scale[k];
    f->z[s->c] = 1;
    for (int k = 0; k < s->t; k++)
        f->z[f->inputs + k] = y[k];
    if (s->object)
        f->z[f->inputs + s->t] = s->object[i];
}

static void add_products(double *sums, const double *v, int n)
{
    for (int k = 0; k < n; k++)
        for (int j = 0; j < n; j++)
            sums[(size_t)k * (size_t)n + (size_t)j] += v[k] * v[j];
}

static void sum_folds(const struct fit *f)
{
    for (int i = 0; i < f->s->n; i++) {
        fill_row(f, i);
        add_products(f->gram + f->s->fold[i] * square(f->width), f->z, f->width);
    }
}

/* --- ridge --- */

/* f->sum = all folds but these. */
static void leave_out(const struct fit *f, int test, int chosen_on)
{
    memset(f->sum, 0, square(f->width) * sizeof *f->sum);
    for (int k = 0; k < PROBE_FOLDS; k++)
        for (size_t i = 0; k != test && k != chosen_on && i < square(f->width); i++)
            f->sum[i] += f->gram[k * square(f->width) + i];
}

/* Weights of all targets for a ridge; the constant is not shrunk. A feature that never changes gets weight 0. */
static bool solve(const struct fit *f, double ridge, double *weights)
{
    const size_t width = (size_t)f->width, inputs = (size_t)f->inputs;
    const double count = f->sum[(inputs - 1) * width + inputs - 1];
    for (size_t k = 0; k < inputs; k++) {
        memcpy(f->system + k * inputs, f->sum + k * width, inputs * sizeof(double));
        memcpy(weights + k * (size_t)f->targets, f->sum + k * width + inputs, (size_t)f->targets * sizeof(double));
        if (k + 1 < inputs)
            f->system[k * inputs + k] += ridge * count + (f->scale[k] > 0 ? 0 : 1);
    }
    if (!cholesky(f->system, f->inputs))
        return false;
    cholesky_solve(f->system, f->inputs, weights, f->targets);
    return true;
}

/* Sum of squared errors of target k on a fold, from its sums. */
static double fold_error(const struct fit *f, int fold, const double *weights, int k)
{
    const double *g = f->gram + fold * square(f->width);
    const size_t width = (size_t)f->width, at = (size_t)(f->inputs + k);
    double sum = g[at * width + at];
    for (size_t i = 0; i < (size_t)f->inputs; i++) {
        const double w = weights[i * (size_t)f->targets + (size_t)k];
        double row = -2 * g[i * width + at];
        for (size_t j = 0; j < (size_t)f->inputs; j++)
            row += g[i * width + j] * weights[j * (size_t)f->targets + (size_t)k];
        sum += w * row;
    }
    return sum;
}

/* The ridges with the least error on the fold behind `test`: one for the pixels, one for the object. */
static void choose_ridges(const struct fit *f, int test, double *pixels, double *object)
{
    const int chosen_on = (test + 1) % PROBE_FOLDS;
    double least = INFINITY, least_object = INFINITY;
    *pixels = *object = ridges[COUNT(ridges) - 1];
    leave_out(f, test, chosen_on);
    for (int r = 0; r < COUNT(ridges); r++) {
        double error = 0;
        if (!solve(f, ridges[r], f->tried))
            continue;
        for (int k = 0; k < f->s->t; k++)
            error += fold_error(f, chosen_on, f->tried, k);
        const double on_object = f->s->object ? fold_error(f, chosen_on, f->tried, f->s->t) : 0;
        if (error < least)
            least = error, *pixels = ridges[r];
        if (on_object < least_object)
            least_object = on_object, *object = ridges[r];
    }
}

/* --- the test --- */

/* Products of a mean colour's errors, times pixels: the share that is not detail. */
static double of_colour(const double *v, int t)
{
    double colour[3] = {0}, sum = 0;
    for (int k = 0; k < t; k++)
        colour[k % 3] += v[k];
    for (int k = 0; k < 3; k++)
        sum += colour[k] * colour[k] / (t / 3);
    return sum;
}

static double dot(const struct fit *f, int target)
{
    double sum = 0;
    for (int i = 0; i < f->inputs; i++)
        sum += f->z[i] * f->weights[(size_t)i * (size_t)f->targets + (size_t)target];
    return sum;
}

static void test_sample(struct fit *f, int i)
{
    const int t = f->s->t, one = f->inputs - 1;
    double *error = f->difference, *difference = error + t, *photo = f->photo_sums + 2 * f->s->photo[i];
    const double count = f->sum[(size_t)one * (size_t)f->width + (size_t)one];
    fill_row(f, i);
    for (int k = 0; k < t; k++) {
        const double mean = f->sum[(size_t)one * (size_t)f->width + (size_t)(f->inputs + k)] / count;
        error[k] = f->z[f->inputs + k] - dot(f, k);
        difference[k] = f->z[f->inputs + k] - mean;
        photo[0] += error[k] * error[k];
        photo[1] += difference[k] * difference[k];
        f->all[0] += error[k] * error[k];
        f->all[1] += difference[k] * difference[k];
    }
    f->colour[0] += of_colour(error, t);
    f->colour[1] += of_colour(difference, t);
    add_products(f->error, error, t);
    add_products(f->spread, difference, t);
    if (f->s->object)
        f->score[i] = (float)dot(f, t);
}

static enum status test_fold(struct fit *f, int test)
{
    const int targets = f->targets;
    double pixels, object;
    choose_ridges(f, test, &pixels, &object);
    leave_out(f, test, test);
    if (!solve(f, object, f->tried) || !solve(f, pixels, f->weights))
        return fail(E_ARGUMENT, "the features' covariance cannot be inverted");
    for (int i = 0; i < f->inputs && f->s->object; i++)
        f->weights[(size_t)i * (size_t)targets + (size_t)f->s->t] =
            f->tried[(size_t)i * (size_t)targets + (size_t)f->s->t];
    for (int i = 0; i < f->s->n; i++)
        if (f->s->fold[i] == test)
            test_sample(f, i);
    return OK;
}

/* --- results --- */

struct scored {
    float score, object;
};

static int compare_scores(const void *a, const void *b)
{
    const float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

/* Of n positions; equal scores count half. NAN without LEAST_OF_CLASS of both. */
static double area(struct scored *p, int n)
{
    double on = 0, beside = 0, wins = 0;
    qsort(p, (size_t)n, sizeof *p, compare_scores);
    for (int i = 0; i < n;) {
        double equal_on = 0, equal_beside = 0;
        const float score = p[i].score;
        for (; i < n && p[i].score == score; i++)
            *(p[i].object > 0 ? &equal_on : &equal_beside) += 1;
        wins += equal_on * (beside + 0.5 * equal_beside);
        on += equal_on;
        beside += equal_beside;
    }
    return on >= LEAST_OF_CLASS && beside >= LEAST_OF_CLASS ? wins / (on * beside) : NAN;
}

static enum status measure_areas(const struct fit *f, struct probe_result *out)
{
    const struct samples *s = f->s;
    int known = 0;
    double sum = 0;
    struct scored *p = mem_alloc((size_t)s->n, sizeof *p);
    if (!p)
        return E_NOMEM;
    for (int first = 0; first < s->n;) {
        int n = 0;
        const int photo = s->photo[first];
        for (; first + n < s->n && s->photo[first + n] == photo; n++)
            p[n] = (struct scored){f->score[first + n], s->object[first + n]};
        out->photo_auc[photo] = area(p, n);
        if (isfinite(out->photo_auc[photo]))
            sum += out->photo_auc[photo], known++;
        first += n;
    }
    out->auc = known ? sum / known : NAN;
    mem_free(p);
    return OK;
}

static double share(const double sums[2])
{
    return sums[1] > 0 ? fmax(1 - sums[0] / sums[1], 0) : NAN;
}

/* 1/2 log2 det (m / n + noise); m (t, t) is overwritten. */
static double half_log_det(double *m, int t, int n, double noise)
{
    for (int k = 0; k < t; k++)
        for (int j = 0; j <= k; j++)
            m[(size_t)k * (size_t)t + (size_t)j] = m[(size_t)k * (size_t)t + (size_t)j] / n + (j == k ? noise : 0);
    return cholesky(m, t) ? 0.5 * cholesky_log2_det(m, t) : NAN;
}

static void conclude(struct fit *f, struct probe_result *out)
{
    const struct samples *s = f->s;
    const double detail[2] = {f->all[0] - f->colour[0], f->all[1] - f->colour[1]};
    out->r2 = share(f->all);
    out->r2_colour = share(f->colour);
    out->r2_detail = s->t > 3 ? share(detail) : NAN;
    for (int i = 0; i < s->photos; i++)
        out->photo_r2[i] = share(f->photo_sums + 2 * i);
    const double of_y = half_log_det(f->spread, s->t, s->n, s->noise);
    out->bits = fmax(of_y - half_log_det(f->error, s->t, s->n, s->noise), 0);
    out->bits_most = of_y - 0.5 * s->t * log2(s->noise);
}

enum status probe_measure(const struct samples *s, struct probe_result *out)
{
    enum status rc = OK;
    struct fit f = {0};
    *out = (struct probe_result){.auc = NAN};
    out->photo_r2 = mem_calloc((size_t)s->photos, sizeof(double));
    out->photo_auc = mem_calloc((size_t)s->photos, sizeof(double));
    TRY_CLEAN(out->photo_r2 && out->photo_auc ? OK : E_NOMEM);
    for (int i = 0; i < s->photos; i++)
        out->photo_auc[i] = NAN;
    TRY_CLEAN(fit_make(s, &f));
    TRY_CLEAN(standardise(&f));
    sum_folds(&f);
    for (int k = 0; k < PROBE_FOLDS; k++)
        TRY_CLEAN(test_fold(&f, k));
    if (s->object)
        TRY_CLEAN(measure_areas(&f, out));
    conclude(&f, out);
cleanup:
    fit_free(&f);
    return rc;
}

void probe_free(struct probe_result *r)
{
    mem_free(r->photo_r2);
    mem_free(r->photo_auc);
    *r = (struct probe_result){0};
}
