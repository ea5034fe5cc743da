/* yolo9 help: what the program can do. */
#ifndef Y9_CLI_HELP_H
#define Y9_CLI_HELP_H

#include <stdio.h>

void help_overview(FILE *stream); /* the verbs, a line each */

#endif
