/* One label file: each row is read by its own length, harmless numbers pass, anything else is refused by its line. */
#include "support/unit.h"

#include "data/label_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' does not say '%s'", text, part);
}

static const struct label_rules three = {.nc = 3};

static void assert_label_fault(const char *text, const char *part)
{
    struct label_rows rows;
    char sentence[300];
    assert_int_equal(label_text_read("a.txt", text, strlen(text), &three, &rows), E_FORMAT);
    assert_null(rows.objects);
    snprintf(sentence, sizeof(sentence), "%s", fail_text());
    assert_contains(sentence, part);
}

static void test_label_faults(void **state)
{
    (void)state;
    assert_label_fault("0 .5 .5 nan .2\n", "a.txt:1: 'nan' is not a finite number");
    assert_label_fault("0 .5 .5 .2 .2\n\n1 .5 inf .2 .2", "a.txt:3: 'inf' is not a finite number");
    assert_label_fault("0 .5 .5 1e99 .2\n", "a.txt:1: '1e99' is not a finite number");
    assert_label_fault("0 .1 .1 .2 .2 .3 .3 .4\n", "a.txt:1: 8 words: a polygon is a class and at least three pairs");
    assert_label_fault("0 .1 .1 .2 .2 .3 x\n", "a.txt:1: 'x' is not a number");
    assert_label_fault("0 320 240 100 100\n", "a.txt:1: centre x 320 is above 1; coordinates are normalised");
    assert_label_fault("0 .5 .5 .2 1.001001\n", "a.txt:1: height 1.001001 is above 1");
    assert_label_fault("0 .5 .5 .2 -0.0010001\n", "a.txt:1: height -0.0010001 is negative");
    assert_label_fault("0 10 20 30 40 50 60\n", "a.txt:1: centre x 30 is above 1");
    assert_label_fault("0 .5 .5 .2 1.01\n", "a.txt:1: height 1.01 is above 1");
    assert_label_fault("0 -.5 .5 .2 .2\n", "a.txt:1: centre x -0.5 is negative");
    assert_label_fault("3 .5 .5 .2 .2\n", "a.txt:1: class 3, but the dataset has 3 classes (0 to 2)");
    assert_label_fault("-1 .5 .5 .2 .2\n", "a.txt:1: class -1 is negative");
    assert_label_fault("0.5 .5 .5 .2 .2\n", "a.txt:1: class 0.5 is no class number");
    assert_label_fault("0 .5 .5 .2\n", "a.txt:1: 4 words");
    assert_label_fault("0 .5 .5 .2 .2 .9\n",
                       "a.txt:1: 6 words where `class cx cy w h` is expected: a score or a track number");
    assert_label_fault("0 .5 .5 .2 x2\n", "a.txt:1: 'x2' is not a number");
    assert_label_fault("0,.5,.5,.2,.2\n", "a.txt:1: 1 word where");
    assert_label_fault("0 .1 .1 .2 .2 .3 .3\n1 .5 .5 .2\n", "a.txt:2: 4 words where `class cx cy w h`");
    assert_label_fault("0 .1 .1 .2 .2 .3 .3\n1\n", "a.txt:2: 1 word where");
}

static void test_label_boxes(void **state)
{
    (void)state;
    struct label_rows rows;
    const struct label_rules single = {.nc = 3, .single_class = true};
    const char *text = "2 0.5 0.25 1 0.5\r\n \n0\t0.1 0.1 0 0.2"; /* blank line, CRLF, tab, no newline at the end */
    assert_int_equal(label_text_read("a", text, strlen(text), &three, &rows), OK);
    assert_true(rows.n_objects == 2 && rows.n_points == 0 && rows.duplicates == 0);
    assert_true(rows.objects[0].class == 2 && rows.objects[0].cxcywh[2] == 1 && rows.objects[1].class == 0);
    label_rows_free(&rows);
    assert_int_equal(label_text_read("a", "7 .5 .5 .1 .1", 13, &single, &rows), OK); /* single class: any number goes */
    assert_true(rows.n_objects == 1 && rows.objects[0].class == 0);
    label_rows_free(&rows);
    assert_int_equal(label_text_read("a", " \n\n", 3, &three, &rows), OK);
    assert_true(rows.n_objects == 0);
    label_rows_free(&rows);
}

