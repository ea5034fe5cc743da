/* Drawn detection sets: shapes of up to 20 classes on textured grounds, with occlusion, light, blur, noise and JPEG, so
 * that training can be shown and tested without photos. A picture depends on (seed, its number, classes, size) alone.
 */
#ifndef Y9_DATA_SYNTH_H
#define Y9_DATA_SYNTH_H

#include "core/parallel.h"
#include "image/image.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum { SYNTH_MAX_CLASSES = 20, SYNTH_MAX_OBJECTS = 8 };

struct synth_label {
    int class;
    int x1, y1, x2, y2; /* the visible pixels lie in x1 <= x < x2, y1 <= y < y2 */
};

struct synth_picture {
    struct image image; /* {0} to begin with, and kept from picture to picture */
    struct synth_label labels[SYNTH_MAX_OBJECTS];
    int n_labels;
    int quality; /* of the JPEG */
};

/* Picture `number` of a set. E_NOMEM. */
enum status synth_draw(uint64_t seed, uint64_t number, int classes, int h, int w, struct synth_picture *out);

struct synth_config {
    const char *folder;
    int images, classes, h, w;
    uint64_t seed;
    double val_fraction;               /* 0..1; the last pictures are for validation */
    struct team *team;                 /* may be NULL */
    bool quiet;                        /* no progress bar */
    const volatile sig_atomic_t *stop; /* not 0: stop, remove what was drawn, E_INTERRUPTED; may be NULL */
};

/* Writes folder/data.yaml, images/{train,val} and labels/{train,val} into a new or an empty folder; anything else is
 * refused. Where it fails nothing of the set is left. E_ARGUMENT, E_IO, E_NOMEM, E_INTERRUPTED. */
enum status synth_write(const struct synth_config *config);

#endif
