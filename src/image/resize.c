#include "image/resize.h"

#include "core/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A rectangle of a picture to write into. */
struct resize_target {
    uint8_t *data;
    size_t row_bytes;
    int h, w;
};

/* --- bilinear --- */

enum { WEIGHT_ONE = 2048, HALF_BITS = 4 };

/* Place of output index d in the source: pixel `s` (unclipped) and the way `f` to its neighbour. */
static int linear_place(int d, double scale, float *f)
{
    float place = (float)((d + 0.5) * scale - 0.5);
    int s = (int)floorf(place);
    *f = place - (float)s;
    return s;
}

static void linear_weights(float f, int weight[2])
{
    weight[0] = (int)rintf((1.0f - f) * (float)WEIGHT_ONE);
    weight[1] = (int)rintf(f * (float)WEIGHT_ONE);
}

/* The horizontal pass keeps H >> 4, which is all the vertical pass looks at and fits 16 bits. A weight a is cut into
 * q = a >> 4 and m = a & 15, so that (l a0 + r a1) >> 4 = l q0 + r q1 + ((l m0 + r m1) >> 4) needs 16 bits only. */
struct linear {
    int *offset;                 /* (w) byte offset of the left pixel */
    uint16_t *q0, *q1, *m0, *m1; /* (w, 3) */
    uint8_t *left, *right;       /* (w, 3) and some bytes to spare: the row's gathered neighbours */
    int16_t *row[2];             /* (w, 3) */
    int cached[2];               /* source row that row[i] holds, -1 none */
    uint8_t *source_row;         /* (src_w, 3) and PIXELS_SLACK: of pictures that are not RGB */
    size_t n;                    /* w * 3 */
    void *memory;
};

static void *carve(uint8_t **p, size_t bytes)
{
    void *got = *p;
    *p += (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    return got;
}

static enum status linear_init(struct linear *t, int src_w, int w)
{
    size_t n = (size_t)w * 3;
    *t = (struct linear){.n = n, .cached = {-1, -1}};
    const size_t bytes = n * 20 + (size_t)src_w * 3 + 16 * MEM_ALIGN;
    uint8_t *p = t->memory = mem_alloc(bytes, 1);
    if (!p)
        return E_NOMEM;
    t->offset = carve(&p, (size_t)w * sizeof(int));
    t->q0 = carve(&p, n * 2);
    t->q1 = carve(&p, n * 2);
    t->m0 = carve(&p, n * 2);
    t->m1 = carve(&p, n * 2);
    t->row[0] = carve(&p, n * 2);
    t->row[1] = carve(&p, n * 2);
    t->left = carve(&p, n + 4);
    t->right = carve(&p, n + 4);
    t->source_row = carve(&p, (size_t)src_w * 3 + PIXELS_SLACK);
    assert(p <= (uint8_t *)t->memory + bytes);
    double scale = 1.0 / ((double)w / src_w);
    for (int d = 0; d < w; d++) {
        float f;
        int weight[2], s = linear_place(d, scale, &f);
        if (s < 0 || s >= src_w - 1) {
            s = s < 0 ? 0 : src_w - 1;
            f = 0;
        }
        linear_weights(f, weight);
        t->offset[d] = 3 * s;
        for (int i = 3 * d; i < 3 * d + 3; i++) {
            t->q0[i] = (uint16_t)(weight[0] >> HALF_BITS);
            t->q1[i] = (uint16_t)(weight[1] >> HALF_BITS);
            t->m0[i] = weight[0] & 15;
            t->m1[i] = weight[1] & 15;
        }
    }
    return OK;
}

/* May read four bytes beyond the row's last pixel (times a weight of 0): the next row, or the picture's slack. */
static void gather(const uint8_t *restrict src, const int *restrict offset, size_t n, uint8_t *restrict left,
                   uint8_t *restrict right)
{
    for (size_t i = 0; i < n; i += 3) { /* 4 bytes a time: the fourth is overwritten by the next pixel */
        const uint8_t *p = src + *offset++;
        memcpy(left + i, p, 4);
        memcpy(right + i, p + 3, 4);
    }
}

static void mix(const uint8_t *restrict left, const uint8_t *restrict right, const uint16_t *restrict q0,
                const uint16_t *restrict q1, const uint16_t *restrict m0, const uint16_t *restrict m1, size_t n,
                int16_t *restrict dst)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t low = (uint16_t)(left[i] * m0[i] + right[i] * m1[i]);
        dst[i] = (int16_t)(uint16_t)(left[i] * q0[i] + right[i] * q1[i] + (low >> HALF_BITS));
    }
}

