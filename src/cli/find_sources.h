/* --source, the same for every verb that takes pictures: what it names, and a line about what was left out. */
#ifndef Y9_CLI_FIND_SOURCES_H
#define Y9_CLI_FIND_SOURCES_H

#include "detect/sources.h"

/* As sources_expand. */
enum status find_sources(char *const *words, int n, bool recursive, struct sources *out);

#endif
