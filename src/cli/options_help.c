/* cli/options: the text of --help, at most 80 columns wide. */
#include "cli/options_internal.h"

#include "core/buf.h"

#include <string.h>

enum { WIDTH = 80, LEFT = 24 }; /* columns; where the explanations begin */

/* Words of `text` from column LEFT on, in as many lines as it takes. */
static void print_wrapped(FILE *stream, const char *text)
{
    int at = LEFT;
    for (const char *p = text; *p;) {
        int n = (int)strcspn(p, " ");
        if (at > LEFT && at + 1 + n > WIDTH) {
            fprintf(stream, "\n%*s", LEFT, "");
            at = LEFT;
        }
        at += fprintf(stream, at > LEFT ? " %.*s" : "%.*s", n, p);
        p += n + (int)strspn(p + n, " ");
    }
    fputc('\n', stream);
}

/* "default 0.25", choices and other names behind the help of an option. */
static void add_details(const struct option_spec *s, struct buf *text)
{
    for (int i = 0; s->choices && s->choices[i]; i++)
        buf_printf(text, "%s%s", !i ? ": " : s->choices[i + 1] ? ", " : " or ", s->choices[i]);
    if (s->fallback)
        buf_printf(text, " (default %s)", s->fallback);
    for (const char *p = s->aliases; p && *p;) {
        int n = (int)strcspn(p, " ");
        buf_printf(text, "%s--%.*s%s", p == s->aliases ? " [also " : ", ", n, p, p[n] ? "" : "]");
        p += n + (p[n] == ' ');
    }
}

static void print_option(FILE *stream, const struct option_spec *s)
{
    struct buf text = {0};
    const char *value = option_value_word(s);
    int at = fprintf(stream, "  --%s", s->name);
    if (*value)
        at += fprintf(stream, s->bare ? " [%s]" : " %s", value);
    if (at + 2 > LEFT)
        fprintf(stream, "\n%*s", LEFT, "");
    else
        fprintf(stream, "%*s", LEFT - at, "");
    buf_printf(&text, "%s", s->help);
    add_details(s, &text);
    if (text.data)
        print_wrapped(stream, text.data);
    buf_free(&text);
}

static void print_group(FILE *stream, const struct verb_spec *spec, enum option_state state, const char *title)
{
    bool begun = false;
    for (int i = 0; i < spec->n_options; i++) {
        const struct option_spec *s = &spec->options[i];
        if (s->state != state)
            continue;
        const char *heading = state == OPTION_USED ? s->heading : NULL;
        if (heading || !begun)
            fprintf(stream, "\n%s:\n", heading ? heading : title);
        print_option(stream, s);
        begun = true;
    }
}

static void print_parts(FILE *stream, const struct verb_spec *spec)
{
    fprintf(stream, "yolo9 %s: %s\n\nUsage: yolo9 %s WHAT [options]\n\nWhat there is:\n", spec->name, spec->summary,
            spec->name);
    for (int i = 0; spec->parts[i]; i++)
        fprintf(stream, "  %-10s %s\n", verb_last_word(spec->parts[i]), spec->parts[i]->summary);
    fprintf(stream, "\nyolo9 %s WHAT --help lists the options of one.\n", spec->name);
}

static void print_examples(FILE *stream, const struct verb_spec *spec)
{
    fputs("\nExample:\n", stream);
    for (const char *line = spec->example; *line;) {
        int n = (int)strcspn(line, "\n");
        fprintf(stream, "  %.*s\n", n, line);
        line += n + (line[n] == '\n');
    }
}

void options_help(const struct verb_spec *spec, FILE *stream)
{
    if (spec->parts) {
        print_parts(stream, spec);
        print_examples(stream, spec);
        return;
    }
    fprintf(stream, "yolo9 %s: %s\n\nUsage: yolo9 %s [options]", spec->name, spec->summary, spec->name);
    if (options_find_weights(spec) >= 0)
        fputs(" [WEIGHTS]", stream);
    if (spec->positional)
        fprintf(stream, " %s", option_value_word(&spec->options[options_find_word(spec)]));
    fputc('\n', stream);
    print_group(stream, spec, OPTION_USED, "Options");
    print_group(stream, spec, OPTION_IGNORED, "Options of the official scripts that change nothing here");
    print_group(stream, spec, OPTION_REFUSED, "Options of the official scripts that are not offered");
    fprintf(stream, "\nHelp:\n  %-*s%s\n  %-*s%s\n", LEFT - 2, "--help", "this text", LEFT - 2, "--help-json",
            "the options as JSON");
    print_examples(stream, spec);
}
