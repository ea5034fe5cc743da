/* What `yolo9 detect` writes: names from the pictures' identities, JSON and JSONL, class names that are no paths, runs
 * that are interrupted, outputs that cannot or must not be written. */
#include "core/path.h"
#include "data/synth.h"
#include "detect/result_names.h"
#include "detect/results.h"
#include "formats/json.h"
#include "image/encode.h"
#include "support/programs.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DETECT Y9_BINARY_DIR "/yolo9 detect --weights random.safetensors --img 64 --threads 1 "

static char root[64];

static void need(enum status rc)
{
    if (rc != OK)
        fail_msg("%s", fail_text());
}

static void picture(const char *path, int seed)
{
    struct synth_picture p = {.n_labels = 0};
    char *folder = path_parent(path);
    need(path_make_folder(folder));
    need(synth_draw(5, (uint64_t)seed, 3, 120, 160, &p));
    need(image_write(path, &p.image));
    image_free(&p.image);
    mem_free(folder);
}

/* Weights whose classes have names that no file may have. */
static void make_weights(void)
{
    static const char *const names[] = {"../../../evil", "a/b", "a_b"};
    struct weights w;
    need(weights_random("gelan-t", 3, 1, &w));
    for (int i = 0; i < 3; i++) {
        mem_free(w.names[i]);
        w.names[i] = mem_strdup(names[i]);
    }
    need(weights_save("random.safetensors", &w, false, false));
    weights_free(&w);
}

static int make_inputs(void **state)
{
    (void)state;
    program_folder(root, sizeof root);
    if (chdir(root) != 0)
        return 1;
    make_weights();
    picture("a/frame.jpg", 1);
    picture("b/frame.jpg", 2);
    picture("a/x.jpg", 3);
    picture("a/x.png", 4);
    picture("7.png", 5);
    picture("p.jpg", 6);
    picture("p_2.jpg", 7);
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    return chdir("/") != 0 || system(command) != 0;
}

/* Exit code of a shell command; what it said on standard error must hold `says` (NULL: anything). */
static void expect_run(const char *command, int code, const char *says)
{
    struct buf said = {0};
    int got = program_run(command, true, &said);
    if (got != code || (says && !strstr(said.data, says)))
        fail_msg("%s: exit %d, not %d; said '%s', not '%s'", command, got, code, said.data, says ? says : "");
    buf_free(&said);
}

static int count(const char *what)
{
    char command[256];
    struct buf out = {0};
    snprintf(command, sizeof command, "find %s | wc -l", what);
    assert_int_equal(program_run(command, false, &out), 0);
    int n = atoi(out.data);
    buf_free(&out);
    return n;
}

static json_t *read_lines(const char *path)
{
    char line[65536];
    json_t *lines = json_array();
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        json_t *one = json_loads(line, 0, NULL);
        assert_non_null(one);
        json_array_append_new(lines, one);
    }
    fclose(f);
    return lines;
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* --- names --- */

static void names_of_results(void **state)
{
    (void)state;
    static const char *const paths[] = {"/r/a/f.jpg",      "/r/b/f.jpg",   "/r/x.jpg", "/r/x.png",
                                        "/r/s.tif",        "/r/s.tif.jpg", "/r/p.jpg", "/r/p_2.jpg",
                                        "/r/labels/y.jpg", "/r/y.jpg",     "/q/9.jpg", "/q/caf\xe9.jpg"};
    enum { N = COUNT(paths) };
    struct arena arena;
    struct identity ids[N];
    struct result_names names[N];
    int odd;
    arena_init(&arena);
    need(identities_find(paths, N, &arena, ids));
    need(result_names_find(ids, N, &arena, names, &odd));
    assert_string_equal(names[0].picture, "a/f.jpg");
    assert_string_equal(names[0].stem, "a/f");
    assert_string_equal(names[2].stem, "x.jpg"); /* beside x.png */
    assert_string_equal(names[3].picture, "x.png");
    for (int i = 0; i < N; i++) { /* scan.tif becomes a JPEG, and may not meet a picture of that name */
        assert_null(strstr(names[i].picture, ".."));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(names[i].picture, names[k].picture);
            assert_string_not_equal(names[i].stem, names[k].stem);
            assert_string_not_equal(names[i].crop, names[k].crop);
        }
    }
    assert_string_equal(names[6].crop, "p");
    assert_string_equal(names[7].crop, "p_2.jpg"); /* p_2 is the second crop of p */
    assert_string_equal(names[8].picture, "labels_/y.jpg");
    assert_string_equal(names[10].stem, "9");
    assert_int_equal(ids[10].number, 9);
    assert_int_equal(odd, 1);
    assert_string_equal(names[11].image, "caf%E9.jpg");
    arena_free(&arena);
}

