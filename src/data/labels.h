/* Boxes and polygons of one sample on their way through augmentation, in pixels of the picture they lie on. */
#ifndef Y9_DATA_LABELS_H
#define Y9_DATA_LABELS_H

#include "data/dataset.h"

struct label {
    int class;
    float xyxy[4];
    int n_points; /* of its polygon; 0: only the box is known */
    size_t first_point;
};

/* {0} is an empty list; memory is kept from sample to sample. */
struct labels {
    struct label *items;
    int count, capacity;
    float (*points)[2];
    size_t n_points, point_capacity;
};
void labels_free(struct labels *l); /* leaves {0} */
void labels_clear(struct labels *l);

/* Append: all E_NOMEM. `add` makes a cleared label with n_points undefined points. */
enum status labels_add(struct labels *l, int n_points, struct label **out);
enum status labels_append(struct labels *l, const struct labels *more);
/* A picture's normalised labels, scaled to w x h pixels and moved by (left, top); in float32 as the official code. */
enum status labels_append_objects(struct labels *l, const struct dataset_object *objects, int n,
                                  const float (*points)[2], float w, float h, float left, float top);

/* Boxes and polygons to [0, w] x [0, h]. */
void labels_clip(struct labels *l, float w, float h);
/* Is there a polygon other than one of zeros? Only then do polygons count (SPEC 11.6). */
bool labels_have_polygons(const struct labels *l);

#endif
