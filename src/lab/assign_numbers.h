/* The numbers of figure assign: a row an object, view and level. */
#ifndef Y9_LAB_ASSIGN_NUMBERS_H
#define Y9_LAB_ASSIGN_NUMBERS_H

#include "lab/assign_picture.h"

#include <jansson.h>

/* Writes assign.csv and assign.json into the folder; `about` is borrowed. */
enum status assign_numbers_write(const struct assign_sheet *s, const char *folder, const json_t *about);

/* Objects that get no point in a view; *example is the first of them, -1: none. */
int assign_left_out(const struct assign_figure *f, int view, int *example);

#endif
