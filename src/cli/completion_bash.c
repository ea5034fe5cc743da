#include "cli/completion.h"

#include "cli/cli.h"
#include "cli/completion_internal.h"

#include <string.h>

/* What is the same for every verb. `_yolo9_files 'pt pth'` completes folders and files with these endings. */
static const char head[] =
    "# bash completion for yolo9; made by `yolo9 help --format bash`\n"
    "\n"
    "_yolo9_words() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
    "\n"
    "_yolo9_files()\n"
    "{\n"
    "    local file ending\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    while IFS= read -r file; do\n"
    "        if [ -d \"$file\" ] || [ -z \"$1\" ]; then\n"
    "            COMPREPLY+=(\"$file\")\n"
    "            continue\n"
    "        fi\n"
    "        for ending in $1; do\n"
    "            [[ ${file,,} == *.$ending ]] && COMPREPLY+=(\"$file\")\n"
    "        done\n"
    "    done < <(compgen -f -- \"$cur\")\n"
    "}\n"
    "\n"
    "_yolo9_folders()\n"
    "{\n"
    "    local file\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    while IFS= read -r file; do COMPREPLY+=(\"$file\"); done < <(compgen -d -- \"$cur\")\n"
    "}\n"
    "\n"
    "# A value of option $2 of verb $1, \"\" for a word without one, of which $3 words are there already.\n"
    "# Fails where the option takes no such word.\n"
    "_yolo9_value()\n"
    "{\n"
    "    case $1:$2:$3 in\n";

static const char tail[] =
    "    *) return 1 ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n"
    "\n"
    "_yolo9()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} option= behind=0 i=$((COMP_CWORD - 1))\n"
    "    COMPREPLY=()\n"
    "    case \" $_yolo9_parts \" in\n"
    "    *\" $verb-${COMP_WORDS[2]} \"*) [ \"$COMP_CWORD\" -gt 2 ] && verb=$verb-${COMP_WORDS[2]} ;;\n"
    "    esac\n"
    "    if [ \"$COMP_CWORD\" -le 1 ]; then\n"
    "        _yolo9_words \"$_yolo9_verbs --help --version\"\n"
    "        return\n"
    "    fi\n"
    "    [ \"$cur\" = = ] && cur= # \"--name=\" is two words to bash\n"
    "    while [ \"$i\" -gt 1 ]; do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --*) option=${COMP_WORDS[i]}; break ;;\n"
    "        =) ;;\n"
    "        *) behind=$((behind + 1)) ;;\n"
    "        esac\n"
    "        i=$((i - 1))\n"
    "    done\n"
    "    case $cur in\n"
    "    -*) _yolo9_words \"$(_yolo9_options \"$verb\")\" ;;\n"
    "    *) [ -n \"$option\" ] && _yolo9_value \"$verb\" \"$option\" \"$behind\" || _yolo9_value \"$verb\" \"\" 0 ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "complete -F _yolo9 yolo9\n";

static void put_word(void *stream, const char *word)
{
    fprintf(stream, " %s", word);
}

static void put_action(FILE *stream, const struct option_spec *s)
{
    struct completion c = completion_of(s);
    switch (c.kind) {
    case COMPLETE_NOTHING:
        fputs(":", stream);
        break;
    case COMPLETE_WORDS:
        fputs("_yolo9_words \"", stream);
        completion_each_word(&c, put_word, stream);
        fputs("\"", stream);
        if (c.endings)
            fprintf(stream, "; _yolo9_files '%s'", c.endings);
        break;
    case COMPLETE_FOLDERS:
        fputs("_yolo9_folders", stream);
        break;
    case COMPLETE_FILES:
        fprintf(stream, "_yolo9_files '%s'", c.endings ? c.endings : "");
        break;
    }
}

/* "detect:--img:*|detect:--imgsz:*" of one option */
struct patterns {
    FILE *stream;
    const char *verb, *count;
    int n;
};

static bool put_pattern(void *context, const char *name, size_t n)
{
    struct patterns *p = context;
    fprintf(p->stream, "%s%s:--%.*s:%s", p->n++ ? "|" : "", p->verb, (int)n, name, p->count);
    return false;
}

static void put_values(FILE *stream, const struct verb_spec *verb)
{
    char key[COMPLETION_KEY];
    for (int i = 0; i < verb->n_options; i++) {
        const struct option_spec *s = &verb->options[i];
        struct patterns patterns = {stream, completion_key(verb, key), completion_is_list(s) ? "*" : "0", 0};
        if (s->type == OPTION_FLAG)
            continue;
        fputs("    ", stream);
        option_each_name(s, put_pattern, &patterns);
        fputs(") ", stream);
        put_action(stream, s);
        fputs(" ;;\n", stream);
    }
    const struct option_spec *positional = completion_positional(verb);
    if (!positional)
        return;
    fprintf(stream, "    %s::*) ", completion_key(verb, key));
    put_action(stream, positional);
    fputs(" ;;\n", stream);
}

static void put_options(FILE *stream, const struct verb_spec *verb)
{
    char key[COMPLETION_KEY];
    fprintf(stream, "    %s) echo '", completion_key(verb, key));
    for (int i = 0; i < verb->n_options; i++) {
        if (verb->options[i].state == OPTION_USED)
            fprintf(stream, "--%s ", verb->options[i].name);
    }
    fputs("--help --help-json' ;;\n", stream);
}

static void put_key(FILE *stream, const struct verb_spec *verb)
{
    char key[COMPLETION_KEY];
    if (strchr(verb->name, ' '))
        fprintf(stream, " %s", completion_key(verb, key));
}

void completion_bash(FILE *stream)
{
    fputs(head, stream);
    completion_each_verb(stream, put_values);
    for (int v = 0; verbs[v]; v++) {
        if (!verbs[v]->parts)
            continue;
        fprintf(stream, "    %s::*) _yolo9_words \"", verbs[v]->name);
        completion_parts(stream, verbs[v]);
        fputs("\" ;;\n", stream);
    }
    fputs(tail, stream);
    fputs("\n_yolo9_verbs='", stream);
    for (int v = 0; verbs[v]; v++)
        fprintf(stream, "%s%s", v ? " " : "", verbs[v]->name);
    fputs("'\n_yolo9_parts='", stream);
    completion_each_verb(stream, put_key);
    fputs("'\n\n_yolo9_options()\n{\n    case $1 in\n", stream);
    completion_each_verb(stream, put_options);
    fputs("    *) echo '--help --help-json' ;;\n    esac\n}\n", stream);
}
