/* A network of five convolutions and a head: what fuzz_eight_bit reads weights into, and make_seeds writes. */
#ifndef Y9_FUZZ_TINY_TABLE_H
#define Y9_FUZZ_TINY_TABLE_H

static const char tiny_table[] = "nc: 2\nbackbone:\n- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n"
                                 "- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n"
                                 "head:\n- [[2, 3, 4], 1, DDetect, [nc]]\n";

#endif