static void not_utf8_and_its_writing_cannot_both_be(void **state)
{
    (void)state;
    static const char *const paths[] = {"/q/caf\xe9.jpg", "/q/caf%E9.jpg"};
    struct arena arena;
    struct identity ids[2];
    struct result_names names[2];
    arena_init(&arena);
    need(identities_find(paths, 2, &arena, ids));
    assert_int_equal(result_names_find(ids, 2, &arena, names, NULL), E_FORMAT);
    arena_free(&arena);
}

static void paths_stay_below_the_run(void **state)
{
    (void)state;
    char *path, stem[300];
    struct stat st;
    need(path_make_folder("run"));
    need(result_path("run", "labels", "a/f", ".txt", &path));
    assert_string_equal(path, "run/labels/a/f.txt");
    assert_true(path_is_folder("run/labels/a"));
    mem_free(path);
    memset(stem, 's', 251);
    strcpy(stem + 251, ".tif.jpg");
    need(result_path("run", "", stem, "", &path));
    assert_in_range(strlen(path_name(path)), 250, 255);
    assert_string_equal(path + strlen(path) - 4, ".jpg");
    mem_free(path);
    assert_int_equal(symlink("..", "run/out"), 0);
    assert_int_equal(result_path("run", "", "out/f.jpg", "", &path), E_IO);
    assert_non_null(strstr(fail_text(), "something else where a folder"));
    assert_int_equal(symlink("../p.jpg", "run/p.jpg"), 0);
    assert_int_equal(result_path("run", "", "p.jpg", "", &path), E_IO);
    assert_non_null(strstr(fail_text(), "is a link"));
    assert_int_equal(stat("p.jpg", &st), 0);
    assert_true(st.st_size > 0);
}

/* --- files --- */

static void each_picture_has_its_files(void **state)
{
    (void)state;
    expect_run(DETECT
               "a b 7.png p.jpg p_2.jpg --conf 0.001 --max-det 2 --save-txt --save-crop --project r1 --json r1.json "
               "--jsonl r1.jsonl",
               0, "results keep the folder, as a/frame.jpg");
    assert_int_equal(count("r1/exp -maxdepth 2 -name '*.jpg' -o -maxdepth 2 -name '*.png'"), 7);
    assert_int_equal(count("r1/exp/labels -name '*.txt'"), 7);
    assert_true(path_exists("r1/exp/labels/a/frame.txt") && path_exists("r1/exp/labels/x.png.txt"));
    /* every box has its crop, in a folder inside the run whatever its class is called */
    assert_int_equal(count("r1/exp/crops -name '*.jpg'"), 7 * 2);
    assert_int_equal(count("r1/exp/crops -mindepth 1 -maxdepth 1"),
                     count("r1/exp/crops -mindepth 1 -maxdepth 1 -type d"));
    assert_false(path_exists("evil"));
    json_t *all, *lines = read_lines("r1.jsonl");
    need(json_read_file("r1.json", NULL, &all));
    assert_int_equal(json_array_size(lines), 7);
    assert_int_equal(json_array_size(all), 7 * 2);
    const json_t *first = json_array_get(all, 0), *line = json_array_get(lines, 0);
    const json_t *box = json_array_get(json_object_get(line, "detections"), 0);
    assert_string_equal(text(first, "image"), "a/frame.jpg");
    assert_string_equal(text(first, "image_id"), "a/frame");
    assert_string_equal(text(line, "image"), "a/frame.jpg");
    assert_int_equal(json_integer_value(json_object_get(line, "width")), 160);
    assert_int_equal(json_integer_value(json_object_get(line, "height")), 120);
    assert_true(json_equal(json_object_get(first, "bbox"), json_object_get(box, "bbox")));
    assert_true(json_equal(json_object_get(first, "score"), json_object_get(box, "score")));
    assert_string_equal(text(first, "category"), text(box, "category"));
    assert_true(json_is_number(json_object_get(json_object_get(line, "ms"), "net")));
    const json_t *seven = json_array_get(all, 4 * 2);
    assert_int_equal(json_integer_value(json_object_get(seven, "image_id")), 7);
    json_decref(all);
    json_decref(lines);
}

