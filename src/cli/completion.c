#include "cli/completion.h"

#include "cli/cli.h"
#include "cli/completion_internal.h"
#include "model/builtin.h"

#define WEIGHTS "pt pth ckpt safetensors"

struct completion completion_of(const struct option_spec *s)
{
    static const struct completion kinds[VALUE_COUNT] = {
        [VALUE_FILE] = {COMPLETE_FILES},
        [VALUE_FOLDER] = {COMPLETE_FOLDERS},
        [VALUE_WEIGHTS] = {COMPLETE_FILES, WEIGHTS},
        [VALUE_DATA] = {COMPLETE_FILES, "yaml yml"},
        [VALUE_NETWORK] = {COMPLETE_WORDS, "yaml yml", .networks = true},
        [VALUE_PICTURES] = {COMPLETE_FILES},
        [VALUE_HYPER] = {COMPLETE_FILES, "yaml yml"},
        [VALUE_VERB] = {COMPLETE_WORDS, .verbs = true},
    };
    return s->choices ? (struct completion){COMPLETE_WORDS, .words = s->choices} : kinds[s->value];
}

void completion_each_word(const struct completion *c, void (*put)(void *, const char *), void *context)
{
    for (int i = 0; c->words && c->words[i]; i++)
        put(context, c->words[i]);
    for (int i = 0; c->networks && builtin_tables[i].name; i++)
        put(context, builtin_tables[i].name);
    for (int i = 0; c->verbs && verbs[i]; i++)
        put(context, verbs[i]->name);
}

void completion_each_verb(FILE *stream, void (*put)(FILE *, const struct verb_spec *))
{
    for (int v = 0; verbs[v]; v++) {
        if (!verbs[v]->parts)
            put(stream, verbs[v]);
        for (int i = 0; verbs[v]->parts && verbs[v]->parts[i]; i++)
            put(stream, verbs[v]->parts[i]);
    }
}

const char *completion_key(const struct verb_spec *verb, char buffer[COMPLETION_KEY])
{
    snprintf(buffer, COMPLETION_KEY, "%s", verb->name);
    for (char *p = buffer; *p; p++)
        *p = *p == ' ' ? '-' : *p;
    return buffer;
}

void completion_parts(FILE *stream, const struct verb_spec *verb)
{
    for (int i = 0; verb->parts[i]; i++)
        fprintf(stream, " %s", verb_last_word(verb->parts[i]));
}

bool completion_is_list(const struct option_spec *s)
{
    return s->type == OPTION_INTS || s->type == OPTION_STRINGS || s->type == OPTION_PAIRS;
}

const struct option_spec *completion_positional(const struct verb_spec *verb)
{
    int index = options_find_word(verb) >= 0 ? options_find_word(verb) : options_find_weights(verb);
    return index >= 0 ? &verb->options[index] : NULL;
}
