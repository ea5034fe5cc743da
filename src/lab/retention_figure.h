/* The picture and the numbers of measurements over seeds. */
#ifndef Y9_LAB_RETENTION_FIGURE_H
#define Y9_LAB_RETENTION_FIGURE_H

#include "lab/retention.h"

#include <jansson.h>

struct retention_sheet {
    const struct photo_set *photos;
    const struct retention_net *nets; /* (n, seeds): networks, then checks */
    int n, networks, seeds;
};

/* folder/retention.png, .svg: a chart by depth, mean over the seeds with their standard deviation; retention.csv,
 * .json: a row an architecture and depth; retention-photos.csv, .json: one a seed and photo too. `about` is what the
 * JSON files say of the run. */
enum status retention_figure_write(const struct retention_sheet *s, const json_t *about, const char *folder);

#endif
