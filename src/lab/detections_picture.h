/* The picture and the numbers of figure detections. */
#ifndef Y9_LAB_DETECTIONS_PICTURE_H
#define Y9_LAB_DETECTIONS_PICTURE_H

#include "lab/detections.h"

#include <jansson.h>

struct detections_sheet {
    const struct detections_figure *figure;
    const char *photo, *network;
    const char *const *names; /* (nc) */
    int nc;
    const char *shown; /* the classes that the maps are of: "all classes", "person" */
    double conf, iou;
};

/* Writes a PNG. */
enum status detections_draw(const struct detections_sheet *s, const char *path);
/* Writes detections.csv and detections.json into the folder; `about` is borrowed. */
enum status detections_numbers_write(const struct detections_sheet *s, const char *folder, const json_t *about);

#endif
