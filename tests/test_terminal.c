/* Text for people: display width, cutting, wrapping and progress lines, all within the columns they are given. */
#include "support/unit.h"

#include "core/listing.h"
#include "core/progress.h"
#include "core/terminal.h"

#include <stdio.h>
#include <string.h>

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("person"), 6);
    assert_int_equal(text_columns("caf\u00e9"), 4);
    assert_int_equal(text_columns("cafe\u0301"), 4);   /* a combining accent takes none */
    assert_int_equal(text_columns("\u732b\u72ac"), 4); /* two wide characters */
    assert_int_equal(text_columns("a\033[31mb"), 7);   /* shown as a?[31mb */
    assert_int_equal(text_columns("a\xff\xfe"), 3);    /* no UTF-8 */
}

static void text_is_cut_by_width(void **state)
{
    (void)state;
    char out[64];
    static const struct {
        const char *text, *end, *beginning; /* in five columns */
    } cases[] = {
        {"disc", "disc", "disc"},
        {"triangle", "tria\u2026", "\u2026ngle"},
        {"\u732b\u732b\u732b", "\u732b\u732b\u2026", "\u2026\u732b\u732b"},
        {"a\u732b\u732b\u732b", "a\u732b\u2026", "\u2026\u732b\u732b"}, /* half of a wide character is not shown */
        {"a\nb", "a?b", "a?b"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        text_fit(cases[i].text, 5, TEXT_CUT_END, out, sizeof out);
        assert_string_equal(out, cases[i].end);
        text_fit(cases[i].text, 5, TEXT_CUT_BEGINNING, out, sizeof out);
        assert_string_equal(out, cases[i].beginning);
    }
    for (size_t size = 0; size < 12; size++) { /* never more bytes than there is room for, never half a character */
        memset(out, 'x', sizeof out);
        text_fit("\u732b\u732b\u732b\u732b", 6, TEXT_CUT_END, out, size);
        assert_true(out[size] == 'x');
        assert_true(size == 0 || text_columns(out) <= 6);
        assert_null(size == 0 ? NULL : strchr(out, '?'));
    }
}

static void expect_within(const char *text, int columns)
{
    char line[4096];
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        if (text_columns(line) > columns)
            fail_msg("%d columns, wider than %d: %s", text_columns(line), columns, line);
    }
}

static void sentences_are_wrapped_between_words(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(text_wrap("one two three four", 9, &out), OK);
    assert_string_equal(out.data, "one two\n  three\n  four");
    buf_free(&out);
    assert_int_equal(text_wrap("one two\n\nthree four", 0, &out), OK); /* no terminal: as it is */
    assert_string_equal(out.data, "one two\n\nthree four");
    buf_free(&out);
    assert_int_equal(text_wrap("see /tmp/a/long/folder now", 12, &out), OK); /* a path is broken after a slash */
    assert_string_equal(out.data, "see\n  /tmp/a/\n  long/\n  folder now");
    buf_free(&out);
    static const char sentence[] =
        "  stopped in epoch 8 after 1 of 5 batches; \u732b\u732b\u732b\u732b\u732b go on with: yolo9 train --resume "
        "/a/very/long/path/without_any_place_to_break_it_which_is_wider_than_sixty_columns_are_for_certain/exp2\n"
        "a second line\n";
    static const int widths[] = {1, 2, 3, 10, 59, 60, 80, 200};
    for (int i = 0; i < COUNT(widths); i++) {
        assert_int_equal(text_wrap(sentence, widths[i], &out), OK);
        if (widths[i] > 4)
            expect_within(out.data, widths[i]);
        assert_true(widths[i] < 13 || strstr(out.data, "a second line\n"));
        buf_free(&out);
    }
}

