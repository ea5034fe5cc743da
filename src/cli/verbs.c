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

/* The verb of a list by its last word; *near is a name that may be meant. */
static const struct verb_spec *find(const struct verb_spec *const *list, const char *word, const char **near)
{
    enum { MOST = 64 };
    const char *names[MOST];
    int n = 0;
    for (; list[n] && n < MOST; n++) {
        names[n] = verb_last_word(list[n]);
        if (!strcmp(word, names[n]))
            return list[n];
    }
    *near = nearest_name(word, names, n);
    return NULL;
}

const struct verb_spec *verb_find(const char *name)
{
    const char *near;
    const struct verb_spec *verb = find(verbs, name, &near);
    if (!verb && near)
        fail(E_USAGE, "unknown verb '%s'; did you mean %s?", name, near);
    else if (!verb)
        fail(E_USAGE, "unknown verb '%s'; yolo9 help lists the verbs", name);
    return verb;
}

const struct verb_spec *verb_find_part(const struct verb_spec *verb, const char *name)
{
    const char *near;
    const struct verb_spec *part = find(verb->parts, name, &near);
    if (!part && near)
        fail(E_USAGE, "there is no %s '%s'; did you mean %s?", verb->name, name, near);
    else if (!part)
        fail(E_USAGE, "there is no %s '%s'; yolo9 %s --help lists what there is", verb->name, name, verb->name);
    return part;
}