static void lines_also_for_pictures_without_boxes(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(program_run(DETECT "a --conf 1 --nosave --jsonl - 2>/dev/null", false, &out), 0);
    assert_non_null(strstr(out.data, "{\"image\": \"frame.jpg\", \"width\": 160, \"height\": 120, \"detections\": []"));
    assert_null(strstr(out.data, "image 1/3"));
    assert_int_equal(program_run(DETECT "a --conf 1 --nosave --json - 2>/dev/null", false, &out), 0);
    assert_string_equal(out.data, "[]\n");
    assert_int_equal(program_run("cat p.jpg | " DETECT "- --conf 1 --nosave", false, &out), 0);
    assert_non_null(strstr(out.data, "image 1/1 stdin.jpg: 64x64 (no detections)"));
    assert_int_equal(program_run("ls a/*.png | " DETECT "- --conf 1 --project piped", false, &out), 0);
    assert_true(path_exists("piped/exp/x.png"));
    buf_free(&out);
}

/* --- what cannot, or must not, be written --- */

static void inputs_are_not_overwritten(void **state)
{
    (void)state;
    expect_run(DETECT "a --project s --json a/x.jpg", 2, "a/x.jpg: that is one of the pictures");
    expect_run(DETECT "a --project s --jsonl random.safetensors", 2, "that is the file of --weights");
    expect_run("ls p*.jpg > list.txt; " DETECT "list.txt --project s --json ./list.txt", 2,
               "that is one of the sources");
    expect_run(DETECT "a --project s --json s.x --jsonl ./s.x", 2, "both name s.x");
    expect_run(DETECT "a --project s --json - --jsonl -", 2, "both name standard output");
    expect_run(DETECT "a --project . --name a --exist-ok", 2, "would overwrite a source");
    expect_run("mkdir -p run2/crops/c && cp p.jpg run2/crops/c && " DETECT
               "run2/crops/c --project . --name run2 --exist-ok --save-crop",
               2, "among the crops of this run");
    assert_false(path_exists("s"));
}

static void a_failed_start_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(system("echo no picture > bad.jpg; mkdir dir; echo old > old.json"), 0);
    expect_run(DETECT "bad.jpg --project s --json old.json", 1, "bad.jpg: ");
    expect_run(DETECT "a --project s --weights absent.pt --json old.json", 1, "absent.pt");
    expect_run(DETECT "absent.jpg --project s", 1, "absent.jpg: no such file");
    expect_run(DETECT "a --project s --json dir", 1, "dir: cannot be written: it is a folder");
    expect_run(DETECT "a --project s --jsonl no/such/folder.jsonl", 1, "no/such/folder.jsonl: cannot be written");
    expect_run(DETECT "a --project bad.jpg/s", 1, "the folder cannot be made: bad.jpg is a file");
    assert_false(path_exists("s"));
    expect_run("grep -q old old.json", 0, NULL);
    expect_run(DETECT "a --nosave --json old.json", 0, "3 pictures, ");
    json_t *now;
    need(json_read_file("old.json", NULL, &now)); /* a named file is replaced */
    json_decref(now);
    expect_run(DETECT "p.jpg --nosave --conf 1", 0, "1 picture, 0 detections; ");
}

/* --- ended before its time --- */

static pid_t start(const char *const *arguments)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGINT, SIG_DFL);
        if (!freopen("said", "w", stderr) || !freopen("told", "w", stdout))
            _exit(99);
        execv(Y9_BINARY_DIR "/yolo9", (char *const *)(uintptr_t)arguments);
        _exit(98);
    }
    return child;
}

