/* Small networks of YOLOv7's kind for tests: the rows of a table, to be put behind its line "nc: N". */
#ifndef Y9_TESTS_MINI_TABLES_H
#define Y9_TESTS_MINI_TABLES_H

/* ReOrg, RepConv with its identity, a Shortcut; two levels of anchor boxes. */
#define MINI_ANCHORS                               \
    "anchors: [[19,27, 44,40], [96,68, 86,152]]\n" \
    "backbone:\n"                                  \
    "  - [-1, 1, ReOrg, []]\n"                     \
    "  - [-1, 1, Conv, [8, 3, 2]]\n"               \
    "  - [-1, 1, RepConv, [8, 3, 1]]\n"            \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"              \
    "  - [-1, 1, Conv, [16, 1, 1]]\n"              \
    "  - [[3, 4], 1, Shortcut, [1]]\n"             \
    "  - [-1, 1, DownC, [24]]\n"                   \
    "  - [-1, 1, SPPCSPC, [16]]\n"                 \
    "head:\n"                                      \
    "  - [[5, 7], 1, IDetect, [nc, anchors]]\n"

/* Four levels, and an auxiliary head. */
#define MINI_AUXILIARY                                                                                      \
    "anchors: [[6,6, 10,20, 20,10], [24,24, 20,40, 40,20], [48,48, 40,60, 60,40], [60,60, 50,64, 64,50]]\n" \
    "backbone:\n"                                                                                           \
    "  - [-1, 1, ReOrg, []]\n"                                                                              \
    "  - [-1, 1, Conv, [16, 3, 2]]\n"                                                                       \
    "  - [-1, 1, Conv, [24, 3, 2]]\n"                                                                       \
    "  - [-1, 1, DownC, [32]]\n"                                                                            \
    "  - [-1, 1, Conv, [32, 3, 2]]\n"                                                                       \
    "  - [-1, 1, Conv, [32, 3, 2]]\n"                                                                       \
    "head:\n"                                                                                               \
    "  - [2, 1, Conv, [16, 3, 1]]\n"                                                                        \
    "  - [3, 1, Conv, [16, 3, 1]]\n"                                                                        \
    "  - [[2, 3, 4, 5, 6, 7, 4, 5], 1, IAuxDetect, [nc, anchors]]\n"

#endif
