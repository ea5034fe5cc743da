/* --classes: the classes that are wanted, by name or by number, commas or blanks between them. */
#ifndef Y9_CLI_CLASSES_H
#define Y9_CLI_CLASSES_H

#include "cli/options.h"
#include "core/mem.h"

/* clang-format off */
#define CLASSES_OPTION \
    {"classes", NULL, OPTION_STRINGS, NULL, "keep these classes only: names or numbers, e.g. --classes person 2", \
     .value = VALUE_CLASSES}
/* clang-format on */

struct class_choice {
    const int *classes; /* each once, in the order they were named */
    int n;              /* 0: no choice was made, all classes are wanted */
    /* The list ends at a word that is no class but an existing file, a pattern or "-": this and what follows are
     * words of the command line that belong to the pictures. */
    const char *const *rest;
    int n_rest;
    struct arena arena;
};

/* `source` is the weight file whose `nc` classes are called `names`. A word is a number of a class, its name, or a name
 * that differs in case and blanks only ("traffic_light"). E_USAGE: there is no such class; the nearest name is told. */
enum status classes_choose(const struct options *o, const char *source, const char *const *names, int nc,
                           struct class_choice *out);
void class_choice_free(struct class_choice *c);

#endif
