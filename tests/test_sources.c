/* What --source names: folders, patterns, lists and standard input give the pictures they should, each once and in a
 * stable order; what is passed over is counted, what holds no picture is refused by a sentence that says what it is. */
#include "core/file.h"
#include "core/path.h"
#include "core/text.h"
#include "detect/sources.h"
#include "image/encode.h"
#include "support/programs.h"
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void put(const char *path, const char *text)
{
    char *folder = path_parent(path);
    assert_int_equal(path_make_folder(folder), OK);
    assert_int_equal(file_write(path, text, strlen(text)), OK);
    mem_free(folder);
}

static int make_inputs(void **state)
{
    (void)state;
    static const char *const files[] = {
        "t/3.jpg",        "t/notes.txt",
        "t/._3.jpg",      "t/.DS_Store",
        "t/x/4.jpg",      "t/x/y/5.JPG",
        "t/x/y/clip.mp4", "t/.hid/6.jpg",
        "t/x/[1]/7.jpg",  "deep/a/b/8.png",
        "other/a.mp4",    "other/b.doc",
        "names/a\nb.jpg", "0",
        "s.streams",      "film.MP4",
    };
    program_folder(root, sizeof root);
    if (chdir(root) != 0)
        return 1;
    for (int i = 0; i < COUNT(files); i++)
        put(files[i], "x");
    path_make_folder("empty");
    path_make_folder("t/folder.jpg");
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    return chdir("/") != 0 || system(command) != 0;
}

/* `expected`: the pictures' paths with a blank between them, or a part of the sentence of a failure. */
static void expect(const char *source, bool recursive, const char *expected, struct sources *keep)
{
    struct sources s;
    struct buf found = {0};
    char *const list[] = {(char *)(uintptr_t)source};
    if (sources_expand(list, 1, recursive, &s) != OK) {
        if (!strstr(fail_text(), expected))
            fail_msg("%s: '%s' does not say '%s'", source, fail_text(), expected);
        return;
    }
    for (int i = 0; i < s.count; i++)
        assert_int_equal(buf_printf(&found, "%s%s", i ? " " : "", s.paths[i]), OK);
    assert_string_equal(found.data, expected);
    buf_free(&found);
    if (keep)
        *keep = s;
    else
        sources_free(&s);
}

static void expect_description(const struct sources *s, const char *expected)
{
    struct buf text = {0};
    assert_int_equal(sources_describe(s, &text), OK);
    assert_string_equal(text.data ? text.data : "", expected);
    buf_free(&text);
}

static void folders_give_their_pictures(void **state)
{
    (void)state;
    struct sources s;
    expect("t", false, "t/3.jpg", &s);
    expect_description(&s, "1 file that is no picture is passed over: notes.txt\n"
                           "1 hidden picture is passed over: ._3.jpg\n"
                           "2 sub-folders are not entered without --recursive: folder.jpg ...\n");
    sources_free(&s);
    expect("t", true, "t/3.jpg t/x/4.jpg t/x/[1]/7.jpg t/x/y/5.JPG", &s);
    expect_description(&s, "2 files that are no pictures are passed over: notes.txt ...\n"
                           "1 hidden picture is passed over: ._3.jpg\n");
    sources_free(&s);
    expect("deep", false, "deep: no pictures in the folder itself, but 1 sub-folder; --recursive goes through it",
           NULL);
    expect("other", false, "other: no pictures in the folder, but 2 other files (a.mp4 ...)", NULL);
    expect("empty", false, "empty: no pictures in the folder", NULL);
    expect("empty", true, "empty: no pictures in the folder", NULL);
}

/* A folder that leads back up, and two that lead to each other. */
static void links_come_to_an_end(void **state)
{
    (void)state;
    struct sources s;
    put("loop/a/1.jpg", "x");
    put("loop/b/2.jpg", "x");
    assert_int_equal(symlink("..", "loop/a/up"), 0);
    assert_int_equal(symlink("../b", "loop/a/b"), 0);
    assert_int_equal(symlink("../a", "loop/b/a"), 0);
    assert_int_equal(symlink("a/1.jpg", "loop/one.jpg"), 0); /* a picture under another name is another picture */
    expect("loop", true, "loop/one.jpg loop/a/1.jpg loop/a/b/2.jpg", &s);
    assert_int_equal(s.left_out[LEFT_LINK].count, 3);
    sources_free(&s);
    expect("loop/**/2.jpg", false, "loop/a/b/2.jpg", NULL);
}

static void patterns_go_through_levels(void **state)
{
    (void)state;
    struct sources s;
    expect("t/*.jpg", false, "t/3.jpg", NULL);
    expect("t/**/*.jpg", false, "t/3.jpg t/x/4.jpg t/x/[1]/7.jpg", NULL);
    expect("t/**", false, "t/3.jpg t/x/4.jpg t/x/[1]/7.jpg t/x/y/5.JPG", &s);
    assert_int_equal(s.left_out[LEFT_OTHER].count, 2);
    sources_free(&s);
    expect("**/4.jpg", false, "t/x/4.jpg", NULL);
    expect("**/x/**/**/[57].*", false, "t/x/[1]/7.jpg t/x/y/5.JPG", NULL);
    expect("*/x/{4,9,y/5}.{jpg,JPG}", false, "t/x/4.jpg t/x/y/5.JPG", NULL);
    expect("{t/**,deep/**}/{4,8}.*", false, "deep/a/b/8.png t/x/4.jpg", NULL);
    expect("t/x/[1]/7.jpg", false, "t/x/[1]/7.jpg", NULL); /* a name that exists is no pattern */
    expect("t/**/*.gif", false, "t/**/*.gif: no such file", NULL);
    expect("other/*", false, "other/*: no pictures among the 2 files it matches", NULL);
    expect("dee*", false, "dee*: it matches folders only", NULL);
    char bomb[800] = "";
    for (int i = 0; i < 80; i++)
        strcat(bomb, "{a,b}");
    expect(bomb, false, "too many braces", NULL);
}