static void progress_lines_fit_and_keep_what_matters(void **state)
{
    (void)state;
    const struct progress_line lines[] = {
        {"val", 450, 1000, 12.3, 44.7, false, -1, NULL},
        {"val", 1000, 1000, 12.3, 81.2, true, -1, NULL},
        {"epoch 3/100", 12, 26, 1.05, 13.6, false, 5530, "box 1.23 cls 0.98 dfl 1.02"},
        {"epoch 1000/1000", 12345, 23456, 0.123, 90123, false, 360000, "box 1.23 cls 0.98 dfl 1.02"},
        {"\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b\u732b", 1, 2,
         100, 1, false, 100, NULL},
        {"nothing", 0, 0, 0, -1, false, -1, NULL},
    };
    char out[512];
    for (int columns = 1; columns <= 220; columns++) {
        for (int i = 0; i < COUNT(lines); i++) {
            progress_format(&lines[i], columns, out, sizeof out);
            if (text_columns(out) > columns)
                fail_msg("%d columns: %s", columns, out);
        }
    }
    static const int widths[] = {60, 80, 200};
    for (int i = 0; i < COUNT(widths); i++) {
        progress_format(&lines[2], widths[i], out, sizeof out);
        static const char *const parts[] = {"epoch 3/100", " [##", "12/26", "1.05/s", "0:14", "run 1:32:10"};
        for (int k = 0; k < COUNT(parts); k++)
            if (!strstr(out, parts[k]))
                fail_msg("%d columns: '%s' is missing: %s", widths[i], parts[k], out);
        progress_format(&lines[3], widths[i], out, sizeof out); /* the times of a long run */
        assert_non_null(strstr(out, "12345/23456"));
        assert_non_null(strstr(out, "25:02:03"));
        assert_non_null(strstr(out, "100:00:00"));
    }
    progress_format(&lines[2], 200, out, sizeof out);
    assert_non_null(strstr(out, "dfl 1.02"));
    progress_format(&lines[2], 0, out, sizeof out); /* a log */
    assert_string_equal(out,
                        "epoch 3/100: 12/26 (46%), 1.05/s, 0:14 left, run 1:32:10 left, box 1.23 cls 0.98 dfl 1.02");
    progress_format(&lines[1], 0, out, sizeof out);
    assert_string_equal(out, "val: 1000/1000 (100%), 12.3/s, in 1:21");
}

static void tables_shrink_then_cut_then_leave_columns_out(void **state)
{
    (void)state;
    static const struct listing_column columns[] = {
        {"Class", LISTING_RIGHT, 12, .least = 5},
        {"Layer", LISTING_LEFT, 0, .least = 6, .cut = TEXT_CUT_BEGINNING},
        {"Images", LISTING_RIGHT, 9, .drop = 1},
        {"mAP", LISTING_RIGHT, 9},
    };
    static const char whole[] =
        "       Class Layer            Images      mAP\n    triangle model.22.cv2.0       12    0.517\n"
        "\u732b\u732b\u732b\u732b\u732b\u732b model.9               5    0.500\n";
    struct listing l;
    struct buf out = {0};
    listing_init(&l, columns, COUNT(columns));
    const char *const cells[] = {
        "triangle", "model.22.cv2.0", "12", "0.517", "\u732b\u732b\u732b\u732b\u732b\u732b", "model.9", "5", "0.500"};
    for (int i = 0; i < COUNT(cells); i++)
        assert_int_equal(listing_add(&l, "%s", cells[i]), OK);
    assert_int_equal(listing_write(&l, 0, &out), OK);
    assert_string_equal(out.data, whole);
    for (int limit = 18; limit < 80; limit++) {
        out.size = 0;
        assert_int_equal(listing_write(&l, limit, &out), OK);
        expect_within(out.data, limit);
        assert_true((strstr(out.data, "Images") != NULL) == (limit >= 25)); /* cut first, left out last */
        assert_non_null(strstr(out.data, "0.517"));
        if (limit == 25)
            assert_non_null(strstr(out.data, "\u2026cv2.0"));
    }
    buf_free(&out);
    listing_free(&l);
}

static void counts_have_their_words(void **state)
{
    (void)state;
    assert_string_equal(noun(1, "class", "classes"), "class");
    assert_string_equal(noun(0, "class", "classes"), "classes");
    assert_string_equal(noun(2, "class", "classes"), "classes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(text_is_cut_by_width),
        cmocka_unit_test(sentences_are_wrapped_between_words),
        cmocka_unit_test(progress_lines_fit_and_keep_what_matters),
        cmocka_unit_test(tables_shrink_then_cut_then_leave_columns_out),
        cmocka_unit_test(counts_have_their_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
