/* Work in a process of its own, forked from this one: a training that crashes or that the system kills takes nothing
 * else with it. Only for a process that has no other threads. */
#ifndef Y9_LAB_STUDY_CHILD_H
#define Y9_LAB_STUDY_CHILD_H

#include "core/buf.h"

#include <stdbool.h>
#include <sys/types.h>

enum { CHILD_ANSWER = 1024 }; /* bytes, the 0 included */

struct child {
    pid_t pid; /* 0: none */
    int answer;
    bool told; /* it was asked to stop */
};

/* What is done there. `answer` is what the parent gets when it succeeds; of a failure it gets the sentence. */
typedef enum status child_fn(const void *context, char answer[CHILD_ANSWER]);

/* Begins it. What it prints is appended to the file `log`; NULL: nobody sees it. It gets SIGTERM when this process ends
 * before it; signals of the terminal reach it through child_stop only. */
enum status child_start(const char *log, child_fn *fn, const void *context, struct child *out);
/* Is it over? Then *status is what it came to, with its sentence kept (core/status.h), and `answer` is filled. */
bool child_over(struct child *c, enum status *status, char answer[CHILD_ANSWER]);
void child_stop(struct child *c); /* SIGTERM, once */

#endif
