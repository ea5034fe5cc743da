/* cli/: the verbs of the program: parse, call, print. The only folder that prints to the user or exits.
 *
 * Exit codes: 0 done, 1 failed, 2 usage, 130 and 143 interrupted (cli/interrupt.h). Messages go to standard error,
 * results to standard output. */
#ifndef Y9_CLI_CLI_H
#define Y9_CLI_CLI_H

#include "cli/options.h"
#include "core/status.h"

#include <jansson.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define VERB(name) extern const struct verb_spec verb_##name;
#include "cli/verbs.def"
#undef VERB

/* All verbs in the order of the help; NULL at the end. */
extern const struct verb_spec *const verbs[];

/* The verb of this name; NULL: there is none, and a sentence (E_USAGE) with the nearest name is kept. */
const struct verb_spec *verb_find(const char *name);

/* The part of a verb that has some by its last word ("features"); NULL as in verb_find. */
const struct verb_spec *verb_find_part(const struct verb_spec *verb, const char *name);

/* A verb from its command line (argv[0] is its name) to the exit code: parse, look for the inputs, run, tell. */
int verb_main(const struct verb_spec *verb, int argc, char **argv);

/* The end of a verb: tells the kept sentence when rc is a failure; returns the exit code, of a signal where one made it
 * E_INTERRUPTED. */
int verb_end(const char *verb, enum status rc);

/* A sentence or more, a line each, to standard output or standard error: wrapped where that is a terminal, and never
 * behind a progress bar on its line (core/terminal.h). */
void print(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A table to standard output, as wide as a terminal there is (core/listing.h). */
struct listing;
enum status print_listing(const struct listing *l);

/* --json FILE: the whole tree to a file, or to standard output for "-". */
enum status output_json(const char *path, const json_t *root);

#endif
