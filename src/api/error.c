/* Failures: of the thread, and of a handle. Version and messages. */
#include "api/api.h"
#include "core/log.h"

#include <stdio.h>

static _Thread_local struct api_error last;

static int public_code(enum status rc)
{
    switch (rc) {
    case OK:
        return YOLO9_OK;
    case E_NOMEM:
        return YOLO9_E_MEMORY;
    case E_IO:
        return YOLO9_E_IO;
    case E_FORMAT:
        return YOLO9_E_FORMAT;
    case E_UNSUPPORTED:
        return YOLO9_E_UNSUPPORTED;
    case E_ARGUMENT:
    case E_USAGE:
        return YOLO9_E_ARGUMENT;
    case E_SHAPE:
        return YOLO9_E_SHAPE;
    case E_LIMIT:
        return YOLO9_E_LIMIT;
    default:
        return YOLO9_E_INTERNAL;
    }
}

int api_end(enum status rc, struct api_error *handle)
{
    if (rc == OK)
        return YOLO9_OK;
    last.code = public_code(rc);
    snprintf(last.text, sizeof last.text, "%s", fail_text());
    if (handle)
        *handle = last;
    return last.code;
}

const char *yolo9_error(void)
{
    return last.text;
}

int yolo9_error_code(void)
{
    return last.code;
}

const char *yolo9_version(void)
{
    return Y9_VERSION;
}

int yolo9_version_number(void)
{
    return YOLO9_VERSION_NUMBER;
}

#ifdef Y9_SELF_CONTAINED
/* Takes the place of stdin for libraries that are inside ours (cmake/symbols.cmake). */
extern void *const y9_no_stdin;
void *const y9_no_stdin;
#endif

/* --- messages --- */

static struct {
    yolo9_log_function *log;
    void *context;
} listener;

static void tell(void *context, enum log_level level, const char *text)
{
    (void)context;
    listener.log(listener.context, (int)level, text);
}

_Static_assert((int)LOG_WARN == YOLO9_LOG_WARNING && (int)LOG_INFO == YOLO9_LOG_INFO &&
                   (int)LOG_DEBUG == YOLO9_LOG_DEBUG,
               "levels of core/log.h are those of yolo9.h");

void yolo9_set_log(int level, yolo9_log_function *log, void *context)
{
    const int most = level > YOLO9_LOG_DEBUG ? YOLO9_LOG_DEBUG : level;
    log_set_sink(NULL, NULL);
    listener.log = log;
    listener.context = context;
    log_set_level(most < 0 ? LOG_QUIET : (enum log_level)most);
    if (log)
        log_set_sink(tell, NULL);
}
