/* Do the classes of two sides mean the same: of weights and data, of annotations and a dataset's YAML? Names decide
 * over order wherever both sides have names. */
#ifndef Y9_CORE_CLASS_MATCH_H
#define Y9_CORE_CLASS_MATCH_H

#include "core/buf.h"

#include <stdbool.h>

struct class_list {
    const char *source; /* "best.pt": for sentences */
    const char *const *names;
    int n;
};

enum class_match {
    CLASSES_SAME,      /* the same names in the same order; or a side has no names, and there are as many classes */
    CLASSES_REORDERED, /* the same names in another order */
    CLASSES_RENAMED,   /* as many classes; where names differ, neither stands elsewhere on the other side */
};

/* A list whose names are all numbers ("0", "1" ...) has none. */
bool class_names_known(const struct class_list *list);

/* map[c] (from->n): the class of `to` that class c of `from` is. `words` gets a sentence where something was taken for
 * granted (CLASSES_REORDERED, CLASSES_RENAMED), else it stays as it is. E_SHAPE: another number of classes, or names
 * of both sides that stand at different places while others differ; the sentence names them. */
enum status class_names_match(const struct class_list *from, const struct class_list *to, int *map,
                              enum class_match *match, struct buf *words);

/* places[c] (from->n): the class of `to` that has the name of class c, as class_index_find sees names (case and blanks
 * aside); -1: none, or several. */
enum status class_names_find(const struct class_list *from, const struct class_list *to, int *places);

#endif
