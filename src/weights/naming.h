/* The one home of what other packages call a network's tensors: prefixes of wrappers and averages, counters of
 * profilers, classes of modules, names behind a row. It is tables; whoever reads a checkpoint asks here (and
 * container.h for the keys under which a network lies).
 *
 * A network's naming is told by the tensors of its detection head, not by what stands in front of them: the head gives
 * the prefix, everything under that prefix is the network, the rest is left aside. */
#ifndef Y9_WEIGHTS_NAMING_H
#define Y9_WEIGHTS_NAMING_H

#include "formats/pickle.h"
#include "weights/checkpoint.h"

/* Of the tensors of one model as the file names them: the network's become model.<row>.<part>, as the official code
 * has them; counters and other things beside it go. Where the file holds an average of the same network beside it, that
 * becomes *average (NULL: there is none). Networks that this program cannot run are refused by their names, and so are
 * files with two networks of which neither is the other's average. A model without a detection head stays as it is. */
enum status naming_apply(struct checkpoint *ckpt, struct checkpoint_model *model, struct checkpoint_model **average);

/* Has the average every tensor of the network beside it, in its shape? False is said to the user: the network's own
 * weights are used then. Both have official names. */
bool naming_check_average(const struct checkpoint *ckpt, const struct checkpoint_model *raw,
                          const struct checkpoint_model *average);

/* Keys of training options that hold the image size. */
enum { NAMING_IMG_KEYS = 3 };
extern const char *const naming_img_keys[NAMING_IMG_KEYS];

/* What else a network could be that fits no table ("a YOLOv8 network"), by its names; NULL: nothing known. */
const char *naming_guess(const struct checkpoint_model *model);

/* Entries of a state dict that carry nothing a network needs: counters, cached anchors, DFL's 0, 1, 2 ... */
bool naming_is_bookkeeping(const char *name);

/* What the official code leaves in an anchor head whose implicit vectors it has folded into the convolutions: the
 * vectors, and the auxiliary convolutions. */
bool naming_is_folded_away(const char *name);
bool naming_is_implicit(const char *name); /* an implicit vector of an anchor head */

/* The package that writes objects of this module ("ultralytics.nn.tasks" -> "the Ultralytics package"); NULL: none
 * that is known. */
const char *naming_package(const char *module);
/* The family of the networks that it writes (model/family.h); NULL likewise. */
const char *naming_family(const char *module);

#endif
