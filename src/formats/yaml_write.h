/* YAML text, written value by value: block style for maps and lists, flow style ([a, b], {k: v}) where asked for, as
 * in a network table's rows. What is written reads back as the same values, in this program and in YAML 1.1 readers.
 *
 * `key` names an entry of a map and is NULL for an element of a list (and for the root). The first failure sticks;
 * later calls do nothing, and yaml_finish returns it. */
#ifndef Y9_FORMATS_YAML_WRITE_H
#define Y9_FORMATS_YAML_WRITE_H

#include "core/buf.h"

#include <stdbool.h>

enum { YAML_WRITE_DEPTH = 32 };

struct yaml_writer {
    struct buf *out; /* borrowed; text is appended */
    int depth;
    struct {
        bool map, flow;
        int count, column; /* entries so far; block: column of its entries */
    } level[YAML_WRITE_DEPTH];
    enum status rc;
};

void yaml_begin(struct yaml_writer *w, struct buf *out);
void yaml_begin_map(struct yaml_writer *w, const char *key, bool flow); /* inside flow everything is flow */
void yaml_begin_list(struct yaml_writer *w, const char *key, bool flow);
void yaml_end(struct yaml_writer *w);                                           /* the innermost map or list */
void yaml_put_string(struct yaml_writer *w, const char *key, const char *text); /* NULL writes null */
void yaml_put_int(struct yaml_writer *w, const char *key, long long value);
void yaml_put_double(struct yaml_writer *w, const char *key, double value); /* shortest text that reads back equal */
void yaml_put_bool(struct yaml_writer *w, const char *key, bool value);
void yaml_put_null(struct yaml_writer *w, const char *key);
enum status yaml_finish(struct yaml_writer *w);

#endif
