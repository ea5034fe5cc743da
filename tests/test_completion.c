/* Completions and manual pages that are made from the tables of the verbs: what shells and roff make of them. */
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "core/file.h"
#include "core/mem.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char folder[] = Y9_BINARY_DIR "/tests/completion";

static void write_file(const char *name, void (*make)(FILE *))
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    make(stream);
    assert_int_equal(fclose(stream), 0);
}

/* A shell command in the folder; its exit code, and its output as one line of words. */
static int run(const char *command, char *said, size_t size)
{
    char text[1200];
    snprintf(text, sizeof text, "cd '%s' && { %s\n} 2>&1", folder, command);
    FILE *pipe = popen(text, "r");
    assert_non_null(pipe);
    size_t n = fread(said, 1, size - 1, pipe);
    said[n] = 0;
    while (n && said[n - 1] == '\n')
        said[--n] = 0;
    return pclose(pipe);
}

static bool has_program(const char *name)
{
    char command[64], said[256];
    snprintf(command, sizeof command, "command -v %s", name);
    return run(command, said, sizeof said) == 0;
}

static int set_up(void **state)
{
    (void)state;
    char said[256];
    mkdir(folder, 0777);
    assert_int_equal(run("rm -rf * && mkdir photos && touch a.pt 'b c.safetensors' d.yaml e.jpg", said, sizeof said),
                     0);
    write_file("yolo9.bash", completion_bash);
    write_file("_yolo9", completion_zsh);
    write_file("yolo9.fish", completion_fish);
    return 0;
}

static void bash_completes(void **state)
{
    (void)state;
    static const struct {
        const char *words, *completed; /* the last word is the one that is completed */
    } cases[] = {
        {"de", "detect"},
        {"''", NULL},
        {"train --optimi", "--optimizer"},
        {"train --optimizer ''", "Adam AdamW LION SGD auto"},
        {"train --optimizer = A", "Adam AdamW"}, /* bash splits --optimizer=A */
        {"train --optimizer SGD --assign l", "lead"},
        {"train --cfg gelan-c", "gelan-c"},
        {"train --model yolov9-", NULL},
        {"info gelan-c yolov9-e", "yolov9-e"},
        {"detect --weights ''", "a.pt b c.safetensors photos"},
        {"val --data ''", "d.yaml photos"},
        {"detect --project ''", "photos"},
        {"detect --rect e", "e.jpg"},
        {"detect --conf ''", ""},
        {"detect --source e.jpg ph", "photos"},
        {"val a", "a.pt"},
        {"help tra", "train"},
        {"figure fea", "features"},
        {"figure features --dep", "--depth"},
        {"figure features --reduce m", "max mean"},
        {"figure features e", "e.jpg"},
        {"figure --h", "--help --help-json"},
        {"help --format z", "zsh"},
        {"nonsense ''", ""},
    };
    char command[512], said[4096];
    assert_int_equal(run("bash -n yolo9.bash", said, sizeof said), 0);
    for (int i = 0; i < COUNT(cases); i++) {
        snprintf(command, sizeof command,
                 "bash -c 'source ./yolo9.bash; COMP_WORDS=(yolo9 \"$@\"); COMP_CWORD=$#; _yolo9; "
                 "printf \"%%s\\n\" \"${COMPREPLY[@]}\" | LC_ALL=C sort | paste -s -d \" \"' - %s",
                 cases[i].words);
        assert_int_equal(run(command, said, sizeof said), 0);
        if (!cases[i].completed)
            assert_true(strlen(said) > 20); /* all verbs, all networks of a kind */
        else if (strcmp(said, cases[i].completed) != 0)
            fail_msg("yolo9 %s: '%s', not '%s'", cases[i].words, said, cases[i].completed);
    }
}

