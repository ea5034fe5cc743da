#include "kernels/kernels.h"

#include "core/cpu.h"

#define KERNEL(slot, variant, needs, tolerance) extern const struct slot##_kernel variant;
#include "kernels/kernels.def"
#undef KERNEL

struct kernels kernels_for(uint64_t features)
{
    const uint64_t have = features & cpu_found();
    struct kernels t = {
#define SLOT(slot) .slot = &slot##__c,
#include "kernels/slots.def"
#undef SLOT
        .features = have};
#define KERNEL(slot, variant, needs, tolerance)          \
    if ((have & (uint64_t)(needs)) == (uint64_t)(needs)) \
        t.slot = &variant;
#include "kernels/kernels.def"
#undef KERNEL
    return t;
}
