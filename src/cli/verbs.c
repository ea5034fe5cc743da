/* The verbs of the program, by their names. */
#include "cli/cli.h"
#include "core/near.h"

#include <string.h>

const struct verb_spec *const verbs[] = {
#define VERB(name) &verb_##name,
#include "cli/verbs.def"
#undef VERB
    NULL,
};

const struct verb_spec *verb_find(const char *name)
{
    const char *names[COUNT(verbs)] = {NULL};
    int n = 0;
    for (; verbs[n]; n++) {
        names[n] = verbs[n]->name;
        if (!strcmp(name, names[n]))
            return verbs[n];
    }
    const char *near = nearest_name(name, names, n);
    if (near)
        fail(E_USAGE, "unknown verb '%s'; did you mean %s?", name, near);
    else
        fail(E_USAGE, "unknown verb '%s'; yolo9 help lists the verbs", name);
    return NULL;
}
