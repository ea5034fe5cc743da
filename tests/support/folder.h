/* The folder of a test program: one under /tmp, made before its tests and removed after them with all that lies in it.
 * Setups and teardowns for cmocka. */
#ifndef Y9_TESTS_FOLDER_H
#define Y9_TESTS_FOLDER_H

extern char folder[64]; /* its path, once it is made */

/* Of a file or folder in it; of four calls each is valid. */
const char *folder_path(const char *name);

int folder_make(void **state);
/* The same, and the tests work in it. */
int folder_enter(void **state);
int folder_remove(void **state);

#endif
