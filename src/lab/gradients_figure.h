/* yolo9 figure gradients: pictures and numbers of the gradients of one or several networks. */
#ifndef Y9_LAB_GRADIENTS_FIGURE_H
#define Y9_LAB_GRADIENTS_FIGURE_H

#include "lab/gradient_states.h"

#include <jansson.h>

/* Into the folder: gradients.{png,svg}, by rows of the networks, gradients.csv and .json their numbers; sizes.{png,svg,
 * csv,json} by size of the objects and level of the pyramid. `about` (borrowed) stands in front of the JSON files. */
enum status gradients_figure_write(const struct gradient_state *states, int n, const json_t *about, const char *folder);

/* gradients_numbers.c: rows for numbers_write; NULL when memory is short. */
json_t *gradients_row_numbers(const struct gradient_state *states, int n);
json_t *gradients_size_numbers(const struct gradient_state *states, int n);

#endif
