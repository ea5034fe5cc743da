/* CPU features as a mask; level names are presets of it. */
#ifndef Y9_CORE_CPU_H
#define Y9_CORE_CPU_H

enum {
    CPU_AVX2 = 1 << 0,   /* AVX2 + FMA + F16C */
    CPU_AVX512 = 1 << 1, /* F + BW + DQ + VL */
    CPU_AVX512_VNNI = 1 << 2,
    CPU_AVX512_BF16 = 1 << 3,
    CPU_AVX_VNNI = 1 << 4,
    CPU_NEON = 1 << 5,
};

/* What this processor and operating system offer, cut down by Y9_CPU=c|avx2|avx512|neon in the environment
 * (avx512 includes VNNI and BF16 where present). An unknown name warns and counts as no limit. */
unsigned cpu_features(void);
unsigned cpu_preset(const char *level, int *known); /* mask of a level name */
const char *cpu_name(void);                         /* model name for reports, e.g. "AMD EPYC" */
const char *cpu_level(unsigned features);           /* "c", "avx2", "avx512" or "neon" */
int cpu_count(void);                                /* processors this process may run on */
unsigned long long cpu_memory(void);                /* bytes of memory available to this process now */

#endif
