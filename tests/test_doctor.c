/* data/doctor and yolo9 doctor: drawn sets that are broken in many ways, each found, counted and named. */
#include "support/unit.h"

#include "cli/cli.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "core/terminal.h"
#include "data/doctor.h"
#include "data/look.h"
#include "data/synth.h"
#include "image/decode.h"
#include "image/encode.h"
#include "image/resize.h"
#include "support/image_files.h"
#include "support/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 96, TRAIN = 104, VAL = 26 };

/* --- a set for each test --- */

struct place {
    char clean[256], folder[256]; /* the drawn set, and this test's copy of it */
};

static struct place place;

static const char *in(const char *name)
{
    static char path[8][512];
    static int next;
    next = (next + 1) % 8;
    snprintf(path[next], sizeof path[next], "%s/%s", place.folder, name);
    return path[next];
}

static int draw_set(void **state)
{
    (void)state;
    program_folder(place.clean, sizeof place.clean);
    struct synth_config c = {.folder = place.clean,
                             .images = TRAIN + VAL,
                             .classes = 3,
                             .h = SIZE,
                             .w = SIZE,
                             .seed = 5,
                             .val_fraction = 0.2,
                             .quiet = true};
    return synth_write(&c) == OK ? 0 : -1;
}

static int remove_set(void **state)
{
    (void)state;
    program_remove(place.clean);
    return 0;
}

static int set_up(void **state)
{
    char command[700];
    (void)state;
    program_folder(place.folder, sizeof place.folder);
    snprintf(command, sizeof command, "cp -r '%s/.' '%s'", place.clean, place.folder);
    return system(command);
}

static int tear_down(void **state)
{
    (void)state;
    program_remove(place.folder);
    return 0;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(in(name), text, strlen(text));
}

