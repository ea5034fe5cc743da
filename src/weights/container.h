/* Where in a pickled checkpoint the network lies: under which keys of the dicts around it, in which wrappers, and its
 * average beside it. The names of its tensors are the business of naming.h. */
#ifndef Y9_WEIGHTS_CONTAINER_H
#define Y9_WEIGHTS_CONTAINER_H

#include "core/status.h"
#include "formats/pickle.h"

/* What a checkpoint holds: a module object or a dict of tensors each; NULL: there is none. */
struct network_container {
    const struct pickle_value *raw, *average;
    const struct pickle_value *options; /* the dict (or namespace) of training options */
};
/* E_FORMAT lists the keys of a file that holds no network. */
enum status container_find_networks(const char *file, const struct pickle_value *root, struct network_container *out);

#endif
