/* Declarative command-line options. A verb states its options in a table; parsing, defaults, ranges, aliases,
 * --help, --help-json, man pages, completions and the sentences of usage errors come from there.
 *
 * Written `--name value` or `--name=value` (also with _ for -); a flag is turned off by `--no-name` or `--name=off`.
 * A list of numbers ends at the first word that is not a number, a list of words at the next option. A single value
 * that is given twice: the last one holds. Words that belong to no option go to the verb's positional option, but the
 * name of a weight file (.pt, .pth, .ckpt, .safetensors) goes to --weights where a verb has it. `--` ends the
 * options. An empty value of --weights, --cfg or --data ("--weights ''") is the same as none. */
#ifndef Y9_CLI_OPTIONS_H
#define Y9_CLI_OPTIONS_H

#include "core/near.h"
#include "core/status.h"

#include <stdbool.h>
#include <stdio.h>

enum option_type {
    OPTION_FLAG,    /* --rect, --rect=off, --no-rect */
    OPTION_INT,     /* --batch 16 */
    OPTION_FLOAT,   /* --conf 0.25 */
    OPTION_STRING,  /* --weights w.pt */
    OPTION_INTS,    /* --img 480 640, --img=480,640 */
    OPTION_STRINGS, /* --source a.jpg b.jpg; repeating the option adds to it. With choices also a,b */
    OPTION_PAIRS,   /* --hyp file.yaml lr0=0.02; words, of which some are key=value */
};

/* What a value is: its word in the help, and what a shell completes. Inputs that are VALUE_WEIGHTS, VALUE_DATA or
 * VALUE_NETWORK are looked for before a verb begins (cli/inputs.h). */
enum option_value {
    VALUE_PLAIN,    /* by the type: N, X, TEXT */
    VALUE_FILE,     /* any file, also one to be written */
    VALUE_FOLDER,   /* DIR */
    VALUE_WEIGHTS,  /* a weight file that is there */
    VALUE_DATA,     /* a dataset's YAML, or the folder it lies in */
    VALUE_NETWORK,  /* the name of a built-in network, or a table file */
    VALUE_NAME,     /* NAME: a tensor, a run, a device */
    VALUE_CLASSES,  /* names or numbers of classes */
    VALUE_SIZE,     /* one number, or height and width */
    VALUE_PICTURES, /* files, folders, patterns */
    VALUE_VERB,     /* the name of a verb */
    VALUE_HYPER,    /* a file of hyper-parameters or KEY=X */
    VALUE_COUNT
};

enum option_state {
    OPTION_USED,
    OPTION_IGNORED, /* an official option without a meaning here: accepted, and `help` is the reason that is told */
    OPTION_REFUSED, /* an official option that would change the result: a usage error, with `help` as the reason */
};

struct option_spec {
    const char *name;    /* "conf" */
    const char *aliases; /* "conf-thres confidence", or NULL */
    enum option_type type;
    const char *fallback; /* default, as a user would write it; NULL: none */
    const char *help;     /* what it does; the words of a sentence without a final dot */
    double low, high;     /* range of (each) number; both 0: any */
    int most;             /* OPTION_INTS: so many numbers at most; 0: any */
    const char *bare;     /* OPTION_STRING: the value where no word follows; NULL: one is needed */
    enum option_value value;
    const char *const *choices; /* OPTION_STRING and OPTION_STRINGS: the words that are possible, NULL at the end */
    enum option_state state;
    const char *heading; /* of the help: this option and those behind it belong to it; NULL: as the one before */
};

struct options; /* parsed; strings are argv's, the table's or its own */

struct verb_spec {
    const char *name;
    const char *summary;    /* one line */
    const char *positional; /* name of the option that takes bare words; NULL: none are taken */
    const struct option_spec *options;
    int n_options;
    const char *example; /* one or more command lines, a line each */
    /* The work. E_USAGE: the program exits with 2; other failures: 1. The sentence is told by the caller. */
    enum status (*run)(const struct options *o);
    /* NULL, or its parts, NULL at the end: verbs of two words, "figure features". A verb with parts has no options and
     * no run of its own: the word behind its name chooses one. */
    const struct verb_spec *const *parts;
};

/* "features" of "figure features"; the name of a verb of one word. */
const char *verb_last_word(const struct verb_spec *verb);

/* Fills *out, or leaves NULL and E_USAGE with a sentence; *help tells that --help was asked for (or --help-json,
 * then *json as well), and nothing more was read. */
struct option_help {
    bool text, json;
};
enum status options_parse(const struct verb_spec *spec, int argc, char **argv, struct options **out,
                          struct option_help *help);
void options_free(struct options *o);

void options_help(const struct verb_spec *spec, FILE *stream);

/* Values; `name` must be an option of that type. */
bool option_given(const struct options *o, const char *name); /* written by the user, not a default */
bool option_flag(const struct options *o, const char *name);
int option_int(const struct options *o, const char *name);
double option_float(const struct options *o, const char *name);
const char *option_string(const struct options *o, const char *name); /* NULL when absent; a choice as it is listed */
int option_choice(const struct options *o, const char *name);         /* its place in the list; -1 when absent */
const int *option_ints(const struct options *o, const char *name, int *count);
const char *const *option_strings(const struct options *o, const char *name, int *count); /* also OPTION_PAIRS */

/* An OPTION_INTS of one or two numbers: one is a square, two are rows and columns. */
void option_size(const struct options *o, const char *name, int *h, int *w);

#endif
