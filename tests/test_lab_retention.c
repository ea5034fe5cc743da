/* figure retention: what the probe finds where the answer is known, and the program's files. */
#include "core/file.h"
#include "core/mem.h"
#include "core/rng.h"
#include "formats/json.h"
#include "image/encode.h"
#include "lab/linear.h"
#include "lab/retention.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PHOTOS = 8, A_PHOTO = 500, N = PHOTOS * A_PHOTO, SIDE = 64 };

static void a_matrix_is_factored_and_solved(void **state)
{
    (void)state;
    double a[] = {4, -7, -7, 2, 5, -7, -6, 3, 6.5}; /* the upper triangle is not read */
    const double full[] = {4, 2, -6, 2, 5, 3, -6, 3, 6.5 + 20};
    a[8] = full[8];
    double b[] = {4 * 1 + 2 * 2 - 6 * 3, 1, 2 * 1 + 5 * 2 + 3 * 3, 0, -6 * 1 + 3 * 2 + full[8] * 3, 0};
    double determinant = 4 * (5 * full[8] - 9) - 2 * (2 * full[8] + 18) - 6 * (6 + 30);
    assert_true(cholesky(a, 3));
    assert_true(fabs(cholesky_log2_det(a, 3) - log2(determinant)) < 1e-12);
    cholesky_solve(a, 3, b, 2);
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(b[2 * k] - (k + 1)) < 1e-12);
        double second = 0;
        for (int j = 0; j < 3; j++)
            second += full[3 * k + j] * b[2 * j + 1];
        assert_true(fabs(second - (k == 0)) < 1e-12);
    }
    double flat[] = {1, 0, 1, 1}; /* of rank one */
    assert_false(cholesky(flat, 2));
}

/* --- the probe --- */

static struct {
    float x[N][3], y[N][3], object[N];
    uint8_t fold[N];
    int photo[N];
} drawn;

/* Pixels and objects of unit normal numbers, which the features do not know yet. */
static struct samples draw_samples(struct rng *rng)
{
    for (int i = 0; i < N; i++) {
        drawn.photo[i] = i / A_PHOTO;
        drawn.fold[i] = (uint8_t)(drawn.photo[i] % PROBE_FOLDS);
        drawn.object[i] = (float)rng_below(rng, 2);
        for (int k = 0; k < 3; k++) {
            drawn.y[i][k] = (float)rng_normal(rng);
            drawn.x[i][k] = (float)rng_normal(rng);
        }
    }
    return (struct samples){.n = N,
                            .c = 3,
                            .t = 3,
                            .x = drawn.x[0],
                            .y = drawn.y[0],
                            .fold = drawn.fold,
                            .object = drawn.object,
                            .photo = drawn.photo,
                            .photos = PHOTOS,
                            .noise = 1e-6};
}

static void noise_scores_chance(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1, 2, 3);
    struct probe_result r;
    const struct samples s = draw_samples(&rng);
    assert_ok(probe_measure(&s, &r));
    assert_true(r.r2 < 0.005 && r.r2_colour < 0.005 && r.bits < 0.01);
    assert_true(isnan(r.r2_detail)); /* one pixel has none */
    assert_true(fabs(r.auc - 0.5) < 0.03);
    probe_free(&r);
}

static void a_mixed_copy_scores_one(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1, 2, 3);
    struct probe_result r;
    const struct samples s = draw_samples(&rng);
    for (int i = 0; i < N; i++) {
        const float *y = drawn.y[i];
        const float mixed[3] = {y[0] + 3 * y[1], 100 - y[1], 0.01F * (y[2] - y[0])};
        memcpy(drawn.x[i], mixed, sizeof mixed);
    }
    assert_ok(probe_measure(&s, &r));
    assert_true(r.r2 > 0.99999 && r.photo_r2[PHOTOS - 1] > 0.99999);
    assert_true(fabs(r.bits_most - 3 * 0.5 * log2(1e6)) < 0.3 && r.bits > r.bits_most - 0.1);
    assert_true(fabs(r.auc - 0.5) < 0.03);
    probe_free(&r);
}

/* Normal pixels behind normal noise of the same variance: R^2 is 1/2, and I is 1/2 log2 2 bits a number. */
static void known_noise_costs_what_it_should(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1, 2, 3);
    struct probe_result r;
    const struct samples s = draw_samples(&rng);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++)
            drawn.x[i][k] += drawn.y[i][k];
    assert_ok(probe_measure(&s, &r));
    assert_true(fabs(r.r2 - 0.5) < 0.02);
    assert_true(fabs(r.bits - 1.5) < 0.1);
    probe_free(&r);
}