static const int16_t *linear_get_row(struct linear *t, const struct pixels *src, int y, int slot)
{
    if (t->cached[slot] != y) {
        gather(pixels_row(src, y, t->source_row), t->offset, t->n, t->left, t->right);
        mix(t->left, t->right, t->q0, t->q1, t->m0, t->m1, t->n, t->row[slot]);
        t->cached[slot] = y;
    }
    return t->row[slot];
}

static void linear_blend(const int16_t *restrict top, const int16_t *restrict bottom, const int weight[2], size_t n,
                         uint8_t *restrict dst)
{
    int16_t b0 = (int16_t)weight[0], b1 = (int16_t)weight[1];
    for (size_t i = 0; i < n; i++) {
        int16_t a = (int16_t)((b0 * top[i]) >> 16), b = (int16_t)((b1 * bottom[i]) >> 16);
        dst[i] = (uint8_t)((uint16_t)(a + b + 2) >> 2);
    }
}

static enum status resize_linear(const struct pixels *src, const struct resize_target *dst)
{
    struct linear t;
    enum status rc = linear_init(&t, src->w, dst->w);
    if (rc != OK)
        return rc;
    double scale = 1.0 / ((double)dst->h / src->h);
    for (int d = 0; d < dst->h; d++) {
        float f;
        int weight[2], s = linear_place(d, scale, &f);
        linear_weights(f, weight);
        int y0 = MIN(MAX(s, 0), src->h - 1), y1 = MIN(MAX(s + 1, 0), src->h - 1);
        if (t.cached[1] == y0) { /* yesterday's lower row is today's upper one */
            int16_t *row = t.row[0];
            t.row[0] = t.row[1];
            t.row[1] = row;
            t.cached[1] = t.cached[0];
            t.cached[0] = y0;
        }
        const int16_t *top = linear_get_row(&t, src, y0, 0);
        const int16_t *bottom = y1 == y0 ? top : linear_get_row(&t, src, y1, 1);
        linear_blend(top, bottom, weight, t.n, dst->data + (size_t)d * dst->row_bytes);
    }
    mem_free(t.memory);
    return OK;
}

/* --- area --- */

/* Exactly half in both directions, for either filter: mean of 2 x 2. */
static enum status resize_half(const struct pixels *src, const struct resize_target *dst)
{
    size_t row = (size_t)src->w * 3, n = (size_t)dst->w * 3;
    uint16_t *sum = mem_alloc(2 * row + 2 * n + 24 + PIXELS_SLACK, sizeof *sum);
    if (!sum)
        return E_NOMEM;
    uint16_t *restrict left = sum + row + 8, *restrict right = left + n + 8;
    uint8_t *made = (uint8_t *)(right + n + 8); /* two rows of pictures that are not RGB */
    for (int y = 0; y < dst->h; y++) {
        const uint8_t *restrict a = pixels_row(src, 2 * y, made);
        const uint8_t *restrict b = pixels_row(src, 2 * y + 1, made + row);
        uint8_t *restrict out = dst->data + (size_t)y * dst->row_bytes;
        for (size_t i = 0; i < row; i++)
            sum[i] = (uint16_t)(a[i] + b[i]);
        for (size_t i = 0; i < n; i += 3) { /* the fourth value is overwritten by the next pixel */
            memcpy(left + i, sum + 2 * i, 8);
            memcpy(right + i, sum + 2 * i + 3, 8);
        }
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)((uint16_t)(left[i] + right[i] + 2) >> 2);
    }
    mem_free(sum);
    return OK;
}

/* Round to the nearest even integer: 0 <= x < 2^22 loses its fraction next to 2^23. */
static uint8_t round_byte(float x)
{
    return (uint8_t)(int)MIN((x + 8388608.0f) - 8388608.0f, 255.0f);
}