static void lists_name_pictures(void **state)
{
    (void)state;
    put("l/list.txt", "\xef\xbb\xbft/3.jpg\r\n\r\n  ./9.jpg \r\nbeside.jpg\r\nt/x/4.jpg");
    put("l/beside.jpg", "x");
    expect("l/list.txt", false, "t/3.jpg l/9.jpg l/beside.jpg t/x/4.jpg", NULL);
    put("l/none.txt", "\n \n");
    expect("l/none.txt", false, "l/none.txt: the list names no pictures", NULL);
    put("l/wide.txt", "\xff\xfet");
    expect("l/wide.txt", false, "l/wide.txt: the text is not UTF-8", NULL);
    put("l/camera.txt", "t/3.jpg\nrtsp://10.0.0.1/x\n");
    expect("l/camera.txt", false, "l/camera.txt:2: rtsp://10.0.0.1/x: a stream cannot be read", NULL);
    assert_int_equal(file_write("l/zero.txt", "t/3.jpg\nt\0/4.jpg\n", 17), OK);
    expect("l/zero.txt", false, "l/zero.txt:2: a zero byte", NULL);
}

static void other_things_are_named(void **state)
{
    (void)state;
    expect("1", false, "1: a camera cannot be read", NULL);
    expect("0", false, "0", NULL); /* a file of that name wins */
    expect("https://example.org/bus.jpg", false, "a URL cannot be read", NULL);
    expect("RTMP://example.org/live", false, "a stream cannot be read", NULL);
    expect("file:///tmp/a.jpg", false, "without file://", NULL);
    expect("screen 0 100 100", false, "the screen cannot be read", NULL);
    expect("film.MP4", false, "film.MP4: a video cannot be read", NULL);
    expect("s.streams", false, "s.streams: a list of streams", NULL);
    expect("absent.jpg", false, "absent.jpg: no such file", NULL);
    expect("/dev/zero", false, "/dev/zero: is not a regular file", NULL);
    assert_int_equal(mkfifo("pipe.jpg", 0600), 0);
    expect("pipe.jpg", false, "pipe.jpg: is not a regular file", NULL);
    struct sources s;
    expect("*.jpg", false, "pipe.jpg", &s); /* said when it is read: nothing waits for a writer */
    struct image img = {0};
    assert_int_equal(sources_read(&s, 0, &img), E_IO);
    image_free(&img);
    sources_free(&s);
    assert_int_equal(unlink("pipe.jpg"), 0);
}

static void each_picture_counts_once(void **state)
{
    (void)state;
    char *const list[] = {"t/3.jpg", "t", "./t//3.jpg", "t/x/../3.jpg", "t/x", "names"};
    struct sources s;
    assert_int_equal(sources_expand(list, COUNT(list), false, &s), OK);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.paths[0], "t/3.jpg");
    assert_string_equal(s.paths[1], "t/x/4.jpg");
    assert_string_equal(s.identities[1].name, "4.jpg");
    assert_int_equal(s.identities[1].number, 4);
    assert_int_equal(s.left_out[LEFT_REPEATED].count, 3);
    char *shown = sources_shown_path(&s, 2);
    assert_string_equal(shown, "names/a?b.jpg");
    mem_free(shown);
    sources_free(&s);
}

/* Standard input is `bytes` while `source` is expanded. */
static void with_input(const char *source, const void *bytes, size_t size, const char *expected, struct sources *keep)
{
    int saved = dup(0);
    assert_int_equal(file_write("input", bytes, size), OK);
    int fd = open("input", O_RDONLY);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, 0) == 0);
    expect(source, false, expected, keep);
    assert_int_equal(dup2(saved, 0), 0);
    close(fd);
    close(saved);
}

static void standard_input_is_a_list_or_a_picture(void **state)
{
    (void)state;
    struct image img = {0}, back = {0};
    struct buf png = {0};
    struct sources s;
    with_input("-", "t/3.jpg\r\n./t/x/4.jpg\n", 21, "t/3.jpg t/x/4.jpg", NULL);
    with_input("-", "t/3.jpg\0names/a\nb.jpg\0", 22, "t/3.jpg names/a\nb.jpg", NULL);
    with_input("-", "", 0, "standard input: nothing came", NULL);
    with_input("-", "MZ\0\1\2", 5, "standard input: not a picture", NULL);
    assert_int_equal(image_init(&img, 5, 7), OK);
    memset(img.data, 9, 5 * 7 * 3);
    assert_int_equal(image_encode(&img, IMAGE_PNG, 0, &png), OK);
    with_input("-", png.data, png.size, "-/stdin.png", &s);
    assert_string_equal(s.identities[0].name, "stdin.png");
    assert_int_equal(sources_read(&s, 0, &back), OK);
    assert_int_equal(back.w, 7);
    char *shown = sources_shown_path(&s, 0);
    assert_string_equal(shown, "stdin.png");
    mem_free(shown);
    sources_free(&s);
    image_free(&img);
    image_free(&back);
    buf_free(&png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_give_their_pictures),
        cmocka_unit_test(links_come_to_an_end),
        cmocka_unit_test(patterns_go_through_levels),
        cmocka_unit_test(lists_name_pictures),
        cmocka_unit_test(other_things_are_named),
        cmocka_unit_test(each_picture_counts_once),
        cmocka_unit_test(standard_input_is_a_list_or_a_picture),
    };
    return cmocka_run_group_tests_name("sources", tests, make_inputs, remove_inputs);
}