static void append_text(const char *name, const char *text)
{
    FILE *f = fopen(in(name), "ab");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void copy_file(const char *from, const char *to)
{
    struct buf bytes = {0};
    assert_int_equal(file_read(in(from), 1 << 24, &bytes), OK);
    write_bytes(in(to), bytes.data, bytes.size);
    buf_free(&bytes);
}

static struct doctor examine(const char *yaml, bool fast)
{
    struct doctor d;
    struct doctor_config config = {.data = in(yaml), .img = SIZE, .fast = fast, .no_cache = true};
    static char kept[512];
    snprintf(kept, sizeof kept, "%s", config.data);
    config.data = kept;
    assert_int_equal(doctor_examine(&config, &d), OK);
    return d;
}

/* `count` of a kind, and one of its places names `part`. */
static void assert_found(const struct doctor *d, enum finding_kind kind, long count, const char *part)
{
    const struct finding *f = &d->report.findings[kind];
    if (f->count != count)
        fail_msg("%s: %ld, not %ld", finding_rule(kind)->id, f->count, count);
    for (int i = 0; part && i < f->n_items; i++)
        if (strstr(f->items[i].path, part) || (f->items[i].detail && strstr(f->items[i].detail, part)))
            return;
    if (part)
        fail_msg("%s: none of its %d places names %s", finding_rule(kind)->id, f->n_items, part);
}

/* --- sets --- */

static void a_clean_set_gives_no_warning(void **state)
{
    (void)state;
    struct doctor d = examine("data.yaml", false);
    struct buf text = {0};
    assert_int_equal(doctor_write(&d, 80, &text), OK);
    if (doctor_count(&d.report, DOCTOR_ERROR) || doctor_count(&d.report, DOCTOR_WARNING))
        fail_msg("%s", text.data);
    assert_non_null(strstr(text.data, "train: 104 of 104 pictures"));
    assert_int_equal(d.report.n_left_out, 0);
    buf_free(&text);
    doctor_free(&d);
}

static void labels_are_judged(void **state)
{
    (void)state;
    struct doctor d = examine("data.yaml", true);
    int whole = (int)d.report.findings[FINDING_WHOLE_BOXES].count;
    doctor_free(&d);
    write_text("labels/train/000000.txt", "0 .5 .5 .01 .3\n1 .3 .3 .2 .004\n2 .5 .5 .3 .3\n"); /* 1, 0.4 pixels */
    write_text("labels/train/000001.txt", "0 .5 .5 1 1\n0 .5 .5 0 .2\n");
    write_text("labels/train/000002.txt", "0 .05 .5 .3 .3\n0 .7 .7 .2 .2\n0 .705 .7 .2 .2\n");
    write_text("labels/train/000003.txt", "0 .3 .3 .2 .2\n1 .301 .3 .2 .2\n2 .7 .7 .2 .2\n2 .72 .7 .2 .2\n");
    write_text("labels/train/000004.txt", "0 .3 .3 .2 .2\n0 .3 .3 .2 .2\n");
    write_text("labels/train/000005.txt", "0 .3 .3 .2 .2\n9 .3 .3 .2 .2\n");
    write_text("labels/train/000006.txt", "0 .3 .3 .2 7\n");
    unlink(in("labels/train/000007.txt"));
    unlink(in("labels/train/000008.txt"));
    write_text("labels/val/000104.txt", "");
    write_text("labels/val/elsewhere.txt", "0 .3 .3 .2 .2\n");
    write_text("labels/train/000009.txt", "");
    for (int i = 0; i < 301; i++) {
        char row[64];
        snprintf(row, sizeof row, "0 %.3f %.3f .04 .04\n", 0.1 + 0.04 * (i % 20), 0.1 + 0.04 * (i / 20));
        append_text("labels/train/000009.txt", row);
    }
    d = examine("data.yaml", false);
    assert_found(&d, FINDING_TINY_BOXES, 2, "000000.jpg");
    assert_string_equal(d.report.findings[FINDING_TINY_BOXES].items[0].detail, "2 boxes");
    assert_int_equal(d.report.findings[FINDING_TINY_BOXES].items[0].n_boxes, 2);
    assert_found(&d, FINDING_WHOLE_BOXES, whole + 1, "000001.jpg");
    assert_found(&d, FINDING_NO_AREA, 1, "000001.jpg");
    assert_found(&d, FINDING_OUTSIDE, 1, "000002.jpg");
    assert_found(&d, FINDING_DOUBLE_BOXES, 1, "000002.jpg"); /* that of 000003 overlaps by 0.82 only */
    assert_found(&d, FINDING_TWO_CLASSES, 1, "000003.jpg");
    assert_found(&d, FINDING_REPEATED_ROWS, 1, "000004");
    assert_found(&d, FINDING_BAD_LABELS, 2, "000005.txt:2: class 9");
    assert_found(&d, FINDING_MISSING_LABELS, 2, "000008.jpg");
    assert_found(&d, FINDING_ORPHANS, 1, "labels/val/elsewhere.txt");
    assert_found(&d, FINDING_MANY_BOXES, 1, "000009.jpg");
    assert_int_equal(d.report.findings[FINDING_MISSING_LABELS].severity, DOCTOR_NOTE);
    assert_true(d.report.findings[FINDING_EMPTY_LABELS].count >= 1);
    doctor_free(&d);
}

static void copies_and_leaks_are_found(void **state)
{
    (void)state;
    struct image img = {0}, small = {0};
    copy_file("images/train/000000.jpg", "images/val/copy.jpg");
    copy_file("labels/train/000000.txt", "labels/val/copy.txt");
    copy_file("images/train/000001.jpg", "images/train/twin.jpg");
    write_text("labels/train/twin.txt", "2 .05 .05 .1 .1\n");
    assert_int_equal(image_read(in("images/train/000002.jpg"), &img), OK); /* shrunk, compressed anew */
    assert_int_equal(image_resize(&img, 84, 84, RESIZE_AREA, &small), OK);
    assert_int_equal(image_write_jpeg(in("images/val/shrunk.jpg"), &small, 60), OK);
    copy_file("labels/train/000002.txt", "labels/val/shrunk.txt");
    assert_int_equal(image_read(in("images/train/000003.jpg"), &img), OK); /* darker */
    for (size_t i = 0; i < (size_t)img.h * (size_t)img.w * 3; i++)
        img.data[i] = (uint8_t)(img.data[i] * 4 / 5);
    assert_int_equal(image_write_png(in("images/train/dark.png"), &img), OK);
    copy_file("labels/train/000003.txt", "labels/train/dark.txt");
    assert_int_equal(link(in("images/train/000005.jpg"), in("images/val/linked.jpg")), 0);
    copy_file("labels/train/000005.txt", "labels/val/linked.txt");

    struct doctor d = examine("data.yaml", false);
    assert_found(&d, FINDING_COPIES_ACROSS, 1, "images/val/copy.jpg");
    assert_non_null(strstr(d.report.findings[FINDING_COPIES_ACROSS].items[0].other_path, "images/train/000000.jpg"));
    assert_found(&d, FINDING_COPIES_WITHIN, 1, "images/train/twin.jpg");
    assert_found(&d, FINDING_CONFLICTS, 1, "twin.jpg");
    assert_found(&d, FINDING_NEAR_ACROSS, 1, "images/val/shrunk.jpg");
    assert_non_null(strstr(d.report.findings[FINDING_NEAR_ACROSS].items[0].other_path, "images/train/000002.jpg"));
    assert_found(&d, FINDING_NEAR_WITHIN, 1, "images/train/dark.png");
    assert_found(&d, FINDING_OVERLAP, 1, "images/val/linked.jpg");
    doctor_free(&d);

    d = examine("data.yaml", true); /* equal bytes are found without decoding, looks are not */
    assert_found(&d, FINDING_COPIES_ACROSS, 1, "images/val/copy.jpg");
    assert_found(&d, FINDING_COPIES_WITHIN, 1, "images/train/twin.jpg");
    assert_found(&d, FINDING_NEAR_ACROSS, 0, NULL);
    assert_int_equal(d.report.n_left_out, 1);
    assert_non_null(strstr(d.report.left_out[0], "--fast"));
    doctor_free(&d);
    image_free(&img);
    image_free(&small);
}

static void make_picture(const char *name, int h, int w, bool grey, const struct jpeg_recipe *recipe)
{
    struct buf bytes = {0};
    uint8_t *pixels = mem_alloc((size_t)h * (size_t)w, 3);
    assert_non_null(pixels);
    for (int i = 0; i < h * w; i++) {
        int x = i % w * 255 / w, y = i / w * 255 / h;
        pixels[3 * i] = (uint8_t)x;
        pixels[3 * i + 1] = (uint8_t)(grey ? x : y);
        pixels[3 * i + 2] = (uint8_t)(grey ? x : 255 - x);
    }
    make_jpeg(pixels, h, w, recipe, &bytes);
    write_bytes(in(name), bytes.data, bytes.size);
    buf_free(&bytes);
    mem_free(pixels);
}

static void pictures_are_judged(void **state)
{
    (void)state;
    const struct jpeg_recipe plain = {.components = 3}, turned = {.components = 3, .orientation = 6};
    struct image flat = {0};
    struct buf bytes = {0};
    struct doctor before = examine("data.yaml", true);
    long unlabelled = before.report.findings[FINDING_MISSING_LABELS].count;
    doctor_free(&before);
    assert_int_equal(image_init(&flat, SIZE, SIZE), OK);
    image_fill(&flat, 90, 90, 90);
    assert_int_equal(image_write(in("images/train/flat1.jpg"), &flat), OK);
    assert_int_equal(image_write(in("images/val/flat2.png"), &flat), OK);
    make_picture("images/train/grey.jpg", SIZE, SIZE, true, &plain);
    make_picture("images/train/turned.jpg", SIZE, SIZE / 2, false, &turned);
    make_picture("images/train/small.jpg", 20, 12, false, &plain);
    make_picture("images/train/large.jpg", 100, 400, false, &plain);
    make_picture("images/train/long.jpg", 22, 96, false, &plain);
    copy_file("images/train/000000.jpg", "images/train/disguised.png");
    copy_file("images/train/000001.jpg", "images/train/000002.png"); /* beside 000002.jpg */
    write_text("images/train/words.jpg", "no picture at all");
    write_text("images/train/notes.docx", "not used");
    assert_int_equal(path_make_folder(in("images/spare/deep")), OK);
    copy_file("images/train/000003.jpg", "images/spare/deep/1.jpg");
    copy_file("images/train/000004.jpg", "images/spare/2.jpg");
    assert_int_equal(file_read(in("images/train/000010.jpg"), 1 << 24, &bytes), OK); /* a hole, and a good end */
    memset(bytes.data + bytes.size / 2, 0xFF, bytes.size / 3);
    write_bytes(in("images/train/000010.jpg"), bytes.data, bytes.size);

    const uint8_t clear[4 * 2] = {255, 0, 0, 0, 0, 255, 0, 255};
    uint8_t *rgba = mem_alloc(SIZE * SIZE, 4);
    for (int i = 0; i < SIZE * SIZE * 4; i++)
        rgba[i] = clear[i % 4 + 4 * (i / 4 % SIZE > SIZE / 2)];
    buf_free(&bytes);
    make_webp(rgba, SIZE, SIZE, 4, 1, &bytes);
    write_bytes(in("images/train/clear.webp"), bytes.data, bytes.size);
    buf_free(&bytes);
    make_png(rgba, SIZE * 4, SIZE, SIZE, &(struct png_recipe){.colour_type = 6, .bits = 8}, &bytes);
    write_bytes(in("images/val/clear.png"), bytes.data, bytes.size);
    mem_free(rgba);

    struct doctor d = examine("data.yaml", false);
    assert_found(&d, FINDING_ALPHA, 2, "clear.webp");
    assert_found(&d, FINDING_FLAT, 2, "images/val/flat2.png");
    assert_found(&d, FINDING_GREY, 1, "grey.jpg");
    assert_found(&d, FINDING_ROTATED, 1, "turned.jpg");
    assert_found(&d, FINDING_SMALL_PICTURES, 1, "small.jpg");
    assert_found(&d, FINDING_LARGE_PICTURES, 1, "large.jpg");
    assert_found(&d, FINDING_LONG_PICTURES, 1, "long.jpg");
    assert_found(&d, FINDING_WRONG_SUFFIX, 2, "disguised.png");
    assert_found(&d, FINDING_SHARED_LABELS, 1, "000002.jpg");
    assert_found(&d, FINDING_BAD_PICTURES, 2, "words.jpg");
    assert_found(&d, FINDING_BAD_PICTURES, 2, "000010.jpg");
    assert_found(&d, FINDING_UNUSED_FILES, 1, "notes.docx");
    assert_found(&d, FINDING_UNUSED_PICTURES, 2, "images/spare");
    assert_found(&d, FINDING_MISSING_LABELS, unlabelled + 10, "flat1.jpg");
    assert_found(&d, FINDING_NEAR_ACROSS, 1, "clear.png"); /* flat pictures look alike without being the same */
    doctor_free(&d);
    image_free(&flat);
    buf_free(&bytes);
}

static void classes_are_weighed(void **state)
{
    (void)state;
    write_text("data.yaml", "train: images/train\nval: images/val\nvalidation: x\n"
                            "names: [disc, star, cross, ring, '7', disc, Ring, ' ']\n");
    append_text("labels/val/000110.txt", "3 .5 .5 .3 .3\n");
    for (int i = 0; i < 3; i++)
        append_text("labels/train/000020.txt",
                    (const char *[]){"4 .2 .2 .2 .2\n", "4 .5 .5 .2 .2\n", "4 .8 .8 .2 .2\n"}[i]);
    struct doctor d = examine("data.yaml", true);
    assert_found(&d, FINDING_NAMES_TWICE, 1, "disc");
    assert_found(&d, FINDING_NAMES_ALIKE, 1, "ring");
    assert_found(&d, FINDING_NAMES_NUMBERS, 1, "7");
    assert_found(&d, FINDING_NAMES_BLANK, 1, "class 7");
    assert_found(&d, FINDING_KEYS_UNUSED, 1, "validation");
    assert_found(&d, FINDING_UNSEEN_CLASSES, 4, "Ring");
    assert_found(&d, FINDING_VAL_ONLY_CLASSES, 1, "ring");
    assert_found(&d, FINDING_RARE_CLASSES, 1, "3 labels");
    assert_found(&d, FINDING_UNMEASURED_CLASSES, 1, "7");
    doctor_free(&d);

    write_text("list.txt", "images/train/000000.jpg\nimages/train/000001.jpg\nimages/train/000000.jpg\n"
                           "images/train/nowhere.jpg\n");
    write_text("data.yaml", "train: images/train\nval: list.txt\nnames: [disc, star, cross]\n");
    d = examine("data.yaml", true);
    assert_found(&d, FINDING_ABSENT, 1, "nowhere.jpg");
    assert_found(&d, FINDING_FEW_PICTURES, 1, "val");
    assert_true(d.report.findings[FINDING_OVERLAP].count >= 2);
    doctor_free(&d);
}

static void a_set_without_labels_is_told_where_they_are_looked_for(void **state)
{
    (void)state;
    char command[700];
    snprintf(command, sizeof command, "mv '%s/labels' '%s/annotations'", place.folder, place.folder);
    assert_int_equal(system(command), 0);
    struct doctor d = examine("data.yaml", true);
    assert_found(&d, FINDING_NO_LABELS, 2, "labels/train/000000.txt");
    assert_found(&d, FINDING_MISSING_LABELS, TRAIN + VAL, NULL);
    assert_int_equal(d.report.findings[FINDING_MISSING_LABELS].severity, DOCTOR_WARNING);
    doctor_free(&d);
}

static void other_splits_are_looked_at_when_one_fails(void **state)
{
    (void)state;
    write_text("labels/train/000000.txt", "0 .5 .5 1 1\n");
    write_text("data.yaml", "train: images/train\nval: images/nowhere\nnames: [disc, star, cross]\n");
    struct doctor d = examine("data.yaml", true);
    assert_found(&d, FINDING_SPLIT_FAULT, 1, "images/nowhere does not exist");
    assert_true(d.report.findings[FINDING_WHOLE_BOXES].count > 0);
    assert_found(&d, FINDING_UNUSED_PICTURES, 0, NULL);
    doctor_free(&d);
    write_text("data.yaml", "train: images/train\nnames: [disc]\n");
    d = examine("data.yaml", true);
    assert_found(&d, FINDING_SPLIT_MISSING, 1, "val");
    assert_true(d.report.findings[FINDING_BAD_LABELS].count > 0);
    doctor_free(&d);
    write_text("data.yaml", "train: images/train\nval: images/val\nnc: 3\n");
    d = examine("data.yaml", true);
    assert_found(&d, FINDING_NAMES_MISSING, 3, "class2");
    doctor_free(&d);
    write_text("data.yaml", "train: images/train\nval: images/val\nnc: 4\nnames: [disc, star, cross]\n");
    d = examine("data.yaml", true);
    assert_found(&d, FINDING_YAML_FAULT, 1, "nc is 4 but names has 3 entries");
    doctor_free(&d);
    d = examine("gone.yaml", true);
    assert_found(&d, FINDING_YAML_FAULT, 1, "gone.yaml");
    doctor_free(&d);
}

static void annotation_files_are_judged_too(void **state)
{
    (void)state;
    write_text("images/train/all.json",
               "{\"images\": [{\"id\": 1, \"file_name\": \"000000.jpg\", \"width\": 96, \"height\": 96},"
               "{\"id\": 2, \"file_name\": \"000001.jpg\", \"width\": 96, \"height\": 96}],"
               "\"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [0, 0, 96, 96]},"
               "{\"id\": 2, \"image_id\": 1, \"category_id\": 1, \"bbox\": [5, 5, 50, 60], \"iscrowd\": 1},"
               "{\"id\": 3, \"image_id\": 2, \"category_id\": 1, \"bbox\": [5, 5, 1, 60]}],"
               "\"categories\": [{\"id\": 1, \"name\": \"disc\"}]}");
    write_text("data.yaml", "train: images/train/all.json\nval: images/train/all.json\nnames: [disc]\n");
    struct doctor d = examine("data.yaml", false);
    assert_found(&d, FINDING_WHOLE_BOXES, 1, "000000.jpg");
    assert_found(&d, FINDING_CROWDS, 1, "000000.jpg");
    assert_found(&d, FINDING_TINY_BOXES, 1, "000001.jpg");
    assert_found(&d, FINDING_OVERLAP, 2, "000001.jpg");
    assert_found(&d, FINDING_UNUSED_PICTURES, TRAIN - 2, "000002.jpg");
    assert_found(&d, FINDING_UNUSED_FILES, 0, NULL);
    doctor_free(&d);
}

/* --- the search for near hashes --- */

struct hits {
    int count, last;
    uint8_t seen[2048];
};

static bool count_hit(void *context, int entry)
{
    struct hits *h = context;
    h->seen[entry]++;
    h->count++;
    return false;
}

static void near_hashes_are_all_found(void **state)
{
    (void)state;
    enum { N = 2000 };
    static uint64_t hashes[N];
    struct rng r = rng_seed(1, 2, 3);
    for (int i = 0; i < N; i++) { /* every second one is another with up to ten bits changed */
        hashes[i] = rng_next(&r);
        if (i % 2)
            hashes[i] = hashes[i - 1];
        for (uint64_t k = i % 2 ? rng_below(&r, 11) : 0; k; k--)
            hashes[i] ^= (uint64_t)1 << rng_below(&r, 64);
    }
    struct look_index *index;
    long pairs = 0;
    assert_int_equal(look_index_create(hashes, N, &index), OK);
    for (int i = 0; i < N; i++) {
        struct hits h = {0};
        assert_true(look_index_search(index, hashes[i], N, N * 100, count_hit, &h));
        for (int k = 0; k < N; k++) {
            bool near = __builtin_popcountll(hashes[i] ^ hashes[k]) <= LOOK_RADIUS;
            assert_int_equal(h.seen[k], near);
            pairs += near && k != i;
        }
    }
    assert_true(pairs > 1000);
    struct hits h = {0};
    assert_true(look_index_search(index, hashes[1], 1, 100, count_hit, &h));
    assert_true(h.count <= 1); /* only those before the end */
    look_index_destroy(index);

    static const uint64_t same[N];
    assert_int_equal(look_index_create(same, N, &index), OK);
    struct hits bounded = {0};
    assert_false(look_index_search(index, 0, N, 100, count_hit, &bounded));
    assert_int_equal(bounded.count, 100);
    look_index_destroy(index);
}

/* --- the verb --- */

static int run_verb(const char *words, struct buf *out)
{
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && '%s/yolo9' doctor --img %d %s 2>/dev/null", place.folder,
             Y9_BINARY_DIR, SIZE, words);
    buf_free(out);
    return program_run(command, false, out);
}

