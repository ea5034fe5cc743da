#include "core/rng.h"

#include <math.h>
#include <string.h>

static const uint64_t GOLDEN_GAMMA = 0x9E3779B97F4A7C15u;

uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t rng_hash(const char *text)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001B3u;
    return h;
}

uint64_t rng_hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t x;
        memcpy(&x, p, sizeof(x));
        h = rng_mix(h ^ x);
    }
    for (; n; n--)
        h = rng_mix(h ^ *p++ ^ 0x100);
    return h;
}

struct rng rng_seed(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t s = rng_mix(a + GOLDEN_GAMMA);
    s = rng_mix(s ^ (b + 2 * GOLDEN_GAMMA));
    s = rng_mix(s ^ (c + 3 * GOLDEN_GAMMA));
    return (struct rng){.state = s};
}

uint64_t rng_next(struct rng *r)
{
    r->state += GOLDEN_GAMMA;
    return rng_mix(r->state);
}

double rng_uniform(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

double rng_range(struct rng *r, double low, double high)
{
    return low + (high - low) * rng_uniform(r);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do {
        x = rng_next(r);
    } while (x >= limit);
    return x % n;
}

double rng_normal(struct rng *r)
{
    /* Box-Muller; 1 - u keeps the logarithm finite */
    double radius = sqrt(-2.0 * log(1.0 - rng_uniform(r)));
    return radius * cos(6.283185307179586 * rng_uniform(r));
}
