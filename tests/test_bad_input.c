/* Bad input, from outside: damaged and hostile files, impossible options, outputs that cannot be written. The program
 * must say one sentence, return the right code and leave nothing half-written. */
#include "core/buf.h"
#include "core/mem.h"
#include "image/decode.h"
#include "image/encode.h"
#include "support/make_files.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum { PLACES = 50 };

#define DETECT     "detect --img 64 --threads 1 --project out --weights "
#define QUANTIZE   "quantize --weights in/good.safetensors --img 64 --threads 1 --out out/w.safetensors --data "
#define DETECT_ALL DETECT "in/good.safetensors --conf 0 --max-det 50 "

/* The tests run in a temporary folder: inputs in in/, outputs in out/, the two streams beside them. */
struct place {
    char root[64];
    bool mounted;
};

/* --- files --- */

static void put(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static void get(const char *path, struct buf *out)
{
    if (file_read(path, (size_t)1 << 28, out) != OK)
        fail_msg("%s", fail_text());
}

static void need(enum status rc)
{
    if (rc != OK)
        fail_msg("%s", fail_text());
}

/* A picture of noise, which no encoder makes small. */
static void put_picture(const char *path, int h, int w)
{
    struct image img = {0};
    uint32_t x = 1;
    need(image_init(&img, h, w));
    for (size_t i = 0; i < (size_t)h * (size_t)w * 3; i++) {
        x = x * 1664525 + 1013904223;
        img.data[i] = (uint8_t)(x >> 24);
    }
    need(image_write(path, &img));
    image_free(&img);
}

static void make_pictures(void)
{
    struct buf file = {0};
    put_picture("in/good.png", 200, 200);
    put_picture("in/good.jpg", 96, 128);
    put_picture("in/good.webp", 96, 128);
    put_picture("in/one.png", 1, 1);
    put_picture("in/one.jpg", 1, 1);
    put_picture("in/wide.png", 1, 30000);
    put_picture("in/wide.jpg", 1, 30000);
    put_picture("in/tall.png", 30000, 1);
    get("in/good.png", &file);
    memset(file.data + 16, 0, 8); /* width and height of IHDR, whose sum follows its 17 bytes */
    uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)file.data + 12, 17);
    for (int i = 0; i < 4; i++)
        file.data[29 + i] = (char)(sum >> (24 - 8 * i));
    put("in/0x0.png", file.data, file.size);
    get("in/good.jpg", &file);
    for (size_t i = 0; i + 9 < file.size; i++) {
        if ((unsigned char)file.data[i] == 0xff && (unsigned char)file.data[i + 1] == 0xc0) {
            memset(file.data + i + 5, 0, 4); /* height and width of the frame */
            break;
        }
    }
    put("in/0x0.jpg", file.data, file.size);
    buf_free(&file);
    put_text("in/text.jpg", "this is no picture\n");
}

/* A safetensors file: a claimed header length, a header, `size` zero bytes. */
static void put_safetensors(const char *path, uint64_t length, const char *header, size_t size)
{
    struct buf file = {0};
    char zero[64] = {0}, head[8];
    for (int i = 0; i < 8; i++)
        head[i] = (char)(length >> (8 * i));
    assert_true(size <= sizeof zero);
    need(buf_append(&file, head, sizeof head));
    need(buf_append(&file, header, strlen(header)));
    need(buf_append(&file, zero, size));
    put(path, file.data, file.size);
    buf_free(&file);
}

static void put_tensors(const char *path, const char *header, size_t size)
{
    put_safetensors(path, strlen(header), header, size);
}

static void put_value(const char *path, struct weights *w, float value)
{
    float kept = w->params[100];
    w->params[100] = value;
    need(weights_save(path, w, false, false));
    w->params[100] = kept;
}

