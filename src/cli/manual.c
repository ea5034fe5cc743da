#include "cli/manual.h"

#include "cli/cli.h"
#include "cli/options_internal.h"

#include <ctype.h>
#include <string.h>

/* Text as roff prints it: hyphens stay what they are, nothing is taken for a request. */
static void put_text(FILE *stream, const char *text, size_t n)
{
    if (n && (text[0] == '.' || text[0] == '\''))
        fputs("\\&", stream);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\')
            fputs("\\e", stream);
        else if (text[i] == '-')
            fputs("\\-", stream);
        else
            fputc(text[i], stream);
    }
}

static void put(FILE *stream, const char *text)
{
    put_text(stream, text, strlen(text));
}

/* A section title, in capitals as manuals have it. */
static void put_heading(FILE *stream, const char *macro, const char *text)
{
    fprintf(stream, "%s \"", macro);
    for (; *text; text++)
        fputc(!strcmp(macro, ".SH") ? toupper((unsigned char)*text) : *text, stream);
    fputs("\"\n", stream);
}

static bool put_alias(void *stream, const char *name, size_t n)
{
    fputs(", \\fB\\-\\-", stream);
    put_text(stream, name, n);
    fputs("\\fR", stream);
    return false;
}

static bool put_name(void *stream, const char *name, size_t n)
{
    fputs("\\fB\\-\\-", stream);
    put_text(stream, name, n);
    fputs("\\fR", stream);
    return true; /* the aliases stand behind the value */
}

struct skipping {
    FILE *stream;
    bool first;
};

static bool put_other_name(void *context, const char *name, size_t n)
{
    struct skipping *s = context;
    if (!s->first)
        put_alias(s->stream, name, n);
    s->first = false;
    return false;
}

static void put_option(FILE *stream, const struct option_spec *s)
{
    const char *value = option_value_word(s);
    fputs(".TP\n", stream);
    option_each_name(s, put_name, stream);
    option_each_name(s, put_other_name, &(struct skipping){stream, true});
    if (*value) {
        fputs(s->bare ? " [\\fI" : " \\fI", stream);
        put(stream, value);
        fputs(s->bare ? "\\fR]" : "\\fR", stream);
    }
    fputc('\n', stream);
    put(stream, s->help);
    for (int i = 0; s->choices && s->choices[i]; i++) {
        fputs(!i ? ": " : s->choices[i + 1] ? ", " : " or ", stream);
        put(stream, s->choices[i]);
    }
    if (s->fallback) {
        fputs(" (default ", stream);
        put(stream, s->fallback);
        fputc(')', stream);
    }
    fputs(".\n", stream);
}

static void put_options(FILE *stream, const struct verb_spec *verb, enum option_state state, const char *heading)
{
    bool begun = false;
    for (int i = 0; i < verb->n_options; i++) {
        const struct option_spec *s = &verb->options[i];
        if (s->state != state)
            continue;
        if (!begun)
            put_heading(stream, ".SH", heading);
        if (state == OPTION_USED && s->heading)
            put_heading(stream, ".SS", s->heading);
        put_option(stream, s);
        begun = true;
    }
}

static void put_examples(FILE *stream, const struct verb_spec *verb)
{
    put_heading(stream, ".SH", "Examples");
    fputs(".nf\n", stream);
    for (const char *line = verb->example; *line;) {
        size_t n = strcspn(line, "\n");
        put_text(stream, line, n);
        fputc('\n', stream);
        line += n + (line[n] == '\n');
    }
    fputs(".fi\n", stream);
}

static void put_exit_status(FILE *stream)
{
    fputs(".SH \"EXIT STATUS\"\n.TP\n0\nDone.\n.TP\n1\nFailed; one sentence on standard error says why.\n.TP\n2\n"
          "The command line is wrong.\n.TP\n130, 143\nInterrupted; what was done is written.\n",
          stream);
}

