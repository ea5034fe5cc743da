/* Instruction sets: which ones are there, and which of them may be used. */
#include "core/cpu.h"
#include "core/log.h"
#include "core/status.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool cpu_emulates(void)
{
    const char *word = getenv("Y9_EMULATE");
    return word && !strcmp(word, "1");
}

/* GCC's own tests include the operating system's part (XGETBV). */
#if defined(__x86_64__)
#include <cpuid.h>

static bool probe_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* CPUID leaf 7, subleaf 1, EAX bit 4: VNNI in 256 bits. Its registers are AVX2's, which has been asked for. */
static bool probe_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
}

static bool probe_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool probe_avx512_vnni(void)
{
    return __builtin_cpu_supports("avx512vnni");
}

static bool probe_avx512_bf16(void)
{
    return __builtin_cpu_supports("avx512bf16");
}

/* A bit of CPUID leaf 7, subleaf 0, EDX: bf16, tiles and int8 of the matrix unit. */
static bool leaf_7_edx(int bit)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << bit);
}

/* The operating system saves and restores state number `bit` (XCR0). */
static bool system_keeps(int bit)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a & 1u << bit;
}

/* Tiles are 8 KB of state that Linux saves only for processes that ask: the leave holds for all threads, those that are
 * to come too. It is refused by older systems, and where a thread's signal stack is too small for that state. */
static bool probe_amx(void)
{
    enum { TILE_CONFIG = 17, TILE_DATA = 18, REQUEST_PERMISSION = 0x1023 }; /* ARCH_REQ_XCOMP_PERM */
    return leaf_7_edx(24) && system_keeps(TILE_CONFIG) && system_keeps(TILE_DATA) &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static bool probe_amx_bf16(void)
{
    return leaf_7_edx(22);
}

static bool probe_amx_int8(void)
{
    return leaf_7_edx(25);
}

static bool probe_amx_emulated(void)
{
    return cpu_emulates();
}

/* No instructions of its own: vdpbf16ps takes twice as many products a cycle as FMA takes floats. So it is on AMD from
 * Zen 4 on; measured on Sapphire Rapids it takes half as many, and of other processors nothing is known. */
static bool probe_bf16_fast(void)
{
    unsigned most, b, c, d;
    return __get_cpuid(0, &most, &b, &c, &d) && b == signature_AMD_ebx && c == signature_AMD_ecx &&
           d == signature_AMD_edx;
}

#define PROBE_X86(probe) probe
#define PROBE_ARM(probe) NULL
#elif defined(__aarch64__)
static bool probe_neon(void)
{
    return true; /* part of the architecture */
}

#define PROBE_X86(probe) NULL
#define PROBE_ARM(probe) probe
#else
#define PROBE_X86(probe) NULL
#define PROBE_ARM(probe) NULL
#endif

enum machine { MACHINE_X86, MACHINE_ARM };

static const struct {
    const char *name;
    int level, needs;
    enum machine machine;
    bool (*probe)(void); /* NULL: of another machine */
} sets[] = {
#define INSTRUCTION_SET(id, name, level, needs, machine, flags, probe) \
    {name, CPU_AT_##level, CPU_AT_##needs, MACHINE_##machine, PROBE_##machine(probe)},
#include "core/cpu.def"
#undef INSTRUCTION_SET
};

enum {
    LEVEL_NONE = CPU_AT_NONE,
#define INSTRUCTION_SET(id, name, level, ...) LEVEL_##id = CPU_AT_##level,
#include "core/cpu.def"
#undef INSTRUCTION_SET
};
#define INSTRUCTION_SET(id, name, level, needs, machine, flags, probe)                                   \
    _Static_assert(CPU_AT_##level <= CPU_AT_##id, "core/cpu.def: the level of " #id " begins below it"); \
    _Static_assert((int)LEVEL_##level == (int)CPU_AT_##level,                                            \
                   "core/cpu.def: " #level ", the level of " #id ", begins no level");                   \
    _Static_assert(CPU_AT_##needs < CPU_AT_##id, "core/cpu.def: what " #id " needs stands below it");    \
    _Static_assert(LEVEL_##needs <= LEVEL_##id, "core/cpu.def: " #id " needs a set of a higher level");
#include "core/cpu.def"
#undef INSTRUCTION_SET

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t found;

static void find(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    for (int i = 0; i < CPU_SETS; i++) {
        const bool ground = sets[i].needs == CPU_AT_NONE || (found & UINT64_C(1) << sets[i].needs);
        if (ground && sets[i].probe && sets[i].probe())
            found |= UINT64_C(1) << i;
    }
}

uint64_t cpu_found(void)
{
    pthread_once(&once, find);
    return found;
}

const char *cpu_set_name(int at)
{
    return sets[at].name;
}

uint64_t cpu_set_features(int at)
{
    uint64_t features = 0;
    for (; at != CPU_AT_NONE; at = sets[at].needs)
        features |= UINT64_C(1) << at;
    return features;
}

bool cpu_set_begins_level(int at)
{
    return sets[at].level == at;
}

bool cpu_set_is_of_this_machine(int at)
{
    return sets[at].probe != NULL;
}

bool cpu_level_features(const char *level, uint64_t *features)
{
    *features = 0;
    if (!strcmp(level, "c"))
        return true;
    int top = 0;
    while (top < CPU_SETS && !(cpu_set_begins_level(top) && !strcmp(level, sets[top].name)))
        top++;
    if (top == CPU_SETS)
        return false;
    for (int i = 0; i < CPU_SETS; i++) {
        if (sets[i].machine == sets[top].machine && sets[i].level <= top)
            *features |= UINT64_C(1) << i;
    }
    return true;
}

static void warn_of_level(const char *level)
{
    char *names = NULL;
    size_t size;
    FILE *list = open_memstream(&names, &size);
    for (int i = 0; list && i < CPU_SETS; i++) {
        if (cpu_set_begins_level(i))
            fprintf(list, ", %s", sets[i].name);
    }
    if (list)
        fclose(list);
    log_warn("Y9_CPU=%s is not one of c%s; all features are used", level, names ? names : "");
    free(names);
}

uint64_t cpu_features(void)
{
    const char *level = getenv("Y9_CPU");
    uint64_t mask;
    const uint64_t real = cpu_found() & ~CPU_AMX_EMULATED; /* what is only slow is not used unasked */
    if (!level || !*level)
        return real;
    if (cpu_level_features(level, &mask))
        return cpu_found() & mask;
    warn_of_level(level);
    return real;
}

bool cpu_multiplies_bf16(uint64_t features)
{
    return features & (CPU_AVX512_BF16 | CPU_AMX_BF16);
}

bool cpu_gains_by_bf16(uint64_t features)
{
    return features & (CPU_BF16_FAST | CPU_AMX_BF16);
}

const char *cpu_level(uint64_t features)
{
    const char *name = "c";
    for (int i = 0; i < CPU_SETS; i++) {
        if (cpu_set_begins_level(i) && (features & UINT64_C(1) << i))
            name = sets[i].name;
    }
    return name;
}