/* A box row beside polygon rows stays a box. */
static void test_label_polygons(void **state)
{
    (void)state;
    struct label_rows rows;
    const char *text = "1 0.25 0.5 0.75 0.5 0.5 1\n0 0.25 0.5 0.5 0.25\n2 0 0 1 0 1 1 0 1\n";
    assert_int_equal(label_text_read("a", text, strlen(text), &three, &rows), OK);
    assert_true(rows.n_objects == 3 && rows.n_points == 7);
    const struct dataset_object *o = rows.objects;
    assert_true(o[0].n_points == 3 && o[0].first_point == 0 && o[1].n_points == 0 && o[2].first_point == 3);
    assert_true(o[0].cxcywh[0] == 0.5f && o[0].cxcywh[1] == 0.75f && o[0].cxcywh[2] == 0.5f && o[0].cxcywh[3] == 0.5f);
    assert_true(o[1].cxcywh[0] == 0.25f && o[1].cxcywh[1] == 0.5f && o[1].cxcywh[2] == 0.5f && o[1].cxcywh[3] == 0.25f);
    assert_true(rows.points[4][0] == 1 && rows.points[4][1] == 0 && rows.poses == 0);
    label_rows_free(&rows);
}

/* With kpt_shape the words behind the box are key points, however many they are. */
static void test_label_key_points(void **state)
{
    (void)state;
    struct label_rows rows;
    const struct label_rules two = {.nc = 3, .key_points = 2, .key_values = 3};
    const char *text = "1 0.5 0.5 0.2 0.1 0.4 0.4 2 0.6 0.6 1\n0 0.25 0.5 0.5 0.25\n";
    assert_int_equal(label_text_read("a", text, strlen(text), &two, &rows), OK);
    assert_true(rows.n_objects == 2 && rows.n_points == 0 && rows.poses == 1);
    assert_true(rows.objects[0].n_points == 0 && rows.objects[0].cxcywh[2] == 0.2f);
    label_rows_free(&rows);
    text = "1 0.5 0.5 0.2 0.1 0.4 0.4\n"; /* a polygon elsewhere */
    assert_int_equal(label_text_read("a", text, strlen(text), &two, &rows), E_FORMAT);
    assert_contains(fail_text(), "a:1: 7 words where a class, a box and 2 key points of 3 values (11 words)");
    text = "1 0.5 0.5 0.2 0.1 0.4 x 2 0.6 0.6 1\n";
    assert_int_equal(label_text_read("a", text, strlen(text), &two, &rows), E_FORMAT);
    assert_contains(fail_text(), "'x' is not a number");
}

/* Rounding past the edge is clipped, whole numbers may have a point or an exponent. */
static void test_label_harmless_numbers(void **state)
{
    (void)state;
    struct label_rows rows;
    const char *text = "1.0 0.5 1.000001 1.000001 0.5 \n2e0\t-1e-6 5E-1 +.5 1.001\n0 -0.0005 0 1.0005 0 0.5 1\n";
    assert_int_equal(label_text_read("a", text, strlen(text), &three, &rows), OK);
    const struct dataset_object *o = rows.objects;
    assert_true(rows.n_objects == 3 && o[0].class == 1 && o[1].class == 2);
    assert_true(o[0].cxcywh[1] == 1 && o[0].cxcywh[2] == 1 && o[1].cxcywh[0] == 0 && o[1].cxcywh[3] == 1);
    assert_true(rows.points[0][0] == 0 && rows.points[1][0] == 1 && o[2].cxcywh[0] == 0.5f);
    label_rows_free(&rows);
}

static void test_label_duplicates(void **state)
{
    (void)state;
    struct label_rows rows;
    const char *once = "2 .5 .5 .1 .1\n0 .5 .5 .1 .1\n1 .5 .4 .1 .1\n";
    const char *twice = "2 .5 .5 .1 .1\n0 .5 .5 .1 .1\n1 .5 .4 .1 .1\n0 0.5 0.50 .1 .1\n1 .4 .4 .1 .1\n";
    assert_int_equal(label_text_read("a", once, strlen(once), &three, &rows), OK);
    assert_true(rows.n_objects == 3 && rows.objects[0].class == 2 && rows.duplicates == 0); /* not sorted */
    label_rows_free(&rows);
    assert_int_equal(label_text_read("a", twice, strlen(twice), &three, &rows), OK);
    assert_true(rows.n_objects == 4 && rows.duplicates == 1);
    assert_true(rows.objects[0].class == 0 && rows.objects[1].cxcywh[0] == 0.4f && rows.objects[3].class == 2);
    label_rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_faults),           cmocka_unit_test(test_label_boxes),
        cmocka_unit_test(test_label_polygons),         cmocka_unit_test(test_label_key_points),
        cmocka_unit_test(test_label_harmless_numbers), cmocka_unit_test(test_label_duplicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