static void make_weights(void)
{
    struct weights w = {0};
    need(weights_random("gelan-t", 2, 1, &w));
    need(weights_save("in/good.safetensors", &w, false, false));
    put_value("in/nan.safetensors", &w, NAN);
    put_value("in/inf.safetensors", &w, INFINITY);
    weights_free(&w);
    put_safetensors("in/length63.safetensors", (uint64_t)1 << 63, "{}", 0);
    put_safetensors("in/length63less.safetensors", ((uint64_t)1 << 63) - 1, "{}", 0);
    put_safetensors("in/length64.safetensors", UINT64_MAX, "{}", 0);
    put_safetensors("in/length0.safetensors", 0, "", 16);
    put_tensors("in/none.safetensors", "{}", 0);
    put_tensors("in/json.safetensors", "{\"a\": [", 0);
    put_tensors("in/overlap.safetensors",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[8,24]}}",
                24);
    put_tensors("in/outside.safetensors",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[9223372036854775807,16]}}", 16);
    put_tensors("in/huge.safetensors",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,16]}}", 16);
    put_tensors("in/other.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16);
}

static void put_zip(const char *path, const struct zip_part *parts, int count)
{
    struct buf file = {0};
    make_zip(&file, parts, count, false);
    put(path, file.data, file.size);
    buf_free(&file);
}

static void make_archives(void)
{
    enum { BOMB = 96 << 20 };
    struct buf pickle = {0};
    pickle_begin(&pickle);
    pickle_put_global(&pickle, "os", "system");
    pickle_put_text(&pickle, "touch out/called");
    pickle_op(&pickle, "\x85R.");
    struct zip_part parts[2] = {{.name = "x/data.pkl", .data = pickle.data, .size = pickle.size}};
    put_zip("in/system.pt", parts, 1);
    buf_free(&pickle);

    char *zeros = mem_calloc(BOMB, 1);
    assert_non_null(zeros);
    parts[0] = (struct zip_part){.name = "x/data.pkl", .data = zeros, .size = BOMB, .deflate = true};
    put_zip("in/bomb.pt", parts, 1);
    parts[0] = (struct zip_part){
        .name = "x/data.pkl", .data = zeros, .size = 1000, .deflate = true, .claim_size = UINT32_MAX - 1};
    put_zip("in/claim.pt", parts, 1);
    parts[0] = (struct zip_part){.name = "x/data.pkl", .data = zeros, .size = 1000};
    parts[1] = (struct zip_part){.name = "x/data/00", .data = zeros, .size = 2000, .shift_offset = -1040};
    put_zip("in/nested.pt", parts, 2);
    mem_free(zeros);
}

static void make_tables(void)
{
    static const struct {
        const char *path, *rows;
    } tables[] = {
        {"in/self.yaml", "- [-1, 1, Conv, [16, 3, 2]]\n- [1, 1, Conv, [16, 3, 2]]\n"},
        {"in/loop.yaml", "- [-1, 1, Conv, [16, 3, 2]]\n- [2, 1, Conv, [16]]\n- [1, 1, Conv, [16]]\n"},
        {"in/forward.yaml", "- [-1, 1, Conv, [16, 3, 2]]\n- [[-1, 3], 1, Concat, [1]]\n- [-1, 1, Conv, [16]]\n"},
        {"in/before.yaml", "- [-5, 1, Conv, [16, 3, 2]]\n"},
        {"in/module.yaml", "- [-1, 1, Conv, [16, 3, 2]]\n- [-1, 1, Konvolution, [16]]\n"},
        {"in/channels.yaml",
         "- [-1, 1, Conv, [8]]\n- [0, 1, CBLinear, [[8]]]\n- [0, 1, Conv, [16]]\n- [[1, 2], 1, CBFuse, [[0]]]\n"},
        {"in/sizes.yaml", "- [-1, 1, Conv, [16, 3, 2]]\n- [-1, 1, Conv, [16, 3, 2]]\n- [[0, 1], 1, Concat, [1]]\n"},
        {"in/alias.yaml", "- &row [-1, 1, Conv, *row]\n"},
        {"in/memory.yaml", "- [-1, 1, Conv, [99999999, 99]]\n"},
    };
    for (int i = 0; i < COUNT(tables); i++) {
        char text[512];
        snprintf(text, sizeof text, "nc: 2\nbackbone:\n%shead:\n- [[-1], 1, DDetect, [nc]]\n", tables[i].rows);
        put_text(tables[i].path, text);
    }
    put_text("in/unfinished.yaml", "nc: [2\n");
}

