/* Result files: read as a stream, pictures found by number or name, never a score where two pictures cannot be told
 * apart. */
#include "support/dataset_files.h"
#include "support/unit.h"

#include "core/mem.h"
#include "eval/results.h"
#include "formats/json_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- arrays as a stream --- */

static void assert_items(const char *text, int count, const char *sentence)
{
    struct json_items items;
    json_t *item = NULL;
    int n = 0;
    enum status rc = json_items_open_memory("r.json", text, strlen(text), &items);
    while (rc == OK && (rc = json_items_next(&items, &item)) == OK && item) {
        n++;
        json_decref(item);
    }
    if (rc != OK && !sentence)
        fail_msg("%s", fail_text());
    if (sentence) {
        assert_int_not_equal(rc, OK);
        assert_contains(fail_text(), sentence);
    }
    assert_int_equal(n, count);
    if (rc == OK)
        assert_int_equal(json_items_next(&items, &item), OK); /* behind the end there is nothing more */
    json_items_close(&items);
    size_t counted = 0;
    if (!sentence && json_items_open_memory("r.json", text, strlen(text), &items) == OK) {
        assert_int_equal(json_items_count(&items, &counted), OK);
        assert_int_equal(counted, count);
    }
    json_items_close(&items);
}

static void arrays_are_read_element_by_element(void **state)
{
    (void)state;
    assert_items("[]", 0, NULL);
    assert_items("\xef\xbb\xbf [ ] \r\n", 0, NULL);
    assert_items("[1, \"a,]\\\"[\" , {\"b\": [1, {\"c\": \"}\\\\\"}]}\n,null ]\n", 4, NULL);
    assert_items("", 0, "r.json: empty");
    assert_items(" \n", 0, "r.json: empty");
    assert_items("{\"a\": 1}", 0, "r.json:1: a JSON array is expected");
    assert_items("[1,\n2", 1, "r.json:2: the text ends inside an element");
    assert_items("[1,\n{\"a\": [1}", 1, "r.json:2: the text ends inside an element");
    assert_items("[1,\n", 1, "r.json:2: the array is not closed");
    assert_items("[1,]", 1, "a comma before the end");
    assert_items("[,1]", 0, "an element is missing");
    assert_items("[1]\n]", 1, "r.json:2: there is text behind the array");
    assert_items("[1,\n\n{\"a\":\n nan}]", 1, "r.json:4: ");
    assert_items("[{\"a\": 1, \"a\": 2}]", 0, "duplicate");
    assert_items("[1}]", 0, "r.json:1: ");
    assert_items("[1 2]", 0, "r.json:1: ");
    assert_items("\xff\xfe[\0", 0, "not UTF-8");
    char deep[200] = "[";
    memset(deep + 1, '[', 100);
    assert_items(deep, 0, "nested deeper than 64");
}

/* --- scores --- */

struct score {
    double map50;
    struct results_left left;
};

static enum status evaluate(struct place *p, const struct dataset *d, const char *text,
                            const struct results_options *options, struct score *score)
{
    struct evaluation e;
    struct evaluation_result result;
    const struct evaluation_config config = {.coco = true};
    const struct results_options plain = {.max_det = 300};
    if (text)
        make_text(p, "boxes.json", text);
    assert_int_equal(evaluation_init(&e, d->nc, &config), OK);
    enum status rc =
        results_evaluate(in(p, text ? "boxes.json" : "out.json"), d, options ? options : &plain, &e, &score->left);
    mem_free(score->left.example);
    score->left.example = NULL;
    if (rc == OK) {
        assert_int_equal(evaluation_finish(&e, &result), OK);
        score->map50 = result.official.map50;
        evaluation_result_free(&result);
    }
    evaluation_free(&e);
    return rc;
}

static void assert_score(struct place *p, const struct dataset *d, const char *text, double map50)
{
    struct score score;
    if (evaluate(p, d, text, NULL, &score) != OK)
        fail_msg("%s", fail_text());
    assert_true(score.map50 > map50 - 5e-3 && score.map50 < map50 + 5e-3);
}

static void assert_refused(struct place *p, const struct dataset *d, const char *text, const char *part)
{
    struct score score;
    assert_int_not_equal(evaluate(p, d, text, NULL, &score), OK);
    assert_contains(fail_text(), part);
}

/* Each picture has one box, all of it. */
static struct dataset *make_set(struct place *p, const char *const *names, int n)
{
    char path[200];
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "images/%s.png", names[i]);
        make_picture(p, path, 40, 20);
        snprintf(path, sizeof(path), "labels/%s.txt", names[i]);
        make_text(p, path, "1 .5 .5 1 1\n");
    }
    make_text(p, "data.yaml", "val: images\nnames: [cat, dog]\n");
    return load(p, SPLIT_VAL, NULL);
}

