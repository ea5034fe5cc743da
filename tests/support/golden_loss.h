/* Golden cases of the loss/ section (golden/README): runners of test_golden. */
#ifndef Y9_TESTS_GOLDEN_LOSS_H
#define Y9_TESTS_GOLDEN_LOSS_H

#include <stddef.h>

int golden_assigner(const char *path, char *message, size_t size, double *worst);
/* Kinds single, dual, triple and dual_lh: the file says which. */
int golden_loss(const char *path, char *message, size_t size, double *worst);
/* Kinds ota and aux_ota: anchor heads. */
int golden_anchor_loss(const char *path, char *message, size_t size, double *worst);

#endif
