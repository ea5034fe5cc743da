/* cli/options: options by their names, and the words that stand for their values. */
#include "cli/options_internal.h"

#include "core/path.h"

#include <string.h>
#include <strings.h>

static bool same_name(const char *a, size_t n, const char *b, size_t m)
{
    size_t i = 0;
    for (; n == m && i < n; i++) {
        if (a[i] != b[i] && !(a[i] == '_' && b[i] == '-'))
            return false;
    }
    return n == m;
}

bool option_each_name(const struct option_spec *s, bool (*visit)(void *, const char *, size_t), void *context)
{
    if (visit(context, s->name, strlen(s->name)))
        return true;
    for (const char *p = s->aliases; p && *p;) {
        size_t n = strcspn(p, " ");
        if (visit(context, p, n))
            return true;
        p += n + strspn(p + n, " ");
    }
    return false;
}

struct word {
    const char *text;
    size_t n;
};

static bool is_word(void *context, const char *name, size_t n)
{
    const struct word *w = context;
    return same_name(w->text, w->n, name, n);
}

int options_find(const struct verb_spec *spec, const char *name, size_t n)
{
    struct word w = {name, n};
    for (int i = 0; i < spec->n_options; i++) {
        if (option_each_name(&spec->options[i], is_word, &w))
            return i;
    }
    return -1;
}

bool option_is_weights_name(const char *word)
{
    static const char *const endings[] = {"pt", "pth", "ckpt", "safetensors"};
    const char *ending = path_extension(word);
    for (int i = 0; i < COUNT(endings); i++) {
        if (!strcasecmp(ending, endings[i]))
            return true;
    }
    return false;
}

int options_find_word(const struct verb_spec *spec)
{
    return spec->positional ? options_find(spec, spec->positional, strlen(spec->positional)) : -1;
}

int options_find_weights(const struct verb_spec *spec)
{
    for (int i = 0; i < spec->n_options; i++) {
        if (spec->options[i].value == VALUE_WEIGHTS && spec->options[i].type == OPTION_STRING)
            return i;
    }
    return -1;
}

const char *option_value_word(const struct option_spec *s)
{
    static const char *const one[VALUE_COUNT] = {
        [VALUE_FILE] = "FILE", [VALUE_FOLDER] = "DIR", [VALUE_WEIGHTS] = "FILE",      [VALUE_DATA] = "FILE|DIR",
        [VALUE_NAME] = "NAME", [VALUE_VERB] = "VERB",  [VALUE_NETWORK] = "NAME|FILE",
    };
    static const char *const many[VALUE_COUNT] = {
        [VALUE_FILE] = "FILE ...",         [VALUE_FOLDER] = "DIR ...",        [VALUE_WEIGHTS] = "FILE ...",
        [VALUE_NAME] = "NAME ...",         [VALUE_CLASSES] = "NAME|N ...",    [VALUE_SIZE] = "N | H W",
        [VALUE_NETWORK] = "NAME|FILE ...", [VALUE_PICTURES] = "FILE|DIR ...", [VALUE_HYPER] = "FILE|KEY=X ...",
    };
    bool list = s->type == OPTION_INTS || s->type == OPTION_STRINGS || s->type == OPTION_PAIRS;
    const char *word = list ? many[s->value] : one[s->value];
    if (s->type == OPTION_FLAG)
        return "";
    if (word)
        return word;
    switch (s->type) {
    case OPTION_INT:
        return "N";
    case OPTION_FLOAT:
        return "X";
    case OPTION_INTS:
        return "N ...";
    case OPTION_STRINGS:
        return "WORD ...";
    case OPTION_PAIRS:
        return "KEY=X ...";
    default:
        return s->choices ? "WORD" : "TEXT";
    }
}

const char *verb_last_word(const struct verb_spec *verb)
{
    const char *space = strrchr(verb->name, ' ');
    return space ? space + 1 : verb->name;
}
