/* "Did you mean": the known name that is nearest to a mistyped one. */
#ifndef Y9_CORE_NEAR_H
#define Y9_CORE_NEAR_H

/* The name of `list` (n entries) nearest to `word`, by typing errors and by beginnings; NULL when none is near. */
const char *nearest_name(const char *word, const char *const *list, int n);

#endif
