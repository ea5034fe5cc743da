/* kernels/: maths on pointers, allocation-free and single-threaded, the same loops in several instruction sets.
 *
 * The kernel table, chosen for a mask of CPU features.
 * kernels.def lists every slot and variant; the plain C one is always there and is the oracle. */
#ifndef Y9_KERNELS_KERNELS_H
#define Y9_KERNELS_KERNELS_H

#include "kernels/slots.h"

#include <stdint.h>

struct kernels {
#define SLOT(slot) const struct slot##_kernel *slot;
#include "kernels/slots.def"
#undef SLOT
    uint64_t features; /* what the machine has of the mask it was asked for */
};

/* The table for a mask of features (core/cpu.h), cut down to what the machine offers: the last row of
 * kernels.def that it can run, slot for slot. Tables are values; there is nothing to keep and no largest number. */
struct kernels kernels_for(uint64_t features);

#endif
