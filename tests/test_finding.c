/* What a split names is found however the path is written and wherever the program is started, and what is not found is
 * said with the places looked at. */
#include "support/dataset_files.h"
#include "support/unit.h"

#include "core/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_set(struct place *p)
{
    make_picture(p, "set/images/val/1.jpg", 20, 20);
    make_picture(p, "set/images/val/2.JPG", 20, 20);
    make_text(p, "set/labels/val/1.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "set/labels/val/2.txt", "0 .5 .5 .5 .5\n");
}

static void assert_found(const char *yaml, int pictures, const char *note)
{
    struct dataset *d;
    if (try_load(yaml, SPLIT_VAL, NULL, &d) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(d->n_images, pictures);
    assert_int_equal(d->summary.labelled, pictures);
    if (note)
        assert_notes(d, note);
    else
        assert_int_equal(d->summary.n_notes, 0);
    dataset_destroy(d);
}

static void lists_are_found_from_anywhere(void **state)
{
    struct place *p = *state;
    char here[512];
    static const struct {
        const char *list, *note;
    } lists[] = {
        {"images/val/1.jpg\nimages/val/2.JPG\n", NULL},
        {"./images/val/1.jpg\r\n./images/val/2.JPG\r\n", NULL},
        {"\xef\xbb\xbfimages/val/1.jpg\nimages/val/2.JPG", NULL},
        {"data/images/val/1.jpg\ndata/images/val/2.JPG\n", "'data/' leads nowhere"},
        {"/content/set/images/val/1.jpg\n/content/set/images/val/2.JPG\n", "'/content/set/' leads nowhere"},
        {"images\\val\\1.jpg\nimages\\val\\2.JPG\n", NULL},
        {"C:\\work\\set\\images\\val\\1.jpg\nC:\\work\\set\\images\\val\\2.JPG\n", "'C:\\work\\set\\' leads nowhere"},
    };
    make_set(p);
    make_text(p, "set/data.yaml", "path: .\nval: val.txt\nnames: [a]\n");
    assert_non_null(getcwd(here, sizeof(here)));
    for (int i = 0; i < COUNT(lists); i++) {
        make_text(p, "set/val.txt", lists[i].list);
        assert_found(in(p, "set/data.yaml"), 2, lists[i].note);
        assert_int_equal(chdir(in(p, "set")), 0);
        assert_found("data.yaml", 2, lists[i].note);
        assert_int_equal(chdir("images"), 0);
        assert_found("../data.yaml", 2, lists[i].note);
        assert_int_equal(chdir(here), 0);
    }
    make_text(p, "set/lists/val.txt", "images/val/1.jpg\nimages/val/2.JPG\n"); /* from the set's folder */
    make_text(p, "set/data.yaml", "path: .\nval: lists/val.txt\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, NULL);
}

/* The same number of parts is dropped from every line: a line that only another number would find is absent. */
static void lists_drop_the_same_parts_everywhere(void **state)
{
    struct place *p = *state;
    struct dataset *d;
    make_set(p);
    make_text(p, "set/data.yaml", "val: val.txt\nnames: [a]\n");
    make_text(p, "set/val.txt", "data/images/val/1.jpg\nelse/data/images/val/2.JPG\n");
    assert_int_equal(try_load(in(p, "set/data.yaml"), SPLIT_VAL, NULL, &d), OK);
    assert_true(d->n_images == 1 && d->summary.absent == 1);
    assert_contains(d->summary.problems[0], "val.txt:2: ");
    dataset_destroy(d);
}

static void splits_are_found_from_anywhere(void **state)
{
    struct place *p = *state;
    struct dataset *d;
    make_set(p);
    make_text(p, "set/data.yaml", "val: [images/val/1.jpg, images/val/2.JPG]\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, NULL);
    make_text(p, "set/data.yaml", "val: ../images/val\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, NULL);
    make_text(p, "set/data.yaml", "val: images\\val\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, NULL);
    make_text(p, "set/data.yaml", "val: /content/set/images/val\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, "val /content/set/images/val does not exist: ");
    make_text(p, "set/data.yaml", "path: /home/bob/set\nval: images/val\nnames: [a]\n");
    assert_found(in(p, "set/data.yaml"), 2, "path /home/bob/set does not exist: the folder of ");
    make_text(p, "set/data.yaml", "path: /home/bob/set\nval: images/test\nnames: [a]\n");
    assert_int_equal(try_load(in(p, "set/data.yaml"), SPLIT_VAL, NULL, &d), E_IO);
    assert_contains(fail_text(), "data.yaml:2: val images/test does not exist (looked in /home/bob/set and ");
    assert_contains(fail_text(), "also without its leading folders");
}

/* The folder images may be above the working directory. */
static void labels_are_found_from_inside_images(void **state)
{
    struct place *p = *state;
    char here[512];
    make_set(p);
    make_text(p, "set/images/data.yaml", "val: val\nnames: [a]\n");
    assert_found(in(p, "set/images/data.yaml"), 2, NULL);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(in(p, "set/images")), 0);
    assert_found("data.yaml", 2, NULL);
    assert_int_equal(chdir("val"), 0);
    assert_found("../data.yaml", 2, NULL);
    assert_int_equal(chdir(here), 0);
}

static void a_picture_is_never_read_as_a_list(void **state)
{
    struct place *p = *state;
    make_picture(p, "a.jpg", 20, 20);
    assert_int_equal(rename(in(p, "a.jpg"), in(p, "pictures.txt")), 0);
    assert_fails(p, "train: pictures.txt\nnames: [a]\n", E_FORMAT, "pictures.txt: neither a folder, a picture");
    for (const char *c = fail_text(); *c; c++)
        assert_true(*c >= ' ');
    make_text(p, "list", "a\x01.jpg\n");
    assert_fails(p, "train: list\nnames: [a]\n", E_FORMAT, "nor a text that lists pictures");
    write_bytes(in(p, "wide.txt"),
                "\xff\xfe"
                "a\0",
                4);
    assert_fails(p, "train: wide.txt\nnames: [a]\n", E_UNSUPPORTED, "wide.txt: the text is not UTF-8");
}

static void labels_that_lie_elsewhere_are_said(void **state)
{
    struct place *p = *state;
    make_picture(p, "image/train/a.jpg", 20, 20);
    make_text(p, "labels/train/a.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "data.yaml", "train: image/train\nval: images/val\nnames: [a]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_notes(d, "no label file was found; the first one looked for is ");
    assert_notes(d, "image/train/a.txt");
    assert_notes(d, "labels is there: its files are used for pictures in ");
    assert_notes(d, "these pictures lie in image");
    dataset_destroy(d);
    make_picture(p, "images/val/b.jpg", 20, 20);
    make_picture(p, "images/val/c.jpg", 20, 20);
    make_text(p, "images/val/b.txt", "0 .5 .5 .5 .5\n");
    d = load(p, SPLIT_VAL, NULL); /* labelImg writes them there */
    assert_true(d->summary.objects == 1 && d->summary.missing == 1);
    assert_notes(d, "label files lie beside their pictures and are used (");
    dataset_destroy(d);
    make_text(p, "labels/val/c.txt", "0 .5 .5 .5 .5\n");
    d = load(p, SPLIT_VAL, NULL);
    assert_true(d->summary.objects == 1 && d->images[1].n_objects == 1);
    assert_notes(d, "1 label file beside its picture is not used");
    dataset_destroy(d);
    make_text(p, "labels/val/b.TXT", "0 .5 .5 .5 .5\n");
    d = load(p, SPLIT_VAL, NULL);
    assert_int_equal(d->summary.orphans, 1);
    assert_contains(d->summary.problems[0], "b.TXT: a label file without a picture, not used (label files end in .txt");
    dataset_destroy(d);
}

static void pose_rows_without_kpt_shape_are_said(void **state)
{
    struct place *p = *state;
    make_picture(p, "images/train/a.jpg", 20, 20);
    make_picture(p, "images/val/b.jpg", 20, 20);
    make_text(p, "labels/train/a.txt", "0 .68 .38 .375 .427 .6 .3 .7 .3 .65 .4\n0 .2 .2 .1 .1 .2 .2 .22 .2 .2 .18\n");
    make_text(p, "labels/val/b.txt",
              "0 .4 .4 .6 .4 .6 .6 .4 .6\n0 .5 .2 .7 .4 .5 .6 .3 .4\n0 .5 .5 .6 .5 .6 .6 .5 .6\n");
    make_text(p, "data.yaml", "train: images/train\nval: images/val\nnames: [a]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_notes(d, "rows of 11 words look like a box with key points, but are read as polygons");
    dataset_destroy(d);
    d = load(p, SPLIT_VAL, NULL); /* corners of boxes */
    assert_int_equal(d->summary.n_notes, 0);
    dataset_destroy(d);
    make_text(p, "data.yaml", "train: images/train\nkpt_shape: [3, 2]\nnames: [a]\n");
    d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->summary.n_notes, 0);
    dataset_destroy(d);
}

static void a_folder_of_labels_with_another_name_is_said(void **state)
{
    struct place *p = *state;
    make_picture(p, "images/train/a.jpg", 20, 20);
    make_text(p, "Labels/train/a.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "data.yaml", "train: images/train\nnames: [a]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->summary.objects, 0);
    assert_notes(d, "Labels is there, but not used: label files are looked for in a folder called labels");
    dataset_destroy(d);
}

static void a_label_file_of_two_pictures_is_said(void **state)
{
    struct place *p = *state;
    make_picture(p, "images/a.jpg", 20, 20);
    make_picture(p, "images/a.png", 20, 20);
    make_picture(p, "images/b.png", 20, 20);
    make_text(p, "labels/a.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "data.yaml", "train: images\nnames: [a]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->summary.objects, 2);
    assert_notes(d, "1 label file is used for two pictures that differ in their ending only (");
    dataset_destroy(d);
}

static void pictures_have_identities(void **state)
{
    struct place *p = *state;
    make_picture(p, "images/a/1.jpg", 20, 20);
    make_picture(p, "images/b/1.jpg", 20, 20);
    make_picture(p, "images/b/07.jpg", 20, 20);
    make_text(p, "data.yaml", "train: [images, images/a/../b, images/b/1.jpg]\nnames: [a]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    struct buf text = {0};
    assert_true(d->n_images == 3 && d->summary.repeated == 3 && d->summary.pictures == 6);
    const char *names[] = {"a/1.jpg", "b/1.jpg", "07.jpg"};
    int seen = 0;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            if (!strcmp(d->images[i].name, names[k])) {
                assert_int_equal(d->images[i].number, k == 2 ? 7 : -1);
                seen |= 1 << k;
            }
    assert_int_equal(seen, 7);
    assert_int_equal(dataset_describe(d, "train", 5, &text), OK);
    assert_contains(text.data, "train: 3 of 6 pictures");
    assert_contains(text.data, "3 named more than once, counted once");
    buf_free(&text);
    dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_are_found_from_anywhere, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(lists_drop_the_same_parts_everywhere, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(splits_are_found_from_anywhere, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(labels_are_found_from_inside_images, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(a_picture_is_never_read_as_a_list, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(labels_that_lie_elsewhere_are_said, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(pose_rows_without_kpt_shape_are_said, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(a_folder_of_labels_with_another_name_is_said, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(a_label_file_of_two_pictures_is_said, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(pictures_have_identities, place_set_up, place_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