static void the_verb_tells_by_its_exit_code(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(run_verb("--data data.yaml --strict", &out), EXIT_DONE);
    assert_non_null(strstr(out.data, "0 errors, 0 warnings, "));
    assert_int_equal(run_verb("--strict", &out), EXIT_USAGE);
    assert_int_equal(run_verb("--data data.yaml --img x", &out), EXIT_USAGE);
    write_text("labels/train/000000.txt", "0 .5 .5 .01 .3\n");
    assert_int_equal(run_verb("data.yaml --name found", &out), EXIT_DONE);
    assert_non_null(strstr(out.data, "0 errors, 1 warning, "));
    assert_non_null(
        strstr(out.data, "warning  1 box under 2 pixels at --img 96\n           images/train/000000.jpg\n"));
    assert_non_null(strstr(out.data, "; sheet in runs/doctor/found/suspicious.jpg\n"));
    struct image sheet = {0};
    assert_int_equal(image_read(in("runs/doctor/found/suspicious.jpg"), &sheet), OK);
    assert_true(sheet.w > 300 && sheet.h > 200);
    image_free(&sheet);
    assert_int_equal(run_verb("data.yaml --noplots --strict --fast", &out), EXIT_FAILED);
    assert_non_null(strstr(out.data, "left out:  pictures were not decoded (--fast)"));
    assert_null(strstr(out.data, "sheet in"));
    assert_int_equal(run_verb("data.yaml --noplots --json -", &out), EXIT_DONE);
    json_t *root = json_loads(out.data, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "warnings")), 1);
    bool found = false;
    for (size_t i = 0; i < json_array_size(json_object_get(root, "findings")); i++) {
        const json_t *f = json_array_get(json_object_get(root, "findings"), i);
        if (strcmp(json_string_value(json_object_get(f, "id")), "tiny_boxes") != 0)
            continue;
        const json_t *item = json_array_get(json_object_get(f, "items"), 0);
        assert_string_equal(json_string_value(json_object_get(f, "severity")), "warning");
        assert_int_equal(json_integer_value(json_object_get(f, "count")), 1);
        assert_string_equal(json_string_value(json_object_get(item, "split")), "train");
        assert_non_null(strstr(json_string_value(json_object_get(item, "path")), "images/train/000000.jpg"));
        found = true;
    }
    assert_true(found);
    json_decref(root);
    write_text("labels/train/000001.txt", "0 .5 .5 2 .3\n");
    assert_int_equal(run_verb("data.yaml --noplots --json found.json", &out), EXIT_FAILED);
    assert_true(path_exists(in("found.json")));
    assert_int_equal(run_verb("data.yaml --json data.yaml", &out), EXIT_FAILED); /* nothing of the user's is replaced */
    assert_int_equal(run_verb("data.yaml --json nowhere/found.json", &out), EXIT_FAILED);
    assert_true(!out.size);
    buf_free(&out);
}

