/* Kernels are defined by KERNEL_TABLE(slot, suffix) = {...}, so that one without a row in kernels.def, which nobody
 * would ever call, does not compile. Included by slots.h. */
#ifndef Y9_KERNELS_ROWS_H
#define Y9_KERNELS_ROWS_H

enum {
#define KERNEL(slot, variant, needs, tolerance) kernels_def_has_a_row_for_##variant,
#include "kernels/kernels.def"
#undef KERNEL
};

#define KERNEL_TABLE(slot, suffix)                                            \
    _Static_assert(kernels_def_has_a_row_for_##slot##__##suffix >= 0, "row"); \
    const struct slot##_kernel slot##__##suffix

#endif
