/* What pictures are called in results, and text files as any editor saves them. */
#include "support/unit.h"

#include "core/file.h"
#include "core/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;

static int start(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void assert_names(const char *const *paths, int n, const char *const *names)
{
    struct identity id[8];
    assert_int_equal(identities_find(paths, n, &arena, id), OK);
    for (int i = 0; i < n; i++)
        assert_string_equal(id[i].name, names[i]);
}

static void an_identity_is_the_shortest_unique_end(void **state)
{
    (void)state;
    assert_names((const char *[]){"x/frame.jpg"}, 1, (const char *[]){"frame.jpg"});
    assert_names((const char *[]){"/data/a/frame.jpg", "/data/b/frame.jpg", "/data/b/other.jpg"}, 3,
                 (const char *[]){"a/frame.jpg", "b/frame.jpg", "other.jpg"});
    assert_names((const char *[]){"1/a/x.jpg", "2/a/x.jpg", "2/b/x.jpg"}, 3,
                 (const char *[]){"1/a/x.jpg", "2/a/x.jpg", "b/x.jpg"});
    assert_names((const char *[]){"/a.jpg", "/b/a.jpg", "/ba.jpg"}, 3, (const char *[]){"a.jpg", "b/a.jpg", "ba.jpg"});
}

/* The identity may become a path below an output folder: nothing in it leads out of there. */
static void an_identity_never_leads_upwards(void **state)
{
    (void)state;
    struct identity id[3];
    const char *paths[] = {"../up/f.jpg", "up/f.jpg", "./up/./f.jpg"};
    assert_int_equal(identities_find(paths, 3, &arena, id), OK);
    for (int i = 0; i < 3; i++)
        assert_true(id[i].name[0] != '/' && !strstr(id[i].name, "..") && !strstr(id[i].name, "//"));
    assert_true(strcmp(id[0].name, id[1].name) != 0);
    assert_string_equal(id[1].name, id[2].name); /* the same picture, written in two ways */
    assert_true(id[0].first == 0 && id[1].first == 1 && id[2].first == 1);
    assert_names((const char *[]){"/f.jpg", "/a/f.jpg"}, 2, (const char *[]){"f.jpg", "a/f.jpg"});
    assert_names((const char *[]){"/../..", "/"}, 2, (const char *[]){"", ""}); /* no pictures, and no fall */
}

static void a_stem_is_unique_too(void **state)
{
    (void)state;
    struct identity id[6];
    const char *paths[] = {"d/f.jpg", "d/f.png", "d/f.jpg.jpg", "d/g.jpg", "e/h.jpg", "i/h.jpg"};
    const char *stems[] = {"f.jpg", "f.png", "f.jpg.jpg", "g", "e/h", "i/h"};
    assert_int_equal(identities_find(paths, 6, &arena, id), OK);
    for (int i = 0; i < 6; i++)
        assert_string_equal(id[i].stem, stems[i]);
}

static void numbers_are_kept_where_they_tell_pictures_apart(void **state)
{
    (void)state;
    struct identity id[8];
    const char *paths[] = {"a/000139.jpg", "a/1.jpg",  "b/1.jpg", "a/02.jpg",
                           "a/2.jpg",      "a/7b.jpg", "a/7.jpg", "a/123456789012345678901.jpg"};
    const int64_t numbers[] = {139, -1, -1, -1, -1, -1, 7, -1};
    assert_int_equal(identities_find(paths, 8, &arena, id), OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(id[i].number, numbers[i]);
    const char *twice[] = {"a/5.jpg", "a/../a/5.jpg"}; /* one picture: its number is its own */
    assert_int_equal(identities_find(twice, 2, &arena, id), OK);
    assert_true(id[0].number == 5 && id[1].number == 5 && id[1].first == 0);
}

static void many_pictures_are_named_quickly(void **state)
{
    (void)state;
    enum { N = 20000 };
    const char **paths = arena_alloc(&arena, N, sizeof(*paths));
    struct identity *id = arena_alloc(&arena, N, sizeof(*id));
    assert_true(paths && id);
    for (int i = 0; i < N; i++)
        assert_non_null(paths[i] = arena_printf(&arena, "/run/%d/deep/frame.jpg", i));
    assert_int_equal(identities_find(paths, N, &arena, id), OK);
    assert_string_equal(id[777].name, "777/deep/frame.jpg");
    assert_string_equal(id[777].stem, "777/deep/frame");
}

static void assert_text(const char *bytes, size_t size, const char *text)
{
    char name[] = "/tmp/y9_text.XXXXXX";
    struct buf out = {0};
    int fd = mkstemp(name);
    assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    enum status rc = file_read_text(name, 100, &out);
    unlink(name);
    assert_int_equal(rc, text ? OK : E_UNSUPPORTED);
    if (text) {
        assert_int_equal(out.size, strlen(text));
        assert_string_equal(out.data, text);
    } else {
        assert_non_null(strstr(fail_text(), name));
        assert_non_null(strstr(fail_text(), "save it as UTF-8"));
    }
    buf_free(&out);
}

static void texts_are_read_as_any_editor_saves_them(void **state)
{
    (void)state;
    assert_text("", 0, "");
    assert_text("a", 1, "a");
    assert_text("\xef\xbb\xbf", 3, "");
    assert_text("\xef\xbb\xbf"
                "0 1\r\n\r\n2\r3\r\n",
                14, "0 1\n\n2\n3\n");
    assert_text("x\r", 2, "x\n");
    assert_text("\xff\xfe"
                "0\0",
                4, NULL);
    assert_text("\xfe\xff\0"
                "0",
                4, NULL);
    assert_text("0\0 \0", 4, NULL); /* UTF-16 without its mark */
    assert_text("\0\0\xfe\xff", 4, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_identity_is_the_shortest_unique_end, start, end),
        cmocka_unit_test_setup_teardown(an_identity_never_leads_upwards, start, end),
        cmocka_unit_test_setup_teardown(a_stem_is_unique_too, start, end),
        cmocka_unit_test_setup_teardown(numbers_are_kept_where_they_tell_pictures_apart, start, end),
        cmocka_unit_test_setup_teardown(many_pictures_are_named_quickly, start, end),
        cmocka_unit_test(texts_are_read_as_any_editor_saves_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
