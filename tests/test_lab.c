/* The laboratory: numbers of a figure, feature maps of random networks and reversible rows undone. */
#include "core/file.h"
#include "core/mem.h"
#include "core/rng.h"
#include "formats/json.h"
#include "image/decode.h"
#include "image/encode.h"
#include "lab/features.h"
#include "lab/map_numbers.h"
#include "lab/numbers.h"
#include "model/builtin.h"
#include "support/folder.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void numbers_are_the_same_in_csv_and_json(void **state)
{
    (void)state;
    json_t *about = json_pack("{s:i}", "seed", 7);
    json_t *rows = json_pack("[{s:s, s:i, s:f}, {s:s, s:n, s:f}]", "name, \"quoted\"", "a", "depth", 50, "share", 0.25,
                             "name, \"quoted\"", "b\nc", "depth", "share", 1e-9);
    assert_ok(numbers_write(folder, "table", about, rows));
    struct buf text = {0};
    assert_ok(file_read("table.csv", 1 << 16, &text));
    assert_string_equal(text.data, "\"name, \"\"quoted\"\"\",depth,share\na,50,0.25\n\"b\nc\",,1e-09\n");
    json_t *read = NULL;
    assert_ok(json_read_file("table.json", NULL, &read));
    assert_int_equal(json_integer_value(json_object_get(read, "seed")), 7);
    assert_true(json_equal(json_object_get(read, "rows"), rows));
    assert_null(json_object_get(about, "rows"));
    json_decref(read);
    json_decref(about);
    json_decref(rows);
    buf_free(&text);
}

enum { SIDE = 64 };

/* A picture with a bright disc and some noise, and the letterbox that leaves it as it is. */
static void draw_photo(struct image *img, struct letterbox *box)
{
    struct rng rng = rng_seed(3, 1, 4);
    *img = (struct image){0};
    assert_ok(image_init(img, SIDE, SIDE));
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int y = i / SIDE - 20, x = i % SIDE - 40;
        for (int c = 0; c < 3; c++)
            img->data[3 * i + c] = (uint8_t)((x * x + y * y < 150 ? 170 : 60) + rng_below(&rng, 40));
    }
    *box = letterbox_plan(SIDE, SIDE, &(struct letterbox_options){.h = SIDE, .w = SIDE, .stride = 32});
}

static void run_features(const char *network, const int *depths, int n, uint64_t seed, struct team *team,
                         struct features *out)
{
    struct image photo;
    struct letterbox box;
    const struct features_options o = {
        .network = network, .depths = depths, .n_depths = n, .seed = seed, .reduction = REDUCE_RMS, .team = team};
    draw_photo(&photo, &box);
    assert_ok(features_run(&o, &photo, &box, out));
    image_free(&photo);
}

/* Every table of this figure: maps of as many numbers as the picture has, down to 200 convolutions. */
static void tables_reach_every_depth(void **state)
{
    (void)state;
    int tables = 0;
    const int depths[] = {50, 100, 150, 200};
    for (const struct builtin_table *t = builtin_tables; t->name; t++) {
        struct features f;
        if (strncmp(t->name, "features-", 9) != 0)
            continue;
        tables++;
        run_features(t->name, depths, 4, 0, NULL, &f);
        assert_int_equal(f.n, 4);
        assert_true(f.map_bytes > 1e5 && f.map_bytes * (640 * 640) / (SIDE * SIDE) + f.weight_bytes <
                                             2e9); /* 200 layers at 640 fit in 2 GB */
        for (int i = 0; i < 4; i++) {
            const struct feature_map *m = &f.maps[i];
            const int more = strcmp(t->name, "features-gelan-res") ? 0 : 2; /* blocks of ten behind a stem of two */
            assert_int_equal(m->depth, depths[i] + more);
            assert_int_equal(m->h * m->w * m->c, SIDE * SIDE * 3);
            assert_true(i == 0 || (m->params > f.maps[i - 1].params && m->gflops > f.maps[i - 1].gflops));
            assert_true(m->directions >= 1 && m->directions <= m->c);
            for (int k = 0; k < m->inner_h * m->inner_w; k++)
                assert_true(isfinite(m->values[k]));
        }
        features_free(&f);
    }
    assert_int_equal(tables, 11);
}

static void a_plain_network_costs_what_it_should(void **state)
{
    (void)state;
    struct features f;
    run_features("features-plainnet", (const int[]){10}, 1, 0, NULL, &f);
    assert_int_equal(f.maps[0].depth, 10);
    const double params = 24 * 27 + 48 + 48 * 24 * 9 + 96 + 8 * (48 * 48 * 9 + 96.0);
    const double flops = 2.0 * (32 * 32 * 24 * 27 + 16 * 16 * 48 * 24 * 9 + 8 * 16 * 16 * 48 * 48 * 9);
    assert_true(f.maps[0].params == params);
    assert_true(fabs(f.maps[0].gflops - 1e-9 * flops) < 1e-9);
    features_free(&f);
}

static void too_deep_is_refused(void **state)
{
    (void)state;
    struct features f;
    struct image photo;
    struct letterbox box;
    const int depth = 201;
    draw_photo(&photo, &box);
    const struct features_options o = {.network = "features-gelan", .depths = &depth, .n_depths = 1};
    assert_int_equal(features_run(&o, &photo, &box, &f), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "200"));
    features_free(&f);
    image_free(&photo);
}

