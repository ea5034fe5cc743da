/* Texts from outside (file names, class names), before they are shown or written. */
#ifndef Y9_CORE_TEXT_H
#define Y9_CORE_TEXT_H

#include "core/mem.h"

/* Length of the UTF-8 sequence at `p` (RFC 3629: shortest form, no surrogates, at most U+10FFFF) and its code point
 * (`code` may be NULL); 0: not UTF-8. The terminating zero is a sequence of length 1. */
int text_decode(const char *p, unsigned *code);

/* Replace what would break or steer a line of output by "?", in place: control characters and line separators. */
void text_one_line(char *text);

/* The text as UTF-8, as JSON needs it: where it is not, each byte that is not UTF-8 becomes "%FF", and a per cent sign
 * "%25". Returns `text` itself where it is UTF-8; NULL when short of memory. */
const char *text_utf8(struct arena *arena, const char *text);

#endif
