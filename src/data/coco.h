/* Inside of coco_labels.c: one COCO annotation file while it is read. */
#ifndef Y9_DATA_COCO_H
#define Y9_DATA_COCO_H

#include "data/loading.h"

#include <jansson.h>

struct category {
    int64_t id;
    const char *name;
    const char *group; /* its supercategory, NULL: none */
    long uses;         /* annotations */
    int class;         /* -1: none; then it has no annotations */
};

struct annotations {
    const char *file;
    struct loading *l;
    json_t *root;
    struct category *categories; /* by id */
    int n_categories;
    int first; /* of the loading's pictures: those of this file, by id */
    char *folder;
    int drop; /* leading parts of file names that lead nowhere */
};

/* coco_file.c: a list of the file's top level. */
enum status coco_list(const struct annotations *a, const char *key, const json_t **list);
/* A whole number of an element of the list `what`. */
enum status coco_id(const struct annotations *a, const json_t *object, const char *what, size_t index, const char *key,
                    int64_t *id);

/* coco_categories.c: read the categories and give each its class. */
enum status coco_read_categories(struct annotations *a);
struct category *coco_find_category(const struct annotations *a, int64_t id); /* NULL: not listed */

#endif
