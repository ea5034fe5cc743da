/* cli/classes: names and numbers of --classes, and where their list ends. */
#include "cli/classes.h"
#include "core/log.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec table[] = {
    {"source", NULL, OPTION_STRINGS, NULL, "pictures", .value = VALUE_PICTURES},
    CLASSES_OPTION,
};
static const struct verb_spec spec = {
    .name = "demo", .positional = "source", .options = table, .n_options = COUNT(table), .example = ""};
static const char *const names[] = {"person", "traffic light", "dog", "4", "dog house", "bus", "Bus"};

/* The words of a command line (separated by ';') chosen from; "" where the choice is refused. */
static enum status choose(const char *line, char *said, size_t size)
{
    char copy[256], *argv[32], *save = NULL;
    int argc = 0, n;
    struct option_help help;
    struct options *o;
    struct class_choice c;
    snprintf(copy, sizeof copy, "demo;%s", line);
    for (char *word = strtok_r(copy, ";", &save); word; word = strtok_r(NULL, ";", &save))
        argv[argc++] = word;
    assert_int_equal(options_parse(&spec, argc, argv, &o, &help), OK);
    enum status rc = classes_choose(o, "w.pt", names, COUNT(names), &c);
    option_strings(o, "source", &n);
    said[0] = 0;
    for (int i = 0; rc == OK && i < c.n; i++)
        snprintf(said + strlen(said), size - strlen(said), "%d ", c.classes[i]);
    for (int i = 0; rc == OK && i < c.n_rest; i++)
        snprintf(said + strlen(said), size - strlen(said), "%s ", c.rest[i]);
    class_choice_free(&c);
    options_free(o);
    return rc;
}

static void names_and_numbers_choose(void **state)
{
    (void)state;
    static const struct {
        const char *line, *chosen;
    } cases[] = {
        {"", ""},
        {"--classes;person;dog", "0 2 "},
        {"--classes;2;person;2;dog", "2 0 "},
        {"--classes=dog,0", "2 0 "},
        {"--classes;traffic light,5", "1 5 "},
        {"--classes;Traffic_Light;DOG HOUSE", "1 4 "},
        {"--classes;bus;Bus", "5 6 "},
        {"--classes;4", "4 "}, /* a number before a name; this is said */
        {"--classes;person;/dev/null;x.jpg", "0 /dev/null x.jpg "},
        {"--classes;person;-", "0 - "},
        {"--classes;person;*.jpg;dog", "0 *.jpg dog "},
        {"--classes;person;{a,b}.jpg", "0 {a,b}.jpg "},
        {"--classes;person;https://a.b/c.jpg", "0 https://a.b/c.jpg "},
        {"a.jpg;--classes;dog", "2 "},
    };
    log_set_level(LOG_QUIET);
    for (int i = 0; i < COUNT(cases); i++) {
        char said[256];
        assert_int_equal(choose(cases[i].line, said, sizeof said), OK);
        assert_string_equal(said, cases[i].chosen);
    }
    log_set_level(LOG_INFO);
}

static void unknown_classes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--classes;persn", "persn: neither a class of w.pt nor a file; did you mean person?"},
        {"--classes;traffic;light", "did you mean traffic light?"},
        {"--classes;7", "has the classes 0 to 6"},
        {"--classes;99999999999", "has the classes 0 to 6"},
        {"--classes;dog,cow", "--classes cow"},
        {"--classes;qqqqqqqqqqqqqqqqqqqq", "its 7 classes begin with person, traffic light"},
        {"--classes;BUS", "did you mean bus?"}, /* bus and Bus are two classes */
        {"--classes;-1", "--classes -1"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char said[256];
        assert_int_equal(choose(cases[i].line, said, sizeof said), E_USAGE);
        if (!strstr(fail_text(), cases[i].says))
            fail_msg("%s: got '%s', expected '%s'", cases[i].line, fail_text(), cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_choose),
        cmocka_unit_test(unknown_classes_are_refused),
    };
    return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