static int make_inputs(void **state)
{
    struct place *p = mem_calloc(1, sizeof *p);
    snprintf(p->root, sizeof p->root, "/tmp/y9-bad-XXXXXX");
    if (!mkdtemp(p->root) || chdir(p->root) != 0 || mkdir("in", 0777) || mkdir("out", 0777) || mkdir("full", 0777) ||
        mkdir("in/folder", 0777))
        return -1;
    *state = p;
    static const char *const empty[] = {"jpg", "png", "pt", "safetensors", "yaml", "txt"};
    for (int i = 0; i < COUNT(empty); i++) {
        char path[64];
        snprintf(path, sizeof path, "in/empty.%s", empty[i]);
        put_text(path, "");
    }
    put_text("in/folder/readme.md", "no picture\n");
    put_text("in/data.yaml", "path: in\ntrain: folder\nval: folder\nnames: [a, b]\n");
    put_text("in/absent.yaml", "path: in\ntrain: nowhere\nval: nowhere\nnames: [a, b]\n");
    make_pictures();
    make_weights();
    make_archives();
    make_tables();
    return 0;
}

static int remove_inputs(void **state)
{
    struct place *p = *state;
    char command[128];
    if (p->mounted)
        umount2("full", MNT_DETACH);
    snprintf(command, sizeof command, "rm -rf '%s'", p->root);
    int rc = chdir("/") || system(command);
    mem_free(p);
    return rc;
}

/* --- running --- */

/* Runs yolo9 in the temporary folder with these arguments (shell words). A sanitizer's report is code 99. */
static int run(const char *arguments, struct buf *errors)
{
    char command[1024];
    snprintf(command, sizeof command,
             "ASAN_OPTIONS=$ASAN_OPTIONS:exitcode=99 UBSAN_OPTIONS=$UBSAN_OPTIONS:exitcode=99 "
             "timeout 120 %s/yolo9 %s 2>stderr.txt >stdout.txt",
             Y9_BINARY_DIR, arguments);
    int status = system(command);
    get("stderr.txt", errors);
    if (!WIFEXITED(status))
        fail_msg("yolo9 %s: killed: %s", arguments, errors->data);
    return WEXITSTATUS(status);
}

static bool prints(const char *command, struct buf *out)
{
    char chunk[4096];
    buf_free(out);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        need(buf_append(out, chunk, n));
    assert_int_equal(pclose(pipe), 0);
    return out->size > 0;
}

/* No output under its name, no temporary file anywhere; the run's folder may have been made. */
static void nothing_left(const char *arguments)
{
    struct buf found = {0};
    if (prints("find out ! -type d; find full -type f ! -name filler; find . -name '*.tmp*'", &found))
        fail_msg("yolo9 %s left %s", arguments, found.data);
    buf_free(&found);
    assert_int_equal(system("rm -rf out && mkdir out"), 0);
}

/* What a run must come to: its code and one line "yolo9 VERB: ..." that says both words. */
struct bad {
    const char *arguments;
    int code;
    const char *name, *fault;
    int notes; /* lines before it that are no faults */
};

static void refuse(const struct bad *c)
{
    struct buf errors = {0};
    int code = run(c->arguments, &errors), lines = 0;
    const char *last = errors.data;
    if (!errors.size)
        fail_msg("yolo9 %s: code %d without a word", c->arguments, code);
    for (const char *p = errors.data; *p; p++) {
        lines += *p == '\n';
        if (*p == '\n' && p[1])
            last = p + 1;
    }
    char prefix[32];
    snprintf(prefix, sizeof prefix, "yolo9 %.*s: ", (int)strcspn(c->arguments, " "), c->arguments);
    if (code != c->code || lines != 1 + c->notes || strncmp(last, prefix, strlen(prefix)) != 0 ||
        !strstr(last, c->name) || !strstr(last, c->fault) || errors.data[errors.size - 1] != '\n')
        fail_msg("yolo9 %s: code %d, %d lines; wanted %d and a line with \"%s\" and \"%s\"; got:\n%s", c->arguments,
                 code, lines, c->code, c->name, c->fault, errors.data);
    buf_free(&errors);
    nothing_left(c->arguments);
}

