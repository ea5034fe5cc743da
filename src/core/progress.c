#include "core/progress.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/status.h"
#include "core/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_LEAST = 5, BAR_MOST = 30, TEXT = 512 };

#define REDRAW    0.1  /* seconds between two drawings on a terminal */
#define LOG_EVERY 10.0 /* and between two lines of a log */

void progress_time(double seconds, char *out, size_t size)
{
    long s = seconds > 0 ? (long)(seconds + 0.5) : 0;
    if (s < 3600)
        snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static void write_rate(double rate, char *out, size_t size)
{
    if (rate <= 0)
        out[0] = 0;
    else if (rate < 1)
        snprintf(out, size, "%.3g s each", 1 / rate);
    else
        snprintf(out, size, rate < 100 ? "%.3g/s" : "%.0f/s", rate);
}

/* What is left out of a line, one after the other, until it fits. */
enum room { ROOM_ALL, ROOM_NO_NOTE, ROOM_NO_PERCENT, ROOM_TIGHT, ROOM_NO_BAR, ROOM_NO_RATE, ROOM_LEAST };

/* Append to a text; what there is no room for is left out. */
__attribute__((format(printf, 3, 4))) static void add(char *out, size_t size, const char *format, ...)
{
    size_t n = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + n, size - n, format, args);
    va_end(args);
}

/* "0:14 left, run 1:32:10"; tight: "0:14 run 1:32:10" */
static void add_times(const struct progress_line *l, enum room room, char *out, size_t size)
{
    char text[32];
    bool tight = room >= ROOM_TIGHT;
    if (l->left >= 0) {
        progress_time(l->left, text, sizeof text);
        add(out, size, tight ? " %s%s" : l->over ? "  in %s%s" : "  %s%s", text, l->over || tight ? "" : " left");
    }
    if (l->run_left >= 0 && room < ROOM_LEAST) {
        progress_time(l->run_left, text, sizeof text);
        add(out, size, tight || l->left < 0 ? " run %s" : ", run %s", text);
    }
}

static void write_bar(const struct progress_line *l, int width, char *out)
{
    int filled = l->total > 0 ? (int)((double)width * (double)l->done / (double)l->total) : width;
    filled = MAX(0, MIN(filled, width));
    *out++ = '[';
    memset(out, '#', (size_t)filled);
    memset(out + filled, '.', (size_t)(width - filled));
    memcpy(out + width, "]", 2);
}

static int percent_of(const struct progress_line *l)
{
    return l->total > 0 ? (int)(100.0 * (double)l->done / (double)l->total) : 100;
}

/* Everything behind the label. */
static void write_figures(const struct progress_line *l, enum room room, int bar, char *out, size_t size)
{
    char drawn[BAR_MOST + 3], rate[32];
    const char *gap = room < ROOM_TIGHT ? "  " : " ";
    out[0] = 0;
    if (room < ROOM_NO_PERCENT)
        add(out, size, " %3d%%", percent_of(l));
    if (room < ROOM_NO_BAR) {
        write_bar(l, bar, drawn);
        add(out, size, " %s", drawn);
    }
    add(out, size, " %ld/%ld", l->done, l->total);
    write_rate(room < ROOM_NO_RATE ? l->rate : 0, rate, sizeof rate);
    if (*rate)
        add(out, size, "%s%s", gap, rate);
    add_times(l, room, out, size);
    if (room < ROOM_NO_NOTE && l->note)
        add(out, size, "%s%s", gap, l->note);
}

static void format_plain(const struct progress_line *l, char *out, size_t size)
{
    char text[32];
    snprintf(out, size, "%s: %ld/%ld (%d%%)", l->label, l->done, l->total, percent_of(l));
    write_rate(l->rate, text, sizeof text);
    if (*text)
        add(out, size, ", %s", text);
    progress_time(l->left, text, sizeof text);
    if (l->left >= 0)
        add(out, size, l->over ? ", in %s" : ", %s left", text);
    progress_time(l->run_left, text, sizeof text);
    if (l->run_left >= 0)
        add(out, size, ", run %s left", text);
    if (l->note)
        add(out, size, ", %s", l->note);
}

void progress_format(const struct progress_line *l, int columns, char *out, size_t size)
{
    char figures[TEXT], label[TEXT];
    if (!columns) {
        format_plain(l, out, size);
        return;
    }
    int used = 0, wanted = text_columns(l->label);
    for (int room = ROOM_ALL; room <= ROOM_LEAST; room++) {
        write_figures(l, (enum room)room, BAR_LEAST, figures, sizeof figures);
        used = text_columns(figures);
        if (wanted + used <= columns) {
            int bar = MIN(BAR_LEAST + columns - wanted - used, BAR_MOST);
            write_figures(l, (enum room)room, bar, figures, sizeof figures);
            snprintf(out, size, "%s%s", l->label, figures);
            return;
        }
    }
    if (used >= columns) { /* hardly a terminal */
        text_fit(l->label, columns, TEXT_CUT_END, out, size);
        return;
    }
    text_fit(l->label, columns - used, TEXT_CUT_END, label, sizeof label);
    snprintf(out, size, "%s%s", label, figures);
}

/* --- step by step --- */

static void show(struct progress *p)
{
    char text[TEXT];
    bool terminal = terminal_redraws();
    /* a character in the last column makes some terminals begin a new line */
    progress_format(&p->line, terminal ? MAX(terminal_columns(STDERR_FILENO) - 1, 1) : 0, text, sizeof text);
    if (terminal)
        terminal_status(text);
    else
        terminal_print(stderr, text);
    p->drawn = true;
}

void progress_start(struct progress *p, const char *label, long total)
{
    double now = clock_seconds();
    *p = (struct progress){
        .line = {.label = label, .total = total, .left = -1, .run_left = -1}, .started = now, .shown = now};
    if (log_level() >= LOG_INFO && terminal_redraws())
        show(p);
}

void progress_step(struct progress *p, long done)
{
    struct progress_line *l = &p->line;
    double now = clock_seconds(), elapsed = now - p->started;
    l->done = done;
    l->rate = elapsed > 0 ? (double)done / elapsed : 0;
    l->left = l->rate > 0 ? (double)(l->total - done) / l->rate : -1;
    if (log_level() < LOG_INFO || now - p->shown < (terminal_redraws() ? REDRAW : LOG_EVERY))
        return;
    p->shown = now;
    show(p);
}

void progress_end(struct progress *p)
{
    if (!p->drawn || !terminal_redraws())
        return;
    p->line.over = true;
    p->line.left = clock_seconds() - p->started;
    show(p);
    terminal_status(NULL);
}
