/* Names of tensors of other implementations of YOLOv9, made official. Each function writes "model.<row>.<part>" for the
 * name of a tensor (without what stands in front of the network) into `out`; false: the network does not need it. */
#ifndef Y9_WEIGHTS_RENAME_H
#define Y9_WEIGHTS_RENAME_H

#include <stdbool.h>
#include <stddef.h>

/* The rows of the heads in the file; auxiliary: -1 where there is only one. */
struct rename_heads {
    int main, auxiliary;
};
typedef bool rename_fn(const char *name, struct rename_heads heads, char *out, size_t size);

/* MultimediaTechLab/YOLO. With the auxiliary branch (behind the main head, its own head last) the names are those of
 * the official training form, a network with a dual head; without it, or where its rows are unknown, those of the
 * deployed one. */
bool rename_multimedia(const char *name, struct rename_heads heads, char *out, size_t size);
/* The other way: a tensor of the deployed form of a network of t's and s's rows, or of m's and c's (its head is row
 * 22), under its name in the training form whose dual head is row `head`. false: there is none. */
bool rename_main_branch(const char *name, int head, char *out, size_t size);
bool rename_libre(const char *name, struct rename_heads heads, char *out, size_t size); /* LibreYOLO */

#endif
