/* lab/: the laboratory: what networks do with a picture, measured and drawn. Networks, loader, loss and charts are the
 * program's own; a figure is a picture (PNG or SVG) with its numbers beside it.
 *
 * The numbers of a figure: the same rows as CSV, for spreadsheets, and as JSON, with what they were made from. */
#ifndef Y9_LAB_NUMBERS_H
#define Y9_LAB_NUMBERS_H

#include "core/status.h"

#include <jansson.h>

/* Writes folder/name.csv and folder/name.json. `rows` is an array of flat objects that all have the keys of the first,
 * in its order: the columns. Of the values null is an empty cell, and texts are quoted where CSV needs it. The JSON
 * file is `about` (an object: options, networks, sizes) with `rows` as its last member. Both are borrowed. */
enum status numbers_write(const char *folder, const char *name, const json_t *about, json_t *rows);
/* The same of rows that may be none: the columns are the keys of an object, which is borrowed too. */
enum status numbers_write_columns(const char *folder, const char *name, const json_t *about, json_t *columns,
                                  json_t *rows);

/* The number, or null where it is not finite: what is not known is an empty cell. New, as json_real's. */
json_t *number_json(double value);

#endif
