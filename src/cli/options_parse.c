/* cli/options: the command line, word by word. */
#include "cli/options_internal.h"

#include "core/path.h"

#include <string.h>
#include <strings.h>

/* The flag that "no-NAME" turns off; -1: there is none. */
static int find_negated(const struct verb_spec *spec, const char *name, size_t n)
{
    int index =
        n > 3 && (!memcmp(name, "no-", 3) || !memcmp(name, "no_", 3)) ? options_find(spec, name + 3, n - 3) : -1;
    return index >= 0 && spec->options[index].type == OPTION_FLAG ? index : -1;
}

struct name_list {
    struct arena *arena;
    const char **list;
    int n;
};

static bool collect(void *context, const char *name, size_t n)
{
    struct name_list *c = context;
    c->list[c->n] = arena_printf(c->arena, "%.*s", (int)n, name);
    if (c->list[c->n])
        c->n++;
    return false;
}

static enum status unknown_option(struct options *o, const char *name, size_t n)
{
    const struct verb_spec *spec = o->spec;
    int most = 2;
    for (int i = 0; i < spec->n_options; i++) {
        most += 2;
        for (const char *p = spec->options[i].aliases; p && *p; p++)
            most += *p == ' ';
    }
    struct name_list names = {.arena = &o->arena, .list = arena_alloc(&o->arena, (size_t)most, sizeof(char *))};
    char *word = arena_printf(&o->arena, "%.*s", (int)MIN(n, 200), name);
    if (!names.list || !word)
        return E_NOMEM;
    for (int i = 0; i < spec->n_options; i++)
        option_each_name(&spec->options[i], collect, &names);
    names.list[names.n++] = "help";
    names.list[names.n++] = "help-json";
    for (char *p = word; *p; p++)
        *p = *p == '_' ? '-' : *p;
    const char *near = nearest_name(word, names.list, names.n);
    if (near)
        return fail(E_USAGE, "unknown option --%s; did you mean --%s?", word, near);
    return fail(E_USAGE, "unknown option --%s; yolo9 %s --help lists the options", word, spec->name);
}

/* --- the command line --- */

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && !option_is_number(word);
}

/* A list's default gives way to the user's first word; numbers given again replace the ones before. */
static void begin_option(struct setting *v, enum option_type type)
{
    if (!v->given || type == OPTION_INTS)
        v->count = 0;
    v->given = true;
}

/* "--weights ''" as official commands write it: nothing was given. */
static bool is_none(const struct option_spec *s, const char *text)
{
    bool input = s->value == VALUE_WEIGHTS || s->value == VALUE_NETWORK || s->value == VALUE_DATA;
    return input && s->type == OPTION_STRING && !*text;
}

/* One value; the first of an option or the next of a list. */
static enum status set_value(struct options *o, int index, const char *text)
{
    const struct option_spec *s = &o->spec->options[index];
    struct setting *v = &o->settings[index];
    if (!is_none(s, text))
        return option_set(o, index, text);
    v->given = false;
    v->text = s->fallback;
    return OK;
}

/* Does the word go on with the list of option s? The name of a weight file ends a list of words. */
static bool goes_on(const struct options *o, const struct option_spec *s, const char *word)
{
    if (s->type == OPTION_INTS)
        return option_is_number(word);
    if (s->type != OPTION_STRINGS && s->type != OPTION_PAIRS)
        return false;
    return !is_option(word) && !(option_is_weights_name(word) && options_find_weights(o->spec) >= 0);
}

/* The option at argv[at]; *next is the first word behind its values. */
static enum status parse_option(struct options *o, int argc, char **argv, int at, int *next)
{
    const char *word = argv[at], *name = word + 2, *equals = strchr(word, '=');
    if (word[1] != '-')
        return fail(E_USAGE, "unknown option %s; options are written --name", word);
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    int index = options_find(o->spec, name, n);
    int negated = index < 0 && !equals ? find_negated(o->spec, name, n) : -1;
    *next = at + 1;
    if (negated >= 0) {
        o->settings[negated].given = true;
        return option_set(o, negated, "off");
    }
    if (index < 0)
        return unknown_option(o, name, n);
    const struct option_spec *s = &o->spec->options[index];
    begin_option(&o->settings[index], s->type);
    if (equals || s->type == OPTION_FLAG)
        return s->type == OPTION_FLAG ? option_set(o, index, equals ? equals + 1 : NULL)
                                      : set_value(o, index, equals + 1);
    if (s->bare && (at + 1 >= argc || is_option(argv[at + 1])))
        return option_set(o, index, s->bare);
    if (at + 1 >= argc || is_option(argv[at + 1]))
        return fail(E_USAGE, "--%s needs a value: %s", s->name, option_value_word(s));
    enum status rc = set_value(o, index, argv[(*next)++]);
    while (rc == OK && *next < argc && goes_on(o, s, argv[*next]))
        rc = option_set(o, index, argv[(*next)++]);
    return rc;
}

