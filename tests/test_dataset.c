/* Datasets: YAML, lists, folders, label files, COCO annotations, the cache, and what is said about faulty ones. */
#include "support/dataset_files.h"
#include "support/unit.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "data/dataset.h"
#include "image/encode.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- YAML and splits --- */

static const char small_yaml[] = "path: .\ntrain: images/train\nval: images/val\nnames: [a, b, c]\n";

static void test_folder(void **state)
{
    struct place *p = *state;
    make_text(p, "data.yaml", small_yaml);
    make_picture(p, "images/train/b.jpg", 40, 20);
    make_picture(p, "images/train/a.png", 30, 30);
    make_picture(p, "images/train/sub/0007.webp", 16, 64);
    make_text(p, "images/train/readme.md", "not a picture");
    make_text(p, "images/train/.hidden.jpg", "not a picture");
    make_text(p, "labels/train/b.txt", "1 0.5 0.5 0.5 0.5\n0 0.5 0.5 1 1\n");
    make_text(p, "labels/train/sub/0007.txt", "");
    make_text(p, "labels/train/gone.txt", "1 0.5 0.5 0.5 0.5\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_images == 3 && d->nc == 3 && !strcmp(d->names[2], "c") && !d->category_ids);
    assert_contains(d->images[0].path, "images/train/a.png");
    assert_contains(d->images[1].path, "images/train/b.jpg");
    assert_true(d->images[1].w == 40 && d->images[1].h == 20 && d->images[1].n_objects == 2);
    assert_true(d->images[2].id == 7 && d->images[0].id == 0);
    const struct dataset_object *o = &d->objects[d->images[1].first_object];
    assert_true(o[0].class == 1 && o[0].area == 200 && o[1].area == 800);
    const struct dataset_summary *s = &d->summary;
    assert_true(s->pictures == 3 && s->labelled == 1 && s->missing == 1 && s->empty == 1 && s->corrupt == 0);
    assert_true(s->orphans == 1 && s->objects == 2 && s->problem_total == 1);
    assert_contains(s->problems[0], "labels/train/gone.txt: a label file without a picture");
    assert_int_equal(s->faults[0].fault, FAULT_ORPHAN);
    assert_contains(s->faults[0].path, "labels/train/gone.txt");
    struct buf text = {0};
    assert_int_equal(dataset_describe(d, "train", 5, &text), OK);
    assert_contains(text.data, "train: 3 of 3 pictures, 1 with labels, 2 labels of 3 classes");
    assert_contains(text.data, "1 label file without a picture");
    buf_free(&text);
    dataset_destroy(d);
}

static void test_faulty_pictures_and_labels(void **state)
{
    struct place *p = *state;
    struct dataset_options few = {.min_items = 1};
    struct buf bytes = {0};
    make_text(p, "data.yaml", small_yaml);
    make_picture(p, "images/train/good.jpg", 40, 20);
    make_picture(p, "images/train/tiny.png", 9, 40);
    make_picture(p, "images/train/bad.png", 20, 20);
    make_picture(p, "images/train/cut.jpg", 300, 300);
    make_picture(p, "images/train/tail.jpg", 30, 30);
    make_text(p, "images/train/text.jpg", "this is no picture");
    make_text(p, "labels/train/good.txt", "0 .5 .5 .5 .5\n0 .5 .5 .5 .5\n");
    make_text(p, "labels/train/bad.txt", "0 .5 .5 .5 .5\n3 .5 .5 .5 .5\n");
    assert_int_equal(file_read(in(p, "images/train/cut.jpg"), 1 << 20, &bytes), OK);
    write_bytes(in(p, "images/train/cut.jpg"), bytes.data, bytes.size / 2);
    assert_int_equal(file_read(in(p, "images/train/tail.jpg"), 1 << 20, &bytes), OK);
    assert_int_equal(buf_append(&bytes, "junk behind the end", 19), OK); /* decodes, so it stays */
    write_bytes(in(p, "images/train/tail.jpg"), bytes.data, bytes.size);
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    const struct dataset_summary *s = &d->summary;
    assert_true(d->n_images == 2 && s->corrupt == 4 && s->duplicates == 1 && s->objects == 1 && s->problem_total == 5);
    assert_contains(s->problems[0], "labels/train/bad.txt:2: class 3, but the dataset has 3 classes");
    assert_contains(s->problems[1], "images/train/cut.jpg: ");
    assert_contains(s->problems[2], "labels/train/good.txt: 1 label stands twice");
    assert_contains(s->problems[3], "images/train/text.jpg: ");
    assert_contains(s->problems[4], "images/train/tiny.png: 9x40 pixels, smaller than 10x10");
    static const enum dataset_fault faults[] = {FAULT_LABELS, FAULT_PICTURE, FAULT_REPEATED_ROWS, FAULT_PICTURE,
                                                FAULT_PICTURE};
    for (int i = 0; i < COUNT(faults); i++)
        assert_int_equal(s->faults[i].fault, faults[i]);
    assert_contains(s->faults[0].path, "images/train/bad.png");
    assert_true(s->bad_labels == 1);
    assert_contains(d->images[0].label_path, "labels/train/good.txt");
    assert_true(!d->images[0].label_missing && d->images[1].label_missing);
    dataset_destroy(d);
    d = load(p, SPLIT_TRAIN, &few);
    assert_true(d->n_images == 1 && d->summary.few == 1);
    dataset_destroy(d);
    few.single_class = true;
    d = load(p, SPLIT_TRAIN, &few);
    assert_true(d->n_images == 2 && d->nc == 1 && !strcmp(d->names[0], "item") && d->objects[0].class == 0);
    dataset_destroy(d);
    few.min_items = 9;
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, &few, &d), E_FORMAT);
    assert_contains(fail_text(), "of 6; the first");
    buf_free(&bytes);
}