static void refuse_all(const struct bad *cases, int count)
{
    for (int i = 0; i < count; i++)
        refuse(&cases[i]);
}

/* --- the table --- */

static void bad_weights(void **state)
{
    (void)state;
    static const struct {
        const char *name, *fault;
    } files[] = {
        {"in/empty.pt", "empty"},
        {"in/empty.safetensors", "empty"},
        {"in/good.png", "neither"},
        {"in/missing.pt", "No such file"},
        {"in/folder", "is a folder"},
        {"in/length63.safetensors", "neither"},
        {"in/length63less.safetensors", "neither"},
        {"in/length64.safetensors", "neither"},
        {"in/length0.safetensors", ""},
        {"in/none.safetensors", ""},
        {"in/json.safetensors", ""},
        {"in/overlap.safetensors", "overlap"},
        {"in/outside.safetensors", "a"},
        {"in/huge.safetensors", "overflow"},
        {"in/other.safetensors", ""},
        {"in/nan.safetensors", "holds NaN"},
        {"in/inf.safetensors", "holds infinity"},
        {"in/system.pt", "os.system"},
        {"in/bomb.pt", "limit"},
        {"in/claim.pt", "claims 4294967294 bytes"},
        {"in/nested.pt", ""},
    };
    for (int i = 0; i < COUNT(files); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "convert %s out/w.safetensors", files[i].name);
        refuse(&(struct bad){arguments, 1, files[i].name, files[i].fault, 0});
    }
    static const struct bad cases[] = {
        {DETECT "in/nan.safetensors in/good.png", 1, "in/nan.safetensors", "holds NaN", 0},
        {DETECT "in/system.pt in/good.png", 1, "in/system.pt", "os.system", 0},
        /* told before the dataset is read, which would be another line */
        {"val --no-cache --weights in/system.pt --data in/data.yaml", 1, "in/system.pt", "os.system", 0},
        {"train --no-cache --weights in/system.pt --data in/data.yaml", 1, "in/system.pt", "os.system", 0},
        {"train --no-cache --cfg gelan-t --freeze 99 --data in/data.yaml", 2, "freeze 99", "rows 0 to", 0},
        {"train --no-cache --cfg gelan-t --device 0 --sync-bn --local_rank 1 --freeze 99 --data in/data.yaml", 2,
         "freeze 99", "rows 0 to", 1}, /* one note on options without effect */
        {"info --weights in/overlap.safetensors", 1, "in/overlap.safetensors", "overlap", 0},
        {"export --weights in/bomb.pt --out out/w.onnx", 1, "in/bomb.pt", "limit", 0},
        {"export --weights in/nan.safetensors --out out/w.onnx", 1, "in/nan.safetensors", "holds NaN", 0},
    };
    refuse_all(cases, COUNT(cases));
}

static void bad_pictures(void **state)
{
    (void)state;
    static const char *const files[] = {"in/empty.jpg", "in/empty.png", "in/0x0.png", "in/0x0.jpg", "in/text.jpg"};
    for (int i = 0; i < COUNT(files); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, DETECT_ALL "%s --save-txt --save-crop --json out/x.json", files[i]);
        refuse(&(struct bad){arguments, 1, files[i], "", 0});
    }
    static const struct bad cases[] = {
        {DETECT_ALL "in/missing.jpg", 1, "in/missing.jpg", "no such file", 0},
        {DETECT_ALL "in/folder", 1, "in/folder", "no pictures", 0},
        {DETECT_ALL "'in/*.md'", 1, "in/*.md", "no such file", 0},
        {DETECT_ALL "in/empty.txt", 1, "in/empty.txt", "no pictures", 0},
        {DETECT_ALL "in/nan.safetensors", 2, "in/nan.safetensors", "two weight files", 0},
    };
    refuse_all(cases, COUNT(cases));
}

