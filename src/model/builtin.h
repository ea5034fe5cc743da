/* The network tables of models/, compiled in (cmake/models.cmake generates the array). */
#ifndef Y9_MODEL_BUILTIN_H
#define Y9_MODEL_BUILTIN_H

struct builtin_table {
    const char *name; /* "yolov9-t" */
    const char *text; /* YAML */
};

extern const struct builtin_table builtin_tables[]; /* ends with {NULL, NULL} */

#endif
