/* COCO annotation files: pictures, boxes, crowds, and which class a category is. */
#include "support/dataset_files.h"
#include "support/unit.h"

#include "core/path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char annotations[] =
    "{\"info\": {\"segmentation\": \"none\"},\n"
    "\"images\": [{\"id\": 20, \"file_name\": \"b.jpg\", \"width\": 40, \"height\": 20},\n"
    " {\"id\": 3, \"file_name\": \"a.jpg\", \"width\": 100, \"height\": 50}, {\"id\": 5, \"file_name\": \"c.jpg\"}],\n"
    "\"categories\": [{\"id\": 90, \"name\": \"dog\"}, {\"id\": 7, \"name\": \"cat \\\"x\\\"\"}],\n"
    "\"annotations\": [\n"
    " {\"id\": 1, \"image_id\": 3, \"category_id\": 7, \"bbox\": [10, 10, 60, 20], \"area\": 333.5, \"iscrowd\": 1,\n"
    "  \"segmentation\": {\"counts\": [1, 2, {\"a\": \"]}\"}], \"size\": [1,\n 2]}},\n"
    " {\"id\": 2, \"image_id\": 3, \"category_id\": 90, \"bbox\": [50, 25, 50, 25], \"area\": 700, \"iscrowd\": 0,\n"
    "  \"segmentation\": [[1, 2, 3]]},\n"
    " {\"segmentation\" : [] , \"id\": 3, \"image_id\": 20, \"category_id\": 7, \"bbox\": [-10, 5, 30, 10]},\n"
    " {\"id\": 4, \"image_id\": 20, \"category_id\": 7, \"bbox\": [40, 5, 30, 10]}]}\n";

static void make_coco(struct place *p, const char *text)
{
    make_picture(p, "images/val2017/a.jpg", 100, 50);
    make_picture(p, "images/val2017/b.jpg", 40, 20);
    make_picture(p, "images/val2017/c.jpg", 30, 30);
    make_text(p, "annotations/instances_val2017.json", text);
    make_text(p, "data.yaml", "path: .\ntrain: annotations/instances_val2017.json\n");
}

static void test_coco(void **state)
{
    struct place *p = *state;
    make_coco(p, annotations);
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->nc == 2 && !strcmp(d->names[0], "cat \"x\"") && !strcmp(d->names[1], "dog"));
    assert_true(d->category_ids[0] == 7 && d->category_ids[1] == 90);
    assert_true(d->n_images == 3 && d->images[0].id == 3 && d->images[1].id == 5 && d->images[2].id == 20);
    assert_true(d->images[0].n_objects == 1 && d->images[0].n_crowds == 1 && d->images[1].n_objects == 0);
    const struct dataset_object *o = &d->objects[d->images[0].first_object];
    assert_true(o[0].class == 1 && o[0].area == 700 && o[0].cxcywh[0] == 0.75f && o[0].cxcywh[3] == 0.5f);
    assert_true(o[1].class == 0 && o[1].area == 333.5 && fabsf(o[1].cxcywh[0] - 0.4f) < 1e-6);
    assert_true(d->images[2].n_objects == 1); /* the box outside is dropped, the other cut at the edge */
    o = &d->objects[d->images[2].first_object];
    assert_true(o->area == 300 && o->cxcywh[0] == 0.25f && o->cxcywh[2] == 0.5f && o->cxcywh[1] == 0.5f);
    assert_true(d->summary.objects == 2 && d->summary.empty == 1 && d->summary.problem_total == 1);
    assert_true(d->summary.crowds == 1 && d->summary.flat == 1);
    assert_contains(d->summary.problems[0], "b.jpg: an annotated box has no area inside the picture");
    dataset_destroy(d);
    /* names of the YAML decide the class; extra names are fine when all categories are found */
    make_text(p, "data.yaml",
              "train: annotations/instances_val2017.json\nnames: [bird, dog, 'cat \"x\"']\nval: images/val2017\n");
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->nc == 3 && d->objects[0].class == 1 && d->objects[1].class == 2 && d->category_ids[1] == 90);
    dataset_destroy(d);
    make_text(p, "data.yaml", "train: annotations/instances_val2017.json\nnames: [Katze, Hund]\n"); /* by number */
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(!strcmp(d->names[1], "Hund") && d->objects[0].class == 1);
    dataset_destroy(d);
    assert_fails(p, "train: annotations/instances_val2017.json\nnames: [Katze, Hund, Maus]\n", E_FORMAT,
                 "is not among the 3 class names of ");
    assert_fails(p, "train: [annotations/instances_val2017.json, images/val2017]\nnames: [a, b]\n", E_FORMAT,
                 "not both");
}

