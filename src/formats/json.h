/* formats/: bytes of files <-> plain data (safetensors, zip and pickle of PyTorch, YAML, JSON), whatever the bytes
 * mean. All of it comes from outside: every reader here is bounded and has a fuzz target.
 *
 * JSON from outside, over jansson: size, depth and number of values are bounded before memory is taken, duplicate
 * keys are refused, and a fault is one sentence "name:line: ...". The tree is jansson's (json_decref frees it);
 * objects keep the order of the text. */
#ifndef Y9_FORMATS_JSON_H
#define Y9_FORMATS_JSON_H

#include "core/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct json_limits {
    size_t bytes;  /* of text */
    size_t values; /* members and elements, all levels together; each may take up to ~130 bytes */
    int depth;     /* nested arrays and objects */
};

/* `name` only appears in sentences. `limits` NULL: 256 MiB, 16 million values, 64 levels (a large COCO annotation
 * file). *out is NULL on failure. */
enum status json_read_memory(const char *name, const void *bytes, size_t size, const struct json_limits *limits,
                             json_t **out);
enum status json_read_file(const char *path, const struct json_limits *limits, json_t **out);

/* A whole number, also one that is written 7.0 or 7e0, or in quotation marks ("7"). */
bool json_whole_number(const json_t *value, int64_t *out);

/* Write the whole tree under `path`, or nothing (core/file.h). `flags` are jansson's, e.g. JSON_INDENT(2). */
enum status json_write_file(const char *path, const json_t *root, size_t flags);

#endif
