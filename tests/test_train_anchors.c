/* Training of networks with anchor boxes, from the table to the run's folder: learning, threads, resuming, auto-anchor.
 */
#include "support/folder.h"
#include "support/mini_tables.h"
#include "support/unit.h"

#include "core/buf.h"
#include "core/file.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/synth.h"
#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "train/anchor_candidates.h"
#include "train/train.h"
#include "weights/checkpoint.h"
#include "weights/weights.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, IMAGES = 4 };

/* Networks of YOLOv7's modules that are small enough for a test: three levels, and four with an auxiliary branch. */
static const char mini[] = "nc: 2\n"
                           "anchors: [[6,6, 10,20, 20,10], [24,24, 20,40, 40,20], [48,48, 40,60, 60,40]]\n"
                           "backbone:\n"
                           "  - [-1, 1, ReOrg, []]\n"
                           "  - [-1, 1, Conv, [16, 3, 1, None, 1, nn.LeakyReLU(0.1)]]\n"
                           "  - [-1, 1, MP, []]\n"
                           "  - [-1, 1, Conv, [24, 3, 2, None, 1, nn.LeakyReLU(0.1)]]\n"
                           "  - [-1, 1, Conv, [32, 3, 2, None, 1, nn.LeakyReLU(0.1)]]\n"
                           "  - [-1, 1, SP, [5]]\n"
                           "  - [-1, 1, Conv, [32, 3, 2, None, 1, nn.LeakyReLU(0.1)]]\n"
                           "head:\n"
                           "  - [3, 1, RepConv, [24, 3, 1]]\n"
                           "  - [[7, 5, 6], 1, IDetect, [nc, anchors]]\n";
static const char mini_aux[] = "nc: 2\n" MINI_AUXILIARY;

/* --- one batch again and again --- */

static const float targets[][6] = {{0, 0, 0.3f, 0.3f, 0.3f, 0.3f},
                                   {0, 1, 0.7f, 0.7f, 0.4f, 0.2f},
                                   {1, 1, 0.5f, 0.5f, 0.7f, 0.7f},
                                   {2, 0, 0.6f, 0.4f, 0.2f, 0.5f},
                                   {2, 1, 0.2f, 0.8f, 0.2f, 0.2f}}; /* none in the last picture */

static void fill(struct net *net)
{
    struct rng r = rng_seed(7, 8, 9);
    struct tensor x = net_input(net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)rng_uniform(&r);
}

/* Sum of the changes of the parameters with this word in their names. */
static double moved(const struct graph *g, const float *value, const float *start, const char *word)
{
    double sum = 0;
    for (int i = 0; i < g->n_params; i++)
        for (size_t k = g->params[i].first;
             strstr(g->params[i].name, word) && k < g->params[i].first + g->params[i].count; k++)
            sum += fabs((double)value[k] - (double)start[k]);
    return sum;
}

/* Mean probability of an object where the main branch was matched with a label, and of all. */
static void objectness(struct trainer_state *t, double *matched, double *all)
{
    struct loss_result result;
    fill(t->net);
    net_forward(t->net); /* the step's maps are gone */
    assert_int_equal(trainer_loss(t, 0, targets[0], COUNT(targets), &result), OK);
    const struct graph *g = t->config.graph;
    const struct head_output o = net_output(t->net, g->n_branches - 1);
    const struct loss_matching m = loss_get_matching(t->loss, g->n_branches - 1);
    const int no = 5 + g->head.nc;
    int n = 0;
    *matched = *all = 0;
    for (int group = 0; group < o.n * o.n_levels; group++)
        for (int i = m.first[group]; i < m.first[group + 1]; i++) {
            const struct anchor_candidate *c = &m.candidates[i];
            size_t cell = (size_t)(o.level[group % o.n_levels].first + c->y * o.level[group % o.n_levels].w + c->x);
            const float *x = o.logits + (size_t)c->image * o.image_stride + cell * o.stride + (size_t)(c->anchor * no);
            *matched += m.owner[i] >= 0 ? 1 / (1 + exp((double)-x[4])) : 0;
            n += m.owner[i] >= 0;
        }
    *matched /= n;
    for (int i = 0; i < o.n * o.anchors; i++)
        for (int a = 0; a < g->head.n_anchors; a++)
            *all += 1 / (1 + exp((double)-o.logits[(size_t)i * o.stride + (size_t)(a * no + 4)]));
    *all /= (double)o.n * o.anchors * g->head.n_anchors;
}

