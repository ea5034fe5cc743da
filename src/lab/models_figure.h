/* yolo9 figure models: accuracy against parameters, FLOPs and latency. */
#ifndef Y9_LAB_MODELS_FIGURE_H
#define Y9_LAB_MODELS_FIGURE_H

#include "lab/points.h"

/* Writes name.svg, name.png, name.csv and name.json into the folder: one panel for parameters, one for FLOPs, and one
 * for latency where any point has one; `machine` says then what it was measured on (else NULL). A built-in network's
 * row also has what its own table counts. Points of one family stand one behind the other. */
enum status models_figure_write(const struct points *p, const char *machine, const char *folder, const char *name);

#endif