static void test_coco_faults(void **state)
{
    struct place *p = *state;
    const char *yaml = "train: annotations/instances_val2017.json\n";
    static const struct {
        const char *from, *to, *sentence;
    } faults[] = {
        {"\"image_id\": 20", "\"image_id\": 21", "annotations[2] belongs to image 21, which is not listed"},
        {"\"category_id\": 90", "\"category_id\": 91", "annotations[1] has category 91, which is not listed"},
        {"[50, 25, 50, 25]", "[50, 25, 50, \"x\"]", "annotations[1] has no bbox of four numbers"},
        {"[50, 25, 50, 25]", "[50, 25, 50]", "annotations[1] has no bbox of four numbers"},
        {"[50, 25, 50, 25]", "[50, 25, 50, 1e9]", "annotations[1] has no bbox of four numbers"},
        {"{\"id\": 20,", "{\"id\": 3,", "image id 3 stands twice"},
        {"{\"id\": 90,", "{\"id\": 7,", "category id 7 stands twice"},
        {"\"file_name\": \"b.jpg\"", "\"file\": \"b.jpg\"", "images[0] has no usable file_name"},
        {"\"categories\"", "\"categorys\"", "it has no list 'categories'"},
        {"\"area\": 700,", "\"area\": 700", "instances_val2017.json:9"},
    };
    make_coco(p, annotations);
    for (int i = 0; i < COUNT(faults); i++) {
        char text[sizeof(annotations) + 100];
        const char *at = strstr(annotations, faults[i].from);
        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - annotations), annotations, faults[i].to,
                 at + strlen(faults[i].from));
        make_text(p, "annotations/instances_val2017.json", text);
        assert_fails(p, yaml, E_FORMAT, faults[i].sentence);
    }
    for (size_t n = 0; n < sizeof(annotations) - 4; n += 13) { /* cut anywhere: a sentence, no crash */
        struct dataset *d;
        write_bytes(in(p, "annotations/instances_val2017.json"), annotations, n);
        assert_int_not_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d), OK);
    }
    make_text(p, "annotations/instances_val2017.json", annotations); /* a picture of another size, one that is gone */
    make_picture(p, "images/val2017/a.jpg", 100, 51);
    assert_int_equal(unlink(in(p, "images/val2017/c.jpg")), 0);
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_images == 1 && d->summary.corrupt == 1 && d->summary.absent == 1);
    assert_contains(d->summary.problems[0], "a.jpg: 100x51 pixels, but its annotations say 100x50");
    dataset_destroy(d);
}

/* Two pictures; annotations of the categories `used` (ids). */
static void make_categories(struct place *p, const char *categories, const char *names, int n_used, const int *used)
{
    char text[4000], yaml[500];
    int n = snprintf(text, sizeof(text),
                     "{\"images\": [{\"id\": 1, \"file_name\": \"a.jpg\", \"width\": 100, "
                     "\"height\": 50}], \"categories\": [%s], \"annotations\": [",
                     categories);
    for (int i = 0; i < n_used; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "%s{\"image_id\": 1, \"category_id\": %d, \"bbox\": [%d, 1, 10, 10]}", i ? ", " : "", used[i],
                      1 + i);
    snprintf(text + n, sizeof(text) - (size_t)n, "]}");
    make_coco(p, text);
    snprintf(yaml, sizeof(yaml), "train: annotations/instances_val2017.json\n%s%s\n", names ? "names: " : "",
             names ? names : "");
    make_text(p, "data.yaml", yaml);
}

static void assert_classes(struct place *p, int n, const int *classes, const char *note)
{
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->n_objects, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(d->objects[i].class, classes[i]);
    for (int i = 0; i < d->nc; i++) /* ids of all classes differ */
        for (int k = 0; k < i; k++)
            assert_int_not_equal(d->category_ids[i], d->category_ids[k]);
    if (note)
        assert_notes(d, note);
    else
        assert_int_equal(d->summary.n_notes, 0);
    dataset_destroy(d);
}

static void assert_refused(struct place *p, const char *part)
{
    struct dataset *d;
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d), E_FORMAT);
    assert_contains(fail_text(), part);
}

#define CATEGORY(id, name) "{\"id\": " #id ", \"name\": \"" name "\"}"