/* A network of a table's text, or a built-in one, comes near the labels of one batch within so many steps. */
static void learns(const char *text, const char *name, int branches, int steps, const char *const *parts)
{
    struct table table;
    struct graph graph;
    struct model_options options;
    struct trainer_state t;
    struct step_report report;
    double first[LOSS_ITEMS] = {0};
    assert_int_equal(text ? table_read(text, strlen(text), name, &table) : table_open(name, &table), OK);
    table.nc = 2;
    model_options_init(&options);
    assert_int_equal(model_build(&table, &options, &graph, NULL), OK);
    assert_int_equal(graph.n_branches, branches);
    float *start = mem_calloc(graph.param_floats, sizeof *start);
    assert_non_null(start);
    model_init(&graph, 3, start);
    const struct hyper hyper = preset_hyper(preset_for(name, table.family, &graph));
    struct trainer_config config = {
        .graph = &graph, .backend = &cpu_backend, .loss = loss_config_of(&graph.head, branches), .even_steps = true};
    hyper_apply_loss(&hyper, &config.loss);
    loss_scale_gains(&config.loss, graph.branch[0].n_levels, 640); /* objectness is learnt in few steps */
    config.optimizer.beta = 0.937;
    config.optimizer.weight_decay = 5e-4;
    assert_int_equal(trainer_init(&t, &config, start), OK);
    assert_int_equal(net_plan(t.net, IMAGES, SIDE, SIDE), OK);
    for (int i = 0; i < steps; i++) {
        const struct schedule_point point = {.lr = {0.02, 0.02, 0.02}, .momentum = 0.9, .accumulate = 2};
        fill(t.net);
        assert_int_equal(train_step(&t, i, &point, targets[0], COUNT(targets), &report), OK);
        assert_true(report.stepped == (i % 2 == 0));
        if (i == 0)
            memcpy(first, report.loss.item, sizeof first);
    }
    const double *last = report.loss.item;
    assert_true(last[0] < 0.4 * first[0] && last[1] < first[1] && last[2] < 0.6 * first[2]);
    double matched, all;
    objectness(&t, &matched, &all);
    assert_true(matched > 0.4 && all < 0.1);
    for (int i = 0; parts[i]; i++)
        assert_true(moved(&graph, t.value, start, parts[i]) > 0);
    trainer_free(&t);
    mem_free(start);
    graph_free(&graph);
    table_free(&table);
}

static void a_batch_is_learnt_by_heart(void **state)
{
    (void)state;
    learns(mini, "mini", 1, 200,
           (const char *const[]){".m.0.", ".m.2.", ".ia.1.", ".im.1.", "rbr_dense", "rbr_1x1", NULL});
    learns(mini_aux, "mini", 2, 200, (const char *const[]){".m.3.", ".m2.0.", ".m2.3.", ".ia.0.", ".im.3.", NULL});
    learns(NULL, "yolov7-tiny", 1, 60, (const char *const[]){"model.0.", "model.77.m.0.", "model.77.im.2.", NULL});
}

/* --- runs --- */

static const char *table_file(const char *name, const char *text)
{
    const char *path = folder_path(name);
    assert_int_equal(file_write(path, text, strlen(text)), OK);
    return path;
}

struct told {
    char text[8192];
    volatile sig_atomic_t stop;
    int stop_after; /* ticks; 0: never */
};

static void take_text(void *context, const char *line)
{
    struct told *told = context;
    size_t used = strlen(told->text);
    snprintf(told->text + used, sizeof told->text - used, "%s\n", line);
}

static void take_tick(void *context, const struct train_tick *tick)
{
    struct told *told = context;
    (void)tick;
    if (told->stop_after && --told->stop_after == 0)
        told->stop = 1;
}

static enum status train(const char *name, const struct run_options *o, int threads, struct told *told)
{
    struct team *team = NULL;
    if (threads > 1)
        assert_int_equal(team_create(threads, &team), OK);
    struct train_request request = {
        .options = o, .project = folder, .name = name, .workers = threads - 1, .team = team, .resume = o ? NULL : name};
    request.events.context = told;
    request.events.text = take_text;
    request.events.tick = take_tick;
    request.events.stop = &told->stop;
    enum status rc = train_run(&request);
    if (rc != OK)
        print_message("%s\n", fail_text());
    team_destroy(team);
    return rc;
}