/* A whole number of source pixels in each direction. */
static enum status resize_area_whole(const struct image *src, const struct resize_target *dst)
{
    int kx = src->w / dst->w, ky = src->h / dst->h;
    size_t row = (size_t)src->w * 3;
    float weight = (float)(1.0 / (kx * ky));
    uint32_t *restrict sum = mem_alloc(row, sizeof *sum);
    if (!sum)
        return E_NOMEM;
    for (int y = 0; y < dst->h; y++) {
        memset(sum, 0, row * sizeof *sum);
        for (int k = 0; k < ky; k++) {
            const uint8_t *restrict a = src->data + ((size_t)y * (size_t)ky + (size_t)k) * row;
            for (size_t i = 0; i < row; i++)
                sum[i] += a[i];
        }
        const uint32_t *s = sum;
        uint8_t *out = dst->data + (size_t)y * dst->row_bytes;
        for (int x = 0; x < dst->w; x++, out += 3) {
            uint32_t total[3] = {0};
            for (int k = 0; k < kx; k++, s += 3) {
                total[0] += s[0];
                total[1] += s[1];
                total[2] += s[2];
            }
            for (int c = 0; c < 3; c++)
                out[c] = round_byte((float)total[c] * weight);
        }
    }
    mem_free(sum);
    return OK;
}

/* One axis of the general case: output index d is a weighted mean of source indices. */
struct area_tap {
    int s;
    float weight;
};

struct area_axis {
    struct area_tap *taps; /* those of d: taps[first[d]] ... taps[first[d + 1] - 1] */
    int *first;
};

static void area_axis_free(struct area_axis *axis)
{
    mem_free(axis->taps);
    mem_free(axis->first);
}

/* SPEC 11.4. Every output covers at most `scale` source indices, cut at both ends. */
static enum status area_axis_init(struct area_axis *axis, int src_n, int n)
{
    double scale = 1.0 / ((double)n / src_n);
    int count = 0;
    *axis = (struct area_axis){mem_alloc((size_t)src_n + 2 * (size_t)n, sizeof *axis->taps),
                               mem_alloc((size_t)n + 1, sizeof *axis->first)};
    if (!axis->taps || !axis->first) {
        area_axis_free(axis);
        return E_NOMEM;
    }
    for (int d = 0; d < n; d++) {
        double f1 = d * scale, f2 = f1 + scale, cell = MIN(scale, src_n - f1);
        int s1 = (int)ceil(f1), s2 = MIN((int)floor(f2), src_n - 1);
        s1 = MIN(s1, s2);
        axis->first[d] = count;
        if (s1 - f1 > 1e-3)
            axis->taps[count++] = (struct area_tap){s1 - 1, (float)((s1 - f1) / cell)};
        for (int s = s1; s < s2; s++)
            axis->taps[count++] = (struct area_tap){s, (float)(1.0 / cell)};
        if (f2 - s2 > 1e-3)
            axis->taps[count++] = (struct area_tap){s2, (float)(MIN(MIN(f2 - s2, 1.0), cell) / cell)};
    }
    axis->first[n] = count;
    assert(count <= src_n + 2 * n);
    return OK;
}

static void area_row(const struct area_axis *axis, const uint8_t *restrict src, int w, float *restrict dst)
{
    const struct area_tap *tap = axis->taps;
    for (int d = 0; d < w; d++, dst += 3) {
        float a = 0, b = 0, c = 0;
        for (const struct area_tap *end = axis->taps + axis->first[d + 1]; tap < end; tap++) {
            const uint8_t *p = src + (size_t)tap->s * 3;
            a += (float)p[0] * tap->weight;
            b += (float)p[1] * tap->weight;
            c += (float)p[2] * tap->weight;
        }
        dst[0] = a;
        dst[1] = b;
        dst[2] = c;
    }
}

static enum status resize_area_general(const struct image *src, const struct resize_target *dst)
{
    enum status rc = OK;
    size_t n = (size_t)dst->w * 3;
    struct area_axis ax = {0}, ay = {0};
    float *memory = mem_alloc(n * 2, sizeof *memory);
    int held = -1; /* source row in `row`; the last row of one output row is often the first of the next */
    if (!memory)
        return E_NOMEM;
    float *restrict row = memory, *restrict sum = memory + n;
    TRY_CLEAN(area_axis_init(&ax, src->w, dst->w));
    TRY_CLEAN(area_axis_init(&ay, src->h, dst->h));
    for (int d = 0; d < dst->h; d++) {
        for (int k = ay.first[d]; k < ay.first[d + 1]; k++) {
            float weight = ay.taps[k].weight;
            if (held != ay.taps[k].s) {
                held = ay.taps[k].s;
                area_row(&ax, src->data + (size_t)held * (size_t)src->w * 3, dst->w, row);
            }
            if (k == ay.first[d]) {
                for (size_t i = 0; i < n; i++)
                    sum[i] = row[i] * weight;
            } else {
                for (size_t i = 0; i < n; i++)
                    sum[i] += row[i] * weight;
            }
        }
        uint8_t *restrict out = dst->data + (size_t)d * dst->row_bytes;
        for (size_t i = 0; i < n; i++)
            out[i] = round_byte(sum[i]);
    }
cleanup:
    area_axis_free(&ax);
    area_axis_free(&ay);
    mem_free(memory);
    return rc;
}