#define BOX "\"bbox\": [0, 0, 40, 20], \"score\": 0.9}"

static void pictures_are_found_by_number_or_name(void **state)
{
    struct place *p = *state;
    const char *names[] = {"a/000012", "b/frame"};
    struct dataset *d = make_set(p, names, 2);
    assert_score(
        p, d, "[{\"image_id\": 12, \"category_id\": 1, " BOX ", {\"image_id\": \"frame\", \"category_id\": 1, " BOX "]",
        0.995);
    assert_score(p, d,
                 "[{\"image_id\": \"000012\", \"category_id\": 1.0, " BOX
                 ", {\"image_id\": \"b/frame.png\", \"category_id\": 1, " BOX "]",
                 0.995);
    assert_score(p, d,
                 "[{\"image\": \"000012.png\", \"category_id\": 1, " BOX
                 ", {\"image\": \"./b/frame.png\", \"category_id\": 1, " BOX "]",
                 0.995);
    assert_score(p, d, "[{\"image\": \"gone.png\", \"image_id\": 12.0, \"category_id\": 1, " BOX "]", 0.748);
    assert_score(p, d, "[{\"image_id\": \"12\", \"category_id\": 1, " BOX "]", 0.748);
    assert_score(p, d, "[{\"image_id\": 12, \"category_id\": \"1\", " BOX "]", 0.748);
    assert_score(p, d, "[]", 0);
    dataset_destroy(d);
}

static void pictures_of_one_name_get_no_score(void **state)
{
    struct place *p = *state;
    const char *names[] = {"a/1", "b/1"};
    struct dataset *d = make_set(p, names, 2);
    assert_refused(p, d, "[{\"image_id\": 1, \"category_id\": 1, " BOX "]",
                   "entry 1: two pictures of the dataset have the number 1");
    assert_refused(p, d, "[{\"image_id\": \"1\", \"category_id\": 1, " BOX "]",
                   "entry 1: two pictures of the dataset are called '1'");
    assert_refused(p, d, "[{\"image\": \"1.png\", \"image_id\": 1, \"category_id\": 1, " BOX "]",
                   "two pictures of the dataset are called '1.png'");
    assert_score(p, d,
                 "[{\"image_id\": \"a/1\", \"category_id\": 1, " BOX
                 ", {\"image\": \"b/1.png\", \"image_id\": 1, \"category_id\": 1, " BOX "]",
                 0.995);
    dataset_destroy(d);
}

static void classes_are_found_by_name(void **state)
{
    struct place *p = *state;
    const char *names[] = {"x"};
    struct dataset *d = make_set(p, names, 1);
    assert_score(p, d, "[{\"image_id\": \"x\", \"category_id\": 0, \"category\": \"dog\", " BOX "]", 0.995);
    assert_score(p, d, "[{\"image_id\": \"x\", \"category_id\": 57, \"category\": \"Dog\", " BOX "]", 0.995);
    assert_score(p, d, "[{\"image_id\": \"x\", \"category_id\": 0, " BOX "]", 0);
    assert_refused(p, d, "[{\"image_id\": \"x\", \"category_id\": 1, \"category\": \"cow\", " BOX "]",
                   "boxes.json: entry 1: the dataset has no class 'cow'");
    assert_refused(p, d, "[{\"image_id\": \"x\", \"category_id\": 2, " BOX "]",
                   "boxes.json: entry 1: the dataset has no category 2");
    const struct results_options single = {.max_det = 300, .single_class = true};
    struct score score;
    d->nc = 1;
    d->objects[0].class = 0;
    assert_int_equal(evaluate(p, d, "[{\"image_id\": \"x\", \"category_id\": 91, " BOX "]", &single, &score), OK);
    assert_true(score.map50 > 0.99);
    dataset_destroy(d);
}

