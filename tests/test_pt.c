/* Checkpoints: the golden files, real files, and every kind of malformed one. */
#include "core/clock.h"
#include "support/golden_pt.h"
#include "weights/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#define SHARED Y9_SOURCE_DIR "/../shared/"

static void need_file(const char *path)
{
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is absent\n", path);
        skip();
    }
}

static void golden(void **state)
{
    static const char *const cases[] = {"gelan-t-nc3", "yolov9-t-nc3", "tiny-last"};
    double worst = 0;
    (void)state;
    need_file(SHARED "golden/pt/tiny-last.pt");
    for (int i = 0; i < COUNT(cases); i++) {
        char pt[512], json[512], message[512];
        snprintf(pt, sizeof pt, SHARED "golden/pt/%s.pt", cases[i]);
        snprintf(json, sizeof json, SHARED "golden/pt/%s.json", cases[i]);
        if (golden_pt_case(pt, json, message, sizeof message, &worst))
            fail_msg("%s: %s", cases[i], message);
    }
    print_message("largest error of a sum: %.3g of its tolerance\n", worst);
}

static void real_files(void **state)
{
    static const struct {
        const char *path;
        int tensors, nc;
        enum checkpoint_kind kind;
    } files[] = {
        {SHARED "weights/gelan-t-coco.pt", 1339, 80, CHECKPOINT_TORCH},
        {SHARED "weights/gelan-t-coco-train.pt", 1339, 80, CHECKPOINT_TORCH},
        {SHARED "weights/gelan-t-coco-g4w256.pt", 1339, 80, CHECKPOINT_TORCH},
        {SHARED "reference/bccd/yolov9-t-bccd.pt", 1772, 3, CHECKPOINT_TORCH},
        {SHARED "weights/gelan-t-coco-fused.safetensors", 371, -1, CHECKPOINT_SAFETENSORS},
    };
    (void)state;
    need_file(files[0].path);
    for (int i = 0; i < COUNT(files); i++) {
        struct checkpoint ckpt;
        double start = clock_cpu_seconds();
        if (checkpoint_open(files[i].path, &ckpt) != OK)
            fail_msg("%s", fail_text());
        print_message("%s: %.1f ms\n", files[i].path, 1e3 * (clock_cpu_seconds() - start));
        assert_int_equal(ckpt.kind, files[i].kind);
        assert_int_equal(ckpt.model->count, files[i].tensors);
        assert_int_equal(ckpt.model->nc, files[i].nc);
        assert_int_equal(ckpt.model->n_names, MAX(files[i].nc, 0));
        assert_non_null(checkpoint_find(ckpt.model, "model.0.conv.weight"));
        assert_null(checkpoint_find(ckpt.model, "model.0.conv"));
        checkpoint_close(&ckpt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
