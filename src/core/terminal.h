/* Text for people: how wide it is on a terminal, cut and wrapped to that width, and printed without disturbing the
 * progress line that may stand there. Text is UTF-8; wide characters (CJK) take two columns, combining ones none. */
#ifndef Y9_CORE_TERMINAL_H
#define Y9_CORE_TERMINAL_H

#include "core/buf.h"
#include "core/log.h"

#include <stdbool.h>
#include <stdio.h>

/* Columns of the terminal behind a descriptor, asked anew at each call because windows are resized; 0: a file or a
 * pipe, where lines have no end. */
int terminal_columns(int descriptor);

/* Columns that text takes. Control characters and bytes that are no UTF-8 count as one: they are shown as '?'. */
int text_columns(const char *text);

/* Text cut to `width` columns: what does not fit gives way to an ellipsis at its end, or at its beginning (names of
 * layers and paths, which differ at their ends). Control characters become '?'. `size` bounds the bytes. */
enum text_end { TEXT_CUT_END, TEXT_CUT_BEGINNING };
void text_fit(const char *text, int width, enum text_end cut, char *out, size_t size);

/* Append text whose lines are broken between words (a path that is longer than a line: after a slash), so that none is
 * wider than `columns`; lines that go on are indented by two. columns 0: as it is. */
enum status text_wrap(const char *text, int columns, struct buf *out);

/* A whole number with its thousands apart, 3,717,680; returns out. */
const char *text_grouped(double number, char *out, size_t size);

/* The word for n things: noun(1, "class", "classes") is "class". */
const char *noun(long n, const char *one, const char *many);

/* Print lines to standard output or standard error, wrapped where that is a terminal; a newline at the end is added
 * where it is missing. A progress line gives way to them. */
void terminal_print(FILE *stream, const char *text);
/* A log_sink: messages go to standard error, a warning is called one. */
void terminal_log(void *context, enum log_level level, const char *text);

/* The line at the bottom of standard error that is drawn again and again: replaces the one before. NULL: the line is
 * left as it stands, and what follows begins on the next one. Only for terminals that can go back to a line's
 * beginning (terminal_redraws). */
void terminal_status(const char *line);
bool terminal_redraws(void);

#endif