static void bad_options(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {DETECT_ALL "in/good.png --img 0", 2, "--img", "between", 0},
        {DETECT_ALL "in/good.png --img 64 64 64", 2, "--img", "at most", 0},
        {DETECT_ALL "in/good.png --img 9999999999", 2, "--img", "whole number", 0},
        {DETECT "in/good.safetensors in/good.png --conf 2", 2, "--conf", "between 0 and 1", 0},
        {DETECT "in/good.safetensors in/good.png --conf nan", 2, "--conf", "number", 0},
        {DETECT "in/good.safetensors in/good.png --iou -1", 2, "--iou", "between 0 and 1", 0},
        {DETECT "in/good.safetensors in/good.png --max-det 0", 2, "--max-det", "between", 0},
        {DETECT "in/good.safetensors in/good.png --classes 7", 2, "--classes 7", "0 to 1", 0},
        {"export --cfg gelan-t --img 0 --out out/w.onnx", 2, "--img", "between", 0},
        {"val --img 0", 2, "--img", "between", 0},
        {"val --conf 2", 2, "--conf", "between", 0},
        {DETECT_ALL "in/good.png --precision int8", 1, "in/good.safetensors", "yolo9 quantize", 0},
        {DETECT_ALL "in/good.png --precision fp16", 2, "fp16", "fp32, bf16 or int8", 0},
        {DETECT_ALL "in/good.png --precision fp32 --half", 2, "--half", "not fp32", 0},
        {QUANTIZE "in/data.yaml --images 0", 2, "--images", "between", 0},
        {QUANTIZE "in/data.yaml --clip none", 2, "--clip none", "minmax, percentile or mse", 0},
        {QUANTIZE "in/data.yaml --budget nan", 2, "--budget", "number", 0},
    };
    refuse_all(cases, COUNT(cases));
}

static void bad_tables(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"info in/self.yaml", 1, "in/self.yaml:4: ", "reads itself", 0},
        {"info in/loop.yaml", 1, "in/loop.yaml:4: ", "comes later", 0},
        {"info in/forward.yaml", 1, "in/forward.yaml:4: ", "comes later", 0},
        {"info in/before.yaml", 1, "in/before.yaml:3: ", "does not exist", 0},
        {"info in/module.yaml", 1, "in/module.yaml:4: ", "no module Konvolution", 0},
        {"info in/channels.yaml", 1, "in/channels.yaml:6: ", "8 channels, the target has 16", 0},
        {"info in/sizes.yaml", 1, "in/sizes.yaml:5: ", "model.2: maps of", 0},
        {"info in/alias.yaml", 1, "in/alias.yaml:3", "", 0},
        {"info in/memory.yaml", 1, "in/memory.yaml:3: ", "99999999", 0},
        {"info in/unfinished.yaml", 1, "in/unfinished.yaml:", "", 0},
        {"info in/empty.yaml", 1, "in/empty.yaml:1: ", "", 0},
        {"info in/missing.yaml", 1, "in/missing.yaml", "no such file", 0},
        {"export --cfg in/loop.yaml --out out/w.onnx", 1, "in/loop.yaml:4: ", "comes later", 0},
        {"convert in/good.safetensors out/w.safetensors --cfg in/loop.yaml", 1, "in/loop.yaml:4: ", "comes later", 0},
    };
    refuse_all(cases, COUNT(cases));
}

