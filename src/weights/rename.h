/* Names of tensors of other implementations of YOLOv9, made official. Each function writes "model.<row>.<part>" for the
 * name of a tensor (without what stands in front of the network) into `out`; false: the network does not need it. */
#ifndef Y9_WEIGHTS_RENAME_H
#define Y9_WEIGHTS_RENAME_H

#include <stdbool.h>
#include <stddef.h>

/* `last` is the row of the main head: what comes behind it is needed for training only. */
typedef bool rename_fn(const char *name, int last, char *out, size_t size);

bool rename_multimedia(const char *name, int last, char *out, size_t size); /* MultimediaTechLab/YOLO */
bool rename_libre(const char *name, int last, char *out, size_t size);      /* LibreYOLO */

#endif
