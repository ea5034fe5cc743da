/* What a weight file is, in words and as JSON: who wrote it, its form, network, classes, and what it remembers of its
 * training. Part of `yolo9 info`. */
#ifndef Y9_CLI_INFO_WEIGHTS_H
#define Y9_CLI_INFO_WEIGHTS_H

#include "weights/weights.h"

#include <jansson.h>

/* `w` was loaded from `path`. Lines to standard output where `print` is set; *out gets the same as an object, for
 * json_decref. */
enum status info_weights(const char *path, const struct weights *w, bool print, json_t **out);

#endif
