/* Completions for bash, zsh and fish from the tables of the verbs: verbs, options, and by the kind of a value names of
 * networks, choices, and files. */
#ifndef Y9_CLI_COMPLETION_H
#define Y9_CLI_COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *stream);
void completion_zsh(FILE *stream);
void completion_fish(FILE *stream);

#endif
