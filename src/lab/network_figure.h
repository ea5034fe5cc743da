/* yolo9 figure network: a network drawn (diagram.h), with its rows and wires as numbers. */
#ifndef Y9_LAB_NETWORK_FIGURE_H
#define Y9_LAB_NETWORK_FIGURE_H

#include "model/figures.h"

/* Writes name.svg, name.png, name.csv and name.json into the folder. */
enum status network_figure_write(const struct figures *f, const char *folder, const char *name);

#endif
