#include "cli/completion.h"

#include "cli/cli.h"
#include "cli/completion_internal.h"

#include <string.h>

/* Text as one word in '...'. */
static void put_quoted(FILE *stream, const char *text)
{
    fputc('\'', stream);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', stream);
        fputc(*text, stream);
    }
    fputc('\'', stream);
}

static void put_word(void *stream, const char *word)
{
    fprintf(stream, "%s ", word);
}

/* "(__fish_complete_suffix .pt) ..." for every ending */
static void put_endings(FILE *stream, const char *endings)
{
    for (const char *p = endings; p && *p;) {
        int n = 0;
        while (p[n] && p[n] != ' ')
            n++;
        fprintf(stream, "(__fish_complete_suffix .%.*s) ", n, p);
        p += n + (p[n] == ' ');
    }
}

/* -x: a value, and no files but those that -a names; -k: in this order, for fish puts files of other endings last. */
static void put_action(FILE *stream, const struct option_spec *s)
{
    struct completion c = completion_of(s);
    switch (c.kind) {
    case COMPLETE_NOTHING:
        fputs(" -x", stream);
        break;
    case COMPLETE_WORDS:
        fputs(" -x -k -a '", stream);
        completion_each_word(&c, put_word, stream);
        put_endings(stream, c.endings);
        fputs("'", stream);
        break;
    case COMPLETE_FOLDERS:
        fputs(" -x -a '(__fish_complete_directories)'", stream);
        break;
    case COMPLETE_FILES:
        if (!c.endings) {
            fputs(" -r -F", stream);
            break;
        }
        fputs(" -x -k -a '", stream);
        put_endings(stream, c.endings);
        fputs("'", stream);
        break;
    }
}

/* When the words of a verb are there: of a part, both. */
static const char *condition(const struct verb_spec *verb, char *buffer, size_t size)
{
    const char *space = strchr(verb->name, ' ');
    if (space)
        snprintf(buffer, size, "__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
                 (int)(space - verb->name), verb->name, space + 1);
    else
        snprintf(buffer, size, "__fish_seen_subcommand_from %s", verb->name);
    return buffer;
}

static void put_positional(FILE *stream, const struct option_spec *s, const char *when)
{
    const struct completion c = completion_of(s);
    fprintf(stream, "complete -c yolo9 -n '%s'", when);
    fputs(c.kind == COMPLETE_FILES ? " -F" : " -a '", stream);
    if (c.kind != COMPLETE_FILES) {
        completion_each_word(&c, put_word, stream);
        put_endings(stream, c.endings);
        fputs("'", stream);
    }
    fputc('\n', stream);
}

static void put_verb(FILE *stream, const struct verb_spec *verb)
{
    char when[200];
    const struct option_spec *positional = completion_positional(verb);
    condition(verb, when, sizeof when);
    for (int i = 0; i < verb->n_options; i++) {
        const struct option_spec *s = &verb->options[i];
        if (s->state != OPTION_USED)
            continue;
        fprintf(stream, "complete -c yolo9 -n '%s' -l %s", when, s->name);
        if (s->type != OPTION_FLAG)
            put_action(stream, s);
        fputs(" -d ", stream);
        put_quoted(stream, s->help);
        fputc('\n', stream);
    }
    fprintf(stream, "complete -c yolo9 -n '%s' -l help -d 'the options'\n", when);
    fprintf(stream, "complete -c yolo9 -n '%s' -l help-json -d 'the options as JSON'\n", when);
    if (positional && completion_of(positional).kind != COMPLETE_NOTHING)
        put_positional(stream, positional, when);
}

void completion_fish(FILE *stream)
{
    fputs("# fish completion for yolo9; made by `yolo9 help --format fish`\n\ncomplete -c yolo9 -f\n"
          "complete -c yolo9 -n __fish_use_subcommand -l version -d 'version'\n",
          stream);
    for (int v = 0; verbs[v]; v++) {
        fprintf(stream, "complete -c yolo9 -n __fish_use_subcommand -a %s -d ", verbs[v]->name);
        put_quoted(stream, verbs[v]->summary);
        fputc('\n', stream);
        for (int i = 0; verbs[v]->parts && verbs[v]->parts[i]; i++) {
            fprintf(stream, "complete -c yolo9 -n '__fish_seen_subcommand_from %s' -a %s -d ", verbs[v]->name,
                    verb_last_word(verbs[v]->parts[i]));
            put_quoted(stream, verbs[v]->parts[i]->summary);
            fputc('\n', stream);
        }
    }
    completion_each_verb(stream, put_verb);
}
