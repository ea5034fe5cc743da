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

/* Official options that change nothing here: one note on all that were given. */
static enum status tell_ignored(const struct options *o)
{
    enum status rc = OK;
    struct buf text = {0};
    for (int i = 0; i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        if (is_idle(o, i))
            TRY_CLEAN(buf_printf(&text, "%s--%s (%s)", text.size ? ", " : "", s->name, s->help));
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
    enum status rc = root ? output_json("-", root) : fail_memory(NULL, 0);
    json_decref(root);
    return rc;
}

/* A verb with parts: the word behind its name chooses one; of its own it has only the help. */
static int run_part(const struct verb_spec *verb, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";
    const bool json = !strcmp(word, "--help-json");
    if (argc < 2) {
        options_help(verb, stderr);
        return EXIT_USAGE;
    }
    if (json || !strcmp(word, "--help") || !strcmp(word, "-h"))
        return verb_end(verb->name, print_help(verb, json));
    const struct verb_spec *part = verb_find_part(verb, word);
    return part ? verb_main(part, argc - 1, argv + 1) : verb_end(verb->name, E_USAGE);
}

int verb_main(const struct verb_spec *verb, int argc, char **argv)
{
    if (verb->parts)
        return run_part(verb, argc, argv);
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
