/* PyTorch's layout from before 1.6: what it holds is read like a zip archive's, and what is broken is refused with a
 * sentence. */
#include "support/make_files.h"
#include "support/unit.h"

#include "core/mem.h"
#include "weights/checkpoint.h"

#include <string.h>

static const float numbers[6] = {1, 2, 3, 4, 5, 6};
static const uint16_t halves[2] = {0x3C00, 0x4000}; /* 1 and 2 */

/* {'a': 2x2 in columns of storage 7, 'b': half of storage 3}; `window` of the tensor's persistent id, or none. */
static void make_object(struct buf *p, const char *window)
{
    pickle_begin(p);
    pickle_op(p, "}(");
    pickle_put_text(p, "a");
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "7", 6, 1, 2, {2, 2}, {1, 2}});
    pickle_put_text(p, "b");
    pickle_put_tensor(p, &(struct tensor_part){"HalfStorage", "3", 2, 0, 1, {2}, {1}});
    if (window) {
        pickle_put_text(p, "c");
        pickle_put_global(p, "torch._utils", "_rebuild_tensor_v2");
        pickle_op(p, "((");
        pickle_put_text(p, "storage");
        pickle_put_global(p, "torch", "FloatStorage");
        pickle_put_text(p, "7");
        pickle_put_text(p, "cpu");
        pickle_put_int(p, 6);
        pickle_op(p, window);
        pickle_op(p, "tQK\x01K\x01\x85K\x01\x85\x89}tR"); /* one element at offset 1 of the window */
    }
    pickle_op(p, "u.");
}

static const struct old_storage storages[2] = {{"7", numbers, 6, sizeof numbers}, {"3", halves, 2, sizeof halves}};
static const struct old_layout honest = {0};

static void expect(struct buf *file, const char *word)
{
    struct checkpoint c;
    enum status rc = checkpoint_open_memory("old.pt", file->data, file->size, &c);
    if (rc == OK || !strstr(fail_text(), "old.pt") || !strstr(fail_text(), word))
        fail_msg("expected \"%s\", got \"%s\"", word, rc == OK ? "no fault" : fail_text());
    file->size = 0;
}

static void tensors_and_windows(void **state)
{
    (void)state;
    struct buf object = {0}, file = {0};
    struct checkpoint c;
    float x[4];
    make_object(&object, "(NK\x03K\x02t");
    make_old_layout(&file, &object, storages, 2, &honest);
    if (checkpoint_open_memory("old.pt", file.data, file.size, &c) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(c.model->count, 3);
    checkpoint_read_f32(checkpoint_find(c.model, "a"), x);
    assert_true(x[0] == 2 && x[1] == 4 && x[2] == 3 && x[3] == 5);
    checkpoint_read_f32(checkpoint_find(c.model, "b"), x);
    assert_true(x[0] == 1 && x[1] == 2);
    checkpoint_read_f32(checkpoint_find(c.model, "c"), x); /* elements 3 and 4 are the window */
    assert_true(x[0] == 5);
    checkpoint_close(&c);
    for (size_t cut = 0; cut < file.size; cut++) {
        char *part = test_malloc(cut + 1); /* of its own, so that a sanitizer sees the end */
        memcpy(part, file.data, cut);
        assert_int_not_equal(checkpoint_open_memory("cut", part, cut, &c), OK);
        test_free(part);
    }
    object.size = file.size = 0;
    make_object(&object, "(NK\x05K\x02t");
    make_old_layout(&file, &object, storages, 2, &honest);
    expect(&file, "its window lies outside its storage");
    buf_free(&object);
    buf_free(&file);
}

static void classes_with_their_source(void **state)
{
    (void)state;
    struct buf object = {0}, file = {0};
    struct checkpoint c;
    pickle_begin(&object);
    pickle_put_old_class(&object, "models.yolo", "DetectionModel");
    pickle_op(&object, ")\x81}(");
    pickle_put_text(&object, "_parameters");
    pickle_op(&object, "}(");
    pickle_put_text(&object, "a");
    pickle_put_tensor(&object, &(struct tensor_part){"FloatStorage", "7", 6, 0, 1, {6}, {1}});
    pickle_op(&object, "u");
    pickle_put_text(&object, "_modules");
    pickle_op(&object, "}ub.");
    make_old_layout(&file, &object, storages, 1, &honest);
    if (checkpoint_open_memory("old.pt", file.data, file.size, &c) != OK)
        fail_msg("%s", fail_text());
    assert_string_equal(c.model->class_name, "models.yolo.DetectionModel");
    checkpoint_close(&c);
    object.size = file.size = 0;
    pickle_begin(&object); /* a class that has no place in a checkpoint is none here either */
    pickle_put_old_class(&object, "os", "system");
    pickle_op(&object, ")\x81.");
    make_old_layout(&file, &object, storages, 0, &honest);
    expect(&file, "os.system, which has no place in a checkpoint");
    buf_free(&object);
    buf_free(&file);
}

static void broken_files(void **state)
{
    (void)state;
    struct buf object = {0}, file = {0};
    make_object(&object, NULL);
    const struct old_layout big = {.byte_order = "\x89"}, mute = {.byte_order = "N"}, other = {.version = 1000},
                            no_list = {.keys_pickle = "N."},
                            numbers_as_keys = {.keys_pickle = "](K\x07"
                                                              "e."};
    make_old_layout(&file, &object, storages, 2, &big);
    expect(&file, "big-endian");
    make_old_layout(&file, &object, storages, 2, &mute);
    expect(&file, "the order of its bytes");
    make_old_layout(&file, &object, storages, 2, &other);
    expect(&file, "another version than 1001");
    make_old_layout(&file, &object, storages, 2, &no_list);
    expect(&file, "without a list of its storages");
    make_old_layout(&file, &object, storages, 2, &numbers_as_keys);
    expect(&file, "whose key is no short text");
    make_old_layout(&file, &object, storages, 1, &honest);
    expect(&file, "b: its storage, 3, is missing");
    struct old_storage lies[3] = {storages[0], storages[1], {"9", numbers, 1, 4}};
    make_old_layout(&file, &object, lies, 3, &honest);
    expect(&file, "what the elements of storage 9 are");
    lies[2] = storages[0];
    make_old_layout(&file, &object, lies, 3, &honest);
    expect(&file, "two storages 7");
    lies[1].count = UINT64_MAX / 2 + 2; /* times two it is small */
    make_old_layout(&file, &object, lies, 2, &honest);
    expect(&file, "ends inside storage 3");
    lies[1] = storages[1];
    lies[0].count = 3; /* what follows is read from the wrong place */
    make_old_layout(&file, &object, lies, 2, &honest);
    expect(&file, "old.pt");
    object.size = 0;
    pickle_begin(&object);
    pickle_op(&object, "}(");
    pickle_put_text(&object, "a");
    pickle_put_tensor(&object, &(struct tensor_part){"FloatStorage", "7", 6, 0, 1, {1}, {1}});
    pickle_put_text(&object, "b");
    pickle_put_tensor(&object, &(struct tensor_part){"LongStorage", "7", 6, 0, 1, {1}, {1}});
    pickle_op(&object, "u.");
    make_old_layout(&file, &object, storages, 1, &honest);
    expect(&file, "elements of two types");
    buf_free(&object);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_and_windows),
        cmocka_unit_test(classes_with_their_source),
        cmocka_unit_test(broken_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