static void reports_fit_their_width(void **state)
{
    (void)state;
    static const int widths[] = {60, 80, 133};
    write_text("labels/train/000000.txt", "0 .5 .5 .01 .3\n1 .3 .3 1 1\n2 .5 .5 .3 .3\n");
    write_text("labels/train/000005.txt", "0 .3 .3 .2 .2\n9 .3 .3 .2 .2\n");
    copy_file("images/train/000010.jpg",
              "images/val/a_copy_with_a_name_that_is_longer_than_most_lines_of_a_terminal_can_be.jpg");
    for (int fast = 0; fast < 2; fast++) {
        struct doctor d = examine("data.yaml", fast);
        for (int i = 0; i < COUNT(widths); i++) {
            struct buf text = {0};
            assert_int_equal(doctor_write(&d, widths[i], &text), OK);
            for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n"))
                if (text_columns(line) > widths[i])
                    fail_msg("%d columns, wider than %d: %s", text_columns(line), widths[i], line);
            buf_free(&text);
        }
        doctor_free(&d);
    }
}

static void training_says_what_matters(void **state)
{
    (void)state;
    struct dataset_yaml yaml;
    struct dataset *train, *val;
    struct buf words = {0};
    const struct dataset_options options = {.no_cache = true};
    write_text("labels/train/000000.txt", "0 .5 .5 .01 .3\n0 .5 .5 .01 .4\n");
    append_text("labels/val/000110.txt", "3 .5 .5 .3 .3\n");
    write_text("data.yaml", "train: images/train\nval: images/val\nnames: [disc, star, cross, ring, spark]\n");
    assert_int_equal(dataset_yaml_open(in("data.yaml"), &yaml), OK);
    assert_int_equal(dataset_load(&yaml, SPLIT_TRAIN, &options, &train), OK);
    assert_int_equal(dataset_load(&yaml, SPLIT_VAL, &options, &val), OK);
    assert_int_equal(doctor_opening(train, val, SIZE, &words), OK);
    assert_non_null(strstr(words.data, "2 boxes under 2 pixels at --img 96: 000000.jpg (2 boxes). "));
    assert_non_null(strstr(words.data, "2 classes without a label in train: ring, spark. "));
    assert_non_null(strstr(words.data, "1 class that val has but train has not: ring (1 label). "));
    assert_null(strstr(words.data, "two splits"));
    buf_free(&words);
    assert_int_equal(doctor_opening(train, train, SIZE, &words), OK);
    assert_non_null(strstr(words.data, "104 picture files in two splits: "));
    buf_free(&words);
    train->summary.objects = 0;
    assert_int_equal(doctor_opening(train, val, SIZE, &words), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "none of the 104 training pictures has a label"));
    buf_free(&words);
    dataset_destroy(train);
    dataset_destroy(val);
    dataset_yaml_close(&yaml);
}

static void every_finding_is_documented(void **state)
{
    (void)state;
    struct buf page = {0};
    assert_int_equal(file_read(Y9_SOURCE_DIR "/docs/DATA.md", 1 << 20, &page), OK);
    for (int k = 0; k < FINDING_KINDS; k++) {
        char mark[64];
        snprintf(mark, sizeof mark, "| `%s` |", finding_rule((enum finding_kind)k)->id);
        if (!strstr(page.data, mark))
            fail_msg("docs/DATA.md says nothing of %s", mark);
    }
    buf_free(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clean_set_gives_no_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_are_judged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copies_and_leaks_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pictures_are_judged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(classes_are_weighed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_without_labels_is_told_where_they_are_looked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_splits_are_looked_at_when_one_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(annotation_files_are_judged_too, set_up, tear_down),
        cmocka_unit_test(near_hashes_are_all_found),
        cmocka_unit_test_setup_teardown(the_verb_tells_by_its_exit_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reports_fit_their_width, set_up, tear_down),
        cmocka_unit_test_setup_teardown(training_says_what_matters, set_up, tear_down),
        cmocka_unit_test(every_finding_is_documented),
    };
    return cmocka_run_group_tests_name("doctor", tests, draw_set, remove_set);
}