static void test_lists(void **state)
{
    struct place *p = *state;
    char yaml[1024];
    make_picture(p, "one/images/1.jpg", 20, 20);
    make_picture(p, "one/images/2.jpg", 20, 20);
    make_picture(p, "plain/3.png", 20, 20);
    make_text(p, "one/labels/2.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "one/labels/9.txt", "0 .5 .5 .5 .5\n");
    make_text(p, "plain/3.txt", "1 .5 .5 .5 .5\n");
    snprintf(yaml, sizeof(yaml), "./images/2.jpg\n\n%s/plain/3.png\r\nimages/1.jpg\n./images/gone.jpg\n", p->folder);
    make_text(p, "one/list.txt", yaml);
    make_text(p, "data.yaml", "train: [one/list.txt, plain]\nval: ../one/images\nnames: {1: b, 0: a}\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_images == 3 && d->summary.absent == 1 && d->summary.orphans == 0);
    assert_true(d->summary.repeated == 1 && d->summary.pictures == 5); /* 3.png stands twice */
    assert_contains(d->images[0].path, "one/images/1.jpg");
    assert_contains(d->images[2].path, "plain/3.png");
    assert_true(d->images[2].n_objects == 1 && d->images[0].n_objects == 0 && !strcmp(d->names[0], "a"));
    assert_contains(d->summary.problems[0], "one/list.txt:5: ");
    assert_contains(d->summary.problems[0], "one/images/gone.jpg does not exist");
    dataset_destroy(d);
    d = load(p, SPLIT_VAL, NULL); /* the "../" that leads nowhere is dropped */
    assert_true(d->n_images == 2 && d->summary.orphans == 1);
    dataset_destroy(d);
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TEST, NULL, &d), E_ARGUMENT);
    assert_contains(fail_text(), "it has no split test");
}

