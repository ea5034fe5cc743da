/* Texts from outside: as lines, as JSON, as names of files; and files that are no ordinary files, read and written. */
#include "core/file.h"
#include "core/file_name.h"
#include "core/path.h"
#include "core/text.h"
#include "support/programs.h"
#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void characters_are_decoded(void **state)
{
    (void)state;
    unsigned c;
    assert_int_equal(text_decode("a", &c), 1);
    assert_int_equal(text_decode("\xc3\xa9", &c), 2);
    assert_int_equal(c, 0xe9);
    assert_int_equal(text_decode("\xf0\x9f\x9a\x97", &c), 4);
    assert_int_equal(c, 0x1f697);
    static const char *const wrong[] = {"\xe9", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"};
    for (int i = 0; i < COUNT(wrong); i++)
        assert_int_equal(text_decode(wrong[i], &c), 0);
}

static void lines_stay_lines(void **state)
{
    (void)state;
    char text[] = "a\nb\r\tc\x1b[31m \xc2\x9b\xe2\x80\xa8 caf\xc3\xa9 \xe9";
    text_one_line(text);
    assert_string_equal(text, "a?b??c?[31m ?? caf\xc3\xa9 \xe9");
    fail(E_IO, "%s: gone", "two\nlines");
    assert_string_equal(fail_text(), "two?lines: gone");
    char path[3001];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    fail(E_IO, "%s: the fault", path); /* of a very long path both ends are told */
    assert_memory_equal(fail_text(), "xxxx", 4);
    assert_non_null(strstr(fail_text(), "xxx: the fault"));
}

static void json_gets_utf8(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *plain = "50% caf\xc3\xa9.jpg";
    assert_ptr_equal(text_utf8(&arena, plain), plain);
    assert_string_equal(text_utf8(&arena, "50% caf\xe9.jpg"), "50%25 caf%E9.jpg");
    arena_free(&arena);
}

static void expect_name(const char *text, const char *name)
{
    char out[FILE_NAME_SIZE];
    file_name_of(text, out);
    assert_string_equal(out, name);
}

static void texts_become_names(void **state)
{
    (void)state;
    char longer[1001], cut[FILE_NAME_SIZE], other[FILE_NAME_SIZE];
    expect_name("person", "person");
    expect_name("traffic light", "traffic light");
    expect_name("\xe4\xba\xba", "\xe4\xba\xba");
    expect_name("and/or", "and_or");
    expect_name("..", "__");
    expect_name("../../etc/passwd", "___.._etc_passwd");
    expect_name("/", "_");
    expect_name("a\\b\nc\xff", "a_b_c_");
    expect_name(".hidden", "_hidden");
    expect_name("", "_");
    for (size_t i = 0; i + 1 < sizeof longer; i++)
        longer[i] = "\xc3\xa9"[i % 2];
    longer[sizeof longer - 1] = 0;
    file_name_of(longer, cut);
    assert_in_range(strlen(cut), 150, 200);
    for (const char *p = cut; *p; p += text_decode(p, NULL))
        assert_true(text_decode(p, NULL) > 0); /* no character is cut in two */
    longer[998] = 0;
    file_name_of(longer, other);
    assert_string_not_equal(cut, other); /* the hash tells them apart */
}

static void names_never_meet(void **state)
{
    (void)state;
    static const char *const texts[] = {"a/b", "a_b", "a\\b", "cat", "", "_", "a_b~0", "cat"};
    struct arena arena;
    const char **names;
    arena_init(&arena);
    assert_int_equal(file_names_of(texts, COUNT(texts), &arena, &names), OK);
    for (int i = 0; i < COUNT(texts); i++) {
        char alone[FILE_NAME_SIZE];
        file_name_of(names[i], alone);
        assert_string_equal(names[i], alone);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
    assert_string_equal(names[1], "a_b"); /* a plain word keeps its name */
    assert_string_equal(names[3], "cat");
    assert_string_equal(names[5], "_");
    assert_int_equal(file_names_of(NULL, 0, &arena, &names), OK);
    arena_free(&arena);
}

static void names_fit_with_their_endings(void **state)
{
    (void)state;
    char stem[FILE_NAME_SIZE], out[FILE_NAME_SIZE];
    memset(stem, 's', 251);
    stem[251] = 0;
    file_name_fit("short", ".txt", out);
    assert_string_equal(out, "short.txt");
    file_name_fit(stem, ".txt", out);
    assert_int_equal(strlen(out), 255); /* just fits */
    assert_memory_equal(out, stem, 251);
    file_name_fit(stem, "_12.jpg", out);
    assert_in_range(strlen(out), 250, 255);
    assert_string_equal(out + strlen(out) - 7, "_12.jpg");
}

/* A pipe without a writer, a device: refused at once. Outputs: a device is written to, a link's target is replaced. */
static void files_that_are_no_files(void **state)
{
    (void)state;
    char folder[64], name[280];
    struct buf b = {0};
    struct stat st;
    program_folder(folder, sizeof folder);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(file_read("pipe", 100, &b), E_IO);
    assert_string_equal(fail_text(), "pipe: is not a regular file");
    assert_int_equal(file_write("real", "old", 3), OK);
    assert_int_equal(symlink("real", "link"), 0);
    assert_int_equal(file_write("link", "new", 3), OK);
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(file_read("real", 100, &b), OK);
    assert_string_equal(b.data, "new");
    assert_int_equal(file_write("/dev/null", "new", 3), OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(file_try_output("fresh"), OK);
    assert_false(path_exists("fresh"));
    assert_int_equal(file_try_output("real"), OK);
    assert_int_equal(file_try_output("."), E_IO);
    assert_string_equal(fail_text(), ".: cannot be written: it is a folder");
    assert_int_equal(file_try_output("no/such/folder"), E_IO);
    memset(name, 'n', 255);
    name[255] = 0;
    assert_int_equal(file_write(name, "x", 1), OK); /* no room for a temporary ending */
    buf_free(&b);
    assert_int_equal(chdir("/"), 0);
    program_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_decoded),  cmocka_unit_test(lines_stay_lines),
        cmocka_unit_test(json_gets_utf8),          cmocka_unit_test(texts_become_names),
        cmocka_unit_test(names_never_meet),        cmocka_unit_test(names_fit_with_their_endings),
        cmocka_unit_test(files_that_are_no_files),
    };
    return cmocka_run_group_tests_name("file names", tests, NULL, NULL);
}
