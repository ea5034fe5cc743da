#include "cli/interrupt.h"

#include "core/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* timeout(1) and some shells send a signal to the process and to its group: that is one wish, not two. */
#define SAME_WISH 0.5 /* seconds */

/* A signal handler can reach nothing but variables of the program. */
static volatile sig_atomic_t came; /* the signal's number */
static const char *volatile deferred;
static struct timespec first; /* when it came; only the handler uses it, and handlers do not overlap */

static double since_first(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - first.tv_sec) + 1e-9 * (double)(now.tv_nsec - first.tv_nsec);
}

static bool on_terminal; /* where a line may be half written */

static void tell(const char *text)
{
    if (text && write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody listens; there is nothing to be done about it in a handler */
}

static void on_signal(int number)
{
    const char *sentence = deferred;
    if (sentence && !came) {
        came = number;
        clock_gettime(CLOCK_MONOTONIC, &first);
        tell(on_terminal ? "\n" : "");
        tell(sentence);
        tell(on_terminal ? ";\n  once more: stop at once\n" : "; once more: stop at once\n");
        return;
    }
    if (sentence && since_first() < SAME_WISH)
        return;
    file_remove_temporaries();
    tell(on_terminal ? "\nstopped\n" : "stopped\n");
    _exit(128 + number);
}

void interrupt_start(void)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    on_terminal = isatty(STDERR_FILENO);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            sigaddset(&action.sa_mask, numbers[k]); /* one handler at a time */
        sigaction(numbers[i], &action, NULL);
    }
}

void interrupt_defer(const char *sentence)
{
    deferred = sentence;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
    return &came;
}

int interrupt_exit_code(void)
{
    return came ? 128 + (int)came : 0;
}
