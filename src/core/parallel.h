/* One team of threads. A job is cut into `parts` by its shape alone, never by the number of threads, and each
 * part is computed by exactly one thread: results do not depend on the team's size. The caller's thread works
 * too. Waiting threads spin briefly, then sleep. */
#ifndef Y9_CORE_PARALLEL_H
#define Y9_CORE_PARALLEL_H

#include "core/status.h"

struct team;

/* Called once for each part in 0..parts-1; `thread` is 0..size-1, for per-thread scratch. */
typedef void part_fn(void *context, int part, int thread);

enum status team_create(int threads, struct team **out); /* threads >= 1 */
void team_destroy(struct team *team);
int team_size(const struct team *team); /* 1 for NULL */

/* Run all parts and return when they are done. A NULL team runs them in the calling thread, in order.
 * Not reentrant: a part must not call team_run on the same team. */
void team_run(struct team *team, int parts, part_fn *fn, void *context);

#endif