static void bad_datasets(void **state)
{
    (void)state;
#define VAL "val --weights in/good.safetensors --img 64 --threads 1 --project out --json out/x.json --data "
    static const struct bad cases[] = {
        {VAL "in/missing.yaml", 1, "in/missing.yaml", "No such file", 0},
        {VAL "in/empty.yaml", 1, "in/empty.yaml", "", 0},
        {VAL "in/good.png", 1, "in/good.png", "", 0},
        {VAL "in/absent.yaml", 1, "nowhere", "", 0},
        {VAL "in/data.yaml", 1, "folder", "no picture", 0},
        {QUANTIZE "in/missing.yaml", 1, "in/missing.yaml", "No such file", 0},
        {QUANTIZE "in/absent.yaml", 1, "nowhere", "", 0},
        {QUANTIZE "in/data.yaml", 1, "folder", "no picture", 0},
    };
#undef VAL
    refuse_all(cases, COUNT(cases));
}

static void unwritable_outputs(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"convert in/good.safetensors out/no/w.safetensors", 1, "out/no/w.safetensors", "cannot be written", 0},
        {"convert in/good.safetensors in/good.png/w.safetensors", 1, "in/good.png/w.safetensors", "cannot be written",
         0},
        {"convert in/good.safetensors in/folder", 1, "in/folder", "cannot be written", 0},
        {"convert in/good.safetensors /proc/w.safetensors", 1, "/proc/w.safetensors", "cannot be written", 0},
        {"export --weights in/good.safetensors --img 64 --out out/no/w.onnx", 1, "out/no/w.onnx", "cannot be written",
         0},
        {DETECT_ALL "in/good.png --project in/good.png", 1, "in/good.png", "cannot be made", 0},
        {DETECT_ALL "in/good.png --project /proc/x", 1, "/proc/x", "cannot be made", 0},
        {DETECT_ALL "in/good.png --nosave --json out/no/x.json", 1, "out/no/x.json", "cannot be written", 0},
        {"info gelan-t --json out/no/x.json", 1, "out/no/x.json", "cannot be written", 0},
    };
    refuse_all(cases, COUNT(cases));
    if (geteuid() == 0) {
        print_message("a folder without the right to write: not tried, root may\n");
        return;
    }
    assert_int_equal(mkdir("out/locked", 0555), 0);
    refuse(&(struct bad){"convert in/good.safetensors out/locked/w.safetensors", 1, "out/locked/w.safetensors",
                         "Permission denied", 1});
}

static void full_disk(void **state)
{
    struct place *p = *state;
    struct buf errors = {0};
    if (geteuid() != 0 || mount("tmpfs", "full", "tmpfs", 0, "size=64k") != 0) {
        print_message("skipped: a small tmpfs cannot be mounted here\n");
        skip();
    }
    p->mounted = true;
    static const struct bad small[] = {
        {"convert in/good.safetensors full/w.safetensors", 1, "full/w.safetensors", "No space left", 1},
        {"convert in/good.safetensors full/w.safetensors --deploy --half", 1, "full/w.safetensors", "No space left", 1},
        {"export --weights in/good.safetensors --img 64 --out full/w.onnx", 1, "full/w.onnx", "No space left", 0},
        {DETECT_ALL "in/good.png --project full", 1, "good.png", "No space left", 0},
    };
    refuse_all(small, COUNT(small));
    assert_int_not_equal(system("rm -rf full/exp*; cat /dev/zero >full/filler 2>errors.txt"), 0);
    static const struct bad filled[] = {
        {DETECT_ALL "in/good.png --nosave --project full --save-txt", 1, "good.txt", "No space left", 0},
        {DETECT_ALL "in/good.jpg --nosave --project full --save-crop", 1, "good", "No space left", 0},
        {DETECT_ALL "in/good.png --nosave --json full/x.json", 1, "full/x.json", "No space left", 0},
        {"info gelan-t --json full/x.json", 1, "full/x.json", "No space left", 0},
    };
    refuse_all(filled, COUNT(filled));
    /* an older file keeps its bytes */
    assert_int_equal(system("rm full/filler && echo old >full/filler"), 0);
    assert_int_equal(run("convert in/good.safetensors full/filler", &errors), 1);
    get("full/filler", &errors);
    assert_string_equal(errors.data, "old\n");
    nothing_left("convert in/good.safetensors full/filler");
    assert_int_equal(umount("full"), 0);
    p->mounted = false;
    buf_free(&errors);
}

