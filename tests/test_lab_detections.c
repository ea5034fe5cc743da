/* figure detections: NMS tells what became of each candidate, and the figure shows what detect decides. */
#include "core/file.h"
#include "core/mem.h"
#include "formats/json.h"
#include "image/decode.h"
#include "lab/detections_picture.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"
#include "support/verb_runs.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void nms_tells_what_became_of_each_candidate(void **state)
{
    (void)state;
    float boxes[][4] = {{0, 0, 10, 10}, {1, 0, 11, 10}, {0, 0, 10, 10}, {50, 0, 60, 10}, {80, 0, 90, 10}};
    /* the second suppresses the first; the third is of another class; the last is beyond max_detections */
    struct candidate items[] = {{0.6f, 0, 0}, {0.9f, 0, 1}, {0.8f, 1, 2}, {0.5f, 0, 3}, {0.1f, 0, 4}};
    const struct candidates c = {.items = items, .count = 5, .capacity = 5, .boxes = boxes, .n_boxes = 5};
    struct nms_trace trace = {0};
    struct nms_workspace w = {0};
    struct detection kept[3], plain[3];
    struct nms_config config = {.iou_threshold = 0.5, .max_detections = 3};
    int n, without;
    assert_ok(nms_apply(&w, &c, &config, plain, &without));
    config.trace = &trace;
    assert_ok(nms_apply(&w, &c, &config, kept, &n));
    assert_int_equal(n, 3);
    assert_int_equal(without, n);
    assert_memory_equal(kept, plain, sizeof kept);
    assert_int_equal(trace.ends[0].fate, NMS_SUPPRESSED);
    assert_int_equal(trace.ends[0].by, 0);
    assert_float_equal(trace.ends[0].iou, 90.0 / 110, 1e-6);
    assert_true(trace.ends[1].fate == NMS_KEPT && trace.ends[1].by == 0);
    assert_true(trace.ends[2].fate == NMS_KEPT && trace.ends[2].by == 1);
    assert_true(trace.ends[3].fate == NMS_KEPT && trace.ends[3].by == 2);
    assert_true(trace.ends[4].fate == NMS_LEFT_OUT && trace.ends[4].by == -1);
    config.agnostic = true; /* now the best box of the other class suppresses too */
    assert_ok(nms_apply(&w, &c, &config, kept, &n));
    assert_true(trace.ends[2].fate == NMS_SUPPRESSED && trace.ends[2].by == 0);
    nms_trace_free(&trace);
    nms_free(&w);
}

/* --- a figure and the detector --- */

struct scene {
    struct weights weights;
    struct image photo;
    struct detector_config config;
    struct detections_figure figure;
};

static void scene_make(struct scene *s, const char *path, const char *random, float conf)
{
    *s = (struct scene){.config = {.h = 96, .w = 96, .conf = conf, .iou = 0.45, .max_det = 100}};
    if (random)
        assert_ok(weights_random(random, 3, 2, &s->weights));
    else
        assert_ok(weights_load(path, NULL, &s->weights, NULL));
    assert_ok(weights_deploy(&s->weights));
    assert_ok(image_read("photo.jpg", &s->photo));
    assert_ok(
        detections_figure_make(&s->weights.deployed, s->weights.deployed_params, &s->config, &s->photo, 0, &s->figure));
}

static void scene_free(struct scene *s)
{
    detections_figure_free(&s->figure);
    image_free(&s->photo);
    weights_free(&s->weights);
}

/* The kept boxes are those of detect, each one to the bit; the others are told with who suppressed them. */
static void boxes_are_those_of_detect(void **state)
{
    (void)state;
    struct scene s;
    struct detector *d;
    struct detector_input in = {0};
    struct detector_times times;
    const struct detection *found;
    int n, kept = 0;
    scene_make(&s, "drawn.safetensors", NULL, 0.25f);
    assert_ok(detector_create(&s.weights.deployed, s.weights.deployed_params, &s.config, &d));
    const struct pixels pixels = pixels_of_image(&s.photo);
    assert_ok(detector_prepare(d, &pixels, &in));
    assert_ok(detector_run(d, &in, &found, &n, &times));
    const struct detections_figure *f = &s.figure;
    assert_int_equal(f->kept, n);
    assert_true(n > 1 && f->suppressed > 0);
    assert_int_equal(f->kept + f->suppressed + f->left_out, f->n_boxes);
    for (int i = 0; i < f->n_boxes; i++) {
        const struct traced_box *b = &f->boxes[i];
        if (b->end.fate == NMS_LEFT_OUT)
            continue;
        const struct detection *by = &found[b->end.by];
        assert_int_equal(by->class, b->class);
        if (b->end.fate == NMS_KEPT) {
            assert_int_equal(b->end.by, kept++);
            assert_memory_equal(by->xyxy, b->photo, sizeof b->photo);
            assert_true(by->score == b->score);
        } else {
            assert_true(b->end.iou > 0.45f && by->score >= b->score);
        }
    }
    detector_input_free(&in);
    detector_destroy(d);
    scene_free(&s);
}

