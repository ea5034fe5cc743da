/* How far long work is: on a terminal one line that is drawn again and again, as wide as the terminal is at that
 * moment, with a bar, the rate and the time left; elsewhere a plain line now and then. */
#ifndef Y9_CORE_PROGRESS_H
#define Y9_CORE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* What a progress line says. */
struct progress_line {
    const char *label; /* "epoch 3/100" */
    long done, total;
    double rate;      /* a second; 0: not known */
    double left;      /* seconds to the end of these; below 0: not known */
    bool over;        /* the work is done, and `left` is how long it took */
    double run_left;  /* seconds to the end of everything, where this is a part; below 0: not known, or no part */
    const char *note; /* more, where there is room for it; NULL: nothing */
};

/* The line, no wider than `columns`; what matters least is left out first. columns 0: in plain words for a log. */
void progress_format(const struct progress_line *line, int columns, char *out, size_t size);

/* The usual case: work of known length, step by step. */
struct progress {
    struct progress_line line; /* label, run_left and note may be set between steps */
    double started, shown;
    bool drawn;
};
void progress_start(struct progress *p, const char *label, long total); /* the label is borrowed */
void progress_step(struct progress *p, long done); /* `done` of total so far; draws when it is due */
void progress_end(struct progress *p); /* on a terminal the last line stays, with the time that all of it took */

/* "0:14", "1:32:10" */
void progress_time(double seconds, char *out, size_t size);

#endif
