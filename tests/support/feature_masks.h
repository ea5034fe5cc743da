/* The masks of features that tests go through: of core/cpu.def what cpu_features() gives. Needs only core/, for tests
 * that run alone under an emulator. */
#ifndef Y9_TESTS_FEATURE_MASKS_H
#define Y9_TESTS_FEATURE_MASKS_H

#include "core/cpu.h"

enum { MASKS_MOST = CPU_SETS + 2 };

static inline void masks_add(uint64_t *masks, int *n, uint64_t mask)
{
    for (int i = 0; i < *n; i++) {
        if (masks[i] == mask)
            return;
    }
    masks[(*n)++] = mask;
}

/* Plain C and every level, each with all its sets; the last one is all that is there. Returns how many. */
static inline int masks_of_levels(uint64_t masks[MASKS_MOST])
{
    int n = 0;
    masks_add(masks, &n, 0);
    for (int i = 0; i < CPU_SETS; i++) {
        uint64_t level;
        if (cpu_set_begins_level(i) && (cpu_features() & UINT64_C(1) << i) &&
            cpu_level_features(cpu_set_name(i), &level))
            masks_add(masks, &n, level & cpu_features());
    }
    masks_add(masks, &n, cpu_features());
    return n;
}

/* Plain C, every set alone with those it builds on, and all that is there. Returns how many. */
static inline int masks_of_sets(uint64_t masks[MASKS_MOST])
{
    int n = 0;
    masks_add(masks, &n, 0);
    for (int i = 0; i < CPU_SETS; i++) {
        if (cpu_features() & UINT64_C(1) << i)
            masks_add(masks, &n, cpu_set_features(i));
    }
    masks_add(masks, &n, cpu_features());
    return n;
}

#endif
