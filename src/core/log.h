/* Messages to standard error, wrapped to the width of a terminal (core/terminal.h). Only cli/ decides the level;
 * libraries may log warnings. */
#ifndef Y9_CORE_LOG_H
#define Y9_CORE_LOG_H

enum log_level { LOG_QUIET, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
