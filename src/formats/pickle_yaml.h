/* Plain values of a pickle (a network table, training options) as YAML text: dicts and lists block by block, rows
 * of lists in flow style, paths and numpy numbers as text and numbers; anything else by its class's name. */
#ifndef Y9_FORMATS_PICKLE_YAML_H
#define Y9_FORMATS_PICKLE_YAML_H

#include "core/buf.h"
#include "formats/pickle.h"

/* Append to `out`. A value nested too deeply or reached too often (a pickle can refer to itself), or more
 * than 1 MB of text, is E_LIMIT. */
enum status pickle_to_yaml(const struct pickle_value *value, struct buf *out);

#endif
