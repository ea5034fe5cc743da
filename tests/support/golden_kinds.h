/* The runners that golden_kinds.def names. */
#ifndef Y9_TESTS_GOLDEN_KINDS_H
#define Y9_TESTS_GOLDEN_KINDS_H

#include "support/golden_augment.h"
#include "support/golden_eval.h"
#include "support/golden_image.h"
#include "support/golden_loss.h"
#include "support/golden_net.h"
#include "support/golden_pt.h"
#include "support/golden_train.h"

#include <stdbool.h>
#include <stddef.h>

/* 0 = pass, > 0 = failed (faults; the first one in message), < 0 = skipped (why, in message). *worst: largest error
 * over its tolerance. */
typedef int golden_runner(const char *path, char *message, size_t size, double *worst);

#endif
