/* Declarative command-line options. A verb states its options in a table; parsing, defaults, ranges, aliases,
 * --help and the sentences of usage errors come from there.
 *
 * Written `--name value` or `--name=value` (also with _ for -). A list of numbers ends at the first word that is
 * not a number, a list of words at the next option. Words that belong to no option go to the verb's positional
 * option. `--` ends the options. */
#ifndef Y9_CLI_OPTIONS_H
#define Y9_CLI_OPTIONS_H

#include "core/status.h"

#include <stdbool.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,    /* --rect, --rect=off */
    OPTION_INT,     /* --batch 16 */
    OPTION_FLOAT,   /* --conf 0.25 */
    OPTION_STRING,  /* --weights w.pt */
    OPTION_INTS,    /* --img 480 640, --img=480,640 */
    OPTION_STRINGS, /* --source a.jpg b.jpg; repeating the option adds to it */
    OPTION_PAIRS,   /* --hyp file.yaml lr0=0.02; words, of which some are key=value */
};

struct option_spec {
    const char *name;    /* "conf" */
    const char *aliases; /* "conf-thres confidence", or NULL */
    enum option_type type;
    const char *fallback; /* default, as a user would write it; NULL: none */
    const char *help;     /* one line */
    double low, high;     /* range of (each) number; both 0: any */
    int most;             /* OPTION_INTS: so many numbers at most; 0: any */
    const char *bare;     /* OPTION_STRING: the value where no word follows; NULL: one is needed */
};

struct verb_spec {
    const char *name;
    const char *summary;    /* one line */
    const char *positional; /* name of the option that takes bare words; NULL: none are taken */
    const struct option_spec *options;
    int n_options;
    const char *example; /* one or more command lines */
};

struct options; /* parsed; owns copies of nothing: strings are argv's and the table's */

/* argv[0] is the verb. Returns -1 when the verb should go on, or the program's exit code: --help was printed (0),
 * or a usage error was told (2). *out is NULL then. */
int options_begin(const struct verb_spec *spec, int argc, char **argv, struct options **out);
/* The same without printing: E_ARGUMENT with a sentence; *help tells that --help was asked for. */
enum status options_parse(const struct verb_spec *spec, int argc, char **argv, struct options **out, bool *help);
void options_free(struct options *o);
void options_help(const struct verb_spec *spec, FILE *stream);

/* Values; `name` must be an option of that type. */
bool option_given(const struct options *o, const char *name); /* written by the user, not a default */
bool option_flag(const struct options *o, const char *name);
int option_int(const struct options *o, const char *name);
double option_float(const struct options *o, const char *name);
const char *option_string(const struct options *o, const char *name); /* NULL when absent */
const int *option_ints(const struct options *o, const char *name, int *count);
const char *const *option_strings(const struct options *o, const char *name, int *count); /* also OPTION_PAIRS */

/* An OPTION_INTS of one or two numbers: one is a square, two are rows and columns. */
void option_size(const struct options *o, const char *name, int *h, int *w);

/* The name of `list` (n entries) nearest to `word`, or NULL when none is near. */
const char *nearest_name(const char *word, const char *const *list, int n);

#endif
