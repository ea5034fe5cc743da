/* A fuzz target: libFuzzer calls it with bytes of its own, fuzz/replay.c with those of files. It must come back from
 * any input, free what it took, and stop the program (abort) where the reader broke its word. */
#ifndef Y9_FUZZ_TARGET_H
#define Y9_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
