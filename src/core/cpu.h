/* What this machine offers: instruction sets (core/cpu.def) as a mask of features, processors, memory. */
#ifndef Y9_CORE_CPU_H
#define Y9_CORE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* CPU_AT_id: the place of a set in core/cpu.def. */
enum {
    CPU_AT_NONE = -1,
#define INSTRUCTION_SET(id, ...) CPU_AT_##id,
#include "core/cpu.def"
#undef INSTRUCTION_SET
    CPU_SETS
};
_Static_assert(CPU_SETS <= 64, "core/cpu.def has more rows than a mask of features (uint64_t) has bits");

/* CPU_id: the bit of a set in a mask of features, which is a uint64_t everywhere. */
enum {
    CPU_NONE = 0,
#define INSTRUCTION_SET(id, ...) CPU_##id = UINT64_C(1) << CPU_AT_##id,
#include "core/cpu.def"
#undef INSTRUCTION_SET
};

/* What this processor and operating system offer. Asked once a process. */
uint64_t cpu_found(void);

/* Y9_EMULATE=1 in the environment: instructions that the processor lacks may be computed in C, for tests. */
bool cpu_emulates(void);

/* What of it kernels may use: all (but AMX_EMULATED, which has to be named), or what Y9_CPU=LEVEL in the environment
 * leaves ("c": nothing; else a level of core/cpu.def, whose further sets are used where present). An unknown name warns
 * and counts as no limit. */
uint64_t cpu_features(void);

/* The features of a level by its name; false where there is no such level. */
bool cpu_level_features(const char *level, uint64_t *features);
const char *cpu_level(uint64_t features); /* the best level of a mask: "c", "avx2", "avx512", "neon" ... */

bool cpu_multiplies_bf16(uint64_t features); /* there is an instruction for it */
bool cpu_gains_by_bf16(uint64_t features);   /* and it does more than the one for floats */

const char *cpu_set_name(int at);        /* of the set at CPU_AT_... */
uint64_t cpu_set_features(int at);       /* its bit and those of the sets it builds on */
bool cpu_set_begins_level(int at);       /* its name is that of a level */
bool cpu_set_is_of_this_machine(int at); /* an x86 set on x86, whether the processor has it or not */

const char *cpu_name(void); /* model name for reports, e.g. "AMD EPYC" */
int cpu_count(void);        /* processors this process may run on */
unsigned long long
cpu_cache_bytes(int level);          /* of a core's L1 data or L2 cache, of the L3 that it shares; 0: unknown */
unsigned long long cpu_memory(void); /* bytes of memory available to this process now */

#endif
