/* Networks side by side: what their heads say, how they are trained. Part of `yolo9 info`. Everything is read from the
 * graph, the table's family and the recipe that training would take. */
#ifndef Y9_CLI_INFO_FAMILIES_H
#define Y9_CLI_INFO_FAMILIES_H

#include "core/listing.h"
#include "model/figures.h"

#include <jansson.h>

void families_begin(struct listing *l);
/* A row of the listing; the gains of a recipe that was not met before are appended to `gains`, a line each. */
enum status families_add(struct listing *l, struct buf *gains, const struct figures *r);
/* What the words mean, and the gains. */
void families_explain(const struct buf *gains);
/* The same facts as entries of an object. */
void families_json(const struct figures *r, json_t *object);

#endif
