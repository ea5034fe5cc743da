/* Checks of convolutions by a matrix unit: random lines of points on guarded memory against double precision; the bits
 * of the unit's roundings; the real unit against its emulation. */
#include "core/status.h"
#include "kernels/bf16_inline.h"
#include "kernels/check.h"
#include "ops/conv2d_internal.h"

#include <math.h>
#include <string.h>

enum kind { FP32, BF16, BYTES };
enum { MOST_POINTS = 100, MOST_COLUMNS = 100, MOST_TAPS = 9, MOST_WORDS = 64 };

struct matrix_case {
    enum kind kind;
    struct matrix_run r;
    struct conv_tile finish;
    struct conv_bytes bytes;
    long tap[MOST_TAPS];
    int words, elements, parts, reach; /* words of a pixel; reach: words that the taps add to the last pixel */
    const float *a;                    /* what r.a points to */
    float *pixels, *weights;           /* of fp32 and bf16 as numbers, of every word of `a`; [column][tap][channel] */
    float *bias, *dst, *before, *residual, *addend;
    float *targets[MOST_POINTS];
    const float *residuals[MOST_POINTS], *addends[MOST_POINTS];
    size_t row; /* floats from a target to the next */
};

static float number(struct kernel_check *c, enum kind kind)
{
    const float x = (float)rng_normal(&c->rng);
    return kind == BF16 ? bf16_value(bf16_of(x)) : x;
}

/* Memory that ends with the last byte that may be read. */
static void source_make(struct kernel_check *c, struct matrix_case *s)
{
    struct matrix_run *r = &s->r;
    const int pixel = s->words + check_below(c, 6), read = MAX(r->points, MATRIX_POINTS);
    s->reach = 0;
    for (int i = 0; i < r->taps; i++) {
        const int at = check_below(c, 2 * pixel);
        s->tap[i] = 4L * at;
        s->reach = MAX(s->reach, at);
    }
    const int count = (read - 1) * pixel + s->reach + s->words;
    float *a = check_filled(c, (size_t)(count * s->parts), 0);
    s->pixels = check_filled(c, (size_t)(count * s->elements), 0);
    for (int i = 0; i < count * s->elements; i++) {
        if (s->kind == BYTES) {
            ((unsigned char *)a)[i] = (unsigned char)check_below(c, 256);
            s->pixels[i] = ((unsigned char *)a)[i];
            continue;
        }
        s->pixels[i] = number(c, s->kind);
        ((uint16_t *)a)[i] = bf16_of(s->pixels[i]);
        if (s->kind == FP32)
            ((uint16_t *)a)[count * 2 + i] = bf16_rest(s->pixels[i]);
    }
    s->a = a;
    r->a = (const char *)a;
    r->pixel = 4L * pixel;
    r->low = 4L * count;
    r->tap = s->tap;
}

static void put_weight(const struct matrix_case *s, float w, int part, char *to)
{
    const uint16_t half = part ? bf16_rest(w) : bf16_of(w);
    if (s->kind == BYTES)
        *to = (char)(signed char)w;
    else
        memcpy(to, &half, sizeof half);
}

static void weights_make(struct kernel_check *c, struct matrix_case *s)
{
    struct matrix_run *r = &s->r;
    const size_t bytes = matrix_panels_bytes(r->columns, r->taps, r->steps, r->step, s->parts);
    char *b = (char *)check_filled(c, bytes / 4, 0);
    const int channels = s->words * s->elements, words = r->step / 4;
    s->weights = check_filled(c, (size_t)(r->columns * r->taps * channels), 0);
    for (int i = 0; i < r->columns * r->taps * channels; i++)
        s->weights[i] = s->kind == BYTES ? (float)(check_below(c, 255) - 127) : number(c, s->kind);
    r->b = b;
    for (int column = 0; column < r->columns; column++) {
        const int first = column / MATRIX_COLUMNS * MATRIX_COLUMNS, halves = r->columns - first > 16 ? 2 : 1;
        char *panel = b + matrix_panels_bytes(first, r->taps, r->steps, r->step, s->parts);
        for (int i = 0; i < r->taps * channels * s->parts; i++) {
            const int part = i % s->parts, k = i / s->parts % channels, tap = i / s->parts / channels;
            const int word = k / s->elements, step = word / words;
            const long run =
                ((long)((tap * r->steps + step) * s->parts + part)) * halves + column % MATRIX_COLUMNS / 16;
            put_weight(s, s->weights[(column * r->taps + tap) * channels + k], part,
                       panel + run * r->step * 16 + word % words * 64 + column % 16 * 4 +
                           k % s->elements * (4 / s->elements));
        }
    }
}