static void same_bytes(const char *one, const char *two)
{
    struct buf a = {0}, b = {0};
    assert_int_equal(file_read(folder_path(one), 1 << 30, &a), OK);
    assert_int_equal(file_read(folder_path(two), 1 << 30, &b), OK);
    assert_true(a.size == b.size && !memcmp(a.data, b.data, a.size));
    buf_free(&a);
    buf_free(&b);
}

static struct run_options options_of(const char *cfg, const char *data)
{
    struct run_options o;
    run_options_init(&o);
    o.cfg = cfg;
    o.data = data;
    o.epochs = 4;
    o.batch = 4;
    o.nominal_batch = 8;
    o.img = SIDE;
    o.noplots = true;
    o.given_hyper = 0;
    o.given_schedule = false;
    return o;
}

static void threads_and_interruptions_change_no_byte(void **state)
{
    (void)state;
    const char *const tables[] = {mini, mini_aux};
    for (int i = 0; i < COUNT(tables); i++) {
        char cfg[512], data[512], name[32];
        static const char *const parts[] = {"results.csv", "weights/last.safetensors", "weights/best.safetensors"};
        struct told told = {.text = ""}, cut = {.stop_after = 4}, rest = {.text = ""};
        snprintf(cfg, sizeof cfg, "%s", table_file("mini.yaml", tables[i]));
        snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
        struct run_options o = options_of(cfg, data);
        snprintf(name, sizeof name, "one%d", i);
        assert_int_equal(train(name, &o, 1, &told), OK);
        assert_non_null(strstr(told.text, i ? "recipe yolov7-w6" : "recipe yolov7 "));
        assert_non_null(strstr(told.text, "paste_in"));
        assert_non_null(strstr(told.text, "warm-up takes 1000 iterations at least, the whole run has 8:"));
        snprintf(name, sizeof name, "two%d", i);
        assert_int_equal(train(name, &o, 3, &cut), E_INTERRUPTED);
        char path[512];
        snprintf(path, sizeof path, "%s", folder_path(name));
        assert_int_equal(train(path, NULL, 2, &rest), OK);
        for (int k = 0; k < COUNT(parts); k++) {
            char one[64], two[64];
            snprintf(one, sizeof one, "one%d/%s", i, parts[k]);
            snprintf(two, sizeof two, "two%d/%s", i, parts[k]);
            same_bytes(one, two);
        }
        struct buf csv = {0};
        snprintf(name, sizeof name, "one%d/results.csv", i);
        assert_int_equal(file_read_text(folder_path(name), 1 << 20, &csv), OK);
        assert_non_null(strstr(csv.data, "train/box_loss,      train/obj_loss,      train/cls_loss"));
        assert_non_null(strstr(csv.data, "val/box_loss,        val/obj_loss,        val/cls_loss"));
        const char *row = strchr(csv.data, '\n') + 1;
        double value[11] = {0};
        for (int k = 0; k < COUNT(value); k++) {
            value[k] = strtod(row, (char **)&row);
            row++;
        }
        assert_true(value[1] > 0 && value[2] > 0 && value[3] > 0 && value[8] > 0 &&
                    value[9] > 0); /* val's are measured */
        buf_free(&csv);
        run_options_free(&o);
    }
}

/* --- auto-anchor in a run --- */

static void anchors_that_do_not_fit_are_replaced_and_kept(void **state)
{
    (void)state;
    char cfg[512], data[512], text[1024], *boxes;
    snprintf(text, sizeof text, "%s", mini);
    boxes = strstr(text, "[[6,6, 10,20, 20,10]");
    assert_non_null(boxes);
    memcpy(boxes, "[[900,9, 900,9, 9,9]", 20); /* shapes that no label has, in as many letters */
    snprintf(cfg, sizeof cfg, "%s", table_file("odd.yaml", text));
    for (int keep = 0; keep < 2; keep++) {
        struct told told = {.text = ""};
        struct checkpoint c;
        struct table saved;
        bool folded;
        char weights[64];
        snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
        struct run_options o = options_of(cfg, data);
        o.epochs = 1;
        o.hyper.anchor_t = 1.15; /* so near that few boxes will do */
        o.given_hyper = UINT64_MAX;
        o.noautoanchor = keep == 1;
        assert_int_equal(train(keep ? "kept" : "new", &o, 1, &told), OK);
        assert_non_null(strstr(told.text, "anchors: "));
        assert_true((strstr(told.text, "new anchors, with ") != NULL) == !keep);
        snprintf(weights, sizeof weights, "%s/weights/last.safetensors", keep ? "kept" : "new");
        assert_int_equal(checkpoint_open(folder_path(weights), &c), OK);
        assert_int_equal(weights_table(&c, &saved, &folded), OK);
        assert_true((saved.anchor[0][0][0] == 900) == keep);
        table_free(&saved);
        checkpoint_close(&c);
        run_options_free(&o);
    }
}