/* A relative `path`: first from the YAML's folder, then from the working directory. */
static void test_roots(void **state)
{
    struct place *p = *state;
    char here[512];
    struct dataset *d;
    assert_non_null(getcwd(here, sizeof(here)));
    make_picture(p, "work/set/images/w.jpg", 20, 20);
    make_text(p, "yaml/data.yaml", "path: set\ntrain: images\nnames: [a]\n");
    assert_int_equal(chdir(in(p, "work")), 0);
    assert_int_equal(try_load("../yaml/data.yaml", SPLIT_TRAIN, NULL, &d), OK);
    assert_string_equal(d->images[0].path, "set/images/w.jpg");
    dataset_destroy(d);
    make_picture(p, "yaml/set/images/y.jpg", 20, 20);
    assert_int_equal(try_load("../yaml/data.yaml", SPLIT_TRAIN, NULL, &d), OK);
    assert_string_equal(d->images[0].path, "../yaml/set/images/y.jpg");
    dataset_destroy(d);
    make_text(p, "yaml/gone.yaml", "path: sat\ntrain: images\nnames: [a]\n");
    assert_int_equal(try_load("../yaml/gone.yaml", SPLIT_TRAIN, NULL, &d), E_IO);
    assert_contains(fail_text(), "train images does not exist (looked in ../yaml/sat, sat and ../yaml)");
    make_text(p, "work/set/data.yaml", "train: images\nnames: [a]\n"); /* no path; bare relative file */
    make_text(p, "work/set/labels/w.txt", "0 .5 .5 .5 .5\n");
    assert_int_equal(chdir(in(p, "work/set")), 0);
    assert_int_equal(try_load("data.yaml", SPLIT_TRAIN, NULL, &d), OK);
    assert_string_equal(d->images[0].path, "images/w.jpg");
    assert_int_equal(d->n_objects, 1);
    dataset_destroy(d);
    assert_int_equal(chdir(here), 0);
}

static void test_yaml_faults(void **state)
{
    struct place *p = *state;
    assert_int_equal(path_make_folder(in(p, "empty/images")), OK);
    assert_fails(p, "train: empty\nnames: [a]\n", E_FORMAT, "no pictures in split train (empty)");
    assert_fails(p, "train: nowhere\nnames: [a]\n", E_IO, "data.yaml:1: train nowhere does not exist");
    assert_fails(p, "train: /nowhere\nnames: [a]\n", E_IO, "train /nowhere does not exist");
    assert_fails(p, "names: [a]\n", E_FORMAT, "none of train, val and test is given");
    assert_fails(p, "train: empty\nnames: []\n", E_FORMAT, "0 class names");
    assert_fails(p, "train: empty\nnames: dog\n", E_FORMAT, "names must be a list");
    assert_fails(p, "train: empty\nnames: {0: a, 2: b}\n", E_FORMAT, "2 entries but none for class 1");
    assert_fails(p, "train: empty\nnames: {1: a, 2: b}\n", E_FORMAT, "none for class 0: classes are numbered 0 to 1");
    assert_fails(p, "train: empty\nnames: {0: a, '0': b}\n", E_FORMAT, "the key 0 is there already");
    assert_fails(p, "train: empty\nnames: {0: a, 0.0: b}\n", E_FORMAT, "class 0 is named twice");
    assert_fails(p, "train: empty\nnames: {a: 0, b: 1}\n", E_FORMAT, "a class number in names must be a whole number");
    assert_fails(p, "train: empty\nnames: [a, '']\n", E_FORMAT, "data.yaml:2: class 1: a class name is empty");
    assert_fails(p, "train: empty\nnames: [a, \"b\\ec\"]\n", E_FORMAT, "class 1: the class name 'b' has a control");
    assert_fails(p, "train: empty\nnc: 3\nnames: [a]\n", E_FORMAT, "data.yaml:2: nc is 3 but names has 1 entry");
    assert_fails(p, "train: []\nnames: [a]\n", E_FORMAT, "data.yaml:1");
    assert_fails(p, "- a\n", E_FORMAT, "data.yaml:1");
    assert_fails(p, "train: [", E_FORMAT, "data.yaml:2");
    make_picture(p, "full/a.jpg", 20, 20);
    assert_fails(p, "train: full\n", E_FORMAT, "it has no names");
    make_text(p, "full/a.txt", "9 .5 .5 .5 .5\n");
    assert_fails(p, "train: full\nnames: [a]\n", E_FORMAT, "no picture of split train can be used, of 1; the first");
    struct dataset *d = load(p, SPLIT_TRAIN, &(struct dataset_options){.keep_unusable = true});
    assert_true(d->n_images == 0 && d->summary.corrupt == 1 && d->summary.bad_labels == 1);
    dataset_destroy(d);
}

