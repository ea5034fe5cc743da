/* A JSON array of a file, element by element: memory holds one element, however long the array is. Elements are read as
 * formats/json.h reads a whole text: bounded, without duplicate keys, faults told as "file:line: ...". */
#ifndef Y9_FORMATS_JSON_ITEMS_H
#define Y9_FORMATS_JSON_ITEMS_H

#include "core/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { JSON_ITEM_MAX_BYTES = 16 << 20, JSON_ITEM_MAX_DEPTH = 64 };

struct json_items {
    const char *name; /* borrowed: for sentences */
    FILE *stream;
    struct buf text; /* of the element */
    long line;       /* where the reader stands, from 1 */
    size_t count;    /* elements so far */
    bool begun, ended;
};

/* A regular file. `path` is borrowed until it is closed. */
enum status json_items_open(const char *path, struct json_items *items);
/* The same of bytes in memory, which must stay. */
enum status json_items_open_memory(const char *name, const void *bytes, size_t size, struct json_items *items);
void json_items_close(struct json_items *items);

/* *item is the next element, which the caller releases (json_decref), or NULL behind the last one. */
enum status json_items_next(struct json_items *items, json_t **item);
/* Go over the rest of the array without looking into its elements: their number. Then only closing is left. */
enum status json_items_count(struct json_items *items, size_t *count);

#endif
