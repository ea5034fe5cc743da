/* The way of a verb from its command line to the exit code. */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/options_internal.h"
#include "cli/options_json.h"
#include "core/buf.h"
#include "core/log.h"

#include <stdio.h>
#include <string.h>

/* Was option i given though it changes nothing here? */
static bool is_idle(const struct options *o, int i)
{
    return o->spec->options[i].state == OPTION_IGNORED && o->settings[i].given;
}

/* "--sync-bn, --local-rank (there is one process)": option i and those behind it that have the same reason. */
static enum status add_reason(const struct options *o, int i, struct buf *text)
{
    enum status rc = buf_printf(text, "%s--%s", text->size ? "; " : "", o->spec->options[i].name);
    for (int k = i + 1; k < o->spec->n_options && rc == OK; k++) {
        if (is_idle(o, k) && !strcmp(o->spec->options[k].help, o->spec->options[i].help))
            rc = buf_printf(text, ", --%s", o->spec->options[k].name);
    }
    return rc == OK ? buf_printf(text, " (%s)", o->spec->options[i].help) : rc;
}

/* Official options that change nothing here: one note on all that were given. */
static enum status tell_ignored(const struct options *o)
{
    enum status rc = OK;
    struct buf text = {0};
    for (int i = 0; i < o->spec->n_options; i++) {
        bool told = false;
        for (int k = 0; k < i && is_idle(o, i); k++)
            told |= is_idle(o, k) && !strcmp(o->spec->options[k].help, o->spec->options[i].help);
        if (is_idle(o, i) && !told)
            TRY_CLEAN(add_reason(o, i, &text));
    }
    if (text.size)
        log_info("without effect here: %s", text.data);
cleanup:
    buf_free(&text);
    return rc;
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
    TRY_CLEAN(options_parse(verb, argc, argv, &o, &help));
    if (help.text) {
        TRY_CLEAN(print_help(verb, help.json));
        goto cleanup;
    }
    TRY_CLEAN(tell_ignored(o));
    TRY_CLEAN(inputs_check(o));
    TRY_CLEAN(verb->run(o));
cleanup:
    options_free(o);
    return verb_end(verb->name, rc);
}
