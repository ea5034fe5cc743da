/* Accuracy of networks against their cost: published points, points of files, and the picture's numbers. */
#include "core/file.h"
#include "formats/json.h"
#include "lab/models_figure.h"
#include "support/folder.h"
#include "support/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status read_text(const char *text, struct points *p)
{
    return points_read_memory("list.csv", text, strlen(text), p);
}

static void published_points_are_those_of_the_paper(void **state)
{
    (void)state;
    struct points p = {0};
    int found = 0;
    assert_ok(read_text(published_points, &p));
    assert_int_equal(p.n, 22);
    for (int i = 0; i < p.n; i++) {
        const struct point *q = &p.items[i];
        assert_true(*q->source && q->params_m > 0 && q->flops_g > 0 && q->ap > 30 && q->h == 640);
        if (!strcmp(q->family, "YOLOv9") && !strcmp(q->model, "C")) {
            assert_string_equal(q->network, "yolov9-c");
            assert_true(q->params_m == 25.3 && q->flops_g == 102.1 && q->ap == 53.0);
            found++;
        }
    }
    assert_int_equal(found, 1);
    points_free(&p);
}

static void csv_in_any_order_and_with_quotes(void **state)
{
    (void)state;
    struct points p = {0};
    assert_ok(read_text("ap,other,model,family,flops_g,params_m,source\n"
                        "50.5,x,\"big, \"\"wide\"\"\",Own,,2.5,\"one, two\"\r\n\n1,y,small,Own,3,,\n",
                        &p));
    assert_int_equal(p.n, 2);
    assert_string_equal(p.items[0].model, "big, \"wide\"");
    assert_string_equal(p.items[0].source, "one, two");
    assert_true(p.items[0].params_m == 2.5 && isnan(p.items[0].flops_g) && p.items[0].ap == 50.5);
    assert_true(p.items[1].flops_g == 3 && isnan(p.items[1].params_m) && !p.items[1].measured);
    points_free(&p);
}

static void faults_name_the_line_and_leave_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"family,model\n", "list.csv:1: there is no column \"params_m\""},
        {"", "list.csv:1: there is no column \"family\""},
        {"family,model,params_m,flops_g,ap\na,b,1,1,40\na,b,1,1,101\n", "list.csv:3: ap is \"101\""},
        {"family,model,params_m,flops_g,ap\na,b,nan,1,40\n", "list.csv:2: params_m is \"nan\""},
        {"family,model,params_m,flops_g,ap\na,b,1x,1,40\n", "list.csv:2: params_m is \"1x\""},
        {"family,model,params_m,flops_g,ap\na,b,1,1,\n", "list.csv:2: ap is missing"},
        {"family,model,params_m,flops_g,ap\na,,1,1,40\n", "list.csv:2: family or model is missing"},
        {"family,model,params_m,flops_g,ap\na,\"b,1,1,40\n", "list.csv:2: a quotation mark is not closed"},
        {"{\"map\": 0.4}", "does not say which network"},
        {"{\"map\": 0.4, \"network\": {\"name\": \"n\"}}", "no img of two sizes"},
        {"{\"network\": {\"name\": \"n\", \"img\": [64, 64], \"params\": 1, \"gflops\": 1}}", "no AP from 0 to 1"},
        {"{\"map\": 0.4, \"network\": {\"name\": \"n\", \"img\": [64, 64], \"params\": 0, \"gflops\": 1}}",
         "no params or gflops above 0"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        struct points p = {0};
        assert_int_not_equal(read_text(bad[i].text, &p), OK);
        if (!strstr(fail_text(), bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", fail_text(), bad[i].says);
        assert_int_equal(p.n, 0);
        points_free(&p);
    }
}

static void a_result_of_val_is_a_point(void **state)
{
    (void)state;
    struct points p = {0};
    assert_ok(
        read_text(" {\"map\": 0.25, \"coco\": {\"AP\": 0.2575}, \"network\": {\"name\": \"gelan-t\", \"img\": [320, "
                  "480], \"params\": 2094000, \"gflops\": 2.5}}",
                  &p));
    assert_int_equal(p.n, 1);
    assert_true(p.items[0].measured && p.items[0].h == 320 && p.items[0].w == 480);
    assert_true(fabs(p.items[0].ap - 25.75) < 1e-9 && fabs(p.items[0].params_m - 2.094) < 1e-12);
    points_free(&p);
}

static void check_written(const struct points *p)
{
    json_t *root = NULL;
    assert_ok(json_read_file("models.json", NULL, &root));
    json_t *rows = json_object_get(root, "rows");
    assert_int_equal(json_array_size(rows), p->n);
    for (int i = 0; i < p->n; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        double own = json_number_value(json_object_get(row, "table_params_m"));
        if (!strcmp(p->items[i].model, "C"))
            assert_true(fabs(own - 25.288768) < 1e-9);
        if (p->items[i].measured)
            assert_true(json_is_null(json_object_get(row, "table_params_m")));
    }
    assert_true(json_number_value(json_object_get(json_array_get(rows, 0), "latency_ms")) == 12.5);
    assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "latency_ms")));
    json_decref(root);
}

static void the_figure_has_panels_and_numbers(void **state)
{
    (void)state;
    struct points p = {0};
    struct buf png = {0};
    assert_ok(read_text(published_points, &p));
    assert_ok(read_text("{\"map\": 0.4, \"network\": {\"name\": \"gelan-t\", \"img\": [64, 64], \"params\": 2000000, "
                        "\"gflops\": 1}}",
                        &p));
    assert_ok(models_figure_write(&p, NULL, folder, "models"));
    assert_ok(file_read("models.png", 1 << 24, &png));
    const unsigned char *bytes = (const unsigned char *)png.data;
    int two = bytes[18] << 8 | bytes[19]; /* width in the header chunk */
    buf_free(&png);
    p.items[0].latency_ms = 12.5;
    assert_ok(models_figure_write(&p, "this machine", folder, "models"));
    assert_ok(file_read("models.png", 1 << 24, &png));
    bytes = (const unsigned char *)png.data;
    assert_int_equal(2 * (bytes[18] << 8 | bytes[19]), 3 * two);
    buf_free(&png);
    check_written(&p);
    points_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_points_are_those_of_the_paper), cmocka_unit_test(csv_in_any_order_and_with_quotes),
        cmocka_unit_test(faults_name_the_line_and_leave_nothing),  cmocka_unit_test(a_result_of_val_is_a_point),
        cmocka_unit_test(the_figure_has_panels_and_numbers),
    };
    return cmocka_run_group_tests_name("lab_models", tests, folder_enter, folder_remove);
}