static void faults_are_told_with_their_entry(void **state)
{
    struct place *p = *state;
    const char *names[] = {"x"};
    struct dataset *d = make_set(p, names, 1);
    const char *good = "{\"image_id\": \"x\", \"category_id\": 1, " BOX;
    static const struct {
        const char *entry, *sentence;
    } faults[] = {
        {"[1]", "entry 2: not an object"},
        {"{\"category_id\": 1, " BOX, "entry 2: image_id, category_id, bbox [x, y, w, h] and score are needed"},
        {"{\"image_id\": \"x\", " BOX, "entry 2: image_id, category_id"},
        {"{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [1, 2, 3], \"score\": 1}", "entry 2: image_id"},
        {"{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [1, 2, 3, \"4\"], \"score\": 1}",
         "entry 2: bbox holds something that is no number"},
        {"{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [1, 2, -3, 4], \"score\": 1}", "pixels; -3 is none"},
        {"{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [1, 2, 1e300, 4], \"score\": 1}",
         "pixels; 1e+300 is none"},
        {"{\"image_id\": \"x\", \"category_id\": -1, " BOX, "entry 2: the dataset has no category -1"},
        {"{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [1, 2, 3, 4] \"score\": 1}", "boxes.json:2: "},
    };
    for (int i = 0; i < COUNT(faults); i++) {
        char text[1000];
        snprintf(text, sizeof(text), "[%s,\n%s]", good, faults[i].entry);
        assert_refused(p, d, text, faults[i].sentence);
    }
    assert_refused(p, d, "[{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [0, 0, 1, 1], \"score\": 1}]",
                   "every box lies within one pixel: bbox is x, y, width, height in pixels");
    assert_refused(p, d, "{}", "boxes.json:1: a JSON array is expected");
    assert_refused(
        p, d, "[{\"image_id\": 4, \"category_id\": 1, " BOX "]",
        "none of its 1 detections belongs to a picture of the dataset (the first is of picture 4, the dataset "
        "has x.png)");
    dataset_destroy(d);
}

/* Nothing vanishes without a count. */
static void what_does_not_count_is_counted(void **state)
{
    struct place *p = *state;
    const char *names[] = {"x"};
    struct dataset *d = make_set(p, names, 1);
    struct score score;
    const struct results_options few = {.max_det = 2};
    struct buf text = {0};
    assert_int_equal(buf_printf(&text, "[{\"image_id\": \"y\", \"category_id\": 1, " BOX), OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(buf_printf(&text, ",\n{\"image_id\": \"x\", \"category_id\": 1, " BOX), OK);
    assert_int_equal(buf_printf(&text, "]"), OK);
    assert_int_equal(evaluate(p, d, text.data, &few, &score), OK);
    assert_true(score.left.detections == 6 && score.left.unknown == 1 && score.left.surplus == 3);
    assert_int_equal(score.left.beyond, 0);
    assert_int_equal(evaluate(p, d,
                              "[{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [20, 10, 40, 20], \"score\": 1},"
                              "{\"image_id\": \"x\", \"category_id\": 1, \"bbox\": [20, 10, 21.5, 11], \"score\": 1}]",
                              NULL, &score),
                     OK);
    assert_int_equal(score.left.beyond, 1);
    buf_free(&text);
    dataset_destroy(d);
}

/* What is written is found again, whatever the pictures are called. */
static void written_results_are_read_again(void **state)
{
    struct place *p = *state;
    const char *names[] = {"a/1", "b/1", "b/0012", "c/odd \\ \xff name"};
    struct dataset *d = make_set(p, names, 4);
    struct results_writer w;
    struct buf text = {0};
    assert_int_equal(results_writer_open(&w, in(p, "out.json"), NULL), OK);
    for (int i = 0; i < d->n_images; i++) {
        const struct detection box = {{0, 0, 40, 20}, 0.875f, 1};
        assert_int_equal(results_writer_add(&w, &d->images[i], &box, 1), OK);
    }
    assert_int_equal(results_writer_commit(&w), OK);
    results_writer_abort(&w);
    assert_int_equal(file_read(in(p, "out.json"), 10000, &text), OK);
    assert_contains(text.data,
                    "{\"image_id\": \"a/1\", \"category_id\": 1, \"bbox\": [0, 0, 40, 20], \"score\": 0.875}");
    assert_contains(text.data, "{\"image_id\": 12, ");
    assert_score(p, d, NULL, 0.995);
    buf_free(&text);
    assert_int_equal(results_writer_open(&w, in(p, "out.json"), NULL), OK);
    assert_int_equal(results_writer_commit(&w), OK);
    assert_int_equal(file_read(in(p, "out.json"), 10000, &text), OK);
    assert_string_equal(text.data, "[]\n");
    buf_free(&text);
    dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read_element_by_element),
        cmocka_unit_test_setup_teardown(pictures_are_found_by_number_or_name, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(pictures_of_one_name_get_no_score, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(classes_are_found_by_name, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(faults_are_told_with_their_entry, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(written_results_are_read_again, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_count_is_counted, place_set_up, place_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
