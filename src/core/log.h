/* Messages from inside the library to whoever asked for them: cli/ prints them (core/terminal.h), a program that uses
 * libyolo9 may take them by yolo9_set_log, and where nobody asked they are lost. Only these two decide the level. */
#ifndef Y9_CORE_LOG_H
#define Y9_CORE_LOG_H

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `text` is one sentence without a newline, of the call only. May be called in several threads at once. */
typedef void log_sink(void *context, enum log_level level, const char *text);
void log_set_sink(log_sink *sink, void *context); /* NULL, as at the start: nobody listens */

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
