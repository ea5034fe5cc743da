/* The pictures of a dataset for training or validation: read from their files, brought to the image size (SPEC 11.3),
 * and kept in memory from then on when asked to. */
#ifndef Y9_DATA_PICTURE_STORE_H
#define Y9_DATA_PICTURE_STORE_H

#include "data/pictures.h"
#include "image/resize.h"

#include <stdint.h>

struct store_config {
    const struct dataset *dataset; /* borrowed */
    int size;                      /* of the longer side */
    enum load_rule rule;
    bool cache;           /* keep pixels in memory */
    uint64_t cache_bytes; /* at most so many; 0: half of the memory that is free now */
};

struct picture_store;
/* Warns when not all pictures fit into the cache; the others are then read each time. E_NOMEM. */
enum status picture_store_open(const struct store_config *config, struct picture_store **out);
void picture_store_close(struct picture_store *s);

/* Owned by the store. Its pixels function fails as image_read does, and when a file is no longer the picture that the
 * dataset was made of. */
const struct pictures *picture_store_get(const struct picture_store *s);

/* Bytes that all pictures take at their size, and that the cache holds now. */
uint64_t picture_store_bytes(const struct picture_store *s);
uint64_t picture_store_cached(const struct picture_store *s);

#endif
