/* Names are not paths: a text from outside (a class of a weight file, a picture's name) as the name of a file or folder
 * that this program makes. What the text says never steers where the file goes. */
#ifndef Y9_CORE_FILE_NAME_H
#define Y9_CORE_FILE_NAME_H

#include "core/mem.h"

enum { FILE_NAME_SIZE = 256 }; /* the longest name of a file system with its zero */

/* One name made of any text: slashes, backslashes, control characters and bytes that are not UTF-8 become "_", leading
 * dots too; an empty text is "_"; what is longer than 200 bytes is cut and ends in "~" and 8 hexadecimal digits of the
 * whole text's hash. A plain word stays as it is. */
void file_name_of(const char *text, char out[FILE_NAME_SIZE]);

/* Names of `n` texts, which belong to different things: all different. A plain word keeps its name, and a text that
 * would meet another's name gets "~" and its index. Strings and list live in `arena`. E_NOMEM. */
enum status file_names_of(const char *const *texts, int n, struct arena *arena, const char ***out);

/* The name `stem` + `ending`, where the stem is a file's name without slashes: cut, with "~" and its hash behind it,
 * where both together are longer than a file system takes. */
void file_name_fit(const char *stem, const char *ending, char out[FILE_NAME_SIZE]);

#endif
