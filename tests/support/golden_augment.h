/* Golden cases of augmentation (golden/README.md kinds perspective and mosaic); results as in golden.h. */
#ifndef Y9_TESTS_GOLDEN_AUGMENT_H
#define Y9_TESTS_GOLDEN_AUGMENT_H

#include <stddef.h>

int golden_perspective(const char *path, char *message, size_t size, double *worst);
int golden_mosaic(const char *path, char *message, size_t size, double *worst);

#endif
