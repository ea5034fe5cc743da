#include "lab/study_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_REDIRECTED = 125 };

/* Standard input is empty, both outputs go to the log. */
static bool redirect(const char *log)
{
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return in >= 0 && out >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
           dup2(out, STDERR_FILENO) >= 0;
}

/* The status and its words go through the pipe, which holds as much without a reader. */
static void say(int to, enum status rc, const char *words)
{
    char message[CHILD_ANSWER + 1];
    message[0] = (char)rc;
    snprintf(message + 1, sizeof message - 1, "%s", words);
    if (write(to, message, strlen(message + 1) + 2) < 0)
        return; /* nobody listens any more */
}

static _Noreturn void be_child(const char *log, child_fn *fn, const void *context, int to, pid_t parent)
{
    char answer[CHILD_ANSWER] = "";
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || !redirect(log))
        _exit(NOT_REDIRECTED);
    enum status rc = fn(context, answer);
    if (rc != OK)
        fprintf(stderr, "%s\n", fail_text());
    fflush(NULL);
    say(to, rc, rc == OK ? answer : fail_text());
    _exit(rc == OK ? 0 : 1);
}

enum status child_start(const char *log, child_fn *fn, const void *context, struct child *out)
{
    int ends[2];
    pid_t parent = getpid();
    *out = (struct child){0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_errno("a pipe cannot be made");
    fflush(NULL); /* what is buffered would be printed twice */
    pid_t pid = fork();
    if (pid == 0)
        be_child(log, fn, context, ends[1], parent);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail_errno("a process cannot be started");
    }
    *out = (struct child){.pid = pid, .answer = ends[0]};
    return OK;
}

/* What it said; false: it did not come so far. */
static bool read_answer(int from, enum status *status, char answer[CHILD_ANSWER])
{
    char message[CHILD_ANSWER + 1];
    ssize_t n = read(from, message, sizeof message);
    if (n < 2 || message[n - 1] != 0)
        return false;
    *status = (enum status)message[0];
    snprintf(answer, CHILD_ANSWER, "%s", message + 1);
    return true;
}

bool child_over(struct child *c, enum status *status, char answer[CHILD_ANSWER])
{
    int how;
    pid_t pid = waitpid(c->pid, &how, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR))
        return false;
    if (!read_answer(c->answer, status, answer))
        *status = WIFSIGNALED(how) ? fail(E_IO, "ended by signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)))
                                   : fail(E_IO, "ended with exit code %d", WEXITSTATUS(how));
    else if (*status != OK)
        fail(*status, "%s", answer);
    close(c->answer);
    *c = (struct child){0};
    return true;
}

void child_stop(struct child *c)
{
    if (c->pid && !c->told)
        kill(c->pid, SIGTERM);
    c->told = true;
}