/* "figure\-features": the page of a part has the names of both. */
static void put_page_name(FILE *stream, const char *name, bool capitals)
{
    for (; *name; name++) {
        if (*name == ' ')
            fputs("\\-", stream);
        else
            fputc(capitals ? toupper((unsigned char)*name) : *name, stream);
    }
}

static void put_verbs(FILE *stream, const struct verb_spec *const *list)
{
    for (int i = 0; list[i]; i++) {
        fprintf(stream, ".TP\n\\fB%s\\fR\n", verb_last_word(list[i]));
        put(stream, list[i]->summary);
        fputs(".\n", stream);
    }
}

static void put_pages(FILE *stream, const struct verb_spec *const *list)
{
    for (int i = 0; list[i]; i++) {
        fputs("\\fByolo9\\-", stream);
        put_page_name(stream, list[i]->name, false);
        fprintf(stream, "\\fR(1)%s\n", list[i + 1] ? "," : "");
    }
}

void manual_verb(const struct verb_spec *verb, FILE *stream)
{
    fputs(".TH \"YOLO9\\-", stream);
    put_page_name(stream, verb->name, true);
    fprintf(stream, "\" 1 \"\" \"yolo9 %s\" \"yolo9\"\n.SH NAME\nyolo9\\-", Y9_VERSION);
    put_page_name(stream, verb->name, false);
    fputs(" \\- ", stream);
    put(stream, verb->summary);
    fprintf(stream, "\n.SH SYNOPSIS\n\\fByolo9 %s\\fR%s [\\fIoptions\\fR]", verb->name,
            verb->parts ? " \\fIWHAT\\fR" : "");
    if (options_find_weights(verb) >= 0)
        fputs(" [\\fIWEIGHTS\\fR]", stream);
    if (verb->positional) {
        fputs(" \\fI", stream);
        put(stream, option_value_word(&verb->options[options_find_word(verb)]));
        fputs("\\fR", stream);
    }
    fputc('\n', stream);
    if (verb->parts) {
        put_heading(stream, ".SH", "What there is");
        put_verbs(stream, verb->parts);
    }
    put_options(stream, verb, OPTION_USED, "Options");
    put_options(stream, verb, OPTION_IGNORED, "Options of the official scripts that change nothing here");
    put_options(stream, verb, OPTION_REFUSED, "Options of the official scripts that are not offered");
    put_examples(stream, verb);
    put_exit_status(stream);
    fprintf(stream, ".SH \"SEE ALSO\"\n\\fByolo9\\fR(1)%s\n", verb->parts ? "," : "");
    if (verb->parts)
        put_pages(stream, verb->parts);
}

void manual_program(FILE *stream)
{
    fprintf(stream,
            ".TH YOLO9 1 \"\" \"yolo9 %s\" \"yolo9\"\n.SH NAME\nyolo9 \\- detect objects with YOLOv9, and train it\n"
            ".SH SYNOPSIS\n\\fByolo9\\fR \\fIVERB\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n.SH VERBS\n",
            Y9_VERSION);
    put_verbs(stream, verbs);
    fputs(".SH OPTIONS\n"
          "Options are written \\fB\\-\\-name\\fR \\fIvalue\\fR or \\fB\\-\\-name=\\fR\\fIvalue\\fR.\n"
          "A flag is turned off by \\fB\\-\\-no\\-name\\fR.\n"
          "A list of numbers ends at the first word that is not a number, a list of words at the next option.\n"
          "Of a single value that is given twice the last one holds.\n"
          "The name of a weight file (.pt, .pth, .ckpt, .safetensors) needs no \\fB\\-\\-weights\\fR.\n"
          "\\fB\\-\\-\\fR ends the options.\n"
          "\\fByolo9 help\\fR \\fIVERB\\fR lists the options of a verb, \\fByolo9\\fR \\fIVERB\\fR"
          " \\fB\\-\\-help\\-json\\fR prints them as JSON.\n",
          stream);
    put_exit_status(stream);
    fputs(".SH \"SEE ALSO\"\n", stream);
    put_pages(stream, verbs);
}
