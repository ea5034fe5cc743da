/* The drawing of a network: nothing overlaps, no wire crosses a box, and every row and wire is there. */
#include "core/file.h"
#include "formats/json.h"
#include "lab/diagram.h"
#include "lab/network_figure.h"
#include "model/builtin.h"
#include "model/rows.h"
#include "support/folder.h"
#include "support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_network(const char *name, int h, int w, struct figures *f)
{
    struct model_options options;
    model_options_init(&options);
    assert_ok(figures_build(name, &options, h, w, f));
}

/* How far the stretch from a to b of a wire reaches into a box. */
static bool meets(const struct box *b, double x0, double y0, double x1, double y1)
{
    const double skin = 1;
    double left = MIN(x0, x1), right = MAX(x0, x1), top = MIN(y0, y1), bottom = MAX(y0, y1);
    return left < b->x + b->width - skin && right > b->x + skin && top < b->y + b->height - skin &&
           bottom > b->y + skin;
}

static void check_boxes(const char *name, const struct diagram *d)
{
    for (int i = 0; i < d->n_boxes; i++) {
        const struct box *b = &d->boxes[i];
        if (b->x < d->left || b->y < d->top || b->x + b->width > d->width || b->y + b->height > d->height)
            fail_msg("%s: box %d leaves the picture", name, i);
        const struct band *band = &d->bands[b->band];
        if (b->y < band->y || b->y + b->height > band->y + band->height)
            fail_msg("%s: box %d (%s) leaves its band", name, i, b->title);
        for (int k = 0; k < i; k++) {
            const struct box *o = &d->boxes[k];
            if (meets(b, o->x, o->y, o->x + o->width, o->y + o->height))
                fail_msg("%s: boxes %d and %d overlap", name, k, i);
        }
    }
}

static void check_wires(const char *name, const struct diagram *d)
{
    for (int i = 0; i < d->n_wires; i++) {
        const struct wire *w = &d->wires[i];
        const struct box *to = &d->boxes[w->to];
        assert_in_range(w->n, 2, WIRE_POINTS);
        if (!meets(&(struct box){.x = to->x - 2, .y = to->y - 2, .width = to->width + 4, .height = to->height + 4},
                   w->x[w->n - 1], w->y[w->n - 1], w->x[w->n - 1], w->y[w->n - 1]))
            fail_msg("%s: wire %d ends beside its box", name, i);
        for (int k = 0; k + 1 < w->n; k++)
            for (int b = 0; b < d->n_boxes; b++)
                if (meets(&d->boxes[b], w->x[k], w->y[k], w->x[k + 1], w->y[k + 1]))
                    fail_msg("%s: wire %d (%d to %d) crosses box %d (%s)", name, i, w->from, w->to, b,
                             d->boxes[b].title);
    }
}

/* Length that two stretches share where both run on one line. */
static double shared(const struct wire *a, int k, const struct wire *b, int q)
{
    const double same = 1;
    bool upright = a->x[k] == a->x[k + 1] && b->x[q] == b->x[q + 1] && fabs(a->x[k] - b->x[q]) < same;
    bool level = a->y[k] == a->y[k + 1] && b->y[q] == b->y[q + 1] && fabs(a->y[k] - b->y[q]) < same;
    const double *u = upright ? a->y : a->x, *v = upright ? b->y : b->x;
    return upright || level
               ? MIN(MAX(u[k], u[k + 1]), MAX(v[q], v[q + 1])) - MAX(MIN(u[k], u[k + 1]), MIN(v[q], v[q + 1]))
               : 0;
}

/* Wires of different boxes on one line would look like one. */
static void check_apart(const char *name, const struct diagram *d)
{
    for (int i = 0; i < d->n_wires; i++)
        for (int j = 0; j < i; j++) {
            const struct wire *a = &d->wires[i], *b = &d->wires[j];
            for (int k = 0; a->from != b->from && k + 1 < a->n; k++)
                for (int q = 0; q + 1 < b->n; q++)
                    if (shared(a, k, b, q) > 1)
                        fail_msg("%s: wires from %d to %d and from %d to %d run on one line (%g)", name, a->from, a->to,
                                 b->from, b->to, a->y[k]);
        }
}

static void check_network(const char *name)
{
    struct figures f;
    struct diagram d;
    open_network(name, 256, 512, &f);
    assert_ok(diagram_build(&f, &d));
    int wires = 0;
    for (int r = 0; r < f.n_rows; r++)
        wires += f.table.rows[r].n_from;
    assert_int_equal(d.n_wires, wires);
    assert_int_equal(d.n_boxes, f.n_rows + f.table.rows[rows_head(&f.table)].n_from);
    check_boxes(name, &d);
    check_wires(name, &d);
    check_apart(name, &d);
    diagram_free(&d);
    figures_free(&f);
}

static void networks_are_drawn_without_crossing_a_box(void **state)
{
    (void)state;
    for (int i = 0; builtin_tables[i].name; i++)
        check_network(builtin_tables[i].name);
}

