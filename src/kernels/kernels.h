/* The kernel table: maths on pointers, allocation-free, single-threaded, chosen once for the CPU features.
 * kernels.def lists every slot and variant; the plain C one (needs 0) is always there and is the oracle. */
#ifndef Y9_KERNELS_KERNELS_H
#define Y9_KERNELS_KERNELS_H

#include "kernels/slots.h"

/* Which part of kernels.def this build reads. */
#if defined(__x86_64__)
#define Y9_KERNELS_X86 1
#elif defined(__aarch64__)
#define Y9_KERNELS_ARM 1
#endif

struct kernels {
#define SLOT(name, type) type name;
#include "kernels/slots.def"
#undef SLOT
    unsigned asked, features; /* the mask it was asked for, and what the machine has of it */
};

/* The table for a feature mask (CPU_*), cut down to what the machine offers. Tables are built once a mask and live
 * for ever. */
const struct kernels *kernels_for(unsigned features);

#endif
