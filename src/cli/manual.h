/* Manual pages (man 1) from the tables of the verbs. */
#ifndef Y9_CLI_MANUAL_H
#define Y9_CLI_MANUAL_H

#include "cli/options.h"

void manual_program(FILE *stream);                            /* yolo9.1 */
void manual_verb(const struct verb_spec *verb, FILE *stream); /* yolo9-VERB.1 */

#endif
