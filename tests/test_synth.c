/* data/synth: drawn sets are what their labels say, and the same however they are made. */
#include "cli/cli.h"
#include "core/file.h"
#include "core/path.h"
#include "data/dataset.h"
#include "data/synth.h"
#include "image/decode.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void pictures_depend_on_their_numbers_only(void **state)
{
    (void)state;
    struct synth_picture a = {.n_labels = 0}, b = {.n_labels = 0};
    int labels = 0, used[SYNTH_MAX_CLASSES] = {0};
    for (uint64_t i = 0; i < 30; i++) {
        assert_int_equal(synth_draw(3, i, SYNTH_MAX_CLASSES, 240, 320, &a), OK);
        assert_int_equal(synth_draw(3, i, SYNTH_MAX_CLASSES, 240, 320, &b), OK);
        assert_memory_equal(a.image.data, b.image.data, 240 * 320 * 3);
        assert_int_equal(a.n_labels, b.n_labels);
        for (int k = 0; k < a.n_labels; k++) {
            const struct synth_label *l = &a.labels[k];
            assert_true(l->x1 >= 0 && l->y1 >= 0 && l->x2 <= 320 && l->y2 <= 240 && l->x1 < l->x2 && l->y1 < l->y2);
            used[l->class]++;
            labels++;
        }
        assert_int_equal(synth_draw(4, i, SYNTH_MAX_CLASSES, 240, 320, &b), OK);
        assert_memory_not_equal(a.image.data, b.image.data, 240 * 320 * 3);
    }
    assert_true(labels > 40);
    for (int c = 0; c < SYNTH_MAX_CLASSES; c++)
        assert_true(used[c] < labels / 4);
    image_free(&a.image);
    image_free(&b.image);
}

static uint64_t file_hash(const char *folder, const char *name)
{
    struct buf text = {0};
    uint64_t hash = 0xCBF29CE484222325u;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_read(path, 1 << 24, &text), OK);
    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ (uint8_t)text.data[i]) * 0x100000001B3u;
    buf_free(&text);
    return hash;
}

static void remove_tree(const char *path)
{
    char **names, child[512];
    int count;
    if (path_is_folder(path) && path_list(path, &names, &count) == OK) {
        for (int i = 0; i < count; i++) {
            snprintf(child, sizeof child, "%s/%s", path, names[i]);
            remove_tree(child);
        }
        path_list_free(names, count);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static void sets_do_not_depend_on_threads(void **state)
{
    (void)state;
    char folder[2][64] = {"/tmp/y9_synth_XXXXXX", "/tmp/y9_synth_XXXXXX"};
    static const char *const names[] = {"data.yaml", "images/train/000000.jpg", "labels/train/000003.txt",
                                        "images/val/000011.jpg", "labels/val/000009.txt"};
    struct team *team;
    assert_int_equal(team_create(3, &team), OK);
    for (int k = 0; k < 2; k++) {
        assert_non_null(mkdtemp(folder[k]));
        struct synth_config c = {.folder = folder[k],
                                 .images = 12,
                                 .classes = 3,
                                 .h = 96,
                                 .w = 128,
                                 .seed = 9,
                                 .val_fraction = 0.25,
                                 .team = k ? team : NULL,
                                 .quiet = true};
        assert_int_equal(synth_write(&c), OK);
    }
    for (int i = 0; i < COUNT(names); i++)
        assert_true(file_hash(folder[0], names[i]) == file_hash(folder[1], names[i]));

    struct dataset_yaml yaml;
    struct dataset *d;
    char path[512];
    snprintf(path, sizeof path, "%s/data.yaml", folder[1]);
    assert_int_equal(dataset_yaml_open(path, &yaml), OK);
    assert_int_equal(yaml.nc, 3);
    for (int split = SPLIT_TRAIN; split <= SPLIT_VAL; split++) {
        assert_int_equal(dataset_load(&yaml, split, &(struct dataset_options){.no_cache = true}, &d), OK);
        assert_int_equal(d->n_images, split == SPLIT_TRAIN ? 9 : 3);
        assert_int_equal(d->summary.corrupt + d->summary.missing + d->summary.orphans, 0);
        assert_true(d->images[0].w == 128 && d->images[0].h == 96);
        dataset_destroy(d);
    }
    dataset_yaml_close(&yaml);
    team_destroy(team);
    for (int k = 0; k < 2; k++)
        remove_tree(folder[k]);
}

static void nothing_of_the_users_is_touched(void **state)
{
    (void)state;
    char folder[64] = "/tmp/y9_synth_XXXXXX", path[512];
    volatile sig_atomic_t stop = 1;
    struct synth_config c = {.folder = folder, .images = 4, .classes = 2, .h = 64, .w = 64, .quiet = true};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/holiday.jpg", folder);
    assert_int_equal(file_write(path, "x", 1), OK);
    assert_int_equal(synth_write(&c), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "not empty (holiday.jpg)"));
    assert_true(path_exists(path));
    snprintf(path, sizeof path, "%s/images", folder);
    assert_false(path_exists(path));
    snprintf(path, sizeof path, "%s/holiday.jpg", folder);
    unlink(path);

    c.stop = &stop; /* interrupted: an empty folder stays, and it stays empty; a new one is gone */
    assert_int_equal(synth_write(&c), E_INTERRUPTED);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(synth_write(&c), E_INTERRUPTED);
    assert_false(path_exists(folder));

    c.stop = NULL;
    assert_int_equal(synth_write(&c), OK);
    snprintf(path, sizeof path, "%s/images/train/000003.jpg", folder);
    uint64_t before = file_hash(folder, "images/train/000003.jpg");
    c.seed = 5;
    assert_int_equal(synth_write(&c), E_ARGUMENT); /* not over an earlier set either */
    assert_true(file_hash(folder, "images/train/000003.jpg") == before);
    remove_tree(folder);
    c.classes = 21;
    assert_int_equal(synth_write(&c), E_ARGUMENT);
    assert_false(path_exists(folder));
    assert_int_equal(verb_main(&verb_synth, 1, (char *[]){"synth", NULL}), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_depend_on_their_numbers_only),
        cmocka_unit_test(sets_do_not_depend_on_threads),
        cmocka_unit_test(nothing_of_the_users_is_touched),
    };
    return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
