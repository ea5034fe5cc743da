/* An activation that a kernel lacks is refused when a network is planned, never left out. */
#ifndef Y9_OPS_ACTIVATION_H
#define Y9_OPS_ACTIVATION_H

#include "core/status.h"
#include "graph/graph.h"

/* E_UNSUPPORTED names the node, the activation and the kernel, whose `acts` it is not among. */
static inline enum status act_is_there(const struct node *n, enum act act, unsigned acts, const char *kernel)
{
    if (act == ACT_NONE || ((unsigned)act < ACT_COUNT && acts >> act & 1))
        return OK;
    return fail(E_UNSUPPORTED, "%s: the kernel %s has no activation %s", n->name, kernel, act_name(act));
}

#endif
