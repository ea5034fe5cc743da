/* Ctrl-C and kill (SIGINT, SIGTERM), the same for every verb.
 *
 * From the start on a signal ends the program at once: half-written files are removed and the exit code is 130 or 143.
 * A verb that has something to finish calls interrupt_defer(): the first signal then only sets a flag, which the verb
 * looks at between its steps, and another one, half a second later or more, ends the program at once.
 *
 * This holds also where the program was started with SIGINT ignored, as scripts start what they put into the
 * background: `kill -INT` of such a run is meant for it. */
#ifndef Y9_CLI_INTERRUPT_H
#define Y9_CLI_INTERRUPT_H

#include <signal.h>

/* main() calls this once. */
void interrupt_start(void);

/* From here on the first signal sets the flag and tells `sentence` ("finishing the batch, then saving"), which lives as
 * long as the program does. NULL: signals end the program at once again. */
void interrupt_defer(const char *sentence);

/* Not 0 once a signal has come. */
const volatile sig_atomic_t *interrupt_flag(void);

/* The exit code of a run that a signal has ended: 130 or 143; 0 where none has come. */
int interrupt_exit_code(void);

#endif
