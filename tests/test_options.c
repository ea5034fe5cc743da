/* cli/options: what a user may write, what becomes of it, and the sentences of usage errors. */
#include "cli/options.h"
#include "core/mem.h"
#include "support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {"red", "Blue", "green", NULL};

static const struct option_spec table[] = {
    {"source", NULL, OPTION_STRINGS, NULL, "photos"},
    {"weights", "w", OPTION_STRING, NULL, "checkpoint", .value = VALUE_WEIGHTS},
    {"img", "imgsz img-size", OPTION_INTS, "640", "network input", 32, 8192, 2},
    {"conf", "conf-thres", OPTION_FLOAT, "0.25", "score threshold", 0, 1},
    {"batch", "batch-size", OPTION_INT, "16", "images a step", 1, INFINITY},
    {"rect", NULL, OPTION_FLAG, NULL, "smallest rectangle"},
    {"hyp", NULL, OPTION_PAIRS, NULL, "settings"},
    {"classes", NULL, OPTION_INTS, NULL, "class numbers"},
    {"device", NULL, OPTION_STRING, "cpu", "where"},
    {"seed", NULL, OPTION_INT, "0", "seed"},
    {"colour", NULL, OPTION_STRING, "red", "one of", .choices = colours},
    {"colours", NULL, OPTION_STRINGS, NULL, "some of", .choices = colours},
    {"no-sound", NULL, OPTION_FLAG, NULL, "quiet"},
    {"sync-bn", NULL, OPTION_FLAG, NULL, "there is one process", .state = OPTION_IGNORED},
    {"augment", NULL, OPTION_FLAG, NULL, "other boxes", .state = OPTION_REFUSED},
};
static const struct verb_spec spec = {.name = "demo",
                                      .summary = "a verb for this test",
                                      .positional = "source",
                                      .options = table,
                                      .n_options = COUNT(table),
                                      .example = "yolo9 demo --img 480 640 a.jpg"};

static enum status parse(const char *line, struct options **o)
{
    static char copy[512];
    char *argv[64], *save = NULL;
    int argc = 0;
    struct option_help help;
    snprintf(copy, sizeof copy, "demo %s", line);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return options_parse(&spec, argc, argv, o, &help);
}

