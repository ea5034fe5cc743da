#include "core/terminal.h"

#include "core/mem.h"
#include "core/text.h"

#include <locale.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { USUAL_COLUMNS = 80, INDENT = 2 };

#define ELLIPSIS "\u2026"

/* A progress line stands at the bottom of the terminal: a fact about the terminal, of which there is one. */
static _Atomic bool status_stands;

int terminal_columns(int descriptor)
{
    struct winsize size;
    if (!isatty(descriptor))
        return 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS"); /* a terminal that does not know its size */
    int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : USUAL_COLUMNS;
}

bool terminal_redraws(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

const char *noun(long n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

const char *text_grouped(double number, char *out, size_t size)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%.0f", number);
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < size; i++) {
        out[at++] = digits[i];
        if ((n - i) % 3 == 1 && i + 1 < n)
            out[at++] = ',';
    }
    out[at] = 0;
    return out;
}

/* --- width --- */

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* The libc's own knowledge of characters, whatever the user's locale is. */
static locale_t begin_utf8(const char *text, locale_t *before)
{
    locale_t utf8 = is_plain(text) ? (locale_t)0 : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    *before = utf8 ? uselocale(utf8) : (locale_t)0;
    return utf8;
}

static void end_utf8(locale_t utf8, locale_t before)
{
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
}

/* The character at `text`: its bytes, and its columns, -1 where it cannot be shown. */
static int next_character(const char *text, int *columns)
{
    unsigned code;
    int n = text_decode(text, &code);
    *columns = n == 0 || code < 0x20 || code == 0x7f ? -1 : wcwidth((wchar_t)code);
    return MAX(n, 1);
}

static int width_of(const char *text, size_t n)
{
    int width = 0;
    for (size_t i = 0; i < n;) {
        int columns;
        i += (size_t)next_character(text + i, &columns);
        width += columns < 0 ? 1 : columns;
    }
    return width;
}

int text_columns(const char *text)
{
    locale_t before, utf8 = begin_utf8(text, &before);
    int width = width_of(text, strlen(text));
    end_utf8(utf8, before);
    return width;
}

/* --- cutting --- */

/* Characters from `text` on, as many as fit into `width` columns and `size` bytes. */
static void copy_columns(const char *text, int width, char *out, size_t size)
{
    size_t left = strlen(text), at = 0;
    while (left > 0) {
        int columns, n = next_character(text, &columns);
        bool shown = columns >= 0;
        width -= shown ? columns : 1;
        if (width < 0 || at + (size_t)n >= size)
            break;
        if (shown)
            memcpy(out + at, text, (size_t)n);
        else
            out[at] = '?';
        at += shown ? (size_t)n : 1;
        text += n;
        left -= (size_t)n;
    }
    out[at] = 0;
}

void text_fit(const char *text, int width, enum text_end cut, char *out, size_t size)
{
    const size_t dots = sizeof ELLIPSIS - 1;
    locale_t before, utf8 = begin_utf8(text, &before);
    int whole = width_of(text, strlen(text));
    if (size <= dots || width < 1) {
        if (size)
            out[0] = 0;
    } else if (whole <= width && strlen(text) < size) {
        copy_columns(text, width, out, size);
    } else if (cut == TEXT_CUT_END) {
        copy_columns(text, width - 1, out, size - dots);
        strcat(out, ELLIPSIS);
    } else {
        const char *rest = text;
        size_t left = strlen(text);
        while (left && (whole > width - 1 || left >= size - dots)) {
            int columns, n = next_character(rest, &columns);
            whole -= columns < 0 ? 1 : columns;
            rest += n;
            left -= (size_t)n;
        }
        strcpy(out, ELLIPSIS);
        copy_columns(rest, width - 1, out + dots, size - dots);
    }
    end_utf8(utf8, before);
}

/* --- wrapping --- */

/* Bytes of the part of a line of n bytes that stands before its break, at most `columns` wide. A word that is longer
 * than a line is broken after its last slash that fits, else where the line ends. */
static size_t break_at(const char *line, size_t n, int columns)
{
    size_t word = 0, slash = 0, i = 0;
    int width = 0, c;
    while (i < n) {
        size_t bytes = (size_t)next_character(line + i, &c);
        width += c < 0 ? 1 : c;
        if (line[i] == ' ' && i > 0 && line[i - 1] != ' ')
            word = i;
        if (width > columns)
            break;
        i += bytes;
        if (line[i - 1] == '/')
            slash = i;
    }
    bool blank = strspn(line, " ") >= word; /* nothing but the indent stands before it */
    if (i >= n)
        return n;
    if (word && !blank)
        return word;
    return slash ? slash : MAX(i, 1);
}

static enum status wrap_line(const char *line, size_t n, int columns, struct buf *out)
{
    int room = columns;
    for (bool first = true;; first = false) {
        size_t part = break_at(line, n, room);
        TRY(buf_printf(out, "%*s%.*s", first ? 0 : INDENT, "", (int)part, line));
        line += part;
        n -= part;
        while (n && *line == ' ') {
            line++;
            n--;
        }
        if (!n)
            return OK;
        TRY(buf_append(out, "\n", 1));
        room = MAX(columns - INDENT, 1);
    }
    return OK;
}

enum status text_wrap(const char *text, int columns, struct buf *out)
{
    enum status rc = OK;
    locale_t before, utf8 = begin_utf8(text, &before);
    while (*text) {
        size_t n = strcspn(text, "\n");
        TRY_CLEAN(columns ? wrap_line(text, n, columns, out) : buf_append(out, text, n));
        text += n;
        if (*text == '\n') {
            TRY_CLEAN(buf_append(out, "\n", 1));
            text++;
        }
    }
cleanup:
    end_utf8(utf8, before);
    return rc;
}

/* --- printing --- */

void terminal_print(FILE *stream, const char *text)
{
    struct buf wrapped = {0};
    int columns = terminal_columns(fileno(stream));
    bool whole = columns && text_wrap(text, columns, &wrapped) == OK && wrapped.data;
    const char *shown = whole ? wrapped.data : text;
    size_t n = strlen(shown);
    flockfile(stderr);
    if (atomic_exchange(&status_stands, false)) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    flockfile(stream);
    fwrite(shown, 1, n, stream);
    if (n && shown[n - 1] != '\n')
        fputc('\n', stream);
    funlockfile(stream);
    if (columns)
        fflush(stream);
    funlockfile(stderr);
    buf_free(&wrapped);
}

void terminal_log(void *context, enum log_level level, const char *text)
{
    static const char *const prefixes[] = {[LOG_WARN] = "warning: ", [LOG_DEBUG] = "debug: "};
    const char *prefix = level < COUNT(prefixes) ? prefixes[level] : NULL;
    char line[2048 + 16];
    (void)context;
    snprintf(line, sizeof line, "%s%s", prefix ? prefix : "", text);
    terminal_print(stderr, line);
}

void terminal_status(const char *line)
{
    flockfile(stderr);
    if (line) {
        fprintf(stderr, "\r%s\033[K", line);
        fflush(stderr);
        status_stands = true;
    } else if (atomic_exchange(&status_stands, false)) {
        fputc('\n', stderr);
    }
    funlockfile(stderr);
}