/* --- the cache --- */

static void assert_same_dataset(const struct dataset *a, const struct dataset *b)
{
    assert_int_equal(a->n_images, b->n_images);
    assert_int_equal(a->n_objects, b->n_objects);
    assert_int_equal(a->n_points, b->n_points);
    assert_int_equal(a->summary.problem_total, b->summary.problem_total);
    assert_memory_equal(a->points, b->points, a->n_points * sizeof(*a->points));
    for (int i = 0; i < a->summary.n_problems; i++)
        assert_string_equal(a->summary.problems[i], b->summary.problems[i]);
    for (int i = 0; i < a->summary.n_problems; i++)
        assert_int_equal(a->summary.faults[i].fault, b->summary.faults[i].fault);
    for (int i = 0; i < a->n_images; i++) {
        assert_string_equal(a->images[i].path, b->images[i].path);
        assert_true(a->images[i].w == b->images[i].w && a->images[i].h == b->images[i].h);
        assert_true(a->images[i].first_object == b->images[i].first_object && a->images[i].id == b->images[i].id);
    }
    for (size_t i = 0; i < a->n_objects; i++) {
        const struct dataset_object *x = &a->objects[i], *y = &b->objects[i];
        assert_true(x->class == y->class && x->area == y->area && x->first_point == y->first_point);
        assert_memory_equal(x->cxcywh, y->cxcywh, sizeof(x->cxcywh));
    }
}

static void test_cache(void **state)
{
    struct place *p = *state;
    struct dataset_options plain = {.no_cache = true};
    struct buf good = {0};
    char *cache = mem_strdup(in(p, "labels/train.y9cache"));
    make_text(p, "data.yaml", small_yaml);
    for (int i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof(name), "images/train/%02d.png", i);
        make_picture(p, name, 20 + i, 30);
        snprintf(name, sizeof(name), "labels/train/%02d.txt", i);
        if (i % 5)
            make_text(p, name, i == 7 ? "0 .1 .1 .2 .2 .3 .3\n" : i == 8 ? "5 .1 .1 .2 .2\n" : "0 .5 .5 .2 .2\n");
    }
    struct dataset *fresh = load(p, SPLIT_TRAIN, &plain), *d;
    assert_false(path_exists(cache));
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(!d->summary.cached && path_exists(cache) && d->summary.corrupt == 1 && d->n_points == 3);
    dataset_destroy(d);
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->summary.cached);
    assert_same_dataset(fresh, d);
    dataset_destroy(d);
    assert_int_equal(try_load(in(p, "images/.././data.yaml"), SPLIT_TRAIN, NULL, &d), OK); /* the same files */
    assert_true(d->summary.cached);
    dataset_destroy(d);
    assert_int_equal(file_read(cache, 1 << 20, &good), OK);
    for (size_t i = 0; i < good.size; i += 5 + i / 3) { /* any flipped bit, any length: never believed, never fatal */
        good.data[i] ^= 0x10;
        write_bytes(cache, good.data, good.size);
        good.data[i] ^= 0x10;
        d = load(p, SPLIT_TRAIN, NULL);
        assert_false(d->summary.cached);
        assert_same_dataset(fresh, d);
        dataset_destroy(d);
        write_bytes(cache, good.data, i);
        d = load(p, SPLIT_TRAIN, NULL);
        assert_false(d->summary.cached);
        dataset_destroy(d);
    }
    make_text(p, "labels/train/01.txt", "1 .5 .5 .2 .25\n"); /* another size: the key changes */
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(!d->summary.cached && d->objects[0].class == 1);
    dataset_destroy(d);
    make_text(p, "data.yaml", "train: images/train\nnames: [a, b, c, d, e, f]\n"); /* class 5 is right now */
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(!d->summary.cached && d->summary.corrupt == 0);
    dataset_destroy(d);
    dataset_destroy(fresh);
    buf_free(&good);
    mem_free(cache);
}