/* The weights' own anchors come with them; beside other ones of --cfg a warning stands. */
static void weights_bring_their_anchors(void **state)
{
    (void)state;
    char cfg[512], data[512], weights[512], text[1024];
    struct told told = {.text = ""}, other = {.text = ""}, own = {.text = ""};
    snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
    snprintf(text, sizeof text, "%s", mini);
    memcpy(strstr(text, "[[6,6,"), "[[7,9,", 6);
    snprintf(cfg, sizeof cfg, "%s", table_file("other.yaml", text));
    struct run_options o = options_of(cfg, data);
    o.epochs = 1;
    o.noautoanchor = true;
    assert_int_equal(train("first", &o, 1, &told), OK);
    snprintf(weights, sizeof weights, "%s", folder_path("first/weights/last.safetensors"));
    o.weights = weights;
    o.cfg = NULL;
    assert_int_equal(train("own", &o, 1, &own), OK);
    assert_null(strstr(own.text, "other anchor boxes"));
    snprintf(cfg, sizeof cfg, "%s", table_file("mini.yaml", mini));
    o.cfg = cfg;
    assert_int_equal(train("other", &o, 1, &other), OK);
    assert_non_null(strstr(other.text, "other anchor boxes than"));
    assert_non_null(strstr(other.text, "(first 7,9, here 6,6)"));
    run_options_free(&o);
}

/* Four levels have a stride of 64: sizes of training, of its batches and of validation are multiples of that. */
static void sides_follow_the_largest_stride(void **state)
{
    (void)state;
    char cfg[512], data[512];
    struct told told = {.text = ""};
    snprintf(cfg, sizeof cfg, "%s", table_file("aux.yaml", mini_aux));
    snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
    struct run_options o = options_of(cfg, data);
    o.epochs = 2;
    o.img = 96;
    o.multi_scale = true;
    assert_int_equal(train("sides", &o, 1, &told), OK);
    assert_non_null(strstr(told.text, "--img 96 becomes 128: sides are multiples of 64"));
    o.img = SIDE; /* half of it would be no side at all */
    assert_int_equal(train("least", &o, 1, &told), OK);
    run_options_free(&o);
}

static void assigners_of_other_heads_are_refused(void **state)
{
    (void)state;
    char cfg[512], data[512];
    struct told told = {.text = ""};
    snprintf(cfg, sizeof cfg, "%s", table_file("mini.yaml", mini));
    snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
    struct run_options o = options_of(cfg, data);
    o.assigner = ASSIGNER_TAL;
    assert_int_equal(train("refused", &o, 1, &told), E_USAGE);
    o.cfg = "gelan-t";
    o.assigner = ASSIGNER_SIMOTA;
    assert_int_equal(train("refused", &o, 1, &told), E_USAGE);
    assert_false(path_exists(folder_path("refused")));
    run_options_free(&o);
}

static int setup(void **state)
{
    folder_make(state);
    const struct synth_config set = {
        .folder = folder_path("set"), .images = 12, .classes = 2, .h = 96, .w = 96, .val_fraction = 0.3, .quiet = true};
    return synth_write(&set) == OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_learnt_by_heart),
        cmocka_unit_test(threads_and_interruptions_change_no_byte),
        cmocka_unit_test(anchors_that_do_not_fit_are_replaced_and_kept),
        cmocka_unit_test(weights_bring_their_anchors),
        cmocka_unit_test(sides_follow_the_largest_stride),
        cmocka_unit_test(assigners_of_other_heads_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, folder_remove);
}
