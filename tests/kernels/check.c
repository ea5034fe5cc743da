/* What the checks of kernels share: guarded memory, random cases, comparisons. */
#include "kernels/check.h"

#include "kernels/bf16_inline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded guarded_alloc(size_t count, size_t slack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (count + slack) * sizeof(float);
    size_t size = (bytes + page - 1) / page * page + page;
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect((char *)map + size - page, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(2);
    }
    return (struct guarded){(float *)(void *)((char *)map + size - page - bytes), map, size, count};
}

void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

int check_below(struct kernel_check *c, int n)
{
    return (int)rng_below(&c->rng, (uint64_t)n);
}

float *check_filled(struct kernel_check *c, size_t count, float fill)
{
    if (c->n_blocks == CHECK_BLOCKS) {
        fprintf(stderr, "check: more than %d blocks of memory in a case\n", CHECK_BLOCKS);
        exit(2);
    }
    struct guarded *g = &c->blocks[c->n_blocks++];
    *g = guarded_alloc(count, 0);
    for (size_t i = 0; i < count; i++)
        g->data[i] = fill;
    return g->data;
}

float *check_floats(struct kernel_check *c, size_t count)
{
    float *p = check_filled(c, count, 0);
    for (size_t i = 0; i < count; i++)
        p[i] = (float)rng_normal(&c->rng);
    return p;
}

float *check_halves(struct kernel_check *c, size_t words)
{
    float *p = check_filled(c, words, 0);
    for (size_t i = 0; i < words; i++) {
        const uint16_t pair[2] = {bf16_of((float)rng_normal(&c->rng)), bf16_of((float)rng_normal(&c->rng))};
        memcpy(&p[i], pair, sizeof pair);
    }
    return p;
}

float *check_copy(struct kernel_check *c, const float *from, size_t count)
{
    return memcpy(check_filled(c, count, 0), from, count * sizeof *from);
}

void check_release(struct kernel_check *c)
{
    while (c->n_blocks)
        guarded_free(&c->blocks[--c->n_blocks]);
}

void check_compare(struct kernel_check *c, double got, double want, double absolute, const char *where)
{
    double units = fabs(got - want) / (ldexp(absolute, -24) + 1e-30);
    if (!(units <= c->units)) { /* also for NaN */
        c->units = isnan(units) ? INFINITY : units;
        c->where = where;
    }
}

void check_compare_bf16(struct kernel_check *c, double got, double want, double absolute, const char *where)
{
    const double half = fabs(want) * 0x1p-8 * (1 + 1e-6) + 0x1p-126; /* of a unit, or of what becomes 0 */
    if (fabs(got - want) <= half)
        return;
    check_compare(c, got, want + copysign(half, got - want), absolute, where);
}

void check_true(struct kernel_check *c, bool holds, const char *where)
{
    if (!holds)
        check_compare(c, INFINITY, 0, 1, where);
}

void check_equal(struct kernel_check *c, const void *got, const void *want, size_t bytes, const char *where)
{
    check_true(c, memcmp(got, want, bytes) == 0, where);
}
