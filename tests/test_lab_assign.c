/* figure assign: what is drawn and told are the loss's own targets, and the assigner's way to them. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "detect/decode.h"
#include "formats/json.h"
#include "lab/assign_numbers.h"
#include "ops/cpu.h"
#include "support/folder.h"
#include "support/mini_tables.h"
#include "support/shared.h"
#include "support/unit.h"
#include "support/verb_runs.h"
#include "train/anchor_candidates.h"
#include "train/run_options.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 96 };

/* A network with random weights and a photo of the drawn set. */
struct scene {
    struct weights weights;
    struct labelled_photo photo;
    struct loss_config loss;
    struct assign_figure figure;
};

/* The first photo of the set's folder. */
static char *first_photo(void)
{
    char **names, *path = NULL;
    int n;
    assert_ok(path_list("set/images/train", &names, &n));
    for (int i = 0; i < n && !path; i++)
        if (!strcmp(path_extension(names[i]), "jpg"))
            path = path_join("set/images/train", names[i]);
    path_list_free(names, n);
    assert_non_null(path);
    return path;
}

static void scene_make(struct scene *s, const char *network)
{
    char *path = first_photo();
    *s = (struct scene){0};
    assert_ok(weights_random(network, 3, 5, &s->weights));
    const struct graph *g = &s->weights.training;
    const int stride = graph_largest_stride(g);
    const struct labelled_options o = {.path = path,
                                       .names = (const char *const *)s->weights.names,
                                       .nc = 3,
                                       .size = (SIZE + stride - 1) / stride * stride,
                                       .stride = stride};
    assert_ok(labelled_photo_read(&o, &s->photo));
    s->loss = loss_config_of(&g->head, g->n_branches);
    assert_ok(assign_figure_make(g, s->weights.params, &s->loss, &s->photo, NULL, &s->figure));
    mem_free(path);
}

static void scene_free(struct scene *s)
{
    assign_figure_free(&s->figure);
    labelled_photo_free(&s->photo);
    weights_free(&s->weights);
}

/* What a training would do with the same picture: no trace, another net. */
struct training {
    struct net *net;
    struct loss *loss;
    struct head_output branches[MAX_BRANCHES];
};

static void train_once(const struct scene *s, const struct loss_config *config, struct training *t)
{
    const struct graph *g = &s->weights.training;
    const struct net_config how = {.backend = &cpu_backend, .mode = RUN_INFER};
    const struct batch *b = s->photo.batch;
    struct loss_result result;
    assert_ok(net_create(g, s->weights.params, NULL, &how, &t->net));
    assert_ok(net_plan(t->net, 1, b->h, b->w));
    struct tensor x = net_input(t->net);
    image_to_float(&s->photo.input, x.data, x.pixel_stride);
    net_forward(t->net);
    for (int i = 0; i < g->n_branches; i++)
        t->branches[i] = net_output(t->net, i);
    assert_ok(loss_create(config, NULL, &t->loss));
    assert_ok(loss_run(t->loss, t->branches, g->n_branches, b->targets[0], b->n_targets, &result));
}

static void training_free(struct training *t)
{
    loss_destroy(t->loss);
    net_destroy(t->net);
}

static const struct assign_view *view_of(const struct assign_figure *f, const char *assigner, bool main)
{
    for (int i = 0; i < f->n_views; i++)
        if (!strcmp(f->views[i].assigner, assigner) && f->views[i].main == main)
            return &f->views[i];
    fail_msg("there is no view of %s", assigner);
    return NULL;
}

static void assert_view_is(const struct assign_figure *f, const struct assign_view *v, const struct loss *loss,
                           int branch)
{
    const struct loss_assignment a = loss_get_assignment(loss, branch);
    int n = 0;
    assert_null(a.trace);
    for (int i = 0; i < f->shape.anchors; i++) {
        if (a.label[i] < 0)
            continue;
        const struct assign_point *p = &v->points[n++];
        assert_int_equal(p->object, a.label[i]);
        assert_true(p->score == a.score[i]);
        assert_true(p->x == f->places[i][0] && p->y == f->places[i][1] && p->level == f->levels[i]);
    }
    assert_int_equal(n, v->n);
    assert_true(n > 0);
}

