#include "image/warp.h"

#include "core/mem.h"

#include <assert.h>
#include <math.h>

enum { FRACTION_BITS = 5, FRACTION_ONE = 1 << FRACTION_BITS, STEP_BITS = 10 };

/* Places are integers of 1/32 pixel. Far beyond any picture they are clamped, which keeps them outside of it. */
static int64_t place(double x)
{
    static const double limit = 1e15;
    return x >= limit ? (int64_t)limit : x > -limit ? llrint(x) : -(int64_t)limit;
}

static uint8_t tap(const struct image *src, int64_t y, int64_t x, int c)
{
    if (y < 0 || y >= src->h || x < 0 || x >= src->w)
        return IMAGE_BORDER;
    return src->data[((size_t)y * (size_t)src->w + (size_t)x) * 3 + (size_t)c];
}

/* SPEC 11.4's four weights (32 - ax)(32 - ay) 32 ... with (sum + 2^14) >> 15 are these products of two, without the
 * common factor of 32. */
static uint8_t blend(int p00, int p01, int p10, int p11, int ax, int ay)
{
    int top = p00 * FRACTION_ONE + ax * (p01 - p00), bottom = p10 * FRACTION_ONE + ax * (p11 - p10);
    return (uint8_t)((top * FRACTION_ONE + ay * (bottom - top) + 512) >> 10);
}

/* The output pixel that looks at (x32, y32), in 1/32 pixels. */
static inline void sample(const struct image *src, int64_t x32, int64_t y32, uint8_t *dst)
{
    int64_t x = x32 >> FRACTION_BITS, y = y32 >> FRACTION_BITS;
    int ax = (int)(x32 & (FRACTION_ONE - 1)), ay = (int)(y32 & (FRACTION_ONE - 1));
    if ((uint64_t)x < (uint64_t)(src->w - 1) && (uint64_t)y < (uint64_t)(src->h - 1)) {
        const uint8_t *a = src->data + ((size_t)y * (size_t)src->w + (size_t)x) * 3, *b = a + (size_t)src->w * 3;
        for (int c = 0; c < 3; c++)
            dst[c] = blend(a[c], a[c + 3], b[c], b[c + 3], ax, ay);
    } else if (x < -1 || x >= src->w || y < -1 || y >= src->h) {
        dst[0] = dst[1] = dst[2] = IMAGE_BORDER;
    } else {
        for (int c = 0; c < 3; c++)
            dst[c] = blend(tap(src, y, x, c), tap(src, y, x + 1, c), tap(src, y + 1, x, c), tap(src, y + 1, x + 1, c),
                           ax, ay);
    }
}

enum status image_warp_affine(const struct image *src, const double m[6], int h, int w, struct image *dst)
{
    assert(src != dst);
    double det = m[0] * m[4] - m[1] * m[3], d = det != 0 ? 1 / det : 0;
    double i0 = m[4] * d, i1 = m[1] * -d, i3 = m[3] * -d, i4 = m[0] * d;
    double i2 = -i0 * m[2] - i1 * m[5], i5 = -i3 * m[2] - i4 * m[5];
    enum status rc = image_init(dst, h, w);
    int64_t *step = mem_alloc((size_t)w * 2, sizeof *step); /* (w, 2): what column x adds to the row's start */
    if (rc != OK || !step) {
        mem_free(step);
        return E_NOMEM;
    }
    for (int x = 0; x < w; x++) {
        step[2 * x] = place(i0 * x * 1024);
        step[2 * x + 1] = place(i3 * x * 1024);
    }
    uint8_t *out = dst->data;
    for (int y = 0; y < h; y++) {
        int64_t x0 = place((i1 * y + i2) * 1024) + 16, y0 = place((i4 * y + i5) * 1024) + 16;
        for (int x = 0; x < w; x++, out += 3)
            sample(src, (x0 + step[2 * x]) >> (STEP_BITS - FRACTION_BITS),
                   (y0 + step[2 * x + 1]) >> (STEP_BITS - FRACTION_BITS), out);
    }
    mem_free(step);
    return OK;
}

/* Adjugate over determinant; zero when singular. */
static void invert(const double m[9], double out[9])
{
    double c0 = m[4] * m[8] - m[5] * m[7], c1 = m[5] * m[6] - m[3] * m[8], c2 = m[3] * m[7] - m[4] * m[6];
    double det = m[0] * c0 + m[1] * c1 + m[2] * c2, d = det != 0 ? 1 / det : 0;
    out[0] = c0 * d;
    out[1] = (m[2] * m[7] - m[1] * m[8]) * d;
    out[2] = (m[1] * m[5] - m[2] * m[4]) * d;
    out[3] = c1 * d;
    out[4] = (m[0] * m[8] - m[2] * m[6]) * d;
    out[5] = (m[2] * m[3] - m[0] * m[5]) * d;
    out[6] = c2 * d;
    out[7] = (m[1] * m[6] - m[0] * m[7]) * d;
    out[8] = (m[0] * m[4] - m[1] * m[3]) * d;
}

enum status image_warp_perspective(const struct image *src, const double m[9], int h, int w, struct image *dst)
{
    double i[9];
    assert(src != dst);
    enum status rc = image_init(dst, h, w);
    if (rc != OK)
        return rc;
    invert(m, i);
    uint8_t *out = dst->data;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++, out += 3) {
            double z = i[6] * x + i[7] * y + i[8], scale = z != 0 ? FRACTION_ONE / z : 0;
            sample(src, place((i[0] * x + i[1] * y + i[2]) * scale), place((i[3] * x + i[4] * y + i[5]) * scale), out);
        }
    }
    return OK;
}