static void names_decide_over_order(void **state)
{
    struct place *p = *state;
    const char *three = CATEGORY(1, "disc") ", " CATEGORY(2, "star") ", " CATEGORY(3, "cross");
    make_categories(p, three, "[cross, disc, star]", 3, (const int[]){1, 2, 3});
    assert_classes(p, 3, (const int[]){1, 2, 0}, NULL);
    make_categories(p, three, "[cross, disc, spark]", 3, (const int[]){1, 2, 3});
    assert_refused(p, "category 'star' (1 annotation) is not among the 3 class names of ");
    assert_refused(p, "and its class 'spark' has no category");
    make_categories(p, three, "[cross, disc, spark]", 2, (const int[]){1, 3});
    assert_classes(p, 2, (const int[]){1, 0}, "1 category without annotations is no class ('star')");
    make_categories(p, three, "[disc, spark, cross]", 3, (const int[]){1, 2, 3});
    assert_classes(p, 3, (const int[]){0, 1, 2}, "class 1 is star there and spark here, taken as the same");
    make_categories(p, three, "[rond, etoile, croix]", 3, (const int[]){3, 2, 1});
    assert_classes(p, 3, (const int[]){2, 1, 0}, "3 of 3 classes have other names in ");
    make_categories(p, three, "[Disc, ' STAR', 'cross ']", 3, (const int[]){1, 2, 3});
    assert_classes(p, 3, (const int[]){0, 1, 2}, "category 'disc' is taken as class 'Disc'");
    make_categories(p, three, "[disc, star]", 3, (const int[]){1, 2, 3});
    assert_refused(p, "category 'cross' (1 annotation) is not among the 2 class names");
    make_categories(p, three, "[disc, disc, star]", 1, (const int[]){1});
    assert_refused(p, "classes 0 and 1 are both called 'disc'");
    make_categories(p, CATEGORY(1, "disc") ", " CATEGORY(2, "Disc"), "[disc]", 1, (const int[]){1});
    assert_refused(p, "two categories are class 'disc'");
    make_categories(p, CATEGORY(1, "di\\u001b[31msc"), NULL, 1, (const int[]){1});
    assert_refused(p, "categories[0]: the class name 'di' has a control character");
}

static void a_category_that_only_groups_is_no_class(void **state)
{
    struct place *p = *state;
    const char *roboflow = "{\"id\": 0, \"name\": \"shapes\", \"supercategory\": \"none\"},"
                           "{\"id\": 1, \"name\": \"disc\", \"supercategory\": \"shapes\"},"
                           "{\"id\": 2, \"name\": \"star\", \"supercategory\": \"shapes\"}";
    make_categories(p, roboflow, NULL, 1, (const int[]){1});
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->nc == 2 && !strcmp(d->names[0], "disc") && d->category_ids[1] == 2 && d->objects[0].class == 0);
    assert_notes(d, "category 'shapes' groups others");
    dataset_destroy(d);
    make_categories(p, roboflow, NULL, 2, (const int[]){0, 1}); /* it has annotations: a class like the others */
    d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->nc, 3);
    dataset_destroy(d);
    make_categories(p, roboflow, "[disc, star]", 2, (const int[]){1, 2});
    assert_classes(p, 2, (const int[]){0, 1}, "1 category without annotations is no class ('shapes')");
    make_categories(p, roboflow, "[rond, etoile]", 2, (const int[]){1, 2});
    assert_classes(p, 2, (const int[]){0, 1}, "2 of 2 classes have other names in ");
}

/* Tables that went through floating point write ids as 7.0. */
static void whole_numbers_may_have_a_point(void **state)
{
    struct place *p = *state;
    make_coco(
        p, "{\"images\": [{\"id\": 3.0, \"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": 7.0, \"name\": \"c\"}],"
           "\"annotations\": [{\"image_id\": 3, \"category_id\": 7e0, \"bbox\": [1, 1, 9, 9]}]}");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_objects == 1 && d->images[0].number == 3 && d->category_ids[0] == 7);
    dataset_destroy(d);
    make_coco(/* and stand in quotation marks */
              p, "{\"images\": [{\"id\": \"3\", \"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": \"7\", \"name\": "
                 "\"c\"}],"
                 "\"annotations\": [{\"image_id\": 3, \"category_id\": \"07\", \"bbox\": [1, 1, 9, 9], \"iscrowd\": "
                 "\"1\"},"
                 "{\"image_id\": \"3\", \"category_id\": 7, \"bbox\": [1, 1, 9, 9], \"iscrowd\": \"0\"}]}");
    d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_objects == 2 && d->images[0].n_crowds == 1 && d->images[0].number == 3);
    dataset_destroy(d);
    make_coco(
        p, "{\"images\": [{\"id\": \"3x\", \"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": 7, \"name\": \"c\"}],"
           "\"annotations\": []}");
    assert_refused(p, "images[0] has no whole number 'id'");
    make_coco(p,
              "{\"images\": [{\"id\": 3.5, \"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": 7, \"name\": \"c\"}],"
              "\"annotations\": []}");
    assert_refused(p, "images[0] has no whole number 'id'");
}

