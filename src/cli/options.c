/* cli/options: asking for values. */
#include "cli/options_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct setting *get(const struct options *o, const char *name, int types, int *index)
{
    for (int i = 0; i < o->spec->n_options; i++) {
        if (!strcmp(o->spec->options[i].name, name)) {
            assert(types & (1 << o->spec->options[i].type));
            if (index)
                *index = i;
            return &o->settings[i];
        }
    }
    assert(!"an option of the table");
    abort();
}

bool option_given(const struct options *o, const char *name)
{
    return get(o, name, ~0, NULL)->given;
}

bool option_flag(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_FLAG, NULL)->flag;
}

int option_int(const struct options *o, const char *name)
{
    return (int)get(o, name, 1 << OPTION_INT, NULL)->number;
}

double option_float(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_FLOAT, NULL)->number;
}

const char *option_string(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_STRING, NULL)->text;
}

int option_choice(const struct options *o, const char *name)
{
    int index;
    const struct setting *v = get(o, name, 1 << OPTION_STRING, &index);
    const char *const *choices = o->spec->options[index].choices;
    assert(choices);
    for (int i = 0; v->text && choices[i]; i++) {
        if (!strcmp(choices[i], v->text))
            return i;
    }
    return -1;
}

const int *option_ints(const struct options *o, const char *name, int *count)
{
    const struct setting *v = get(o, name, 1 << OPTION_INTS, NULL);
    *count = v->count;
    return v->ints;
}

const char *const *option_strings(const struct options *o, const char *name, int *count)
{
    const struct setting *v = get(o, name, 1 << OPTION_STRINGS | 1 << OPTION_PAIRS, NULL);
    *count = v->count;
    return v->strings;
}

void option_size(const struct options *o, const char *name, int *h, int *w)
{
    int count;
    const int *size = option_ints(o, name, &count);
    assert(count == 1 || count == 2);
    *h = size[0];
    *w = size[count - 1];
}
