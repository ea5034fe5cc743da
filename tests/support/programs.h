/* Other people's programs in tests: run one and read its answer as JSON; a folder for files that pass between. */
#ifndef Y9_TESTS_PROGRAMS_H
#define Y9_TESTS_PROGRAMS_H

#include "core/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Standard output of a shell command, or of standard error when `errors`; the exit code. */
int program_run(const char *command, bool errors, struct buf *out);
/* The same for a program that prints JSON; NULL when it failed (its errors went to the test's). */
json_t *program_json(const char *command);
/* A Python that has `modules` ("numpy cv2"), or NULL: then the reason was printed. */
const char *program_python(const char *modules);
/* Does scripts/install-onnxruntime give a folder? Otherwise the reason was printed. */
bool program_onnxruntime(char *folder, size_t size);

/* A fresh folder under /tmp, and its removal with all that lies in it. */
void program_folder(char *path, size_t size);
void program_remove(const char *path);

#endif
