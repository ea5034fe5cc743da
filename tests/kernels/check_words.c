/* Checks of conversions to words and of pools of bytes. */
#include "kernels/check.h"

#include "core/status.h"
#include "kernels/bf16_inline.h"

#include <math.h>
#include <string.h>

enum { MOST_TAPS = 9 };

static const float odd_floats[] = {0.0f, -0.0f, 1e-42f, -1e-42f, 1e-30f, INFINITY, -INFINITY, NAN,    3.4e38f, -3.4e38f,
                                   1e9f, -1e9f, 0.5f,   1.5f,    2.5f,   -0.5f,    254.5f,    255.5f, 256.0f,  3e9f};

/* The two parts of a number that is neither too large nor too small are that number to 2^-17. */
static void check_parts(struct kernel_check *c, const struct word_run *r, size_t low)
{
    for (int i = 0; i < r->pixels * r->c; i++) {
        const double x = (double)r->src[(size_t)(i / r->c) * r->src_pixel + (size_t)(i % r->c)];
        const uint16_t *high = (const uint16_t *)r->dst + (size_t)(i / r->c) * r->dst_pixel * 2 + i % r->c;
        const double sum = (double)bf16_value(*high) + (double)bf16_value(high[2 * low]);
        if (fabs(x) > 1e-30 && fabs(x) < 1e38)
            check_true(c, fabs(sum - x) <= ldexp(fabs(x), -17), "parts of a number");
    }
}

void check_words(struct kernel_check *c, const struct words_kernel *tested)
{
    for (int round = 0; round < 4 * c->cases; round++) {
        const bool image = check_below(c, 5) == 0; /* three channels of four floats have a way of their own */
        const int channels = image ? 3 : 1 + check_below(c, 70), pixels = 1 + check_below(c, image ? 50 : 5);
        const int step = image ? 4 : channels + check_below(c, 9);
        const int words = image ? 2 : (channels + 1) / 2 + check_below(c, 5);
        const size_t floats = (size_t)(step * pixels);
        float *src = check_floats(c, floats);
        for (size_t i = 0; i < floats; i++)
            src[i] = check_below(c, 6) ? 40 * src[i] : odd_floats[check_below(c, COUNT(odd_floats))];
        struct word_run run = {.src = src,
                               .src_pixel = (size_t)step,
                               .pixels = pixels,
                               .c = channels,
                               .factor = 0.1f + (float)check_below(c, 30) / 10,
                               .zero = image ? 0 : (float)check_below(c, 256)};
        const size_t size = (size_t)(words * pixels);
        for (int kind = 0; kind < 2; kind++) {
            float *got = check_filled(c, size, 1), *want = check_filled(c, size, 1);
            run.dst_pixel = (size_t)(image && kind ? 1 : words);
            run.dst = got;
            (kind ? tested->to_bytes : tested->to_bf16)(&run);
            run.dst = want;
            (kind ? words__c.to_bytes : words__c.to_bf16)(&run);
            check_equal(c, got, want, size * sizeof *got, kind ? "bytes" : "bf16");
        }
        const size_t low = size + (size_t)check_below(c, 5);
        float *got = check_filled(c, low + size, 1), *want = check_filled(c, low + size, 1);
        run.dst_pixel = (size_t)words;
        run.dst = got;
        tested->split(&run, low);
        run.dst = want;
        words__c.split(&run, low);
        check_equal(c, got, want, (low + size) * sizeof *got, "parts");
        check_parts(c, &run, low);
        check_release(c);
    }
}

/* `got` is `exact` to the nearest, cut to 0 .. 255; sums that are halves but for rounding may go either way. */
static void compare_byte(struct kernel_check *c, int got, double exact, const char *where)
{
    check_true(c, fabs(got - fmin(255, fmax(0, exact))) <= 0.5 + 1e-4, where);
}

static void compare_pool(struct kernel_check *c, const struct byte_pool_run *r, bool mean)
{
    for (int i = 0; i < r->c; i++) {
        int most = 0, sum = 0;
        for (int tap = 0; tap < r->taps; tap++) {
            most = MAX(most, r->src[tap][i]);
            sum += r->src[tap][i];
        }
        const double value = mean ? (double)sum / r->taps : most;
        compare_byte(c, r->dst[i], value * (double)r->factor + (double)r->shift, mean ? "mean" : "max");
    }
}

void check_byte_pool(struct kernel_check *c, const struct byte_pool_kernel *tested)
{
    for (int round = 0; round < 4 * c->cases; round++) {
        const int channels = 1 + check_below(c, 150), taps = 1 + check_below(c, MOST_TAPS);
        const bool same = check_below(c, 2); /* no other scale: maxima are exact */
        const unsigned char *src[MOST_TAPS];
        for (int tap = 0; tap < taps; tap++) {
            const size_t words = (size_t)(channels + 3) / 4;
            unsigned char *bytes = (unsigned char *)check_filled(c, words, 0) + words * 4 - (size_t)channels;
            for (int i = 0; i < channels; i++)
                bytes[i] = (unsigned char)check_below(c, 256);
            src[tap] = bytes;
        }
        unsigned char dst[200];
        memset(dst, 77, sizeof dst);
        struct byte_pool_run run = {.src = src, .taps = taps, .c = channels, .dst = dst};
        run.factor = same ? 1 : 0.5f + (float)check_below(c, 100) / 64;
        run.shift = same ? 0 : (float)(check_below(c, 100) - 50);
        tested->max(&run);
        compare_pool(c, &run, false);
        tested->mean(&run);
        compare_pool(c, &run, true);
        tested->rescale(dst, src[0], channels, run.factor, run.shift);
        for (int i = 0; i < channels; i++)
            compare_byte(c, dst[i], src[0][i] * (double)run.factor + (double)run.shift, "rescale");
        check_true(c, dst[channels] == 77, "neighbours are overwritten");
        check_release(c);
    }
}