static void target_make(struct kernel_check *c, struct matrix_case *s)
{
    struct matrix_run *r = &s->r;
    struct conv_tile *f = &s->finish;
    const size_t padded = (size_t)round_up(r->columns, MATRIX_COLUMNS);
    s->row = (size_t)(r->columns + check_below(c, 9));
    const size_t floats = (size_t)(r->points - 1) * s->row + (size_t)r->columns;
    s->bias = check_floats(c, 2 * padded);
    s->dst = check_floats(c, floats);
    s->before = check_copy(c, s->dst, floats);
    s->residual = check_floats(c, floats);
    s->addend = check_floats(c, floats);
    for (int i = 0; i < r->points; i++) {
        s->targets[i] = s->dst + (size_t)i * s->row;
        s->residuals[i] = s->residual + (size_t)i * s->row;
        s->addends[i] = s->addend + (size_t)i * s->row;
    }
    *f = (struct conv_tile){.dst = s->targets, .act = (enum act)check_below(c, ACT_COUNT)};
    f->residual = check_below(c, 3) ? NULL : s->residuals;
    if (s->kind == BYTES) {
        for (size_t j = 0; j < padded; j++)
            s->bias[padded + j] = 1e-6f * (float)(1 + check_below(c, 100));
        s->bytes = (struct conv_bytes){.scale_offset = padded, .residual_step = 1};
        f->bytes = &s->bytes;
    } else {
        f->accumulate = check_below(c, 3) == 0;
        f->addend = check_below(c, 3) ? NULL : s->addends;
    }
    f->bias = s->kind == BYTES || check_below(c, 2) ? s->bias : NULL;
    r->finish = f;
}

static void case_make(struct kernel_check *c, enum kind kind, struct matrix_case *s)
{
    *s = (struct matrix_case){.kind = kind, .elements = kind == BYTES ? 4 : 2, .parts = kind == FP32 ? 2 : 1};
    struct matrix_run *r = &s->r;
    r->points = 1 + check_below(c, check_below(c, 2) ? MOST_POINTS : 34);
    r->columns = 1 + check_below(c, MOST_COLUMNS);
    r->four = kind == FP32 && check_below(c, 2);
    r->taps = 1 + check_below(c, MOST_TAPS);
    r->steps = 1 + check_below(c, 4);
    r->step = 4 * (1 + check_below(c, 16));
    if (kind == FP32) { /* fewer terms than it is chosen for (ops/conv2d_matrix.c): from 540, and from 1080 on */
        r->taps = 6 + check_below(c, 4);
        r->steps = (r->four ? 3 : 6) + check_below(c, 2);
        r->step = 60 + 4 * check_below(c, 2);
    }
    r->block = MATRIX_POINTS * (1 + check_below(c, 4));
    s->words = r->steps * r->step / 4;
    source_make(c, s);
    weights_make(c, s);
    target_make(c, s);
}

static void case_compare(struct kernel_check *c, const struct matrix_case *s, int point, int column)
{
    const struct matrix_run *r = &s->r;
    const struct conv_tile *f = &s->finish;
    const int channels = s->words * s->elements;
    const size_t at = (size_t)point * s->row + (size_t)column;
    double sum = 0, absolute = 1e-3;
    for (int i = 0; i < r->taps * channels; i++) {
        const long from = ((long)point * r->pixel + s->tap[i / channels]) / 4 * s->elements + i % channels;
        const double term = (double)s->pixels[from] * (double)s->weights[column * r->taps * channels + i];
        sum += term;
        absolute += fabs(term);
    }
    if (s->kind == BYTES) {
        sum *= (double)f->bias[s->bytes.scale_offset + (size_t)column];
        absolute *= (double)f->bias[s->bytes.scale_offset + (size_t)column];
    }
    const double more[3] = {f->bias ? (double)f->bias[column] : 0, f->accumulate ? (double)s->before[at] : 0,
                            f->addend ? (double)s->addend[at] : 0};
    for (int i = 0; i < 3; i++) {
        sum += more[i];
        absolute += fabs(more[i]);
    }
    const double residual = f->residual ? (double)s->residual[at] : 0;
    check_compare(c, (double)s->dst[at], act_exact(sum, f->act) + residual, absolute + fabs(residual), "a sum");
}

/* Sums as they are, without anything behind them. */
static void plain_sums(struct matrix_case *s, const struct matrix_kernel *k, float *to)
{
    struct conv_tile f = {.dst = s->targets, .bytes = s->finish.bytes, .bias = s->kind == BYTES ? s->bias : NULL};
    for (int i = 0; i < s->r.points; i++)
        s->targets[i] = to + (size_t)i * s->row;
    struct matrix_run r = s->r;
    r.finish = &f;
    k->run(&r);
}