static void small_and_long_pictures_work(void **state)
{
    (void)state;
    static const char *const files[] = {"one.png", "one.jpg", "wide.png", "wide.jpg", "tall.png"};
    struct buf errors = {0};
    struct image img = {0};
    for (int i = 0; i < COUNT(files); i++) {
        for (int rect = 0; rect < 2; rect++) {
            char arguments[256], path[64];
            snprintf(arguments, sizeof arguments, DETECT_ALL "in/%s --save-txt --save-crop --json out/x.json%s",
                     files[i], rect ? " --rect" : "");
            int code = run(arguments, &errors);
            if (code != 0)
                fail_msg("yolo9 %s: code %d: %s", arguments, code, errors.data);
            snprintf(path, sizeof path, "out/exp/%s", files[i]);
            need(image_read(path, &img));
            assert_int_equal(access("out/x.json", R_OK), 0);
            assert_int_equal(system("rm -rf out && mkdir out"), 0);
        }
    }
    image_free(&img);
    buf_free(&errors);
}

/* --- truncation --- */

/* The file is cut shorter and shorter: read in this process at every place, by the program at a few. */
static void cut(const char *path, const char *name, const char *arguments)
{
    struct buf file = {0};
    struct image img = {0};
    struct checkpoint ckpt;
    size_t spare = strstr(name, ".jpg") ? 4 : 0; /* the end marker, and up to two bytes of filling before it */
    bool picture = spare || strstr(name, ".png") || strstr(name, ".webp");
    get(path, &file);
    put(name, file.data, file.size);
    need(picture ? image_read(name, &img) : checkpoint_open(name, &ckpt));
    if (!picture)
        checkpoint_close(&ckpt);
    for (int i = PLACES - 1; i >= 0; i--) {
        size_t size = i == PLACES - 1 ? file.size - 1 - spare : file.size * (size_t)i / PLACES;
        assert_int_equal(truncate(name, (off_t)size), 0);
        enum status rc = picture ? image_read(name, &img) : checkpoint_open(name, &ckpt);
        if (rc == OK || !strstr(fail_text(), name) || strchr(fail_text(), '\n'))
            fail_msg("%s of %zu bytes, cut to %zu: status %d, %s", path, file.size, size, (int)rc, fail_text());
        if (i % 16 == 1)
            refuse(&(struct bad){arguments, 1, name, "", 0});
    }
    image_free(&img);
    buf_free(&file);
}

static void truncated_pictures(void **state)
{
    (void)state;
    cut("in/good.jpg", "in/cut.jpg", DETECT_ALL "in/cut.jpg");
    cut("in/good.png", "in/cut.png", DETECT_ALL "in/cut.png");
    cut("in/good.webp", "in/cut.webp", DETECT_ALL "in/cut.webp");
}

static void truncated_weights(void **state)
{
    (void)state;
    cut("in/good.safetensors", "in/cut.safetensors", "convert in/cut.safetensors out/w.safetensors");
}

static void truncated_checkpoint(void **state)
{
    (void)state;
    cut(golden_file("pt/tiny-last.pt"), "in/cut.pt", "convert in/cut.pt out/w.safetensors");
}

int main(void)
{
    setenv("LSAN_OPTIONS", "print_suppressions=0", 1); /* its summary is not one of our sentences */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_weights),
        cmocka_unit_test(bad_pictures),
        cmocka_unit_test(bad_options),
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(bad_datasets),
        cmocka_unit_test(unwritable_outputs),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(small_and_long_pictures_work),
        cmocka_unit_test(truncated_pictures),
        cmocka_unit_test(truncated_weights),
        cmocka_unit_test(truncated_checkpoint),
    };
    return cmocka_run_group_tests_name("bad input", tests, make_inputs, remove_inputs);
}
