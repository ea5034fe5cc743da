#ifndef YOLO9_DATA_BOX_REACH_H
#define YOLO9_DATA_BOX_REACH_H

#include <stdbool.h>

/* The two usual mistakes in COCO boxes, which are x, y, width, height in pixels: parts of the picture are written
 * instead of pixels, or two corners instead of a corner and a size. */
#define BOX_IN_PIXELS  "bbox is x, y, width, height in pixels, not in parts of the picture"
#define BOX_NO_CORNERS "bbox is x, y, width, height, not two corners"

struct box_reach {
    bool within_a_pixel; /* right and bottom edge are at most 1: no real box, but every box in parts of a picture */
    bool beyond;         /* beyond its picture by more than rounding */
};

/* xywh in pixels; w, h: the picture's size, 0 where it is not known (then nothing is beyond it). */
struct box_reach box_reach(const float xywh[4], int w, int h);

#endif