/* --- choice --- */

static enum status resize_bilinear(const struct pixels *src, const struct resize_target *dst)
{
    return src->w == 2 * dst->w && src->h == 2 * dst->h ? resize_half(src, dst) : resize_linear(src, dst);
}

static enum status resize(const struct image *src, enum resize_filter filter, const struct resize_target *dst)
{
    const struct pixels pixels = pixels_of_image(src);
    if (filter == RESIZE_LINEAR || (src->w == 2 * dst->w && src->h == 2 * dst->h))
        return resize_bilinear(&pixels, dst);
    assert(dst->w <= src->w && dst->h <= src->h);
    if (src->w % dst->w == 0 && src->h % dst->h == 0)
        return resize_area_whole(src, dst);
    return resize_area_general(src, dst);
}

static struct resize_target target_in(struct image *dst, int h, int w, int top, int left)
{
    size_t row_bytes = (size_t)dst->w * 3;
    return (struct resize_target){dst->data + (size_t)top * row_bytes + (size_t)left * 3, row_bytes, h, w};
}

static enum status copy_rows(const struct pixels *src, const struct resize_target *dst)
{
    const size_t n = (size_t)src->w * 3;
    uint8_t *made = mem_alloc(n + PIXELS_SLACK, 1);
    if (!made)
        return E_NOMEM;
    for (int y = 0; y < src->h; y++)
        memcpy(dst->data + (size_t)y * dst->row_bytes, pixels_row(src, y, made), n);
    mem_free(made);
    return OK;
}

enum status pixels_resize_into(const struct pixels *src, int h, int w, struct image *dst, int top, int left)
{
    assert(top >= 0 && left >= 0 && h > 0 && w > 0 && top + h <= dst->h && left + w <= dst->w);
    const struct resize_target target = target_in(dst, h, w, top, left);
    return h == src->h && w == src->w ? copy_rows(src, &target) : resize_bilinear(src, &target);
}

enum status image_resize_into(const struct image *src, int h, int w, enum resize_filter filter, struct image *dst,
                              int top, int left)
{
    assert(src != dst && top >= 0 && left >= 0 && h > 0 && w > 0 && top + h <= dst->h && left + w <= dst->w);
    if (h == src->h && w == src->w) {
        image_paste(src, 0, 0, h, w, dst, top, left);
        return OK;
    }
    const struct resize_target target = target_in(dst, h, w, top, left);
    return resize(src, filter, &target);
}

enum status image_resize(const struct image *src, int h, int w, enum resize_filter filter, struct image *dst)
{
    enum status rc = image_init(dst, h, w);
    return rc == OK ? image_resize_into(src, h, w, filter, dst, 0, 0) : rc;
}

bool load_size(int src_h, int src_w, int size, enum load_rule rule, int *h, int *w, enum resize_filter *filter)
{
    double r = (double)size / MAX(src_h, src_w);
    *h = src_h;
    *w = src_w;
    *filter = rule != LOAD_AREA || r > 1 ? RESIZE_LINEAR : RESIZE_AREA;
    if (r == 1)
        return false;
    bool up = rule == LOAD_UP;
    *h = MAX(up ? MIN((int)ceil(src_h * r), size) : (int)(src_h * r), 1);
    *w = MAX(up ? MIN((int)ceil(src_w * r), size) : (int)(src_w * r), 1);
    return true;
}

enum status image_load_resize(const struct image *src, int size, enum load_rule rule, struct image *dst)
{
    int h, w;
    enum resize_filter filter;
    load_size(src->h, src->w, size, rule, &h, &w, &filter);
    return image_resize(src, h, w, filter, dst);
}