/* Two normal distributions one deviation apart: the area is P(1 / sqrt 2). A constant feature does no harm. */
static void the_area_is_that_of_two_normal_distributions(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1, 2, 3);
    struct probe_result r;
    const struct samples s = draw_samples(&rng);
    for (int i = 0; i < N; i++) {
        drawn.x[i][1] += drawn.object[i];
        drawn.x[i][2] = 7;
        drawn.object[i] *= drawn.photo[i] != 3; /* a photo without object */
    }
    assert_ok(probe_measure(&s, &r));
    assert_true(fabs(r.auc - 0.5 * (1 + erf(0.5))) < 0.02);
    assert_true(isnan(r.photo_auc[3]) && isfinite(r.photo_auc[4]));
    probe_free(&r);
    drawn.x[5][0] = INFINITY;
    assert_int_equal(probe_measure(&s, &r), E_NUMERIC);
    probe_free(&r);
}

/* --- photos --- */

/* Photos of random 2x2 blocks, twice as wide as high: the label's box is the middle square's right half. */
static void draw_photos(int n)
{
    struct rng rng = rng_seed(4, 4, 4);
    struct image photo = {0};
    static const char label[] = "0 0.625 0.5 0.25 1\n";
    mkdir("set", 0777);
    mkdir("set/images", 0777);
    mkdir("set/labels", 0777);
    assert_ok(image_init(&photo, SIDE, 2 * SIDE));
    for (int k = 0; k < n; k++) {
        char path[64];
        for (int i = 0; i < SIDE * 2 * SIDE; i += 2) {
            const size_t above = (size_t)(i / (2 * SIDE)) % 2 ? (size_t)(i - 2 * SIDE) : (size_t)i;
            for (int c = 0; c < 3; c++)
                if (above == (size_t)i)
                    photo.data[3 * i + c] = photo.data[3 * i + 3 + c] = (uint8_t)rng_below(&rng, 256);
            if (above != (size_t)i)
                memcpy(photo.data + 3 * i, photo.data + 3 * above, 6);
        }
        snprintf(path, sizeof path, "set/images/%d.png", k);
        assert_ok(image_write_png(path, &photo));
        snprintf(path, sizeof path, "set/labels/%d.txt", k);
        assert_ok(file_write(path, label, sizeof label - 1));
    }
    image_free(&photo);
}

static void photos_are_cut_with_their_boxes(void **state)
{
    (void)state;
    struct photo_set set;
    char *paths[] = {"set/images/0.png", "set/images/1.png", "set/images/2.png", "set/images/3.png"};
    draw_photos(4);
    assert_ok(photo_set_read(paths, 4, NULL, 32, 2, &set));
    assert_int_equal(set.n, 2);
    assert_true(set.labelled && set.items[1].path == paths[2]);
    assert_int_equal(set.items[0].picture.w, 32);
    assert_true(photo_has_object(&set.items[0], 0.51, 0.99) && photo_has_object(&set.items[0], 0.99, 0.01));
    assert_false(photo_has_object(&set.items[0], 0.49, 0.5));
    photo_set_free(&set);
    assert_int_equal(rename("set/labels/2.txt", "set/labels/other.txt"), 0);
    assert_ok(photo_set_read(paths, 4, "set/labels", 32, 9, &set));
    assert_int_equal(set.n, 3);
    assert_int_equal(set.unlabelled, 1);
    assert_string_equal(set.example, "set/images/2.png");
    photo_set_free(&set);
    assert_int_equal(photo_set_read(paths, 4, "set", 32, 9, &set), E_IO);
    assert_non_null(strstr(fail_text(), "set/0.txt"));
    photo_set_free(&set);
    assert_ok(file_write("set/labels/0.txt", "0 0.5 0.5\n", 10));
    assert_int_equal(photo_set_read(paths, 4, NULL, 32, 9, &set), E_FORMAT);
    photo_set_free(&set);
    draw_photos(4);
}

/* --- networks --- */

/* ReOrg twice moves the 48 numbers of a 4x4 square into channels; a random 1x1 convolution mixes them. */
static const char copying[] = "nc: 1\n"
                              "backbone:\n"
                              "  - [-1, 1, ReOrg, []]\n"
                              "  - [-1, 1, ReOrg, []]\n"
                              "  - [-1, 1, Conv, [48, 1, 1, None, 1, 1, nn.Identity()]]\n"
                              "  - [-1, 1, Conv, [48, 3, 1]]\n"
                              "head:\n"
                              "  - [[-1], 1, Detect, [nc]]\n";

/* A network that copies its input scores 1, whether photos or parts of one are told apart: positions and squares fit.
 */
