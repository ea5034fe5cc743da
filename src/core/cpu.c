#include "core/cpu.h"

#include "core/log.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
/* CPUID leaf 7, subleaf 1, EAX bit 4: VNNI in 256 bits. Its registers are AVX2's, which the caller has asked for. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}
#endif

static unsigned detect(void)
{
    unsigned have = 0;
#if defined(__x86_64__)
    __builtin_cpu_init(); /* GCC's tests include the operating system's XGETBV state */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        have |= CPU_AVX2;
    if (have && has_avx_vnni())
        have |= CPU_AVX_VNNI;
    if (have && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        have |= CPU_AVX512;
        if (__builtin_cpu_supports("avx512vnni"))
            have |= CPU_AVX512_VNNI;
        if (__builtin_cpu_supports("avx512bf16"))
            have |= CPU_AVX512_BF16;
    }
#elif defined(__aarch64__)
    have |= CPU_NEON;
#endif
    return have;
}

unsigned cpu_preset(const char *level, int *known)
{
    static const struct {
        const char *name;
        unsigned mask;
    } presets[] = {
        {"c", 0},
        {"avx2", CPU_AVX2 | CPU_AVX_VNNI},
        {"avx512", CPU_AVX2 | CPU_AVX_VNNI | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16},
        {"neon", CPU_NEON},
    };
    for (unsigned i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (!strcmp(level, presets[i].name)) {
            *known = 1;
            return presets[i].mask;
        }
    }
    *known = 0;
    return ~0u;
}

unsigned cpu_features(void)
{
    const char *level = getenv("Y9_CPU");
    unsigned have = detect();
    if (!level || !*level)
        return have;
    int known;
    unsigned mask = cpu_preset(level, &known);
    if (!known)
        log_warn("Y9_CPU=%s is not one of c, avx2, avx512, neon; all features are used", level);
    return have & mask;
}

const char *cpu_level(unsigned features)
{
    if (features & CPU_AVX512)
        return "avx512";
    if (features & CPU_AVX2)
        return "avx2";
    return features & CPU_NEON ? "neon" : "c";
}

const char *cpu_name(void)
{
    static _Thread_local char name[128];
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(name, sizeof name, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (colon && !strncmp(line, "model name", 10)) {
            snprintf(name, sizeof name, "%.120s", colon + 2);
            name[strcspn(name, "\n")] = 0;
            break;
        }
    }
    if (f)
        fclose(f);
    return name;
}

int cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

unsigned long long cpu_memory(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    }
    if (f)
        fclose(f);
    return kib ? kib * 1024 : (unsigned long long)sysconf(_SC_PHYS_PAGES) * (unsigned long long)sysconf(_SC_PAGE_SIZE);
}
