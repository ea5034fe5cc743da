/* The golden section pt: a checkpoint read by weights/checkpoint against the JSON the official code left. */
#ifndef Y9_TESTS_GOLDEN_PT_H
#define Y9_TESTS_GOLDEN_PT_H

#include <stddef.h>

/* 0: all equal; else `message` says what is not. *worst = largest error / tolerance of the sums so far. */
int golden_pt_case(const char *pt_path, const char *json_path, char *message, size_t size, double *worst);

/* The same as a runner of test_golden: the JSON lies beside the .pt. */
int golden_pt(const char *pt_path, char *message, size_t size, double *worst);

#endif