static void pictures_are_found_beside_annotations(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *picture, *file, *name, *note;
    } cases[] = {
        {"x/images/a.jpg", "x/annotations/instances_default.json", "a.jpg", NULL},
        {"x/images/train/a.jpg", "x/annotations/train.json", "a.jpg", NULL},
        {"x/train/a.jpg", "x/train/_annotations.coco.json", "a.jpg", NULL},
        {"x/images/b/a.jpg", "x/annotations/t.json", "b/a.jpg", NULL},
        {"x/images/a.jpg", "x/annotations/t.json", "data/obj/a.jpg", "'data/obj/' leads nowhere"},
        {"x/images/a.jpg", "x/annotations/t.json", "/content/images/a.jpg", "'/content/' leads nowhere"},
        {"x/images/b/a.jpg", "x/annotations/t.json", "b\\\\a.jpg", NULL},
        {"x/a.jpg", "x/deep/annotations/t.json", "a.jpg", NULL}, /* from the folder of the YAML */
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char text[500];
        struct dataset *d;
        make_picture(p, cases[i].picture, 30, 20);
        snprintf(text, sizeof(text),
                 "{\"images\": [{\"id\": 1, \"file_name\": \"%s\"}], \"annotations\": [], "
                 "\"categories\": [{\"id\": 1, \"name\": \"c\"}]}",
                 cases[i].name);
        make_text(p, cases[i].file, text);
        snprintf(text, sizeof(text), "train: %s\n", cases[i].file + 2);
        make_text(p, "x/data.yaml", text);
        if (try_load(in(p, "x/data.yaml"), SPLIT_TRAIN, NULL, &d) != OK)
            fail_msg("%d: %s", i, fail_text());
        assert_int_equal(d->n_images, 1);
        if (cases[i].note)
            assert_notes(d, cases[i].note);
        dataset_destroy(d);
        char command[600];
        snprintf(command, sizeof(command), "rm -r '%s'", in(p, "x"));
        assert_int_equal(system(command), 0);
    }
}

static void sizes_that_are_told_need_no_pictures(void **state)
{
    struct place *p = *state;
    struct dataset_options options = {.no_pixels = true};
    struct dataset *d;
    make_text(p, "annotations/instances_val2017.json", annotations); /* c.jpg has no size */
    make_text(p, "data.yaml", "path: .\ntrain: annotations/instances_val2017.json\n");
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d), E_IO);
    assert_contains(fail_text(), "its picture b.jpg is not there (looked in ");
    d = load(p, SPLIT_TRAIN, &options);
    assert_true(d->n_images == 2 && d->images[0].w == 100 && d->images[1].h == 20 && d->summary.absent == 1);
    assert_contains(d->summary.problems[d->summary.n_problems - 1 - (d->summary.n_problems > 1)],
                    "its annotations do not tell its width and height");
    dataset_destroy(d);
}

#define ONE_BOX(BOX)                                                                                             \
    "{\"images\": [{\"id\": 1, \"file_name\": \"images\\\\val2017\\\\a.jpg\", \"width\": 100, \"height\": 50}]," \
    "\"categories\": [{\"id\": 7, \"name\": \"c\"}],"                                                            \
    "\"annotations\": [{\"image_id\": 1, \"category_id\": 7, \"bbox\": " BOX "}]}"

static void boxes_of_another_form_are_told(void **state)
{
    struct place *p = *state;
    make_coco(p, ONE_BOX("[0.5, 0.25, 0.5, 0.75]"));
    assert_refused(p, "every box lies within one pixel: bbox is x, y, width, height in pixels");
    make_coco(p, ONE_BOX("[60, 10, 90, 40]"));
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_notes(d, "1 of 1 boxes reaches beyond the picture and is cut to it (");
    assert_notes(d, "not two corners");
    dataset_destroy(d);
    make_coco(p, ONE_BOX("[60, 10, 41.5, 41.5]")); /* rounding */
    d = load(p, SPLIT_TRAIN, NULL);
    assert_int_equal(d->summary.n_notes, 0);
    dataset_destroy(d);
}

/* With and without pixels, there or not: backslashes of Windows are slashes. */
static void backslashes_do_not_change_a_name(void **state)
{
    struct place *p = *state;
    struct dataset_options options = {.no_pixels = true};
    for (int there = 0; there < 2; there++) {
        make_text(p, "annotations/instances_val2017.json", ONE_BOX("[10, 10, 20, 20]"));
        make_text(p, "data.yaml", "path: .\ntrain: annotations/instances_val2017.json\n");
        if (there)
            make_picture(p, "images/val2017/a.jpg", 100, 50);
        struct dataset *d = load(p, SPLIT_TRAIN, &options);
        assert_string_equal(d->images[0].name, "a.jpg");
        dataset_destroy(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_coco, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_coco_faults, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(names_decide_over_order, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(a_category_that_only_groups_is_no_class, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(whole_numbers_may_have_a_point, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(pictures_are_found_beside_annotations, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(boxes_of_another_form_are_told, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(backslashes_do_not_change_a_name, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(sizes_that_are_told_need_no_pictures, place_set_up, place_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