static void distributions_make_the_box(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, "drawn.safetensors", NULL, 0.25f);
    const struct detections_figure *f = &s.figure;
    const struct level_heat *l = &f->levels[f->place.level];
    const double centre[2] = {(f->place.x + 0.5) * l->stride, (f->place.y + 0.5) * l->stride};
    assert_int_equal(f->chosen, 0);
    assert_int_equal(f->bins, 16);
    for (int k = 0; k < 4; k++) {
        double sum = 0, moment = 0;
        for (int b = 0; b < f->bins; b++) {
            sum += (double)f->dfl[k][b];
            moment += (double)f->dfl[k][b] * b;
        }
        assert_float_equal(sum, 1, 1e-5);
        assert_float_equal(moment, f->distance[k], 1e-4);
        const double side = centre[k % 2] + (k < 2 ? -1 : 1) * (double)f->distance[k] * l->stride;
        assert_float_equal(f->xyxy[k], side, 1e-3);
        assert_float_equal(f->boxes[0].input[k], side, 1e-3);
    }
    assert_true(l->score[f->place.y * l->w + f->place.x] == f->score);
    assert_true(f->score == f->boxes[0].score);
    for (int i = 0; i < f->n_levels; i++) {
        float most = 0;
        for (int c = 0; c < f->levels[i].h * f->levels[i].w; c++)
            most = MAX(most, f->levels[i].score[c]);
        assert_true(most == f->levels[i].most);
    }
    scene_free(&s);
}

static void an_anchor_box_is_told_by_its_numbers(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, NULL, "yolov7-tiny", 0.9999f);
    const struct detections_figure *f = &s.figure;
    assert_int_equal(f->bins, 0);
    assert_int_equal(f->n_boxes, 0); /* random weights: nothing is sure */
    assert_int_equal(f->chosen, -1);
    const float *anchor = f->graph->head.anchor[f->place.level][f->place.anchor];
    const int stride = f->levels[f->place.level].stride;
    const double cx = (2 * (double)f->logits[0] - 0.5 + f->place.x) * stride;
    assert_float_equal((f->xyxy[0] + f->xyxy[2]) / 2, cx, 1e-3);
    assert_float_equal(f->xyxy[2] - f->xyxy[0], pow(2 * (double)f->logits[2], 2) * (double)anchor[0], 1e-2);
    assert_float_equal(f->xyxy[3] - f->xyxy[1], pow(2 * (double)f->logits[3], 2) * (double)anchor[1], 1e-2);
    scene_free(&s);
}

/* --- from outside --- */

static void the_verb_agrees_with_detect(void **state)
{
    (void)state;
    json_t *root = NULL, *row;
    size_t i;
    struct buf labels = {0};
    int kept = 0, lines = 0;
    assert_int_equal(verb_run("figure detections drawn.safetensors photo.jpg --img 96"), 0);
    assert_log("runs/figure/exp: detections.png, detections.csv, detections.json");
    assert_int_equal(access("runs/figure/exp/detections.png", R_OK), 0);
    assert_ok(json_read_file("runs/figure/exp/detections.json", NULL, &root));
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        kept += !strcmp(json_string_value(json_object_get(row, "fate")), "kept");
    }
    assert_int_equal(kept, json_integer_value(json_object_get(root, "kept")));
    json_decref(root);
    assert_int_equal(verb_run("detect drawn.safetensors photo.jpg --img 96 --save-txt --nosave --name txt"), 0);
    assert_ok(file_read("runs/detect/txt/labels/photo.txt", 1 << 20, &labels));
    for (const char *c = labels.data; *c; c++)
        lines += *c == '\n';
    assert_int_equal(kept, lines);
    buf_free(&labels);
}

static void faults_are_told(void **state)
{
    (void)state;
    assert_int_equal(verb_run("figure detections drawn.safetensors"), 2);
    assert_log("a photo is needed");
    assert_int_equal(verb_run("figure detections drawn.safetensors photo.jpg --img 96 --box 999 --name no"), 1);
    assert_log("box 999: the photo has ");
    assert_int_not_equal(access("runs/figure/no", F_OK), 0);
    assert_int_equal(verb_run("figure detections drawn.safetensors photo.jpg --img 96 --class wombat"), 2);
    assert_log("--classes wombat");
    assert_int_equal(verb_run("figure detections drawn.safetensors photo.jpg --img 96 --conf 1 --class 3 --name none"),
                     0);
    assert_log("no box is kept: the best cell is looked into instead");
    struct buf csv = {0}; /* columns without rows */
    assert_ok(file_read_text("runs/figure/none/detections.csv", 4096, &csv));
    assert_string_equal(csv.data, "candidate,class,name,score,x1,y1,x2,y2,row,fate,detection,iou\n");
    buf_free(&csv);
}

static int make_photo(void **state)
{
    const int rc = folder_enter(state);
    if (rc)
        return rc;
    draw_weights("drawn.safetensors");
    draw_dataset("set", 4);
    return system("cp $(ls set/images/train/*.jpg | head -1) photo.jpg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nms_tells_what_became_of_each_candidate),
        cmocka_unit_test(boxes_are_those_of_detect),
        cmocka_unit_test(distributions_make_the_box),
        cmocka_unit_test(an_anchor_box_is_told_by_its_numbers),
        cmocka_unit_test(the_verb_agrees_with_detect),
        cmocka_unit_test(faults_are_told),
    };
    return cmocka_run_group_tests_name("lab_detections", tests, make_photo, folder_remove);
}
