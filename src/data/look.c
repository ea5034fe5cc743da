#include "data/look.h"

#include "core/mem.h"

#include <math.h>
#include <string.h>

enum { HASH_ROWS = 8, HASH_COLS = 9, MOST_CELLS = LOOK_BYTES, BANDS = 4, BAND_BITS = 16, BUCKETS = 1 << BAND_BITS };

static const double FLAT = 2; /* grey levels of 255 that noise and compression may make of nothing */

/* --- one picture --- */

static int grey_of(const uint8_t *rgb) /* weights of ITU-R 601 in parts of 256 */
{
    return 77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2];
}

/* Mean greys, times 256, of rows x cols cells; where the picture has fewer pixels than that, cells share them. */
static void cell_means(const struct image *img, int rows, int cols, double *means)
{
    for (int r = 0; r < rows; r++) {
        uint64_t sums[LOOK_SIDE] = {0};
        int top = (int)((int64_t)r * img->h / rows), bottom = (int)((int64_t)(r + 1) * img->h / rows);
        bottom = MAX(bottom, top + 1);
        for (int y = top; y < bottom; y++) {
            const uint8_t *row = img->data + (size_t)y * (size_t)img->w * 3;
            for (int c = 0; c < cols; c++) {
                int left = (int)((int64_t)c * img->w / cols), right = (int)((int64_t)(c + 1) * img->w / cols);
                uint64_t sum = 0;
                right = MAX(right, left + 1);
                for (int x = left; x < right; x++)
                    sum += (uint64_t)grey_of(row + 3 * (size_t)x);
                sums[c] += sum;
            }
        }
        for (int c = 0; c < cols; c++) {
            int left = (int)((int64_t)c * img->w / cols), right = (int)((int64_t)(c + 1) * img->w / cols);
            means[r * cols + c] = (double)sums[c] / ((double)(bottom - top) * MAX(right - left, 1));
        }
    }
}

static bool is_colourless(const struct image *img)
{
    size_t n = (size_t)img->h * (size_t)img->w;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = img->data + 3 * i;
        if (p[0] != p[1] || p[1] != p[2])
            return false;
    }
    return true;
}

void look_of(const struct image *img, struct look *out)
{
    double means[MOST_CELLS], mean = 0, farthest = 0;
    *out = (struct look){.colourless = is_colourless(img)};
    cell_means(img, HASH_ROWS, HASH_COLS, means);
    for (int y = 0; y < HASH_ROWS; y++)
        for (int x = 0; x < HASH_COLS - 1; x++)
            out->hash |= (uint64_t)(means[y * HASH_COLS + x] < means[y * HASH_COLS + x + 1]) << (y * 8 + x);
    cell_means(img, LOOK_SIDE, LOOK_SIDE, means);
    for (int i = 0; i < LOOK_BYTES; i++) {
        out->grey[i] = (uint8_t)fmin(rint(means[i] / 256), 255);
        mean += means[i] / 256 / LOOK_BYTES;
    }
    for (int i = 0; i < LOOK_BYTES; i++)
        farthest = fmax(farthest, fabs(means[i] / 256 - mean));
    out->flat = farthest < FLAT;
}

double look_correlation(const uint8_t a[LOOK_BYTES], const uint8_t b[LOOK_BYTES])
{
    int64_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < LOOK_BYTES; i++) {
        sum_a += a[i];
        sum_b += b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
        ab += a[i] * b[i];
    }
    double var_a = (double)(aa * LOOK_BYTES - sum_a * sum_a), var_b = (double)(bb * LOOK_BYTES - sum_b * sum_b);
    return var_a > 0 && var_b > 0 ? (double)(ab * LOOK_BYTES - sum_a * sum_b) / sqrt(var_a * var_b) : 0;
}

/* --- many --- */

struct look_index {
    const uint64_t *hashes;
    int n;
    int *first[BANDS]; /* [BUCKETS + 1] of each bucket in entries */
    int *entries[BANDS];
};

static unsigned band_of(uint64_t hash, int band)
{
    return (unsigned)(hash >> (band * BAND_BITS)) & (BUCKETS - 1);
}

static int bits_of(uint64_t x)
{
    return __builtin_popcountll(x);
}

enum status look_index_create(const uint64_t *hashes, int n, struct look_index **out)
{
    enum status rc = OK;
    struct look_index *index = mem_calloc(1, sizeof(*index));
    *out = NULL;
    if (!index)
        return E_NOMEM;
    index->hashes = hashes;
    index->n = n;
    for (int b = 0; b < BANDS; b++) {
        int *first = index->first[b] = mem_calloc(BUCKETS + 2, sizeof(*first));
        int *entries = index->entries[b] = mem_alloc((size_t)n, sizeof(*entries));
        TRY_CLEAN(first && entries ? OK : E_NOMEM);
        for (int i = 0; i < n; i++)
            first[band_of(hashes[i], b) + 2]++;
        for (int k = 2; k < BUCKETS + 2; k++)
            first[k] += first[k - 1];
        for (int i = 0; i < n; i++) /* moves first[k + 1] from the bucket's begin to its end */
            entries[first[band_of(hashes[i], b) + 1]++] = i;
    }
    *out = index;
cleanup:
    if (rc != OK)
        look_index_destroy(index);
    return rc;
}

void look_index_destroy(struct look_index *index)
{
    if (!index)
        return;
    for (int b = 0; b < BANDS; b++) {
        mem_free(index->first[b]);
        mem_free(index->entries[b]);
    }
    mem_free(index);
}

struct search {
    const struct look_index *index;
    uint64_t hash;
    int end;
    long left; /* comparisons */
    look_visit *visit;
    void *context;
};

/* Was the entry met in a table before this one? */
static bool met_before(uint64_t difference, int band)
{
    for (int b = 0; b < band; b++)
        if (bits_of(band_of(difference, b)) <= 1)
            return true;
    return false;
}

/* Entries of a bucket are in rising order. Returns true when the search is over. */
static bool search_bucket(struct search *s, int band, unsigned bucket)
{
    const int *first = s->index->first[band];
    for (int k = first[bucket]; k < first[bucket + 1]; k++) {
        int entry = s->index->entries[band][k];
        if (entry >= s->end)
            return false;
        if (s->left-- <= 0)
            return true;
        uint64_t difference = s->index->hashes[entry] ^ s->hash;
        if (bits_of(difference) <= LOOK_RADIUS && !met_before(difference, band) && s->visit(s->context, entry))
            return true;
    }
    return false;
}

bool look_index_search(const struct look_index *index, uint64_t hash, int end, long most, look_visit *visit,
                       void *context)
{
    struct search s = {index, hash, end, most, visit, context};
    for (int band = 0; band < BANDS; band++) {
        unsigned key = band_of(hash, band);
        for (int bit = -1; bit < BAND_BITS; bit++)
            if (search_bucket(&s, band, bit < 0 ? key : key ^ 1u << bit))
                return s.left >= 0;
    }
    return true;
}