static bool wait_for_text(const char *path, const char *what)
{
    char command[128];
    snprintf(command, sizeof command, "grep -q '%s' %s", what, path);
    for (int i = 0; i < 1000; i++) {
        if (path_exists(path) && system(command) == 0)
            return true;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    return false;
}

/* A thousand names of a few pictures keep it busy until the signal comes. */
static void make_many(void)
{
    need(path_make_folder("many"));
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%04d.jpg", i);
        if (link(i % 2 ? "p.jpg" : "p_2.jpg", name) != 0)
            fail_msg("%s: no link", name);
    }
}

static void expect_whole(const char *json, const char *jsonl)
{
    json_t *all, *lines = read_lines(jsonl);
    size_t boxes = 0;
    need(json_read_file(json, NULL, &all));
    for (size_t i = 0; i < json_array_size(lines); i++)
        boxes += json_array_size(json_object_get(json_array_get(lines, i), "detections"));
    assert_in_range(json_array_size(lines), 1, 999);
    assert_int_equal(json_array_size(all), boxes);
    assert_int_equal(count("i/exp -maxdepth 1 -name '*.jpg'"), json_array_size(lines));
    assert_int_equal(count(". -name '*.tmp*'"), 0);
    json_decref(all);
    json_decref(lines);
}

static void a_signal_ends_the_run_with_what_is_done(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    static const char *const jobs[] = {"0", "2"};
    make_many();
    for (int i = 0; i < 2; i++) {
        const char *const arguments[] = {"yolo9",   "detect",    "--weights", "random.safetensors",
                                         "--img",   "64",        "many",      "--conf",
                                         "0.001",   "--max-det", "2",         "--jobs",
                                         jobs[i],   "--json",    "i.json",    "--jsonl",
                                         "i.jsonl", "--project", "i",         NULL};
        int status;
        pid_t child = start(arguments);
        assert_true(wait_for_text("told", "image 3/1000"));
        assert_int_equal(kill(child, signals[i]), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 128 + signals[i]);
        assert_true(wait_for_text("said", "stopped after [0-9]* of 1000 pictures"));
        expect_whole("i.json", "i.jsonl");
        assert_int_equal(system("rm -r i i.json i.jsonl"), 0);
    }
}

static void nobody_reads_any_more(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(program_run("{ " DETECT "many --conf 0.001 --max-det 2 --json i.json --jsonl i.jsonl --project i "
                                 "2>quiet; echo $? >code; } | head -n 1; cat code",
                                 false, &out),
                     0);
    assert_non_null(strstr(out.data, "image 1/1000 many/0000.jpg"));
    assert_non_null(strstr(out.data, "\n141\n")); /* as any program whose reader has gone */
    expect_whole("i.json", "i.jsonl");
    expect_run("! grep -i 'pipe\\|stopped' quiet", 0, NULL);
    buf_free(&out);
}

/* Weights without names of classes count them by numbers, which would read as other counts. */
static void the_line_of_a_picture(void **state)
{
    (void)state;
    const struct detection found[] = {{.class = 0}, {.class = 1}, {.class = 1}};
    const struct picture_result r = {.h = 8, .w = 8, .detections = found, .count = COUNT(found)};
    struct buf text = {0};
    assert_int_equal(results_summary(&r, (const char *const[]){"bus", "11th"}, 2, &text), OK);
    assert_string_equal(text.data, "1 bus, 2 11th");
    text.size = 0;
    assert_int_equal(results_summary(&r, (const char *const[]){"0", "1"}, 2, &text), OK);
    assert_string_equal(text.data, "1 of class 0, 2 of class 1");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_results),
        cmocka_unit_test(the_line_of_a_picture),
        cmocka_unit_test(not_utf8_and_its_writing_cannot_both_be),
        cmocka_unit_test(paths_stay_below_the_run),
        cmocka_unit_test(each_picture_has_its_files),
        cmocka_unit_test(lines_also_for_pictures_without_boxes),
        cmocka_unit_test(inputs_are_not_overwritten),
        cmocka_unit_test(a_failed_start_leaves_nothing),
        cmocka_unit_test(a_signal_ends_the_run_with_what_is_done),
        cmocka_unit_test(nobody_reads_any_more),
    };
    return cmocka_run_group_tests_name("detect results", tests, make_inputs, remove_inputs);
}
