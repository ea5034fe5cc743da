#include "quant/histogram.h"

#include <math.h>
#include <string.h>

enum { FIRST_EXPONENT = -64, SEARCH_STEPS = 80 };

enum status histogram_init(struct histogram *h)
{
    *h = (struct histogram){.exponent = FIRST_EXPONENT};
    h->bins = mem_calloc(2 * HISTOGRAM_HALF, sizeof *h->bins);
    return h->bins ? OK : E_NOMEM;
}

void histogram_free(struct histogram *h)
{
    mem_free(h->bins);
    *h = (struct histogram){0};
}

/* --- counting --- */

/* Bins 2i and 2i+1 become bin i. */
static void double_width(struct histogram *h)
{
    uint64_t merged[2 * HISTOGRAM_HALF] = {0};
    for (int i = 0; i < 2 * HISTOGRAM_HALF; i++)
        merged[HISTOGRAM_HALF / 2 + i / 2] += h->bins[i];
    memcpy(h->bins, merged, sizeof merged);
    h->exponent++;
}

static void widen(struct histogram *h, float low, float high)
{
    while (low < ldexpf(-HISTOGRAM_HALF, h->exponent) || high >= ldexpf(HISTOGRAM_HALF, h->exponent))
        double_width(h);
}

bool histogram_add(struct histogram *h, const float *values, size_t n)
{
    float low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
        sum += values[i] * 0; /* NaN from NaN and infinity */
    }
    if (!n || sum != 0)
        return n == 0;
    widen(h, low, high);
    const float per_width = ldexpf(1, -h->exponent);
    for (size_t i = 0; i < n; i++)
        h->bins[(int)floorf(values[i] * per_width) + HISTOGRAM_HALF]++;
    h->min = h->total && h->min < low ? h->min : low;
    h->max = h->total && h->max > high ? h->max : high;
    h->total += n;
    return true;
}

/* --- choosing --- */

struct conv_quant histogram_quant_of_range(double low, double high)
{
    low = fmin(low, 0);
    high = fmax(high, 0);
    struct conv_quant q = {.on = true, .scale = (float)((high - low) / 255)};
    if (!(q.scale > 0))
        q.scale = 1;
    q.zero = (int)fmin(255, fmax(0, rint(-low / (double)q.scale)));
    return q;
}

/* Inside of the range an error is spread evenly over -scale/2 .. scale/2; outside it is the distance to the end. */
double histogram_error(const struct histogram *h, struct conv_quant q)
{
    const double width = ldexp(1, h->exponent), scale = (double)q.scale;
    const double low = -q.zero * scale, high = (255 - q.zero) * scale;
    double sum = 0;
    for (int i = 0; i < 2 * HISTOGRAM_HALF; i++) {
        if (!h->bins[i])
            continue;
        double x = (i - HISTOGRAM_HALF + 0.5) * width;
        double beyond = fmax(low - x, x - high), error = scale * scale / 12;
        if (beyond > scale / 2)
            error = beyond * beyond;
        sum += (double)h->bins[i] * error;
    }
    return h->total ? sum / (double)h->total : 0;
}

/* The value below which `share` of all lie: the far end of its bin. */
static double quantile(const struct histogram *h, double share, bool upper)
{
    const double width = ldexp(1, h->exponent);
    double wanted = share * (double)h->total, below = 0;
    for (int i = 0; i < 2 * HISTOGRAM_HALF; i++) {
        below += (double)h->bins[i];
        if (below > wanted || (upper && below >= wanted))
            return fmin((double)h->max, fmax((double)h->min, (i - HISTOGRAM_HALF + upper) * width));
    }
    return (double)h->max;
}

/* The end of the range (lower or upper) that errs least, the other one being fixed. */
static double search_end(const struct histogram *h, double low, double high, bool upper)
{
    const double whole = upper ? (double)h->max : (double)h->min;
    double best = whole, least = INFINITY;
    for (int i = 0; i < SEARCH_STEPS; i++) {
        double end = whole * pow(0.05, (double)i / SEARCH_STEPS); /* from all of it to a twentieth */
        struct conv_quant q = upper ? histogram_quant_of_range(low, end) : histogram_quant_of_range(end, high);
        double error = histogram_error(h, q);
        if (error < least) {
            least = error;
            best = end;
        }
    }
    return best;
}

struct conv_quant histogram_quant(const struct histogram *h, const struct clip *clip)
{
    double low = (double)h->min, high = (double)h->max, cut = (100 - clip->percentile) / 100;
    switch (clip->method) {
    case CLIP_MINMAX:
        break;
    case CLIP_PERCENTILE:
        low = quantile(h, cut, false);
        high = quantile(h, 1 - cut, true);
        break;
    case CLIP_MSE:
        for (int pass = 0; pass < 2; pass++) {
            high = search_end(h, low, high, true);
            low = search_end(h, low, high, false);
        }
        break;
    }
    return histogram_quant_of_range(low, high);
}
