/* What `yolo9 train` shows while it runs: on a terminal a line that is drawn again and again, with the time left of the
 * epoch and of the run, and a table that grows by a row an epoch; in a log a whole line an epoch. */
#ifndef Y9_CLI_TRAIN_DISPLAY_H
#define Y9_CLI_TRAIN_DISPLAY_H

#include "train/train.h"

struct train_display {
    double shown;     /* clock_seconds of the last progress line */
    double begun;     /* of the epoch; 0: none is going on */
    double fraction;  /* of the epoch that this process has trained or will train */
    double validated; /* seconds that the last validation took */
    double spent;     /* on whole epochs, */
    double epochs;    /* so many */
    int rows;         /* of the table so far */
};

/* Events that show everything; the display is borrowed and starts as {0}. `stop` is not set. */
struct train_events train_display_events(struct train_display *d);

#endif