/* Every option that is used is offered for its verb; what is refused or without effect is not. */
static void options_of_verb_are_offered(const struct verb_spec *verb)
{
    char said[16384], word[80], command[300], key[80];
    snprintf(key, sizeof key, "%s", verb->name);
    for (char *p = key; *p; p++)
        *p = *p == ' ' ? '-' : *p;
    snprintf(command, sizeof command, "bash -c 'source ./yolo9.bash; _yolo9_options %s'", key);
    assert_int_equal(run(command, said, sizeof said), 0);
    for (int i = 0; i < verb->n_options; i++) {
        const struct option_spec *s = &verb->options[i];
        snprintf(word, sizeof word, "--%s ", s->name);
        if (!strstr(said, word) != (s->state != OPTION_USED))
            fail_msg("%s: %s: %s", verb->name, word, said);
    }
}

/* Calls visit for every verb and every part of one. */
static void each_verb(void (*visit)(const struct verb_spec *))
{
    for (int v = 0; verbs[v]; v++) {
        visit(verbs[v]);
        for (int i = 0; verbs[v]->parts && verbs[v]->parts[i]; i++)
            visit(verbs[v]->parts[i]);
    }
}

static void all_options_are_offered(void **state)
{
    (void)state;
    each_verb(options_of_verb_are_offered);
}

static void zsh_and_fish_read_theirs(void **state)
{
    (void)state;
    char said[4096];
    bool zsh = has_program("zsh"), fish = has_program("fish");
    if (zsh && run("zsh -n _yolo9", said, sizeof said) != 0)
        fail_msg("zsh: %s", said);
    if (fish && run("fish -n yolo9.fish", said, sizeof said) != 0)
        fail_msg("fish: %s", said);
    if (fish) {
        assert_int_equal(
            run("fish -c 'source yolo9.fish; complete -C \"yolo9 train --optimizer A\"'", said, sizeof said), 0);
        assert_non_null(strstr(said, "AdamW"));
    }
    if (!zsh || !fish) {
        print_message("%s%s not there\n", zsh ? "" : "zsh ", fish ? "" : "fish");
        skip();
    }
}

static void page_names_options(const struct verb_spec *verb)
{
    char *text = NULL, word[80];
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    manual_verb(verb, stream);
    fclose(stream);
    assert_int_equal(strncmp(text, ".TH \"YOLO9\\-", 12), 0);
    for (int i = 0; i < verb->n_options; i++) {
        size_t n = (size_t)snprintf(word, sizeof word, "\\fB\\-\\-");
        for (const char *p = verb->options[i].name; *p; p++)
            n += (size_t)snprintf(word + n, sizeof word - n, *p == '-' ? "\\-" : "%c", *p);
        if (!strstr(text, word))
            fail_msg("yolo9-%s.1 does not name %s", verb->name, word);
    }
    free(text);
}

static void pages_name_every_option(void **state)
{
    (void)state;
    each_verb(page_names_options);
}

static const struct verb_spec *paged; /* the verb of the page below */

static void write_page(FILE *stream)
{
    manual_verb(paged, stream);
}

static void roff_reads_page(const struct verb_spec *verb)
{
    char said[4096];
    paged = verb;
    write_file("verb.1", write_page);
    if (run("groff -man -ww -z -Tutf8 verb.1", said, sizeof said) != 0 || *said)
        fail_msg("yolo9-%s.1: %s", paged->name, said);
}

static void roff_finds_nothing_wrong(void **state)
{
    (void)state;
    char said[4096];
    if (!has_program("groff")) {
        print_message("groff is not there\n");
        skip();
    }
    write_file("yolo9.1", manual_program);
    assert_int_equal(run("groff -man -ww -z -Tutf8 yolo9.1", said, sizeof said), 0);
    assert_string_equal(said, "");
    each_verb(roff_reads_page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_completes),           cmocka_unit_test(all_options_are_offered),
        cmocka_unit_test(zsh_and_fish_read_theirs), cmocka_unit_test(pages_name_every_option),
        cmocka_unit_test(roff_finds_nothing_wrong),
    };
    return cmocka_run_group_tests_name("completion", tests, set_up, NULL);
}
