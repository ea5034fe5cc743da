/* Messages to standard error, and a progress bar for long work: a bar with rate and time left on a terminal,
 * a plain line now and then elsewhere. Only cli/ decides the level; libraries may log warnings. */
#ifndef Y9_CORE_LOG_H
#define Y9_CORE_LOG_H

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct progress {
    const char *label; /* borrowed */
    long total, done;
    double started, shown;
    int terminal;
};
void progress_start(struct progress *p, const char *label, long total);
void progress_step(struct progress *p, long done); /* `done` of total so far */
void progress_end(struct progress *p);

#endif
