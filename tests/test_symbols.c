/* libyolo9.a as other programs get it: its names are those of yolo9.h, and a program with functions called detect,
 * sigmoid or fail links it and finds the boxes that the library finds. */
#include "core/file.h"
#include "support/folder.h"
#include "support/programs.h"
#include "support/unit.h"
#include "weights/weights.h"
#include "yolo9.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does the list have this line (n characters)? */
static bool has_line(const char *list, const char *line, size_t n)
{
    for (const char *p = list; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        if (!strncmp(p, line, n) && p[n] == '\n')
            return true;
    }
    return false;
}

static void exports_its_interface_only(void **state)
{
    (void)state;
    struct buf names = {0}, header = {0};
    int declared = 0, exported = 0;
    assert_int_equal(program_run(Y9_NM " -g --defined-only " Y9_BINARY_DIR "/libyolo9.a | awk 'NF == 3 { print $3 }'",
                                 false, &names),
                     0);
    assert_ok(file_read_text(Y9_SOURCE_DIR "/include/yolo9.h", 1 << 20, &header));
    for (const char *p = names.data; p && *p; p = strchr(p, '\n') + 1) {
        if (strncmp(p, "yolo9_", 6) != 0)
            fail_msg("libyolo9.a exports %.*s", (int)strcspn(p, "\n"), p);
        exported++;
    }
    for (const char *p = header.data; (p = strstr(p, "\nYOLO9_API ")); declared++) {
        size_t n = 0;
        do { /* the function's name, behind those of its type */
            p = strstr(p + n, "yolo9_");
            assert_non_null(p);
            for (n = 0; islower((unsigned char)p[n]) || isdigit((unsigned char)p[n]) || p[n] == '_';)
                n++;
        } while (p[n] != '(');
        if (!has_line(names.data, p, n))
            fail_msg("libyolo9.a lacks %.*s", (int)n, p);
    }
    assert_true(declared >= 10);
    assert_int_equal(exported, declared);
    buf_free(&names);
    buf_free(&header);
}

static void links_beside_other_functions_of_the_same_names(void **state)
{
    (void)state;
    char weights[96], command[512], expected[256];
    static unsigned char rgb[3 * 64 * 64];
    struct weights w;
    struct yolo9_options options;
    struct buf said = {0};
    snprintf(weights, sizeof weights, "%s/w.safetensors", folder);
    assert_ok(weights_random("gelan-t", 3, 5, &w));
    assert_ok(weights_save(weights, &w, false, false));
    weights_free(&w);
    for (unsigned i = 0; i < sizeof rgb; i++)
        rgb[i] = (unsigned char)(i * 2654435761u >> 24);
    yolo9_options_init(&options);
    options.height = options.width = 64;
    options.confidence = 1e-6;
    struct yolo9_weights *opened = yolo9_weights_open(weights, NULL);
    struct yolo9_detector *detector = yolo9_detector_open(opened, &options);
    const struct yolo9_picture picture = yolo9_picture_pixels(YOLO9_RGB, rgb, 64, 64, 0);
    assert_int_equal(yolo9_detect(detector, &picture, 1), YOLO9_OK);
    const struct yolo9_result *r = yolo9_detector_result(detector, 0);
    assert_true(r->count > 0);
    const struct yolo9_detection *d = &r->detections[0];
    snprintf(expected, sizeof expected, "%d boxes, %a %a %a %a %a\n", r->count, (double)d->score, (double)d->x1,
             (double)d->y1, (double)d->x2, (double)d->y2);
    yolo9_detector_close(detector);
    yolo9_weights_close(opened);
    snprintf(command, sizeof command, Y9_BINARY_DIR "/tests/own_names '%s'", weights);
    assert_int_equal(program_run(command, false, &said), 0);
    assert_string_equal(said.data, expected);
    buf_free(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_its_interface_only),
        cmocka_unit_test(links_beside_other_functions_of_the_same_names),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
