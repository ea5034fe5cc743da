#include "cli/options_json.h"

#include "cli/options_internal.h"

#include <math.h>
#include <string.h>

static const char *const types[] = {
    [OPTION_FLAG] = "flag",     [OPTION_INT] = "integer",   [OPTION_FLOAT] = "number", [OPTION_STRING] = "text",
    [OPTION_INTS] = "integers", [OPTION_STRINGS] = "texts", [OPTION_PAIRS] = "pairs",
};
static const char *const states[] = {
    [OPTION_USED] = "used", [OPTION_IGNORED] = "ignored", [OPTION_REFUSED] = "refused"};

static bool add_name(void *list, const char *name, size_t n)
{
    json_array_append_new(list, json_stringn(name, n));
    return false;
}

static json_t *number(double x)
{
    return isinf(x) ? json_null() : x == floor(x) ? json_integer((json_int_t)x) : json_real(x);
}

static json_t *words(const char *const *list)
{
    json_t *array = json_array();
    for (int i = 0; list[i]; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static json_t *option_json(const struct option_spec *s, const char *group)
{
    json_t *root = json_pack("{s:s, s:[], s:s}", "name", s->name, "aliases", "type", types[s->type]);
    json_t *aliases = json_object_get(root, "aliases");
    option_each_name(s, add_name, aliases);
    json_array_remove(aliases, 0); /* the name itself */
    if (*option_value_word(s))
        json_object_set_new(root, "value", json_string(option_value_word(s)));
    if (s->fallback)
        json_object_set_new(root, "default", json_string(s->fallback));
    if (s->low != 0 || s->high != 0)
        json_object_set_new(root, "range", json_pack("[o, o]", number(s->low), number(s->high)));
    if (s->most)
        json_object_set_new(root, "most", json_integer(s->most));
    if (s->bare)
        json_object_set_new(root, "bare", json_string(s->bare));
    if (s->choices)
        json_object_set_new(root, "choices", words(s->choices));
    json_object_set_new(root, "help", json_string(s->help));
    if (group && s->state == OPTION_USED)
        json_object_set_new(root, "group", json_string(group));
    json_object_set_new(root, "state", json_string(states[s->state]));
    return root;
}

static json_t *examples(const struct verb_spec *spec)
{
    json_t *array = json_array();
    for (const char *line = spec->example; line && *line;) {
        size_t n = strcspn(line, "\n");
        json_array_append_new(array, json_stringn(line, n));
        line += n + (line[n] == '\n');
    }
    return array;
}

static json_t *parts(const struct verb_spec *spec)
{
    json_t *array = json_array();
    for (int i = 0; spec->parts[i]; i++)
        json_array_append_new(array, options_json(spec->parts[i]));
    return array;
}

json_t *options_json(const struct verb_spec *spec)
{
    const char *group = NULL;
    json_t *options = json_array();
    for (int i = 0; i < spec->n_options; i++) {
        group = spec->options[i].heading ? spec->options[i].heading : group;
        json_array_append_new(options, option_json(&spec->options[i], group));
    }
    json_t *root = json_pack("{s:s, s:s, s:s?, s:o, s:o}", "verb", spec->name, "summary", spec->summary, "positional",
                             spec->positional, "options", options, "examples", examples(spec));
    if (spec->parts)
        json_object_set_new(root, "parts", parts(spec));
    return root;
}