/* A label file that was changed by a tool that keeps size and time is read anew, and so is one that another was put in
 * the place of. The cache is told when it is written, and only then. */
static void test_cache_sees_quiet_changes(void **state)
{
    struct place *p = *state;
    struct buf text = {0};
    const struct timespec then[2] = {{1000000000, 5}, {1000000000, 5}};
    make_text(p, "data.yaml", small_yaml);
    make_picture(p, "images/train/a.png", 20, 30);
    for (int round = 0; round < 3; round++) {
        const char *name = round == 2 ? "labels/other.txt" : "labels/train/a.txt";
        char row[40];
        snprintf(row, sizeof(row), "%d .5 .5 .2 .2\n", round);
        make_text(p, name, row);
        assert_int_equal(utimensat(AT_FDCWD, in(p, name), then, 0), 0);
        if (round == 2)
            assert_int_equal(rename(in(p, name), in(p, "labels/train/a.txt")), 0);
        for (int again = 0; again < 2; again++) {
            struct dataset *d = load(p, SPLIT_TRAIN, NULL);
            assert_int_equal(d->objects[0].class, round);
            assert_int_equal(d->summary.cached, again);
            buf_free(&text);
            assert_int_equal(dataset_describe(d, "train", 1, &text), OK);
            assert_int_equal(strstr(text.data, "labels/train.y9cache") != NULL, !again);
            dataset_destroy(d);
        }
    }
    buf_free(&text);
}

/* A folder whose owner took the write bits away gets no cache, not even from root. */
static void test_cache_protected(void **state)
{
    struct place *p = *state;
    make_text(p, "data.yaml", small_yaml);
    make_picture(p, "images/train/a.png", 20, 30);
    make_text(p, "labels/train/a.txt", "0 .5 .5 .2 .2\n");
    assert_int_equal(chmod(in(p, "labels"), 0555), 0);
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->n_objects, 1);
    assert_false(path_exists(in(p, "labels/train.y9cache")));
    dataset_destroy(d);
    assert_int_equal(chmod(in(p, "labels"), 0755), 0);
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(path_exists(in(p, "labels/train.y9cache")));
    dataset_destroy(d);
}

static void test_threads(void **state)
{
    struct place *p = *state;
    struct dataset_options options = {.no_cache = true};
    make_text(p, "data.yaml", small_yaml);
    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof(name), "images/val/%d.png", i);
        make_picture(p, name, 20, 30 + i);
        snprintf(name, sizeof(name), "labels/val/%d.txt", i);
        make_text(p, name, i % 9 ? "0 .5 .5 .2 .2\n" : "0 .5 .5 .2\n");
    }
    struct dataset *one = load(p, SPLIT_VAL, &options);
    assert_int_equal(team_create(3, &options.team), OK);
    struct dataset *three = load(p, SPLIT_VAL, &options);
    assert_int_equal(one->summary.corrupt, 12);
    assert_same_dataset(one, three);
    team_destroy(options.team);
    dataset_destroy(one);
    dataset_destroy(three);
}

static void test_sorting_size(void **state)
{
    (void)state;
    int w, h;
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct dataset_image image = {.w = 30, .h = 40, .orientation = orientation};
        dataset_sorting_size(&image, &w, &h);
        bool undone = orientation == 5 || orientation == 7;
        assert_true(w == (undone ? 40 : 30) && h == (undone ? 30 : 40));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_folder, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_faulty_pictures_and_labels, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_lists, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_roots, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_yaml_faults, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_cache, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_cache_sees_quiet_changes, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_cache_protected, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_threads, place_set_up, place_tear_down),
        cmocka_unit_test(test_sorting_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
