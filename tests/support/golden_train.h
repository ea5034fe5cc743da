/* Golden kind train: a few official training iterations (golden/README, "Training cases"). */
#ifndef Y9_TESTS_GOLDEN_TRAIN_H
#define Y9_TESTS_GOLDEN_TRAIN_H

#include <stddef.h>

int golden_train(const char *path, char *message, size_t size, double *worst);

#endif
