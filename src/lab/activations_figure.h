/* yolo9 figure activations: the picture and the numbers. */
#ifndef Y9_LAB_ACTIVATIONS_FIGURE_H
#define Y9_LAB_ACTIVATIONS_FIGURE_H

#include "lab/activations.h"

/* Writes activations.{svg,png,csv,json}, a row an activation and depth, and example.{csv,json}, the numeric example for
 * each activation, into the folder. */
enum status activations_figure_write(const struct activation_result *results, int n, uint64_t seed, const char *folder);

#endif
