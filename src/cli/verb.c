/* The verbs of the program, and the way of each from its command line to the exit code. */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options_internal.h"
#include "cli/options_json.h"
#include "core/log.h"

#include <stdio.h>
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

/* Official options that change nothing here: a word each. */
static void tell_ignored(const struct options *o)
{
    for (int i = 0; i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        if (s->state == OPTION_IGNORED && o->settings[i].given)
            log_info("--%s has no effect: %s", s->name, s->help);
    }
}

static enum status print_help(const struct verb_spec *verb, bool as_json)
{
    if (!as_json) {
        options_help(verb, stdout);
        return OK;
    }
    json_t *root = options_json(verb);
    enum status rc = root ? output_json("-", root) : fail(E_NOMEM, "out of memory");
    json_decref(root);
    return rc;
}

int verb_main(const struct verb_spec *verb, int argc, char **argv)
{
    enum status rc = OK;
    struct options *o = NULL;
    struct option_help help;
    TRY(options_parse(verb, argc, argv, &o, &help));
    if (help.text) {
        TRY(print_help(verb, help.json));
        goto cleanup;
    }
    tell_ignored(o);
    TRY(inputs_check(o));
    TRY(verb->run(o));
cleanup:
    options_free(o);
    return verb_end(verb->name, rc);
}