/* A word that belongs to no option: a weight file, or what the verb takes. *weights is the weight file so far. */
static enum status parse_word(struct options *o, const char *word, const char **weights)
{
    const struct verb_spec *spec = o->spec;
    int positional = options_find_word(spec);
    if (options_find_weights(spec) >= 0 && option_is_weights_name(word)) {
        if (*weights)
            return fail(E_USAGE, "two weight files, %s and %s: one is needed (ensembles are not offered)", *weights,
                        word);
        *weights = word;
        return OK;
    }
    if (positional < 0)
        return fail(E_USAGE, "unexpected word '%s'; yolo9 %s --help shows the usage", word, spec->name);
    if (spec->options[positional].type == OPTION_STRING && o->settings[positional].given)
        return fail(E_USAGE, "unexpected word '%s': --%s is %s already", word, spec->positional,
                    o->settings[positional].text);
    begin_option(&o->settings[positional], spec->options[positional].type);
    return set_value(o, positional, word);
}

static enum status use_weights_word(struct options *o, const char *word)
{
    int index = options_find_weights(o->spec);
    if (!word)
        return OK;
    if (o->settings[index].given)
        return fail(E_USAGE, "two weight files, %s and %s: one is needed (ensembles are not offered)",
                    o->settings[index].text, word);
    o->settings[index].given = true;
    return option_set(o, index, word);
}

static enum status parse_words(struct options *o, int argc, char **argv, struct option_help *help)
{
    enum status rc = OK;
    const char *weights = NULL;
    bool only_words = false;
    for (int at = 1; rc == OK && at < argc;) {
        const char *word = argv[at];
        if (!only_words && (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "--help-json"))) {
            help->text = true;
            help->json = !strcmp(word, "--help-json");
            return OK;
        }
        if (!only_words && !strcmp(word, "--")) {
            only_words = true;
            at++;
        } else if (!only_words && is_option(word)) {
            rc = parse_option(o, argc, argv, at, &at);
        } else {
            rc = parse_word(o, word, &weights);
            at++;
        }
    }
    return rc == OK ? use_weights_word(o, weights) : rc;
}

static enum status refuse(const struct options *o)
{
    for (int i = 0; i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        const struct setting *v = &o->settings[i];
        if (s->state == OPTION_REFUSED && v->given && (s->type != OPTION_FLAG || v->flag))
            return fail(E_USAGE, "--%s is not offered: %s", s->name, s->help);
    }
    return OK;
}

static enum status set_defaults(struct options *o)
{
    enum status rc = OK;
    for (int i = 0; rc == OK && i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        struct setting *v = &o->settings[i];
        bool ints = s->type == OPTION_INTS, strings = s->type == OPTION_STRINGS || s->type == OPTION_PAIRS;
        if (ints && !(v->ints = arena_alloc(&o->arena, (size_t)o->max_words, sizeof *v->ints)))
            return E_NOMEM;
        if (strings && !(v->strings = arena_alloc(&o->arena, (size_t)o->max_words, sizeof *v->strings)))
            return E_NOMEM;
        if (s->fallback)
            rc = option_set(o, i, s->fallback);
    }
    return rc;
}

enum status options_parse(const struct verb_spec *spec, int argc, char **argv, struct options **out,
                          struct option_help *help)
{
    enum status rc = OK;
    *help = (struct option_help){0};
    *out = NULL;
    struct options *o = mem_calloc(1, sizeof *o);
    if (!o)
        return E_NOMEM;
    o->spec = spec;
    o->max_words = 64; /* "--img=1,2,3..." holds several numbers a word */
    for (int i = 0; i < argc; i++)
        o->max_words += (int)strlen(argv[i]) / 2 + 1;
    o->settings = arena_alloc(&o->arena, (size_t)spec->n_options + 1, sizeof *o->settings);
    if (!o->settings) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(set_defaults(o));
    TRY_CLEAN(parse_words(o, argc, argv, help));
    if (!help->text)
        TRY_CLEAN(refuse(o));
    *out = o;
    return OK;
cleanup:
    options_free(o);
    return rc;
}

void options_free(struct options *o)
{
    if (o)
        arena_free(&o->arena);
    mem_free(o);
}