static void expect_ints(const struct options *o, const char *name, int n, const int *want)
{
    int count;
    const int *got = option_ints(o, name, &count);
    assert_int_equal(count, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(got[i], want[i]);
}

static void expect_words(const struct options *o, const char *name, const char *want)
{
    int count;
    const char *const *got = option_strings(o, name, &count);
    char text[256] = "";
    for (int i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", got[i]);
    assert_string_equal(text, want);
}

static void defaults_hold_until_the_user_speaks(void **state)
{
    (void)state;
    struct options *o;
    assert_int_equal(parse("", &o), OK);
    expect_ints(o, "img", 1, (int[]){640});
    expect_words(o, "source", "");
    assert_true(option_float(o, "conf") == 0.25);
    assert_int_equal(option_int(o, "batch"), 16);
    assert_false(option_flag(o, "rect"));
    assert_null(option_string(o, "weights"));
    assert_string_equal(option_string(o, "device"), "cpu");
    assert_false(option_given(o, "img"));
    options_free(o);
}

static void values_are_read_in_both_spellings(void **state)
{
    (void)state;
    struct options *o;
    assert_int_equal(parse("--conf=0.5 --batch 8 --weights=a=b.pt --rect --seed -3", &o), OK);
    assert_true(option_float(o, "conf") == 0.5);
    assert_int_equal(option_int(o, "batch"), 8);
    assert_string_equal(option_string(o, "weights"), "a=b.pt");
    assert_true(option_flag(o, "rect"));
    assert_int_equal(option_int(o, "seed"), -3);
    assert_true(option_given(o, "conf") && !option_given(o, "device"));
    options_free(o);
    assert_int_equal(parse("--conf-thres 1e-3 --conf_thres .5 --batch_size=2 --w x --rect=off", &o), OK);
    assert_true(option_float(o, "conf") == 0.5); /* the last one wins */
    assert_int_equal(option_int(o, "batch"), 2);
    assert_string_equal(option_string(o, "weights"), "x");
    assert_false(option_flag(o, "rect"));
    options_free(o);
}

static void number_lists_end_at_the_first_word(void **state)
{
    (void)state;
    struct options *o;
    assert_int_equal(parse("--img 480 640 a.jpg b.jpg --classes 0 2 5", &o), OK);
    expect_ints(o, "img", 2, (int[]){480, 640});
    expect_ints(o, "classes", 3, (int[]){0, 2, 5});
    expect_words(o, "source", "a.jpg b.jpg");
    options_free(o);
    assert_int_equal(parse("--img=480,640 --img 320 --source 0 --hyp h.yaml lr0=0.1 --hyp mixup=0 --batch 4", &o), OK);
    expect_ints(o, "img", 1, (int[]){320});
    expect_words(o, "source", "0"); /* a camera */
    expect_words(o, "hyp", "h.yaml lr0=0.1 mixup=0");
    assert_int_equal(option_int(o, "batch"), 4);
    options_free(o);
    assert_int_equal(parse("a.jpg --source b.jpg --rect c.jpg -- --odd.jpg", &o), OK);
    expect_words(o, "source", "a.jpg b.jpg c.jpg --odd.jpg");
    options_free(o);
    assert_int_equal(parse("--source -", &o), OK); /* a lone dash is a word */
    expect_words(o, "source", "-");
    options_free(o);
}

static void weight_files_need_no_option(void **state)
{
    (void)state;
    static const struct {
        const char *line, *weights, *source;
    } cases[] = {
        {"w.pt a.jpg", "w.pt", "a.jpg"},
        {"a.jpg run/last.safetensors b.jpg", "run/last.safetensors", "a.jpg b.jpg"},
        {"--source a.jpg b.jpg w.ckpt", "w.ckpt", "a.jpg b.jpg"},
        {"--source w.pt", NULL, "w.pt"}, /* asked for as a picture */
        {"--rect w.pth -- a.jpg", "w.pth", "a.jpg"},
        {"--weights weights.bin a.jpg", "weights.bin", "a.jpg"},
        {"--weights= a.jpg", NULL, "a.jpg"}, /* none, as official commands write it */
        {"--weights=a.pt --weights= a.jpg", NULL, "a.jpg"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct options *o;
        assert_int_equal(parse(cases[i].line, &o), OK);
        if (cases[i].weights)
            assert_string_equal(option_string(o, "weights"), cases[i].weights);
        else
            assert_null(option_string(o, "weights"));
        assert_true(option_given(o, "weights") == !!cases[i].weights);
        expect_words(o, "source", cases[i].source);
        options_free(o);
    }
}

static void choices_and_flags_turned_off(void **state)
{
    (void)state;
    struct options *o;
    assert_int_equal(
        parse("--colour BLUE --colours green,red --colours blue --rect --no-rect --no-sound --sync-bn", &o), OK);
    assert_string_equal(option_string(o, "colour"), "Blue");
    assert_int_equal(option_choice(o, "colour"), 1);
    expect_words(o, "colours", "green red Blue");
    assert_false(option_flag(o, "rect"));
    assert_true(option_flag(o, "no-sound"));
    options_free(o);
    assert_int_equal(parse("--augment=off --no-no-sound", &o), OK); /* what is refused is not asked for */
    assert_int_equal(option_choice(o, "colour"), 0);
    assert_false(option_flag(o, "no-sound"));
    options_free(o);
}

static void sizes_are_one_or_two_numbers(void **state)
{
    (void)state;
    struct options *o;
    int h, w;
    assert_int_equal(parse("--img 320", &o), OK);
    option_size(o, "img", &h, &w);
    assert_true(h == 320 && w == 320);
    options_free(o);
    assert_int_equal(parse("--img 384 640", &o), OK);
    option_size(o, "img", &h, &w);
    assert_true(h == 384 && w == 640);
    options_free(o);
}

static void faults_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--cnf 1", "did you mean --conf?"},
        {"--conf_tres 1", "did you mean --conf-thres?"},
        {"--batchsize 1", "did you mean --batch-size?"},
        {"--halp", "did you mean --help?"},
        {"--xylophone", "--help lists the options"},
        {"-x", "options are written --name"},
        {"--conf", "--conf needs a value"},
        {"--weights --rect", "--weights needs a value"},
        {"--conf 1.5", "between 0 and 1"},
        {"--conf nan", "a number is needed"},
        {"--conf 0.5x", "a number is needed"},
        {"--batch 0", "at least 1"},
        {"--batch 2.5", "a whole number is needed"},
        {"--batch 99999999999", "a whole number is needed"},
        {"--img 640 10", "between 32 and 8192"},
        {"--img 32 64 96", "2 numbers at most"},
        {"--img big", "whole numbers are needed"},
        {"--img 640 2.5", "whole numbers are needed"},
        {"--img=640,", "whole numbers are needed"},
        {"--rect=maybe", "on or off"},
        {"--colour pink", "must be red, Blue or green"},
        {"--colours red,pink", "--colours pink: must be"},
        {"--no-conf", "unknown option --no-conf"},
        {"--augment", "--augment is not offered: other boxes"},
        {"--augment a.jpg", "is not offered"},
        {"a.pt b.safetensors", "two weight files, a.pt and b.safetensors"},
        {"--weights a.pt b.PTH", "two weight files, a.pt and b.PTH"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct options *o;
        assert_int_equal(parse(cases[i].line, &o), E_USAGE);
        assert_null(o);
        if (!strstr(fail_text(), cases[i].says))
            fail_msg("%s: got '%s', expected '%s'", cases[i].line, fail_text(), cases[i].says);
    }
    static const struct verb_spec wordless = {.name = "bare", .options = table, .n_options = COUNT(table)};
    char *argv[] = {"bare", "word"};
    struct options *o;
    struct option_help help;
    assert_int_equal(options_parse(&wordless, 2, argv, &o, &help), E_USAGE);
    assert_non_null(strstr(fail_text(), "unexpected word 'word'"));
}

static void help_tells_defaults_aliases_and_an_example(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    options_help(&spec, stream);
    fclose(stream);
    assert_non_null(strstr(text, "default 0.25"));
    assert_non_null(strstr(text, "also --conf-thres"));
    assert_non_null(strstr(text, "yolo9 demo --img 480 640 a.jpg"));
    for (int i = 0; i < COUNT(table); i++)
        assert_non_null(strstr(text, table[i].name));
    free(text);

    char *argv[] = {"demo", "--conf", "0.5", "-h"};
    struct options *o;
    struct option_help help;
    assert_int_equal(options_parse(&spec, 4, argv, &o, &help), OK);
    assert_true(help.text && !help.json);
    options_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_until_the_user_speaks),
        cmocka_unit_test(values_are_read_in_both_spellings),
        cmocka_unit_test(number_lists_end_at_the_first_word),
        cmocka_unit_test(faults_are_told),
        cmocka_unit_test(sizes_are_one_or_two_numbers),
        cmocka_unit_test(weight_files_need_no_option),
        cmocka_unit_test(choices_and_flags_turned_off),
        cmocka_unit_test(help_tells_defaults_aliases_and_an_example),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
