/* The verbs that use libyolo9 as any program does, through include/yolo9.h. */
#ifndef Y9_CLI_LIBRARY_H
#define Y9_CLI_LIBRARY_H

#include "core/status.h"
#include "graph/backend.h"
#include "yolo9.h"

/* The status that a number of enum yolo9_status stands for, with the library's sentence as that of the failure. */
enum status library_status(int code);
/* The same after a function that gives a handle. */
enum status library_opened(const void *handle);
/* The number of enum yolo9_precision. */
int library_precision(enum precision p);

#endif