static void views_are_the_targets_that_a_training_has(void **state)
{
    (void)state;
    static const struct {
        enum loss_assign assign;
        const char *name;
    } ways[] = {
        {ASSIGN_INDEPENDENT, "independent"}, {ASSIGN_LEAD, "lead-guided"}, {ASSIGN_COARSE_TO_FINE, "coarse-to-fine"}};
    struct scene s;
    scene_make(&s, "yolov9-t");
    assert_int_equal(s.figure.n_views, 6);
    for (int w = 0; w < COUNT(ways); w++) {
        struct training t;
        struct loss_config c = s.loss;
        c.assign = ways[w].assign;
        train_once(&s, &c, &t);
        for (int b = 0; b < 2; b++)
            assert_view_is(&s.figure, view_of(&s.figure, ways[w].name, b == 1), t.loss, b);
        training_free(&t);
    }
    const struct assign_view *main = view_of(&s.figure, "independent", true);
    const struct assign_view *lead = view_of(&s.figure, "lead-guided", false);
    const struct assign_view *coarse = view_of(&s.figure, "coarse-to-fine", false);
    assert_int_equal(lead->same_as, main - s.figure.views);
    assert_true(coarse->n > main->n);
    int shared;
    assert_ok(assign_shared(&s.figure, (int)(lead - s.figure.views), &shared));
    assert_int_equal(shared, main->n);
    int both = 0;
    const struct assign_view *own = view_of(&s.figure, "independent", false);
    for (int i = 0; i < own->n; i++)
        for (int k = 0; k < main->n; k++)
            both += own->points[i].x == main->points[k].x && own->points[i].y == main->points[k].y &&
                    own->points[i].level == main->points[k].level && own->points[i].object == main->points[k].object;
    assert_ok(assign_shared(&s.figure, (int)(own - s.figure.views), &shared));
    assert_int_equal(shared, both);
    assert_int_equal(coarse->top_k, 20);
    scene_free(&s);
}

/* Metric, candidates, conflicts and targets fit together. */
static void steps_lead_to_the_targets(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, "yolov9-t");
    const struct assign_figure *f = &s.figure;
    assert_int_equal(f->n_steps, 2);
    for (int k = 0; k < f->n_steps; k++) {
        const struct loss_assignment *a = &f->steps[k].result;
        const struct assign_trace *t = a->trace;
        int *claims = mem_calloc((size_t)f->shape.anchors, sizeof *claims), conflicts = 0;
        int of_label[LABELLED_MOST] = {0};
        assert_non_null(claims);
        for (int c = 0; c < t->n_claims; c++) {
            const struct assign_claim *one = &t->claims[c];
            claims[one->anchor]++;
            of_label[one->label]++;
            assert_true(one->metric <= t->metric[one->anchor]);
            if (c && t->claims[c - 1].label == one->label)
                assert_true(one->metric <= t->claims[c - 1].metric);
            if (!t->contested[one->anchor])
                assert_true(a->label[one->anchor] == one->label && t->overlap[one->anchor] == one->overlap);
        }
        for (int i = 0; i < f->shape.anchors; i++) {
            assert_int_equal(a->label[i] >= 0, claims[i] > 0);
            assert_int_equal(t->contested[i] != 0, claims[i] > 1);
            conflicts += t->contested[i];
            assert_true(a->label[i] >= 0 || t->overlap[i] == 0);
        }
        for (int g = 0; g < f->n_objects; g++)
            assert_true(of_label[g] > 0 && of_label[g] <= s.loss.assigner.top_k);
        assert_true(conflicts > 0); /* else the picture of this scene would not show step three */
        mem_free(claims);
    }
    assert_ptr_equal(&f->views[f->steps[0].view], view_of(f, "independent", true));
    scene_free(&s);
}

