#include "kernels/kernels.h"

#include "core/cpu.h"

#define KERNEL(slot, variant, needs, tolerance) extern const struct slot##_kernel variant;
#include "kernels/kernels.def"
#undef KERNEL

struct kernels kernels_for(uint64_t features)
{
    static _Thread_local struct kernels last; /* a thread asks for one mask again and again */
    static _Thread_local bool made;
    const uint64_t have = features & cpu_found();
    if (made && last.features == have)
        return last;
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
    last = t;
    made = true;
    return t;
}
