/* The laboratory: numbers of a figure. */
#include "core/file.h"
#include "formats/json.h"
#include "lab/numbers.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/y9-lab-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static void numbers_are_the_same_in_csv_and_json(void **state)
{
    (void)state;
    json_t *about = json_pack("{s:i}", "seed", 7);
    json_t *rows = json_pack("[{s:s, s:i, s:f}, {s:s, s:n, s:f}]", "name, \"quoted\"", "a", "depth", 50, "share", 0.25,
                             "name, \"quoted\"", "b\nc", "depth", "share", 1e-9);
    assert_ok(numbers_write(folder, "table", about, rows));
    struct buf text = {0};
    assert_ok(file_read("table.csv", 1 << 16, &text));
    assert_string_equal(text.data, "\"name, \"\"quoted\"\"\",depth,share\na,50,0.25\n\"b\nc\",,1e-09\n");
    json_t *read = NULL;
    assert_ok(json_read_file("table.json", NULL, &read));
    assert_int_equal(json_integer_value(json_object_get(read, "seed")), 7);
    assert_true(json_equal(json_object_get(read, "rows"), rows));
    assert_null(json_object_get(about, "rows"));
    json_decref(read);
    json_decref(about);
    json_decref(rows);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_same_in_csv_and_json),
    };
    return cmocka_run_group_tests_name("lab", tests, set_up, NULL);
}
