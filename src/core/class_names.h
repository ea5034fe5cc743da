/* Names of classes, as data sets, weights and result files bring them: what a name may be, and which class a name
 * means. Where both sides have names, names decide and not the order. */
#ifndef Y9_CORE_CLASS_NAMES_H
#define Y9_CORE_CLASS_NAMES_H

#include "core/mem.h"

#include <stdbool.h>

enum { CLASS_NAME_MAX_BYTES = 256 };

/* A name is not empty, not longer than that and has no control characters (it is printed on terminals). E_FORMAT. */
enum status class_name_check(const char *name);

/* What is left of a name where case and blanks make no difference: ASCII letters in lower case, runs of blanks, '_' and
 * '-' as one blank, none at the ends. `out` has room for the name. */
void class_name_loosen(const char *name, char *out);

/* The classes 0..n-1 by name. */
struct class_index {
    int n;
    struct class_key *exact, *loose; /* sorted by name, and by name without its case and blanks */
    int first_twin, second_twin;     /* two classes of one name; -1: there are none */
};
/* The names are borrowed; the rest lives in the arena. */
enum status class_index_make(const char *const *names, int n, struct arena *arena, struct class_index *out);

/* The class of this name; else the only one whose name differs from it in nothing but upper and lower case, blanks at
 * its ends, and blank for '_' or '-' (*exactly false, may be NULL). -1: no class, or several of that name. */
int class_index_find(const struct class_index *index, const char *name, bool *exactly);

#endif
