/* The activations of a pickled network's convolutions. Their objects are the truth, not the table beside them: newer
 * releases of the Ultralytics package build the first convolution of SPPF without one, under the same names and shapes,
 * and a program may have given all of them another. Files without objects do not say: then what the table says holds.
 */
#ifndef Y9_WEIGHTS_ACTIVATIONS_H
#define Y9_WEIGHTS_ACTIVATIONS_H

#include "weights/checkpoint.h"

struct table;

/* A module of a pickled network, met at `path` ("model.9.cv1."); what is no convolution with an activation is passed
 * over. Texts are put into `arena`. */
enum status activations_note(struct checkpoint_activations *a, struct arena *arena, const char *path,
                             const struct pickle_value *module);

/* Make the table say what the objects say. E_UNSUPPORTED: no table can, or this program has no such activation. */
enum status activations_apply(const struct checkpoint *c, struct table *table);

#endif