static void a_copying_network_scores_one(void **state)
{
    (void)state;
    char *paths[] = {"set/images/0.png", "set/images/1.png", "set/images/2.png", "set/images/3.png"};
    const int depths[] = {1, 2};
    assert_ok(file_write("copying.yaml", copying, sizeof copying - 1));
    for (int n = 1; n <= 4; n += 3) {
        struct photo_set set;
        struct retention_net net;
        assert_ok(photo_set_read(paths, n, NULL, SIDE, 4, &set));
        const struct retention_options o = {.photos = &set, .positions = 200, .measured = 2};
        assert_ok(retention_measure(&o, "copying.yaml", 1, depths, 2, &net));
        assert_int_equal(net.maps[0].t, 48);
        assert_int_equal(net.maps[0].samples, 200 * n);
        assert_true(net.maps[0].result.r2 > 0.999 && net.maps[0].result.r2_detail > 0.999);
        assert_true(net.maps[1].result.r2 < 0.999 * net.maps[0].result.r2);
        assert_true(net.maps[1].result.bits < 0.9 * net.maps[0].result.bits);
        retention_free(&net);
        assert_ok(retention_check(&o, CHECK_COPY, 1, &net));
        assert_true(net.maps[0].result.r2 > 0.9999);
        retention_free(&net);
        assert_ok(retention_check(&o, CHECK_POSITION, 1, &net)); /* these photos' objects lie at the right */
        assert_true(net.maps[0].result.auc > 0.99 && net.maps[0].result.r2 < 0.05);
        retention_free(&net);
        photo_set_free(&set);
    }
}

/* --- the program --- */

static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s/yolo9 %s >said.txt 2>&1", Y9_BINARY_DIR, arguments);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_said(const char *words)
{
    struct buf text = {0};
    assert_ok(file_read("said.txt", 1 << 20, &text));
    if (!text.data || !strstr(text.data, words))
        fail_msg("'%s', not '%s'", text.data, words);
    buf_free(&text);
}

static const json_t *row_of(const json_t *root, const char *architecture)
{
    const json_t *row, *rows = json_object_get(root, "rows");
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (!strcmp(json_string_value(json_object_get(row, "architecture")), architecture))
            return row;
    }
    fail_msg("there is no row of %s", architecture);
    return NULL;
}

static double number(const json_t *root, const char *architecture, const char *key)
{
    return json_number_value(json_object_get(row_of(root, architecture), key));
}

static void the_program_measures_networks_and_checks(void **state)
{
    (void)state;
    json_t *root = NULL;
    assert_int_equal(run("figure retention set/images --arch gelan-dw reversible --depth 10 20 --img 64 --seeds 2 "
                         "--positions 100 --name first"),
                     0);
    assert_said("runs/figure/first: retention.png");
    assert_int_equal(access("runs/figure/first/retention.png", R_OK), 0);
    assert_ok(json_read_file("runs/figure/first/retention.json", NULL, &root));
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 2 * 2 + 3);
    assert_true(number(root, "copy", "r2") > 0.999 && json_is_true(json_object_get(row_of(root, "copy"), "check")));
    assert_true(number(root, "copy", "bits") > 0.999 * number(root, "copy", "bits_most"));
    assert_true(number(root, "noise", "r2") < 0.05 && fabs(number(root, "noise", "auc") - 0.5) < 0.15);
    assert_int_equal(number(root, "gelan-dw", "seeds"), 2);
    json_decref(root);
    assert_ok(json_read_file("runs/figure/first/retention-photos.json", NULL, &root));
    assert_int_equal(json_array_size(json_object_get(root, "rows")), (2 * 2 + 3) * 2 * 4);
    json_decref(root);
}

static void faults_leave_no_folder(void **state)
{
    (void)state;
    assert_int_equal(run("figure retention --project faults"), 2);
    assert_said("photos are needed");
    assert_int_equal(run("figure retention set/images --labels set/images --project faults"), 1);
    assert_said("no picture has its label file there");
    assert_int_equal(run("figure retention set/images --img 64 --arch gelan --depth 900 --project faults"), 1);
    assert_said("the deepest map is that of depth 200");
    assert_int_not_equal(access("faults", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_is_factored_and_solved),
        cmocka_unit_test(noise_scores_chance),
        cmocka_unit_test(a_mixed_copy_scores_one),
        cmocka_unit_test(known_noise_costs_what_it_should),
        cmocka_unit_test(the_area_is_that_of_two_normal_distributions),
        cmocka_unit_test(photos_are_cut_with_their_boxes),
        cmocka_unit_test(a_copying_network_scores_one),
        cmocka_unit_test(the_program_measures_networks_and_checks),
        cmocka_unit_test(faults_leave_no_folder),
    };
    return cmocka_run_group_tests_name("lab_retention", tests, folder_enter, folder_remove);
}
