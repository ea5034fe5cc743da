/* Shared by the files of cli/options: how parsed options are kept. */
#ifndef Y9_CLI_OPTIONS_INTERNAL_H
#define Y9_CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"
#include "core/mem.h"

struct setting {
    bool given; /* by the user */
    bool set;   /* by the user or a default */
    bool flag;
    double number;
    const char *text;
    int *ints;
    const char **strings;
    int count;
};

struct options {
    struct arena arena;
    const struct verb_spec *spec;
    struct setting *settings; /* one an option of the table */
    int max_words;            /* bound of every list: words on the command line and in a default */
};

/* options_find.c.
 * Place of the option with this name or alias (n characters of it, _ like -); -1: none has it. */
int options_find(const struct verb_spec *spec, const char *name, size_t n);

/* The option that bare words go to, and the one that names of weight files go to; -1: the verb has none. */
int options_find_word(const struct verb_spec *spec);
int options_find_weights(const struct verb_spec *spec);

/* Calls visit for the name and every alias of an option until it returns true. */
bool option_each_name(const struct option_spec *s, bool (*visit)(void *, const char *, size_t), void *context);

/* Sets option `index` from one word; lists grow. `text` NULL: a flag without a value. */
enum status option_set(struct options *o, int index, const char *text);

/* Is the word a number, whole or not? */
bool option_is_number(const char *text);

/* "FILE", "N", "H W": what stands for the value of an option in help and manual; "" for flags. */
const char *option_value_word(const struct option_spec *s);

/* Does the word end as the name of a weight file does? */
bool option_is_weights_name(const char *word);

#endif