static void seeds_differ_and_threads_do_not(void **state)
{
    (void)state;
    const int depth = 50;
    struct team *team;
    struct features a, b, c;
    assert_ok(team_create(3, &team));
    run_features("features-cspnet", &depth, 1, 5, NULL, &a);
    run_features("features-cspnet", &depth, 1, 5, team, &b);
    run_features("features-cspnet", &depth, 1, 6, team, &c);
    const size_t bytes = sizeof(float) * (size_t)(a.maps[0].inner_h * a.maps[0].inner_w);
    assert_memory_equal(a.maps[0].values, b.maps[0].values, bytes);
    assert_true(memcmp(a.maps[0].values, c.maps[0].values, bytes) != 0);
    features_free(&a);
    features_free(&b);
    features_free(&c);
    team_destroy(team);
}

/* The picture comes back from a reversible network, and from no other. */
static void reversible_rows_are_undone(void **state)
{
    (void)state;
    struct features f;
    run_features("features-reversible", (const int[]){10, 100}, 2, 0, NULL, &f);
    assert_true(f.maps[0].recovered_error >= 0 && f.maps[0].recovered_error < 1e-4);
    assert_true(f.maps[1].recovered_error >= 0 && f.maps[1].recovered_error < 0.02);
    features_free(&f);
    run_features("features-resnet", (const int[]){10}, 1, 0, NULL, &f);
    assert_true(f.maps[0].recovered_error < 0);
    features_free(&f);
}

/* Of 4 channels on SIDE x SIDE pixels. */
static void measure(float *pixels, const struct image *photo, const struct letterbox *box, enum reduction r,
                    struct feature_map *out)
{
    const struct tensor t = {.data = pixels, .n = 1, .h = SIDE, .w = SIDE, .c = 4, .pixel_stride = 4};
    *out = (struct feature_map){0};
    assert_ok(map_measure(&t, photo, box, r, out));
}

static void measures_know_a_copy_from_noise(void **state)
{
    (void)state;
    struct image photo;
    struct letterbox box;
    struct feature_map m;
    struct rng rng = rng_seed(1, 2, 3);
    float *map = mem_alloc(SIDE * SIDE * 4, sizeof *map);
    draw_photo(&photo, &box);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const uint8_t *p = photo.data + 3 * i;
        for (int c = 0; c < 4; c++) /* brightness, turned over and in another range */
            map[4 * i + c] = (float)(5 - (c + 1) * (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]));
    }
    measure(map, &photo, &box, REDUCE_MEAN, &m);
    assert_true(m.shown_correlation < -0.9999 && m.channel_correlation > 0.9999);
    assert_true(fabs(m.directions - 1) < 1e-4);
    mem_free(m.values);
    measure(map, &photo, &box, REDUCE_COMPONENT, &m);
    assert_true(m.shown_correlation > 0.9999); /* its sign goes with the brightness */
    mem_free(m.values);
    for (int i = 0; i < SIDE * SIDE * 4; i++)
        map[i] = (float)rng_normal(&rng);
    measure(map, &photo, &box, REDUCE_MEAN, &m);
    assert_true(fabs(m.shown_correlation) < 0.06 && m.channel_correlation < 0.06);
    assert_true(m.directions > 3.9);
    mem_free(m.values);
    mem_free(map);
    image_free(&photo);
}

static int shell(const char *command)
{
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void the_program_writes_picture_and_numbers(void **state)
{
    (void)state;
    struct image photo, sheet = {0};
    struct letterbox box;
    struct buf text = {0};
    const char *const yolo9 = Y9_BINARY_DIR "/yolo9 figure features ";
    char command[1024];
    draw_photo(&photo, &box);
    assert_ok(image_write_png("disc.png", &photo));
    snprintf(command, sizeof command,
             "%s disc.png --img 64 --arch plainnet gelan-dw --depth 10 20 30 --project out >said", yolo9);
    assert_int_equal(shell(command), 0);
    assert_ok(image_read("out/exp/features.png", &sheet));
    assert_ok(file_read("out/exp/features.csv", 1 << 20, &text));
    int lines = 0;
    for (const char *p = text.data; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 1 + 2 * 3);
    assert_non_null(strstr(text.data, "\ngelan-dw,20,18,"));
    json_t *root = NULL;
    assert_ok(json_read_file("out/exp/features.json", NULL, &root));
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 6);
    json_decref(root);
    snprintf(command, sizeof command, "%s disc.png --img 64 --arch gelan-t yolov7-w6 --depth 9 --project out >said",
             yolo9);
    assert_int_equal(shell(command), 0); /* a stride of 64 and one of 32 */
    snprintf(command, sizeof command, "%s disc.png --arch plainet --project no 2>said", yolo9);
    assert_int_equal(shell(command), 2);
    assert_ok(file_read("said", 1 << 20, &text));
    assert_non_null(strstr(text.data, "did you mean plainnet?"));
    snprintf(command, sizeof command, "%s disc.png --img 64 --depth 400 --project no 2>said", yolo9);
    assert_int_equal(shell(command), 1);
    snprintf(command, sizeof command, "%s --arch gelan disc.png --project no 2>said", yolo9);
    assert_int_equal(shell(command), 2);
    assert_int_equal(access("no", F_OK), -1);
    buf_free(&text);
    image_free(&sheet);
    image_free(&photo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_same_in_csv_and_json),
        cmocka_unit_test(tables_reach_every_depth),
        cmocka_unit_test(a_plain_network_costs_what_it_should),
        cmocka_unit_test(too_deep_is_refused),
        cmocka_unit_test(seeds_differ_and_threads_do_not),
        cmocka_unit_test(reversible_rows_are_undone),
        cmocka_unit_test(measures_know_a_copy_from_noise),
        cmocka_unit_test(the_program_writes_picture_and_numbers),
    };
    return cmocka_run_group_tests_name("lab", tests, folder_enter, folder_remove);
}