static void simota_tells_its_overlaps(void **state)
{
    (void)state;
    struct scene s;
    struct training t;
    scene_make(&s, "yolov7-tiny");
    assert_int_equal(s.figure.n_views, 2);
    assert_int_equal(s.figure.n_steps, 0);
    assert_int_equal(s.loss.anchors.top_k, 10); /* the code's, without an auxiliary head */
    train_once(&s, &s.loss, &t);
    const struct loss_matching m = loss_get_matching(t.loss, 0);
    const struct assign_view *v = view_of(&s.figure, "SimOTA", true);
    const struct head_output *out = &t.branches[0];
    int n = 0;
    for (int l = 0; l < out->n_levels; l++)
        for (int i = m.first[l]; i < m.first[l + 1]; i++) {
            const struct anchor_candidate *c = &m.candidates[i];
            float box[4], xyxy[4];
            if (m.owner[i] < 0)
                continue;
            const struct assign_point *p = &v->points[n++];
            const int cell = out->level[l].first + c->y * out->level[l].w + c->x;
            const float *x = out->logits + (size_t)cell * out->stride + (size_t)(c->anchor * (5 + 3));
            anchor_box_decode(x, c->x, c->y, (float)out->level[l].stride, out->head->anchor[l][c->anchor], box);
            box_cxcywh_to_xyxy(box, xyxy);
            assert_int_equal(p->object, m.owner[i]);
            assert_float_equal(p->iou, box_iou(s.figure.objects[p->object].xyxy, xyxy, 0), 1e-5);
            assert_float_equal(p->score, fmaxf(box_ciou(s.figure.objects[p->object].xyxy, xyxy), 0), 1e-4);
        }
    assert_int_equal(n, v->n);
    assert_true(n > 0);
    const struct assign_view *more = &s.figure.views[1];
    assert_int_equal(more->top_k, 20);
    assert_true(more->n >= v->n);
    training_free(&t);
    scene_free(&s);
}

/* An auxiliary head of anchor boxes is matched by the main head's predictions: its own views, and the code's number of
 * overlaps. */
static void simota_has_an_auxiliary_head(void **state)
{
    (void)state;
    static const char table[] = "nc: 3\n" MINI_AUXILIARY;
    static const struct {
        const char *assigner;
        bool main;
        int top_k;
    } views[] = {{"SimOTA, text", true, 10},
                 {"SimOTA, text", false, 20},
                 {"SimOTA, code", true, 20},
                 {"SimOTA, code", false, 20}};
    struct scene s;
    struct training t;
    assert_ok(file_write("aux.yaml", table, sizeof table - 1));
    scene_make(&s, "aux.yaml");
    assert_int_equal(s.figure.n_views, COUNT(views));
    assert_int_equal(s.figure.n_steps, 0);
    for (int i = 0; i < COUNT(views); i++)
        assert_int_equal(view_of(&s.figure, views[i].assigner, views[i].main)->top_k, views[i].top_k);
    s.loss.trace = true; /* with the scores */
    train_once(&s, &s.loss, &t);
    for (int b = 0; b < 2; b++) {
        const struct assign_view *v = view_of(&s.figure, "SimOTA, code", b == 1);
        const struct loss_matching m = loss_get_matching(t.loss, b);
        int n = 0;
        for (int l = 0; l < s.figure.shape.n_levels; l++)
            for (int i = m.first[l]; i < m.first[l + 1]; i++) {
                if (m.owner[i] < 0)
                    continue;
                assert_true(n < v->n);
                assert_int_equal(v->points[n].object, m.owner[i]);
                assert_int_equal(v->points[n].level, l);
                assert_true(v->points[n++].score == m.object[i]);
            }
        assert_int_equal(n, v->n);
        assert_true(n > 0);
    }
    training_free(&t);
    scene_free(&s);
}

/* --- from outside --- */

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

/* Points of all rows of a view add up to its own number. */
static void assert_rows_add_up(const char *path)
{
    json_t *root = NULL, *view, *row;
    size_t i, k;
    assert_ok(json_read_file(path, NULL, &root));
    assert_true(json_array_size(json_object_get(root, "views")) > 0);
    json_array_foreach(json_object_get(root, "views"), i, view)
    {
        double points = 0;
        json_array_foreach(json_object_get(root, "rows"), k, row)
        {
            if (json_equal(json_object_get(row, "assigner"), json_object_get(view, "assigner")) &&
                json_equal(json_object_get(row, "head"), json_object_get(view, "head")))
                points += number(row, "points");
        }
        assert_true(points == number(view, "points"));
    }
    json_decref(root);
}

static void save_random(const char *network, bool deployed, const char *path)
{
    struct weights w = {0};
    assert_ok(weights_random(network, 3, 1, &w));
    if (deployed)
        assert_ok(weights_deploy(&w));
    assert_ok(weights_save(path, &w, deployed, false));
    weights_free(&w);
}

