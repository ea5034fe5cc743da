/* The tools the golden cases are judged with: generator values of the kit's page, the tolerance rule with borrowed
 * noise, and that a check vector notices what it should. */
#include "core/rng.h"
#include "support/golden.h"
#include "support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void generator_gives_the_published_values(void **state)
{
    (void)state;
    uint64_t seed = rng_hash("golden/models/yolov9-t");
    assert_true(seed == 0xa4bd56eca62473f1u);
    static const struct {
        const char *name;
        int rank, shape[4], n;
        float want[3];
    } cases[] = {
        {"model.0.conv.weight", 4, {16, 3, 3, 3}, 3, {0.332271457f, -0.208978459f, -0.25964722f}},
        {"model.0.bn.weight", 1, {16}, 2, {1.06356335f, 0.904642642f}},
        {"model.0.bn.bias", 1, {16}, 2, {2.00880146f, 2.04615855f}},
        {"model.0.bn.running_mean", 1, {16}, 1, {-0.0256761666f}},
        {"model.0.bn.running_var", 1, {16}, 1, {1.19410586f}},
        {"model.29.cv2.0.2.bias", 1, {64}, 1, {0.0531422608f}},
        {"model.29.dfl.conv.weight", 4, {1, 16, 1, 1}, 3, {0, 1, 2}},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        float got[16 * 27];
        golden_parameter(seed, 2.0, cases[i].name, cases[i].rank, cases[i].shape, got);
        for (int k = 0; k < cases[i].n; k++)
            assert_true(got[k] == cases[i].want[k]); /* bit for bit */
    }
    float input[3];
    golden_uniform(seed, "input.eval", 0, 1, input, 3);
    assert_true(input[0] == 0.306840658f && input[1] == 0.638249397f && input[2] == 0.612299681f);
}

static void noise_is_recorded_or_borrowed(void **state)
{
    (void)state;
    struct golden g = {.noise =
                           json_loads("{\"eval/out0\":1e-5,\"eval/grad/in0\":7e-3,\"eval/grad/cv1.conv.weight\":2e-5,"
                                      "\"eval/grad/cv2.bn.bias\":3e-5,\"train/grad/cv1.conv.weight\":9e-5,"
                                      "\"eval/decoded1\":4e-4}",
                                      0, NULL)};
    assert_true(golden_noise(&g, "eval/out0") == 1e-5);
    assert_true(golden_noise(&g, "eval/out1") == 0);
    assert_true(golden_noise(&g, "eval/grad/in0") == 7e-3);
    assert_true(golden_noise(&g, "eval/grad/cv1.conv.weight") == 3e-5); /* the largest of the mode's parameters */
    assert_true(golden_noise(&g, "train/gradck/cv1.conv.weight") == 9e-5);
    assert_true(golden_noise(&g, "evalgen/decoded1") == 4e-4);
    assert_true(golden_tolerance(&g, "eval/out0", 1e-6, 1, 1e-6) == 1e-4);
    assert_true(golden_tolerance(&g, "x", 1e-6, 5, 1e-6) == 1e-6 * 5);
    assert_true(golden_tolerance(&g, "x", 1e-6, 0.1, 1e-6) == 1e-6);
    json_decref(g.noise);
}

static int check_row_faults(const float *x, size_t n)
{
    enum { N = 1000 };
    static float clean[N];
    for (int i = 0; i < N; i++)
        clean[i] = sinf((float)i);
    double stored[7] = {0};
    for (int i = 0; i < N; i++) {
        stored[0] += (double)clean[i];
        stored[1] += fabs((double)clean[i]);
        stored[2] += (double)clean[i] * (double)clean[i];
    }
    for (int k = 0; k < 4; k++)
        stored[3 + k] = (double)clean[k * N / 4];
    struct golden g = {0};
    golden_check_row(&g, "row", stored, 4, 1e-5, x ? x : clean, x ? n : N);
    return g.faults;
}

static void check_vectors_notice_what_they_should(void **state)
{
    (void)state;
    float x[1000];
    assert_int_equal(check_row_faults(NULL, 0), 0);
    for (int i = 0; i < 1000; i++)
        x[i] = sinf((float)i) + (i % 2 ? 5e-6f : -5e-6f);
    assert_int_equal(check_row_faults(x, 1000), 0); /* within the tolerance */
    x[250] += 2e-5f;
    assert_int_equal(check_row_faults(x, 1000), 1); /* a sample */
    x[250] -= 2e-5f;
    x[333] += 0.1f;
    assert_true(check_row_faults(x, 1000) > 0); /* one wrong element between samples shows in a sum */
    x[333] = NAN;
    assert_true(check_row_faults(x, 1000) > 0);
}

static void layouts_are_inverse(void **state)
{
    (void)state;
    float memory[2 * 3 * 4 * 8], nchw[2 * 5 * 3 * 4], back[2 * 5 * 3 * 4];
    struct tensor t = {.data = memory + 2, .n = 2, .h = 3, .w = 4, .c = 5, .pixel_stride = 8, .image_stride = 96};
    for (int i = 0; i < 2 * 5 * 3 * 4; i++)
        nchw[i] = (float)i;
    golden_to_tensor(nchw, &t);
    assert_true(tensor_pixel(&t, 1, 2, 3)[4] == (float)(2 * 5 * 3 * 4 - 1));
    assert_true(tensor_pixel(&t, 0, 1, 0)[2] == 2 * 12 + 4);
    golden_from_tensor(&t, back);
    assert_memory_equal(nchw, back, sizeof nchw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_gives_the_published_values),
        cmocka_unit_test(noise_is_recorded_or_borrowed),
        cmocka_unit_test(check_vectors_notice_what_they_should),
        cmocka_unit_test(layouts_are_inverse),
    };
    return cmocka_run_group_tests_name("golden kit", tests, NULL, NULL);
}
