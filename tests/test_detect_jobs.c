/* `yolo9 detect` over folders: results are the same bytes whatever the number of jobs and threads, also with damaged
 * pictures in the middle and with pictures of equal names; what cannot be written is told. */
#include "data/synth.h"
#include "image/encode.h"
#include "support/programs.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PICTURES = 9 };

static char root[64];

static void need(enum status rc)
{
    if (rc != OK)
        fail_msg("%s", fail_text());
}

/* in/00.jpg ... in/08.png; 04 is cut short and 06 no picture. more/ has other pictures of the same names. */
static int make_inputs(void **state)
{
    (void)state;
    struct weights w;
    program_folder(root, sizeof root);
    if (chdir(root) != 0 || system("mkdir in more") != 0)
        return 1;
    need(weights_random("gelan-t", 3, 1, &w));
    need(weights_save("random.safetensors", &w, false, false));
    weights_free(&w);
    for (int i = 0; i < 2 * PICTURES; i++) {
        struct synth_picture p = {.n_labels = 0};
        char path[32];
        snprintf(path, sizeof path, "%s/0%d.%s", i < PICTURES ? "in" : "more", i % PICTURES,
                 i % PICTURES % 2 ? "png" : "jpg");
        need(synth_draw(5, (uint64_t)i, 3, 120 + 8 * (i % 3), 160, &p));
        need(image_write(path, &p.image));
        image_free(&p.image);
    }
    return system("truncate -s 1500 in/04.jpg; echo no picture > in/06.jpg") != 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    int rc = chdir("/");
    program_remove(root);
    return rc;
}

/* The results go to the folder `name`: files of the run in exp/, results.json, what was printed (without milliseconds)
 * and said. The exit code. */
static int run_detect(const char *arguments, int jobs, int threads, const char *name)
{
    char command[1024];
    struct buf out = {0};
    snprintf(
        command, sizeof command,
        "rm -rf %s && mkdir %s && { %s/yolo9 detect --weights random.safetensors --img 64 --conf 0.001 --max-det 7 "
        "--project %s --jobs %d --threads %d --json %s/results.json %s >%s/out 2>%s/said; code=$?; "
        "sed -i 's/, [0-9.]*ms$//' %s/out; sed -i '/NMS/d; /results in/d' %s/said; exit $code; }",
        name, name, Y9_BINARY_DIR, name, jobs, threads, name, arguments, name, name, name, name);
    int code = program_run(command, false, &out);
    buf_free(&out);
    return code;
}

/* Files of a kind in a folder. */
static int count(const char *what)
{
    char command[256];
    struct buf out = {0};
    snprintf(command, sizeof command, "ls %s | wc -l", what);
    assert_int_equal(program_run(command, false, &out), 0);
    int n = atoi(out.data);
    buf_free(&out);
    return n;
}

/* Lines of a file that hold a text. */
static int count_in(const char *file, const char *text)
{
    char command[512];
    struct buf out = {0};
    snprintf(command, sizeof command, "grep -cF '%s' %s || true", text, file);
    assert_int_equal(program_run(command, false, &out), 0);
    int n = atoi(out.data);
    buf_free(&out);
    return n;
}

static void equal_for_all(const char *arguments, int code)
{
    static const int jobs[] = {0, 1, 2, 4};
    struct buf differences = {0};
    assert_int_equal(run_detect(arguments, 0, 1, "alone"), code);
    for (int threads = 1; threads <= 2; threads++) {
        for (int i = 0; i < COUNT(jobs); i++) {
            assert_int_equal(run_detect(arguments, jobs[i], threads, "together"), code);
            if (program_run("diff -r alone together", false, &differences) != 0)
                fail_msg("jobs %d, threads %d: %s", jobs[i], threads, differences.data);
        }
    }
    buf_free(&differences);
}

static void results_do_not_depend_on_jobs(void **state)
{
    (void)state;
    struct buf said = {0};
    equal_for_all("in --save-txt --save-conf", 1); /* two damaged pictures */
    assert_int_equal(count("alone/exp/*.jpg alone/exp/*.png"), PICTURES - 2);
    assert_int_equal(count("alone/exp/labels/*.txt"), PICTURES - 2);
    assert_int_equal(program_run("cat alone/said", false, &said), 0);
    assert_non_null(strstr(said.data, "04.jpg"));
    assert_non_null(strstr(said.data, "06.jpg"));
    assert_non_null(strstr(said.data, "2 of 9 pictures could not be read"));
    equal_for_all("in --nosave", 1);
    assert_int_equal(count("alone"), 3); /* no run folder */
    buf_free(&said);
}

/* Pictures of the same name keep their folders in everything that is written: none takes another's place. */
static void equal_names_and_crops_too(void **state)
{
    (void)state;
    equal_for_all("in more --save-txt --save-crop --hide-labels", 1);
    assert_int_equal(count("alone/exp/*.jpg alone/exp/*.png 2>/dev/null"), 0);
    assert_int_equal(count("alone/exp/in/*.*"), PICTURES - 2);
    assert_int_equal(count("alone/exp/more/*.*"), PICTURES);
    assert_int_equal(count("alone/exp/labels/in/*.txt alone/exp/labels/more/*.txt"), 2 * PICTURES - 2);
    assert_true(count("alone/exp/crops/*/*/*") > 2 * PICTURES);
    assert_true(count_in("alone/results.json", "\"image\": \"more/04.jpg\", \"image_id\": \"more/04\"") > 0);
    assert_int_equal(
        count_in("alone/said", "18 pictures share their names with others: results keep the folder, as in/00.jpg"), 1);
}

/* A folder in place of a label file: what cannot be written ends the run with its sentence. */
static void what_cannot_be_saved_is_told(void **state)
{
    (void)state;
    struct buf said = {0};
    for (int jobs = 0; jobs <= 2; jobs++) {
        char command[512];
        snprintf(command, sizeof command,
                 "rm -rf full && mkdir -p full/exp/labels/02.txt && %s/yolo9 detect --weights random.safetensors --img "
                 "64 --conf 0.001 --project full --exist-ok --save-txt --nosave --jobs %d more",
                 Y9_BINARY_DIR, jobs);
        assert_int_equal(program_run(command, true, &said), 1);
        assert_non_null(strstr(said.data, "full/exp/labels/02.txt: cannot be written"));
        assert_int_equal(count("-d full/exp/labels/*.tmp* 2>/dev/null"), 0);
    }
    buf_free(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_jobs),
        cmocka_unit_test(equal_names_and_crops_too),
        cmocka_unit_test(what_cannot_be_saved_is_told),
    };
    return cmocka_run_group_tests_name("detect jobs", tests, make_inputs, remove_inputs);
}
