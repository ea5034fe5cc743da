/* Counter-based random numbers: draw i of a stream is a pure function of (key, i), so a sample's draws do not
 * depend on which worker makes it or when. The mixer is splitmix64 (Steele, Lea, Flood 2014). */
#ifndef Y9_CORE_RNG_H
#define Y9_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

uint64_t rng_mix(uint64_t x);                                     /* one splitmix64 output for state x */
uint64_t rng_hash(const char *text);                              /* FNV-1a, 64 bits */
uint64_t rng_hash_bytes(uint64_t h, const void *bytes, size_t n); /* of bytes behind what `h` stands for; fast */
struct rng rng_seed(uint64_t a, uint64_t b, uint64_t c);          /* e.g. (seed, epoch, sample) */
uint64_t rng_next(struct rng *r);                                 /* 64 fresh bits */
double rng_uniform(struct rng *r);                                /* [0, 1), 53 bits */
double rng_range(struct rng *r, double low, double high);         /* [low, high) */
uint64_t rng_below(struct rng *r, uint64_t n);                    /* 0 .. n-1 without bias; n > 0 */
double rng_normal(struct rng *r);                                 /* mean 0, variance 1 */

#endif
