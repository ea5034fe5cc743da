/* The network tables of models/, compiled in (cmake/models.cmake generates the array). */
#ifndef Y9_MODEL_BUILTIN_H
#define Y9_MODEL_BUILTIN_H

#include <stdbool.h>

struct builtin_table {
    const char *name; /* "yolov9-t"; of a table with `scales`, one for each: "yolov8n" */
    const char *text; /* YAML; networks of one table share it */
    bool study;       /* a variant from models/study, none that people know */
};

extern const struct builtin_table builtin_tables[]; /* ends with {NULL, NULL} */

#endif