/* Weights that remember another assigner than their family's are shown with it. */
static void the_recipe_of_the_weights_holds(void **state)
{
    (void)state;
    char arguments[512], *photo = first_photo();
    struct weights w = {0};
    struct run_options run;
    json_t *root = NULL;
    run_options_init(&run);
    run.assigner = ASSIGNER_TAL_INSIDE;
    assert_ok(weights_random("gelan-t", 3, 1, &w));
    assert_ok(run_options_recipe(&run, &w.recipe));
    assert_ok(weights_save("trained.safetensors", &w, false, false));
    snprintf(arguments, sizeof arguments, "figure assign trained.safetensors %s --img 96 --name trained", photo);
    assert_int_equal(verb_run(arguments), 0);
    assert_log("trained.safetensors: loss and assigner are those that it was trained with");
    assert_ok(json_read_file("runs/figure/trained/assign.json", NULL, &root));
    assert_string_equal(json_string_value(json_object_get(root, "assigner")), run_assigner_names[ASSIGNER_TAL_INSIDE]);
    json_decref(root);

    w.recipe[1] = '?'; /* no recipe any more */
    assert_ok(weights_save("broken.safetensors", &w, false, false));
    snprintf(arguments, sizeof arguments, "figure assign broken.safetensors %s --img 96 --name broken", photo);
    assert_int_equal(verb_run(arguments), 1);
    assert_log("broken.safetensors: yolo9.recipe");
    run_options_free(&run);
    weights_free(&w);
    mem_free(photo);
}

static void the_verb_writes_pictures_and_numbers(void **state)
{
    (void)state;
    char arguments[512], *photo = first_photo();
    save_random("yolov9-t", false, "t.safetensors");
    snprintf(arguments, sizeof arguments, "figure assign t.safetensors %s --img 96", photo);
    assert_int_equal(verb_run(arguments), 0);
    assert_log("runs/figure/exp: assign.png, steps.png, steps-auxiliary.png, assign.csv, assign.json");
    assert_log("t.safetensors: it does not say what it was trained with: loss and assigner are the defaults");
    assert_int_equal(access("runs/figure/exp/steps-auxiliary.png", R_OK), 0);
    assert_rows_add_up("runs/figure/exp/assign.json");

    save_random("yolov9-t", true, "deployed.safetensors");
    snprintf(arguments, sizeof arguments, "figure assign deployed.safetensors %s --img 96 --name deployed", photo);
    assert_int_equal(verb_run(arguments), 0);
    assert_log("deployed.safetensors has no auxiliary head, being deployed: the main head alone is shown");
    assert_int_not_equal(access("runs/figure/deployed/steps-auxiliary.png", F_OK), 0);
    assert_rows_add_up("runs/figure/deployed/assign.json");
    mem_free(photo);
}

static void labels_are_needed(void **state)
{
    (void)state;
    char command[1024], *photo = first_photo();
    snprintf(command, sizeof command, "cp %s alone.jpg", photo);
    assert_int_equal(system(command), 0);
    save_random("gelan-t", false, "g.safetensors");
    assert_int_equal(verb_run("figure assign g.safetensors alone.jpg --img 96 --name alone"), 1);
    assert_log("alone.jpg: it has no labels (");
    assert_log("alone.txt is not there); --labels names their file");
    assert_int_not_equal(access("runs/figure/alone", F_OK), 0);

    assert_ok(file_write("empty.txt", "", 0));
    assert_int_equal(verb_run("figure assign g.safetensors alone.jpg --img 96 --labels empty.txt"), 1);
    assert_log("empty.txt: it holds no object");
    assert_ok(file_write("fourth.txt", "3 .5 .5 .2 .2\n", 14));
    assert_int_equal(verb_run("figure assign g.safetensors alone.jpg --img 96 --labels fourth.txt"), 1);
    assert_log("fourth.txt:1:");
    assert_ok(file_write("one.txt", "2 .5 .5 .2 .2\n", 14));
    assert_int_equal(verb_run("figure assign g.safetensors alone.jpg --img 96 --labels one.txt --name one"), 0);
    assert_log("for 1 object");
    assert_int_equal(verb_run("figure assign g.safetensors"), 2);
    mem_free(photo);
}

static int make_set(void **state)
{
    const int rc = folder_enter(state);
    if (rc == 0)
        draw_dataset("set", 4);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_the_targets_that_a_training_has),
        cmocka_unit_test(steps_lead_to_the_targets),
        cmocka_unit_test(simota_tells_its_overlaps),
        cmocka_unit_test(simota_has_an_auxiliary_head),
        cmocka_unit_test(the_recipe_of_the_weights_holds),
        cmocka_unit_test(the_verb_writes_pictures_and_numbers),
        cmocka_unit_test(labels_are_needed),
    };
    return cmocka_run_group_tests_name("lab_assign", tests, make_set, folder_remove);
}
