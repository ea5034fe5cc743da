/* Tile registers: the matrix unit's instructions under the names of kernels/tiles_emulated.h, which says what they do.
 * A register's number is a literal. */
#ifndef Y9_KERNELS_X86_TILES_AMX_H
#define Y9_KERNELS_X86_TILES_AMX_H

#include <immintrin.h>
#include <stdint.h>

struct tiles {
    char none; /* the state is the processor's */
};

/* What LDTILECFG reads. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* The intrinsics of GCC 12 do not say that they read and write memory. */
#define TILES_FENCE() __asm__ volatile("" ::: "memory")

static inline void tiles_begin(struct tiles *t, int step)
{
    struct tile_config config = {.palette = 1};
    t->none = 0;
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = (uint16_t)(i == 4 || i == 5 ? step : 64);
        config.rows[i] = (uint8_t)(i >= 6 ? step / 4 : 16);
    }
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
}

/* Afterwards the thread has no tiles: no other code of it pays for saving them or finds their configuration. */
static inline void tiles_end(struct tiles *t)
{
    (void)t;
    _tile_release();
}

#define TILES_DO(t, instruction) \
    do {                         \
        (void)(t);               \
        instruction;             \
        TILES_FENCE();           \
    } while (0)
#define tile_zero(t, n)                TILES_DO(t, _tile_zero(n))
#define tile_load(t, n, base, stride)  TILES_DO(t, _tile_loadd(n, base, stride))
#define tile_store(t, n, base, stride) TILES_DO(t, _tile_stored(n, base, stride))
/* A file is compiled for one of the two products and says which by TILES_BF16 or TILES_BYTES (compilers differ in the
 * names of their own macros). The other one is in branches that its constant kind never takes, but clang wants the
 * feature for an instruction there too. */
#ifdef TILES_BF16
#define tile_dot_bf16(t, sum, a, b) TILES_DO(t, _tile_dpbf16ps(sum, a, b))
#else
#define tile_dot_bf16(t, sum, a, b) TILES_DO(t, __builtin_trap())
#endif
#ifdef TILES_BYTES
#define tile_dot_bytes(t, sum, a, b) TILES_DO(t, _tile_dpbusd(sum, a, b))
#else
#define tile_dot_bytes(t, sum, a, b) TILES_DO(t, __builtin_trap())
#endif

#endif
