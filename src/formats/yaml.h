/* YAML from outside (libyaml): one document as a tree of nodes that know their line. Bounded in file size, depth and
 * number of nodes; aliases and foreign tags are refused (no expansion bombs), and so are keys that are not plain text,
 * and a second document. Of keys that stand twice in a map the last one holds, which is said in a warning.
 *
 * Plain scalars are resolved as in YAML 1.1's common part: ~ null true/yes/on false/no/off, decimal integers,
 * decimal floats (also without a dot: 1e-3), .inf and .nan; everything else and everything quoted is a string. */
#ifndef Y9_FORMATS_YAML_H
#define Y9_FORMATS_YAML_H

#include "core/mem.h"

#include <stdbool.h>

enum yaml_type { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_type type;
    bool quoted;                      /* a scalar in '' or "", or a block text */
    int line, column;                 /* of its first character, from 1 */
    const char *text;                 /* scalars: as written, quotes and escapes resolved */
    int count;                        /* elements, or entries of a map */
    struct yaml_node *const *items;   /* elements, or the values of a map */
    struct yaml_node *const *keys;    /* maps: keys[i] belongs to items[i]; scalars */
    const struct yaml_node *repeated; /* maps: a key that stood twice; NULL: none did */
    const char *file;                 /* for sentences */
};

/* Owns every node and text. */
struct yaml {
    const struct yaml_node *root; /* an empty document is a null scalar */
    struct arena arena;
    int n_repeated; /* keys that another one replaced */
};

/* On failure the document is empty (closing it is harmless); the sentence is "file:line: ...". */
enum status yaml_open(const char *path, struct yaml *doc);
enum status yaml_open_memory(const char *name, const void *bytes, size_t size, struct yaml *doc); /* bytes not kept */
void yaml_close(struct yaml *doc); /* libyaml exports functions of its own named yaml_*: mind the linker */

/* Make a sentence "file:line: ..." about a node and return `code`. */
enum status yaml_fail(const struct yaml_node *node, enum status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key); /* NULL: absent, or not a map */
/* The entry must be there. */
enum status yaml_need(const struct yaml_node *map, const char *key, const struct yaml_node **out);

/* Typed values; `what` names the node in the sentence ("epochs"). Numbers may stand in quotes, whole numbers may be
 * written 3.0 or 3e0. */
enum status yaml_get_int(const struct yaml_node *node, const char *what, int min, int max, int *out);
enum status yaml_get_double(const struct yaml_node *node, const char *what, double *out); /* finite; an int is fine */
enum status yaml_get_bool(const struct yaml_node *node, const char *what, bool *out);     /* 0 and 1 as well */
enum status yaml_get_string(const struct yaml_node *node, const char *what, const char **out); /* any scalar but null */
enum status yaml_get_list(const struct yaml_node *node, const char *what, int min_count, int max_count);
enum status yaml_get_map(const struct yaml_node *node, const char *what);

#endif
