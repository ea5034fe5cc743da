/* Shared by the three completions. */
#ifndef Y9_CLI_COMPLETION_INTERNAL_H
#define Y9_CLI_COMPLETION_INTERNAL_H

#include "cli/options_internal.h"

enum completion_kind {
    COMPLETE_NOTHING, /* a number, a name of the user's own */
    COMPLETE_WORDS,   /* choices, names of networks or verbs */
    COMPLETE_FOLDERS,
    COMPLETE_FILES,
};

struct completion {
    enum completion_kind kind;
    const char *endings; /* COMPLETE_FILES, and files beside words: "pt pth"; NULL: any file, or none beside words */
    const char *const *words; /* choices; NULL: see networks and verbs */
    bool networks, verbs;
};

/* Calls put for every verb that has options: for parts in place of the verb that has them. */
void completion_each_verb(FILE *stream, void (*put)(FILE *, const struct verb_spec *));

/* "figure-features" of "figure features": one word that stands for a verb in a script. */
enum { COMPLETION_KEY = 80 };
const char *completion_key(const struct verb_spec *verb, char buffer[COMPLETION_KEY]);

/* " features network": the last words of a verb's parts. */
void completion_parts(FILE *stream, const struct verb_spec *verb);

/* What completes the value of an option. */
struct completion completion_of(const struct option_spec *s);

/* Calls put for every word of the completion. */
void completion_each_word(const struct completion *c, void (*put)(void *, const char *), void *context);

/* Does the option take more than one word? */
bool completion_is_list(const struct option_spec *s);

/* The option that bare words of a verb belong to; NULL: it takes none. */
const struct option_spec *completion_positional(const struct verb_spec *verb);

#endif