/* Two auxiliary branches, a row that nobody reads, a map that is read twice, two levels of one stride. */
static void unusual_tables_are_drawn(void **state)
{
    (void)state;
    static const char three[] = "nc: 3\nbackbone:\n"
                                "  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [32, 3, 2]]\n"
                                "  - [-1, 1, Conv, [32, 3, 2], B3]\n  - [-1, 1, Conv, [64, 3, 2], B4]\n"
                                "  - [-1, 1, Conv, [64, 3, 2], B5]\nhead:\n  - [B4, 1, Conv, [8, 1, 1]]\n"
                                "  - [B3, 1, Conv, [32, 3, 1], A3]\n  - [B4, 1, Conv, [32, 3, 1], A4]\n"
                                "  - [B5, 1, Conv, [32, 3, 1], A5]\n"
                                "  - [[A3, A4, A5, A3, A4, A5, B3, B4, B5], 1, TripleDDetect, [nc]]\n";
    static const char twice[] = "nc: 3\nbackbone:\n"
                                "  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [32, 3, 2]]\n"
                                "  - [-1, 1, Conv, [32, 3, 2]]\n  - [[-1, -1], 1, Concat, [1]]\nhead:\n"
                                "  - [[3, 2], 1, DDetect, [nc]]\n";
    assert_ok(file_write("three.yaml", three, sizeof three - 1));
    assert_ok(file_write("twice.yaml", twice, sizeof twice - 1));
    check_network("three.yaml");
    check_network("twice.yaml");
}

static void maps_and_levels_of_the_auxiliary_network(void **state)
{
    (void)state;
    struct figures f;
    struct diagram d;
    open_network("yolov9-t", 320, 640, &f);
    assert_ok(diagram_build(&f, &d));
    assert_string_equal(d.boxes[0].hands_on, "3 x 320 x 640");
    assert_string_equal(d.boxes[1 + 28].hands_on, "64 x 40 x 80"); /* A3 */
    assert_int_equal(d.boxes[1 + 28].band, 4);
    assert_int_equal(d.boxes[1 + 28].use, ROW_AUXILIARY);
    assert_int_equal(d.boxes[1 + 15].use, ROW_MAIN);
    assert_true(d.boxes[1 + 28].x < d.boxes[1 + 4].x && d.boxes[1 + 4].x < d.boxes[1 + 15].x);
    int auxiliary = 0, main = 0;
    for (int i = 0; i < d.n_boxes; i++) {
        auxiliary += d.boxes[i].part == PART_HEAD && d.boxes[i].use == ROW_AUXILIARY;
        main += d.boxes[i].part == PART_HEAD && d.boxes[i].use == ROW_MAIN;
    }
    assert_int_equal(auxiliary, 3);
    assert_int_equal(main, 3);
    diagram_free(&d);
    figures_free(&f);
}

/* CBFuse takes one map of each CBLinear: that of its own width. */
static void wires_know_the_map_that_is_chosen(void **state)
{
    (void)state;
    struct figures f;
    struct diagram d;
    open_network("yolov9-e", 256, 256, &f);
    assert_ok(diagram_build(&f, &d));
    int seen = 0;
    for (int i = 0; i < d.n_wires; i++) {
        if (d.boxes[d.wires[i].to].row == 21) { /* 12, 13, 14, -1 with [2, 2, 2] */
            assert_int_equal(d.wires[i].c, 256);
            seen++;
        }
    }
    assert_int_equal(seen, 4);
    diagram_free(&d);
    figures_free(&f);
}

static void picture_and_numbers_are_written(void **state)
{
    (void)state;
    struct figures f;
    struct buf text = {0};
    json_t *root = NULL;
    open_network("yolov9-t", 640, 640, &f);
    assert_ok(network_figure_write(&f, folder, "network"));
    assert_ok(file_read("network.png", 1 << 24, &text));
    assert_memory_equal(text.data, "\x89PNG", 4);
    buf_free(&text);
    assert_ok(file_read("network.svg", 1 << 24, &text));
    assert_non_null(strstr(text.data, "<svg"));
    buf_free(&text);
    assert_ok(file_read("network.csv", 1 << 20, &text));
    assert_non_null(strstr(text.data, "box,row,part,use,module,level,from,args,column,channels,height,width,params"));
    buf_free(&text);
    assert_ok(json_read_file("network.json", NULL, &root));
    json_int_t sum = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(root, "rows"), i, row) sum += json_integer_value(json_object_get(row, "params"));
    assert_int_equal(sum, 3717680);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "training"), "params")), 3717680);
    json_decref(root);
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_drawn_without_crossing_a_box),
        cmocka_unit_test(unusual_tables_are_drawn),
        cmocka_unit_test(maps_and_levels_of_the_auxiliary_network),
        cmocka_unit_test(wires_know_the_map_that_is_chosen),
        cmocka_unit_test(picture_and_numbers_are_written),
    };
    return cmocka_run_group_tests_name("lab_network", tests, folder_enter, folder_remove);
}
