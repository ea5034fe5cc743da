/* Classes of two sides: matched by their names wherever both have names. */
#include "support/unit.h"

#include "core/class_match.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 8 };

static struct class_list list_of(const char *source, const char *const *names)
{
    struct class_list list = {source, names, 0};
    while (names[list.n])
        list.n++;
    return list;
}

#define LIST(source, ...) list_of(source, (const char *const[]){__VA_ARGS__, NULL})

static void expect_match(struct class_list from, struct class_list to, enum class_match wanted, const int *map,
                         const char *word)
{
    int got[MOST];
    enum class_match match;
    struct buf words = {0};
    assert_int_equal(class_names_match(&from, &to, got, &match, &words), OK);
    assert_int_equal(match, wanted);
    for (int i = 0; i < from.n; i++)
        assert_int_equal(got[i], map[i]);
    if (word && (!words.data || !strstr(words.data, word)))
        fail_msg("expected \"%s\", got \"%s\"", word, words.data ? words.data : "");
    if (!word)
        assert_null(words.data);
    buf_free(&words);
}

static void expect_refusal(struct class_list from, struct class_list to, const char *const *words)
{
    int got[MOST];
    enum class_match match;
    struct buf said = {0};
    assert_int_equal(class_names_match(&from, &to, got, &match, &said), E_SHAPE);
    assert_null(said.data);
    for (; *words; words++) {
        if (!strstr(fail_text(), *words))
            fail_msg("expected \"%s\", got \"%s\"", *words, fail_text());
    }
}

static void the_same_names(void **state)
{
    (void)state;
    expect_match(LIST("w", "a", "b", "c"), LIST("d", "a", "b", "c"), CLASSES_SAME, (int[]){0, 1, 2}, NULL);
    expect_match(LIST("w", "Traffic Light", "cup"), LIST("d", "traffic_light", "cup"), CLASSES_SAME, (int[]){0, 1},
                 NULL);
    expect_match(LIST("w", "a", "a"), LIST("d", "a", "a"), CLASSES_SAME, (int[]){0, 1}, NULL);
}

static void another_order_is_mapped(void **state)
{
    (void)state;
    expect_match(LIST("w", "a", "b", "c"), LIST("d", "c", "a", "b"), CLASSES_REORDERED, (int[]){1, 2, 0},
                 "another order");
}

static void numbers_are_no_names(void **state)
{
    (void)state;
    expect_match(LIST("w", "0", "1"), LIST("d", "dog", "cat"), CLASSES_SAME, (int[]){0, 1}, NULL);
    expect_match(LIST("w", "dog", "cat"), LIST("d", "1", "0"), CLASSES_SAME, (int[]){0, 1}, NULL);
    expect_refusal(LIST("w", "0", "1", "2"), LIST("d", "dog", "cat"),
                   (const char *[]){"w knows 3 classes, d has 2", NULL});
    const struct class_list part = LIST("w", "0", "dog");
    assert_true(class_names_known(&part));
}

static void renamed_classes_keep_their_place(void **state)
{
    (void)state;
    expect_match(LIST("w", "person", "tv", "cup"), LIST("d", "person", "tvmonitor", "cup"), CLASSES_RENAMED,
                 (int[]){0, 1, 2}, "1 of 3 classes have other names in w than in d: class 1 is tv there and tvmonitor");
    expect_match(LIST("w", "Hund", "Katze"), LIST("d", "dog", "cat"), CLASSES_RENAMED, (int[]){0, 1}, "Hund");
}

static void partly_equal_names_elsewhere_are_refused(void **state)
{
    (void)state;
    expect_refusal(LIST("w", "disc", "star", "cross"), LIST("d", "cross", "disc", "spark"),
                   (const char *[]){"disc is class 0 in w and class 1 in d, and other names differ", "only in w: star",
                                    "only in d: spark", NULL});
    expect_refusal(LIST("w", "a", "b", "b"), LIST("d", "b", "a", "b"), (const char *[]){"other names differ", NULL});
}

static void another_number_of_classes_names_the_difference(void **state)
{
    (void)state;
    expect_refusal(LIST("w", "person", "car", "dog", "cat", "cup"), LIST("d", "dog", "disc"),
                   (const char *[]){"w knows 5 classes, d has 2", "only in w: person, car, cat and 1 more",
                                    "only in d: disc", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_names),
        cmocka_unit_test(another_order_is_mapped),
        cmocka_unit_test(numbers_are_no_names),
        cmocka_unit_test(renamed_classes_keep_their_place),
        cmocka_unit_test(partly_equal_names_elsewhere_are_refused),
        cmocka_unit_test(another_number_of_classes_names_the_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
