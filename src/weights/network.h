/* Which network a checkpoint is of: by the table in it, else by its tensors. */
#ifndef Y9_WEIGHTS_NETWORK_H
#define Y9_WEIGHTS_NETWORK_H

#include "model/match.h"
#include "weights/checkpoint.h"

/* The table: `cfg` (a built-in one's name or a file), or else the one in the checkpoint, or else the built-in one that
 * its tensors fit. *match has what the tensors say of the head. */
enum status network_find(const struct checkpoint *c, const char *cfg, struct table *table, struct match *match);

/* What network a checkpoint is of: the name inside, else that of the built-in table that its tensors fit, else NULL.
 * Owned by the checkpoint or static. */
const char *weights_network(const struct checkpoint *c);

/* The network table of a checkpoint: the one inside, else the built-in one that its tensors fit; the head's widths and
 * classes that the tensors chose are put into it. *folded: BN is folded, so that it cannot be trained. */
enum status weights_table(const struct checkpoint *c, struct table *out, bool *folded);

/* What its tensors say of the head: row, branches; false: it has none. */
bool weights_match_head(const struct checkpoint *c, struct match *out);

#endif