/* The unit's sums have the same bits as its emulation's; sums of bytes as plain C's, too. */
static void compare_bits(struct kernel_check *c, struct matrix_case *s, const struct matrix_kernel *k,
                         const struct matrix_kernel *like)
{
    const size_t floats = (size_t)(s->r.points - 1) * s->row + (size_t)s->r.columns;
    float *got = check_filled(c, floats, 0), *want = check_filled(c, floats, 0);
    for (int j = 0; s->kind == BYTES && j < round_up(s->r.columns, MATRIX_COLUMNS); j++) {
        s->bias[j] = 0;
        s->bias[s->bytes.scale_offset + (size_t)j] = 1;
    }
    plain_sums(s, k, got);
    plain_sums(s, like, want);
    check_equal(c, got, want, floats * sizeof *got, "bits of sums");
}

static void check_matrix(struct kernel_check *c, const struct matrix_kernel *k, const struct matrix_kernel *like,
                         enum kind kind)
{
    for (int round = 0; round < MAX(1, c->cases / 3); round++) {
        struct matrix_case s;
        case_make(c, kind, &s);
        k->run(&s.r);
        for (int i = 0; i < s.r.points; i++) {
            for (int j = 0; j < s.r.columns; j++)
                case_compare(c, &s, i, j);
            const size_t end = (size_t)i * s.row + (size_t)s.r.columns;
            if (i + 1 < s.r.points)
                check_equal(c, s.dst + end, s.before + end, (s.row - (size_t)s.r.columns) * sizeof *s.dst,
                            "neighbours are overwritten");
        }
        if (like)
            compare_bits(c, &s, k, like);
        check_release(c);
    }
}

/* One point and column: pairs of bf16 numbers, a step each. */
static float sum_of_pairs(const struct matrix_kernel *k, const float pairs[][2][2], int steps)
{
    uint16_t a[MATRIX_POINTS * 2 * 8] = {0}, b[16 * 2 * 8] = {0};
    for (int i = 0; i < steps; i++) {
        for (int e = 0; e < 2; e++) {
            a[2 * i + e] = bf16_of(pairs[i][0][e]);
            b[32 * i + e] = bf16_of(pairs[i][1][e]);
        }
    }
    const long tap = 0;
    float sum = -1, *dst = &sum;
    const struct conv_tile finish = {.dst = &dst};
    k->run(&(struct matrix_run){.points = 1,
                                .a = (const char *)a,
                                .pixel = 4 * steps,
                                .tap = &tap,
                                .taps = 1,
                                .steps = steps,
                                .step = 4,
                                .b = (const char *)b,
                                .columns = 1,
                                .block = MATRIX_POINTS,
                                .finish = &finish});
    return sum;
}

/* How the unit rounds: the products of a word's two halves are added first, what is too small for an exponent is 0, and
 * halves go to even. */
static void check_rounding(struct kernel_check *c, const struct matrix_kernel *k)
{
    const float tiny = ldexpf(1, -24), small = ldexpf(1, -64), half_ulp = ldexpf(1, -12);
    check_true(c, sum_of_pairs(k, (const float[][2][2]){{{1, 0}, {1, 0}}, {{tiny, tiny}, {1, 1}}}, 2) == 1 + 2 * tiny,
               "halves of a word are added first");
    check_true(c, sum_of_pairs(k, (const float[][2][2]){{{1, 0}, {1, 0}}, {{half_ulp, 0}, {half_ulp, 0}}}, 2) == 1,
               "half of a last digit goes to even");
    check_true(c, sum_of_pairs(k, (const float[][2][2]){{{small, 0}, {small, 0}}, {{small, 0}, {small, 0}}}, 2) == 0,
               "what is too small for an exponent is 0");
    check_true(c, sum_of_pairs(k, (const float[][2][2]){{{INFINITY, 0}, {1, 1}}}, 1) == INFINITY, "infinity stays");
}

#if defined(__x86_64__)
#define EMULATED(slot) (&slot##__emulated.kernel)
#else
#define EMULATED(slot) NULL
#endif

void check_matrix_fp32(struct kernel_check *c, const struct matrix_fp32_kernel *tested)
{
    check_matrix(c, &tested->kernel, tested->kernel.fast ? EMULATED(matrix_fp32) : NULL, FP32);
}

void check_matrix_bf16(struct kernel_check *c, const struct matrix_bf16_kernel *tested)
{
    if (tested->kernel.fast)
        check_rounding(c, &tested->kernel);
    check_matrix(c, &tested->kernel, tested->kernel.fast ? EMULATED(matrix_bf16) : NULL, BF16);
}

void check_matrix_bytes(struct kernel_check *c, const struct matrix_bytes_kernel *tested)
{
    check_matrix(c, &tested->kernel, &matrix_bytes__c.kernel, BYTES);
}
