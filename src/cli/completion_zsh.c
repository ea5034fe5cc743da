#include "cli/completion.h"

#include "cli/cli.h"
#include "cli/completion_internal.h"

/* Text inside of '...' in a specification of _arguments or _describe. */
static void put_quoted(FILE *stream, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (*text == ':' || *text == '[' || *text == ']' || *text == '\\')
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    }
}

static void put_word(void *stream, const char *word)
{
    fprintf(stream, "%s ", word);
}

/* "_files -g '*.(pt|pth)(-.)'", with the quotes of a text that is quoted itself. */
static void put_files(FILE *stream, const char *endings)
{
    fputs("_files", stream);
    if (!endings)
        return;
    fputs(" -g \"*.(", stream);
    for (const char *p = endings; *p; p++)
        fputc(*p == ' ' ? '|' : *p, stream);
    fputs(")(-.)\"", stream);
}

/* "NAME:action" */
static void put_action(FILE *stream, const struct option_spec *s)
{
    struct completion c = completion_of(s);
    put_quoted(stream, option_value_word(s));
    fputc(':', stream);
    switch (c.kind) {
    case COMPLETE_NOTHING:
        fputc(' ', stream);
        break;
    case COMPLETE_WORDS:
        fputs(c.endings ? "{ compadd -- " : "(", stream);
        completion_each_word(&c, put_word, stream);
        fputs(c.endings ? "; " : ")", stream);
        if (c.endings) {
            put_files(stream, c.endings);
            fputs(" }", stream);
        }
        break;
    case COMPLETE_FOLDERS:
        fputs("_files -/", stream);
        break;
    case COMPLETE_FILES:
        put_files(stream, c.endings);
        break;
    }
}

static void put_option(FILE *stream, const struct option_spec *s)
{
    fprintf(stream, "            '%s--%s%s[", completion_is_list(s) ? "*" : "", s->name,
            s->type == OPTION_FLAG  ? ""
            : completion_is_list(s) ? ""
                                    : "=");
    put_quoted(stream, s->help);
    fputc(']', stream);
    if (s->type != OPTION_FLAG) {
        fputs(completion_is_list(s) ? ":*-*:" : s->bare ? "::" : ":", stream);
        put_action(stream, s);
    }
    fputs("' \\\n", stream);
}

/* "features) _arguments ... ;;" */
static void put_verb(FILE *stream, const struct verb_spec *verb)
{
    const struct option_spec *positional = completion_positional(verb);
    fprintf(stream, "        %s) _arguments \\\n", verb_last_word(verb));
    for (int i = 0; i < verb->n_options; i++) {
        if (verb->options[i].state == OPTION_USED)
            put_option(stream, &verb->options[i]);
    }
    if (positional) {
        fputs("            '*:", stream);
        put_action(stream, positional);
        fputs("' \\\n", stream);
    }
    fputs("            '--help[the options]' '--help-json[the options as JSON]' ;;\n", stream);
}

/* The word behind the verb's name chooses one of its parts, whose words follow. */
static void put_parts(FILE *stream, const struct verb_spec *verb)
{
    fprintf(stream, "        %s)\n        if (( CURRENT == 2 )); then\n            compadd --", verb->name);
    completion_parts(stream, verb);
    fputs("\n        else\n        shift words\n        (( CURRENT-- ))\n        case $words[1] in\n", stream);
    for (int i = 0; verb->parts[i]; i++)
        put_verb(stream, verb->parts[i]);
    fputs("        esac\n        fi ;;\n", stream);
}

void completion_zsh(FILE *stream)
{
    fputs("#compdef yolo9\n# zsh completion for yolo9; made by `yolo9 help --format zsh`\n\n"
          "_yolo9() {\n    local context state state_descr line\n    typeset -A opt_args\n"
          "    local -a verbs=(\n",
          stream);
    for (int v = 0; verbs[v]; v++) {
        fprintf(stream, "        '%s:", verbs[v]->name);
        put_quoted(stream, verbs[v]->summary);
        fputs("'\n", stream);
    }
    fputs("    )\n    _arguments -C '--help[the verbs]' '--version[version]' '1:verb:->verb' '*::argument:->argument'\n"
          "    case $state in\n    verb) _describe verb verbs ;;\n    argument)\n        case $words[1] in\n",
          stream);
    for (int v = 0; verbs[v]; v++)
        verbs[v]->parts ? put_parts(stream, verbs[v]) : put_verb(stream, verbs[v]);
    fputs("        esac ;;\n    esac\n}\n\nif [ \"$funcstack[1]\" = _yolo9 ]; then _yolo9 \"$@\"; else compdef _yolo9 "
          "yolo9; fi\n",
          stream);
}
