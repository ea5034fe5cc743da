/* The checks of kernels, one a slot of kernels/slots.def: a kernel is called directly with random cases and compared
 * with double precision, or with the plain C kernel where the formula is that one's. tests/test_kernels.c runs them.
 * They need only core, kernels and ops/conv2d, so that they also run alone under an emulator. */
#ifndef Y9_TESTS_KERNELS_CHECK_H
#define Y9_TESTS_KERNELS_CHECK_H

#include "core/rng.h"
#include "kernels/kernels.h"
#include "support/activations.h"

enum { CHECK_BLOCKS = 64 };

/* `count` floats that end `slack` floats before a page without access. */
struct guarded {
    float *data;
    void *map;
    size_t map_size, count;
};

struct guarded guarded_alloc(size_t count, size_t slack);
void guarded_free(struct guarded *g);

/* One run of a check: its cases come from `rng`, its memory is released by check_release. */
struct kernel_check {
    struct rng rng;
    int cases;
    double units;      /* largest error so far, in units of 2^-24 times the sum of the absolute values of the terms */
    const char *where; /* that error's place, or what else is wrong */
    struct guarded blocks[CHECK_BLOCKS];
    int n_blocks;
};

int check_below(struct kernel_check *c, int n);
/* Random numbers (normal), or `fill` in all of them. Whole cache lines are aligned to one, and what is not whole is
 * not: both end right before a page without access. */
float *check_floats(struct kernel_check *c, size_t count);
float *check_filled(struct kernel_check *c, size_t count, float fill);
float *check_copy(struct kernel_check *c, const float *from, size_t count);
float *check_halves(struct kernel_check *c, size_t words); /* words of two random bf16 numbers */
void check_release(struct kernel_check *c);

void check_compare(struct kernel_check *c, double got, double want, double absolute, const char *where);
/* The same where a result was rounded to bf16: what nearest even explains is no error. */
void check_compare_bf16(struct kernel_check *c, double got, double want, double absolute, const char *where);
void check_true(struct kernel_check *c, bool holds, const char *where);
void check_equal(struct kernel_check *c, const void *got, const void *want, size_t bytes, const char *where);

/* A slot without its check does not link: "undefined reference to `check_SLOT'". */
#define SLOT(slot) void check_##slot(struct kernel_check *c, const struct slot##_kernel *tested);
#include "kernels/slots.def"
#undef SLOT

#define KERNEL(slot, variant, needs, tolerance) extern const struct slot##_kernel variant;
#include "kernels/kernels.def"
#undef KERNEL

#endif
