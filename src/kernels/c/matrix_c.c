/* Convolutions by a matrix unit in plain C: the oracle, sums in their order without tiles. */
#include "kernels/c/matrix_inline.h"

/* The word `word` of a step, column `column` of the run, of part `part`. */
static const char *packed_word(const struct matrix_run *r, int parts, int column, int tap, int step, int part, int word)
{
    const int first = column / MATRIX_COLUMNS * MATRIX_COLUMNS, halves = r->columns - first > 16 ? 2 : 1;
    const long half = r->step * 16L, row = ((long)(tap * r->steps + step) * parts + part) * halves;
    return r->b + matrix_panels_bytes(first, r->taps, r->steps, r->step, parts) +
           (row + column % MATRIX_COLUMNS / 16) * half + word * 64 + column % 16 * 4;
}

static float bf16_dot(const char *a, const char *b)
{
    uint16_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return bf16_value(x[0]) * bf16_value(y[0]) + bf16_value(x[1]) * bf16_value(y[1]);
}

static int bytes_dot(const char *a, const char *b)
{
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += ((const unsigned char *)a)[i] * ((const signed char *)b)[i];
    return sum;
}

static void plain_sum(const struct matrix_run *r, int point, int column, const enum matrix_kind kind, float *out)
{
    const int parts = kind == MATRIX_FP32 ? 2 : 1;
    float sum = 0;
    int whole = 0;
    for (int i = 0; i < r->taps * r->steps * (r->step / 4); i++) {
        const int word = i % (r->step / 4), step = i / (r->step / 4) % r->steps, tap = i / (r->step / 4) / r->steps;
        const char *a = r->a + point * r->pixel + r->tap[tap] + step * r->step + word * 4;
        const char *b = packed_word(r, parts, column, tap, step, 0, word);
        if (kind == MATRIX_BYTES)
            whole += bytes_dot(a, b);
        else
            sum += bf16_dot(a, b);
        const char *low = packed_word(r, parts, column, tap, step, parts - 1, word);
        if (kind == MATRIX_FP32)
            sum += bf16_dot(a + r->low, b) + bf16_dot(a, low);
        if (kind == MATRIX_FP32 && r->four)
            sum += bf16_dot(a + r->low, low);
    }
    memcpy(out, kind == MATRIX_BYTES ? (const void *)&whole : (const void *)&sum, sizeof *out);
}

static void plain_run(const struct matrix_run *r, const enum matrix_kind kind)
{
    for (int point = 0; point < r->points; point++) {
        struct conv_tile one = *r->finish;
        one.m = one.nv = 1;
        one.dst += point;
        one.residual = one.residual ? one.residual + point : NULL;
        one.addend = one.addend ? one.addend + point : NULL;
        for (int column = 0; column < r->columns; column += 16) {
            float sums[16] = {0};
            one.n = MIN(16, r->columns - column);
            for (int j = 0; j < one.n; j++)
                plain_sum(r, point, column + j, kind, &sums[j]);
            one.dst_offset = one.residual_offset = one.addend_offset = (size_t)column;
            conv_epilogue(&one, sums);
            one.bias = one.bias ? one.bias + 16 : NULL;
        }
    }
}

static void plain_fp32(const struct matrix_run *r)
{
    plain_run(r, MATRIX_FP32);
}
static void plain_bf16(const struct matrix_run *r)
{
    plain_run(r, MATRIX_BF16);
}
static void plain_bytes(const struct matrix_run *r)
{
    plain_run(r, MATRIX_BYTES);
}

KERNEL_TABLE(matrix_fp32, c) = {{"fp32 in two parts, c", plain_fp32, false, ACTS_ALL}};
KERNEL_TABLE(matrix_bf16, c) = {{"bf16 c", plain_bf16, false, ACTS_ALL}};
KERNEL_TABLE(matrix_bytes, c) = {{"int8 c", plain_bytes, false, ACTS_ALL}};
