/* The training run in one process: options, state, results.csv, checks, and that neither threads, workers nor folder
 * names change a byte. Kills are in test_resume.c. */
#include "support/folder.h"
#include "support/programs.h"
#include "support/unit.h"

#include "core/file.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/synth.h"
#include "model/init.h"
#include "ops/cpu.h"
#include "train/check.h"
#include "train/run_words.h"
#include "train/state.h"
#include "train/train.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- options --- */

static void options_come_back_from_yaml(void **state)
{
    (void)state;
    struct run_options a, b;
    struct buf first = {0}, second = {0};
    int count;
    const struct run_field *fields = run_fields(&count);
    run_options_init(&a);
    assert_int_equal(run_close_mosaic(&a), 15);
    a.epochs = 29;
    assert_int_equal(run_close_mosaic(&a), 0);
    a.hyper.lr0 = 0.1 + 0.2;
    a.save_minutes = 1.0 / 3;
    a.freeze[0] = 3;
    a.freeze[1] = 7;
    a.n_freeze = 2;
    for (int i = 0; i < count; i++) {
        if (!strcmp(fields[i].key, "data"))
            assert_int_equal(run_set_text(&a, &fields[i], "some: 'odd' #name.yaml"), OK);
        if (!strcmp(fields[i].key, "optimizer"))
            assert_int_equal(run_set_choice(&a, &fields[i], "adamw"), OK);
        if (!strcmp(fields[i].key, "batch_size"))
            assert_int_equal(run_set_number(&a, &fields[i], 0), E_ARGUMENT);
        if (!strcmp(fields[i].key, "schedule")) {
            assert_int_equal(run_set_choice(&a, &fields[i], "zigzag"), E_ARGUMENT);
            assert_non_null(strstr(fail_text(), "flat-cos"));
        }
    }
    assert_int_equal(run_options_write(&a, &first), OK);
    assert_int_equal(run_options_read("x", first.data, first.size, &b), OK);
    assert_string_equal(b.data, "some: 'odd' #name.yaml");
    assert_null(b.cfg);
    assert_int_equal(b.optimizer, OPTIMIZER_ADAMW);
    assert_true(b.hyper.lr0 == a.hyper.lr0 && b.save_minutes == a.save_minutes);
    assert_int_equal(b.freeze[1], 7);
    assert_int_equal(run_options_write(&b, &second), OK);
    assert_string_equal(first.data, second.data);
    /* what weights remember, and back */
    char *recipe, *again;
    a.hyper.weight_decay = 1e-5;
    run_options_free(&b);
    assert_int_equal(run_options_recipe(&a, &recipe), OK);
    assert_int_equal(run_options_read_recipe("w", recipe, &b), OK);
    assert_null(b.data);
    assert_int_equal(run_options_recipe(&b, &again), OK);
    assert_string_equal(recipe, again);
    mem_free(recipe);
    mem_free(again);
    /* a run of an older version knows no assigner: the family's is what it had */
    char *assigner = strstr(second.data, "assigner: auto");
    assert_non_null(assigner);
    assigner[0] = '#';
    run_options_free(&b);
    assert_int_equal(run_options_read("x", second.data, second.size, &b), OK);
    assert_int_equal(run_choose_assigner(&b, family_find("ultralytics"), HEAD_DFL), OK);
    assert_int_equal(b.assigner, ASSIGNER_TAL_INSIDE);
    assert_int_equal(run_choose_assigner(&b, family_find("official"), HEAD_DFL), OK); /* chosen is chosen */
    assert_int_equal(b.assigner, ASSIGNER_TAL_INSIDE);
    assert_int_equal(run_choose_assigner(&b, family_find("official"), HEAD_ANCHORS), E_USAGE);
    b.assigner = ASSIGNER_AUTO; /* anchor boxes have one of their own, which nothing else has */
    assert_int_equal(run_choose_assigner(&b, family_find("official"), HEAD_ANCHORS), OK);
    assert_int_equal(b.assigner, ASSIGNER_SIMOTA);
    assert_int_equal(run_choose_assigner(&b, family_find("official"), HEAD_DFL), E_USAGE);
    assert_non_null(strstr(fail_text(), "has none"));
    char *epochs = strstr(second.data, "epochs: 29");
    assert_non_null(epochs);
    epochs[8] = '-';
    run_options_free(&b);
    assert_int_equal(run_options_read("x", second.data, second.size, &b), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "x:4"));
    buf_free(&first);
    buf_free(&second);
    run_options_free(&a);
}

/* --- a small trainer --- */

struct fixture {
    struct table table;
    struct graph graph;
    float *start;
    struct trainer_state trainer;
};

enum { IMAGES = 2, SIZE = 64 };
static const float target[1][6] = {{0, 1, 0.5f, 0.5f, 0.4f, 0.3f}};

static void fixture_init(struct fixture *f, enum optimizer_kind kind)
{
    struct model_options options;
    model_options_init(&options);
    memset(f, 0, sizeof *f);
    assert_int_equal(table_open("gelan-t", &f->table), OK);
    f->table.nc = 3;
    assert_int_equal(model_build(&f->table, &options, &f->graph, NULL), OK);
    f->start = mem_calloc(f->graph.param_floats, sizeof *f->start);
    assert_non_null(f->start);
    model_init(&f->graph, 5, f->start);
    const struct trainer_config config = {.graph = &f->graph,
                                          .backend = &cpu_backend,
                                          .loss = loss_config_default(3),
                                          .optimizer = {.kind = kind, .beta = 0.937, .weight_decay = 5e-4},
                                          .clip_norm = 10,
                                          .carry_gradients = true};
    assert_int_equal(trainer_init(&f->trainer, &config, f->start), OK);
    assert_int_equal(net_plan(f->trainer.net, IMAGES, SIZE, SIZE), OK);
}

static void fixture_free(struct fixture *f)
{
    trainer_free(&f->trainer);
    graph_free(&f->graph);
    table_free(&f->table);
    mem_free(f->start);
}

static enum status iterate(struct fixture *f, long ni, double accumulate)
{
    struct rng rng = rng_seed(1, (uint64_t)ni, 0);
    struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = accumulate};
    struct step_report report;
    struct tensor x = net_input(f->trainer.net);
    for (int i = 0; i < IMAGES; i++)
        for (int k = 0; k < SIZE * SIZE; k++)
            for (int c = 0; c < 3; c++)
                tensor_image(&x, i)[(size_t)k * x.pixel_stride + (size_t)c] = (float)rng_uniform(&rng);
    return train_step(&f->trainer, ni, &point, target[0], 1, &report);
}

static void a_state_is_the_whole_trainer(void **state)
{
    (void)state;
    struct fixture a, b;
    const char *const names[] = {"one", "two", "drei \xc3\xa4"};
    const char *path = folder_path("state.safetensors");
    struct run_options options;
    struct run_progress progress;
    struct state s;
    size_t bytes;
    run_options_init(&options);
    fixture_init(&a, OPTIMIZER_ADAMW);
    fixture_init(&b, OPTIMIZER_ADAMW);
    assert_int_equal(run_progress_init(&progress, 3), OK);
    progress.batch = 4;
    progress.sum[1] = 0.1;
    progress.best_fitness = 1.0 / 3;
    progress.epoch = 1;
    const double row[RESULT_COLUMNS] = {1.0 / 7, 2, 3};
    assert_int_equal(run_progress_add_row(&progress, row), OK);
    for (long ni = 0; ni < 5; ni++) /* steps after 1 and 3; the gradient of 4 waits */
        assert_int_equal(iterate(&a, ni, 2), OK);
    const struct weights_meta meta = {.table = &a.table, .names = names, .nc = 3};
    const struct state_subject subject = {&options, &meta, 0x123456789abcdef0u};
    assert_int_equal(state_write(path, &subject, &progress, &a.trainer), OK);
    assert_int_equal(state_open(path, &s), OK);
    assert_true(s.data == subject.data && s.gradients && s.progress.batch == 4 && s.progress.n_rows == 1);
    assert_true(s.progress.sum[1] == 0.1 && s.progress.rows[0][0] == 1.0 / 7 && s.progress.best_fitness == 1.0 / 3);
    assert_int_equal(state_load(&s, &b.trainer), OK);
    state_close(&s);
    bytes = a.graph.param_floats * sizeof(float);
    assert_memory_equal(a.trainer.grad, b.trainer.grad, bytes);
    for (long ni = 5; ni < 8; ni++) {
        assert_int_equal(iterate(&a, ni, 2), OK);
        assert_int_equal(iterate(&b, ni, 2), OK);
    }
    assert_memory_equal(a.trainer.value, b.trainer.value, bytes);
    assert_memory_equal(a.trainer.ema.value, b.trainer.ema.value, bytes);
    const char *unused;
    for (int i = 0; i < 3; i++)
        assert_memory_equal(optimizer_state(a.trainer.optimizer, i, &unused),
                            optimizer_state(b.trainer.optimizer, i, &unused), bytes);

    /* the state is a weight file as well, that of the EMA */
    struct weights w;
    assert_int_equal(state_write(path, &subject, &progress, &b.trainer), OK);
    assert_int_equal(weights_load(path, NULL, &w, NULL), OK);
    assert_memory_equal(w.params, b.trainer.ema.value, bytes);
    assert_string_equal(w.names[2], names[2]);
    weights_free(&w);

    /* a state of another network or optimizer is refused by name */
    struct fixture other;
    fixture_init(&other, OPTIMIZER_SGD);
    assert_int_equal(state_open(path, &s), OK);
    assert_int_equal(state_load(&s, &other.trainer), E_FORMAT);
    assert_non_null(strstr(fail_text(), "momentum_buffer.model.0"));
    state_close(&s);
    fixture_free(&other);

    progress.finished = true; /* its story only */
    assert_int_equal(state_write(path, &subject, &progress, NULL), OK);
    assert_int_equal(state_open(path, &s), OK);
    assert_true(s.progress.finished && s.file.count == 0);
    state_close(&s);
    run_progress_free(&progress);
    run_options_free(&options);
    fixture_free(&a);
    fixture_free(&b);
}

static void damaged_states_are_refused(void **state)
{
    (void)state;
    struct fixture a;
    struct run_options options;
    struct run_progress progress;
    struct state s;
    struct buf bytes = {0};
    const char *const names[] = {"a", "b", "c"};
    const char *path = folder_path("damaged.safetensors");
    run_options_init(&options);
    fixture_init(&a, OPTIMIZER_SGD);
    assert_int_equal(run_progress_init(&progress, 3), OK);
    const struct weights_meta meta = {.table = &a.table, .names = names, .nc = 3};
    const struct state_subject subject = {&options, &meta, 2};
    assert_int_equal(state_write(path, &subject, &progress, &a.trainer), OK);
    assert_int_equal(file_read(path, 1 << 30, &bytes), OK);
    static const char *const words[] = {"yolo9.run", "\\\"epoch\\\":0", "\\\"ap\\\":[", "\\\"last_step\\\":-1"};
    static const char *const instead[] = {"yolo9.ran", "\\\"epoch\\\":9", "\\\"ap\\\":{", "\\\"last_step\\\":-2"};
    for (int i = 0; i < COUNT(words); i++) {
        char *at = memmem(bytes.data, bytes.size, words[i], strlen(words[i]));
        assert_non_null(at);
        memcpy(at, instead[i], strlen(words[i]));
        assert_int_equal(file_write(path, bytes.data, bytes.size), OK);
        assert_int_equal(state_open(path, &s), E_FORMAT);
        assert_non_null(strstr(fail_text(), "damaged.safetensors"));
        memcpy(at, words[i], strlen(words[i]));
    }
    assert_int_equal(file_write(path, bytes.data, bytes.size / 2), OK);
    assert_int_equal(state_open(path, &s), E_FORMAT);
    buf_free(&bytes);
    run_progress_free(&progress);
    run_options_free(&options);
    fixture_free(&a);
}

static void what_is_not_finite_is_told_by_layer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, OPTIMIZER_SGD);
    assert_int_equal(iterate(&f, 0, 1), OK);
    size_t bytes = f.graph.param_floats * sizeof(float);
    float *kept = mem_alloc(f.graph.param_floats, sizeof *kept);
    assert_non_null(kept);

    /* a gradient: its layer is the last in the forward order, for backward runs the other way */
    memcpy(kept, f.trainer.value, bytes);
    struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = 1};
    double norm;
    f.trainer.grad[f.graph.params[graph_find_param(&f.graph, "model.3.cv1.conv.weight")].first] = INFINITY;
    f.trainer.grad[f.graph.params[graph_find_param(&f.graph, "model.5.cv1.conv.weight")].first + 3] = NAN;
    assert_int_equal(trainer_optimize(&f.trainer, 1, &point, &norm), E_NUMERIC);
    assert_non_null(strstr(fail_text(), "iteration 1 is not finite"));
    assert_non_null(strstr(fail_text(), "model.5"));
    assert_memory_equal(kept, f.trainer.value, bytes);

    /* a value: the first in the forward order */
    memset(f.trainer.grad, 0, bytes);
    memcpy(kept, f.trainer.ema.value, bytes);
    int weight = graph_find_param(&f.graph, "model.5.cv1.conv.weight");
    assert_true(weight >= 0);
    f.trainer.value[f.graph.params[weight].first] = NAN;
    net_params_changed(f.trainer.net);
    assert_int_equal(iterate(&f, 1, 1), E_NUMERIC);
    assert_non_null(strstr(fail_text(), "loss of iteration 1"));
    assert_non_null(strstr(fail_text(), "it began in model.5.cv1"));
    assert_memory_equal(kept, f.trainer.ema.value, bytes);
    mem_free(kept);
    fixture_free(&f);
}

/* --- words --- */

static void results_csv_has_the_official_form(void **state)
{
    (void)state;
    struct run_progress p;
    struct buf text = {0};
    char path[512];
    snprintf(path, sizeof path, "%s", folder_path("results.csv"));
    struct run_folder f = {.results = path};
    const double row[RESULT_COLUMNS] = {1.23456789, 0.5, 100, 0.1, 0, 1, 0.25, 0, 0, 0, 0.07, 1e-5, 0.01};
    assert_int_equal(run_progress_init(&p, 1), OK);
    assert_int_equal(run_progress_add_row(&p, row), OK);
    assert_int_equal(run_write_results(&f, &p), OK);
    assert_int_equal(file_read(path, 10000, &text), OK);
    static const char want[] =
        "               epoch,      train/box_loss,      train/cls_loss,      train/dfl_loss,   metrics/precision,"
        "      metrics/recall,     metrics/mAP_0.5,metrics/mAP_0.5:0.95,        val/box_loss,        val/cls_loss,"
        "        val/dfl_loss,               x/lr0,               x/lr1,               x/lr2\n"
        "                   1,              1.2346,                 0.5,                 100,                 0.1,"
        "                   0,                   1,                0.25,                   0,                   0,"
        "                   0,                0.07,               1e-05,                0.01\n";
    assert_string_equal(text.data, want);
    buf_free(&text);
    run_progress_free(&p);
}

static void troubles_of_settings_and_machine_are_told(void **state)
{
    (void)state;
    struct buf words = {0};
    struct hyper h = hyper_default();
    h.lr0 = 0;
    assert_int_equal(check_settings(&h, 10, &words), OK);
    assert_non_null(strstr(words.data, "zero"));
    buf_free(&words);
    const struct memory_need small = {1000, 1000, 16, 640}, large = {1000, (size_t)1 << 50, 1 << 20, 640},
                             fixed = {(size_t)1 << 50, 1, 4, 640};
    assert_int_equal(check_memory(&small), OK);
    assert_int_equal(check_memory(&large), E_NOMEM);
    assert_non_null(strstr(fail_text(), "would fit"));
    assert_int_equal(check_memory(&fixed), E_NOMEM);
    assert_non_null(strstr(fail_text(), "smaller"));
    assert_int_equal(check_disk(folder, 1), OK);
    assert_int_equal(check_disk(folder, (size_t)1 << 60), E_IO);
    char later[512];
    snprintf(later, sizeof later, "%s/made/later", folder); /* the disk of the nearest folder that there is */
    assert_int_equal(check_disk(later, 1), OK);
    assert_int_equal(check_disk(later, (size_t)1 << 60), E_IO);
    assert_int_equal(check_disk("runs/made/later", (size_t)1 << 60), E_IO);
}

static void the_end_tells_what_to_try(void **state)
{
    (void)state;
    struct run_options o;
    struct run_progress p;
    struct buf words = {0};
    double row[RESULT_COLUMNS] = {1, 1, 1};
    run_options_init(&o);
    assert_int_equal(run_progress_init(&p, 1), OK);
    assert_int_equal(run_progress_add_row(&p, row), OK);
    assert_int_equal(run_closing_words(&o, &p, 10, &words), OK);
    assert_non_null(strstr(words.data, "mAP stayed near 0"));
    assert_non_null(strstr(words.data, "--weights"));
    buf_free(&words);
    row[RESULT_MAP50] = row[RESULT_MAP] = 0.5;
    assert_int_equal(run_progress_add_row(&p, row), OK);
    assert_int_equal(run_closing_words(&o, &p, 10, &words), OK);
    assert_non_null(strstr(words.data, "best epoch 2 of 2"));
    assert_null(strstr(words.data, "near 0"));
    buf_free(&words);
    run_progress_free(&p);
    run_options_free(&o);
}

/* --- whole runs --- */

static void draw_set(const char *name, int images)
{
    const struct synth_config synth = {.folder = folder_path(name),
                                       .images = images,
                                       .classes = 2,
                                       .h = 96,
                                       .w = 96,
                                       .val_fraction = 0.3,
                                       .quiet = true};
    assert_int_equal(synth_write(&synth), OK);
}

static enum status train(const char *name, int threads, int workers, struct run_options *o)
{
    struct team *team = NULL;
    if (threads > 1)
        assert_int_equal(team_create(threads, &team), OK);
    const struct train_request request = {
        .options = o, .project = folder, .name = name, .workers = workers, .team = team};
    enum status rc = train_run(&request);
    if (rc != OK)
        print_message("%s\n", fail_text());
    team_destroy(team);
    return rc;
}

static void same_bytes(const char *file)
{
    char name[128];
    struct buf a = {0}, b = {0};
    snprintf(name, sizeof name, "one/%s", file);
    assert_int_equal(file_read(folder_path(name), 1 << 30, &a), OK);
    snprintf(name, sizeof name, "two/%s", file);
    assert_int_equal(file_read(folder_path(name), 1 << 30, &b), OK);
    if (a.size != b.size || memcmp(a.data, b.data, a.size) != 0)
        fail_msg("%s differs", file);
    buf_free(&a);
    buf_free(&b);
}

/* `yolo9 val` draws what `train` draws at its end, unless asked not to. */
static void val_draws_its_pictures(void)
{
    static const char *const pictures[] = {"val_batch0_labels.jpg",       "val_batch0_pred.jpg",
                                           "val_batch1_pred.jpg",         "confusion_matrix.png",
                                           "confusion_matrix_counts.png", "PR_curve.png"};
    char command[1024], name[64];
    struct buf out = {0};
    for (int plots = 0; plots < 2; plots++) {
        snprintf(
            command, sizeof command,
            "cd %s && %s/yolo9 val --weights one/weights/last.safetensors --data set/data.yaml --task train --img 64 "
            "--batch 4 --threads 1 --project . --name val%d %s",
            folder, Y9_BINARY_DIR, plots, plots ? "" : "--noplots");
        assert_int_equal(program_run(command, true, &out), 0);
        buf_free(&out);
        for (int i = 0; i < COUNT(pictures); i++) {
            snprintf(name, sizeof name, "val%d/%s", plots, pictures[i]);
            assert_int_equal(path_exists(folder_path(name)), plots);
        }
    }
}

static void threads_workers_and_names_change_no_byte(void **state)
{
    (void)state;
    struct run_options o;
    char data[512];
    draw_set("set", 10);
    snprintf(data, sizeof data, "%s", folder_path("set/data.yaml"));
    run_options_init(&o);
    o.cfg = "yolov9-t";
    o.data = data;
    o.epochs = 2;
    o.batch = 4;
    o.nominal_batch = 8;
    o.img = 64;
    o.save_period = 1;
    o.multi_scale = true;
    o.hyper.copy_paste = 0;
    assert_int_equal(train("one", 1, 0, &o), OK);
    o.noplots = true;
    assert_int_equal(train("two", 3, 2, &o), OK);
    same_bytes("results.csv");
    same_bytes("weights/last.safetensors");
    same_bytes("weights/best.safetensors");
    same_bytes("weights/epoch1.safetensors");
    static const char *const pictures[] = {"labels.png",          "results.png",
                                           "train_batch0.jpg",    "val_batch0_labels.jpg",
                                           "val_batch0_pred.jpg", "confusion_matrix.png"};
    for (int i = 0; i < COUNT(pictures); i++) {
        char name[64];
        snprintf(name, sizeof name, "one/%s", pictures[i]);
        assert_true(path_exists(folder_path(name)));
        snprintf(name, sizeof name, "two/%s", pictures[i]);
        assert_false(path_exists(folder_path(name)));
    }
    val_draws_its_pictures();
    o.seed = 1;
    assert_int_equal(train("three", 1, 0, &o), OK);
    struct buf a = {0}, b = {0};
    assert_int_equal(file_read(folder_path("one/results.csv"), 1 << 20, &a), OK);
    assert_int_equal(file_read(folder_path("three/results.csv"), 1 << 20, &b), OK);
    assert_string_not_equal(a.data, b.data);
    buf_free(&a);
    buf_free(&b);

    /* a finished run is left alone; fine-tuning starts from what a run wrote */
    const struct train_request again = {.resume = folder_path("one/weights/last.safetensors")};
    assert_int_equal(train_run(&again), OK);
    char weights[512];
    snprintf(weights, sizeof weights, "%s", folder_path("one/weights/best.safetensors"));
    o.weights = weights;
    o.cfg = NULL;
    o.epochs = 1;
    o.n_freeze = 1;
    o.freeze[0] = 5;
    assert_int_equal(train("tuned", 1, 0, &o), OK);
    struct weights before, after;
    assert_int_equal(weights_load(weights, NULL, &before, NULL), OK);
    assert_int_equal(weights_load(folder_path("tuned/weights/last.safetensors"), NULL, &after, NULL), OK);
    for (int i = 0; i < before.training.n_params; i++) {
        const struct param *p = &before.training.params[i];
        for (size_t k = p->first; p->role == PARAM_WEIGHT && p->row < 5 && k < p->first + p->count; k++)
            if (fabsf(before.params[k] - after.params[k]) > 1e-6f * fabsf(before.params[k])) /* EMA rounds */
                fail_msg("%s is frozen, but was trained", p->name);
    }
    int free_one = graph_find_param(&before.training, "model.6.cv1.conv.weight");
    assert_true(free_one >= 0);
    const struct param *p = &before.training.params[free_one];
    float change = 0;
    for (size_t k = p->first; k < p->first + p->count; k++)
        change = fmaxf(change, fabsf(before.params[k] - after.params[k]) / fabsf(before.params[k]));
    assert_true(change > 1e-5f);
    weights_free(&before);
    weights_free(&after);
    o.weights = o.cfg = o.data = NULL;
    run_options_free(&o);
}

static void a_broken_run_stops_and_keeps_what_was_good(void **state)
{
    (void)state;
    struct weights w;
    struct run_options o;
    char data[512], path[512];
    draw_set("set2", 4);
    snprintf(data, sizeof data, "%s", folder_path("set2/data.yaml"));
    snprintf(path, sizeof path, "%s", folder_path("huge.safetensors"));
    assert_int_equal(weights_random("gelan-t", 2, 0, &w), OK);
    const struct param *p = &w.training.params[graph_find_param(&w.training, "model.22.cv3.1.2.weight")];
    for (size_t k = 0; k < p->count; k++)
        w.params[p->first + k] = 3e38f; /* finite, but no sum of them is */
    assert_int_equal(weights_save(path, &w, false, false), OK);
    weights_free(&w);
    run_options_init(&o);
    o.weights = path;
    o.data = data;
    o.epochs = 2;
    o.batch = 2;
    o.img = 64;
    o.noplots = true;
    assert_int_equal(train("broken", 1, 0, &o), E_NUMERIC);
    assert_non_null(strstr(fail_text(), "loss of iteration 0"));
    assert_non_null(strstr(fail_text(), "it began in model.22.cv3.1.2"));
    assert_non_null(strstr(fail_text(), "last good weights and state are kept"));
    struct state s;
    assert_int_equal(state_open(folder_path("broken/state.safetensors"), &s), OK);
    assert_true(s.progress.epoch == 0 && s.progress.batch == 0);
    state_close(&s);
    o.weights = o.data = NULL;
    run_options_free(&o);
}

static void pictures_without_labels_are_background(void **state)
{
    (void)state;
    struct run_options o;
    char data[512], **names;
    int n;
    draw_set("bare", 6);
    snprintf(data, sizeof data, "%s", folder_path("bare/labels/train"));
    assert_int_equal(path_list(data, &names, &n), OK);
    for (int i = 1; i < n; i++) { /* one picture keeps its labels */
        char path[600];
        snprintf(path, sizeof path, "%s/%s", data, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(data, sizeof data, "%s", folder_path("bare/data.yaml"));
    run_options_init(&o);
    o.cfg = "gelan-t";
    o.data = data;
    o.epochs = 1;
    o.batch = 1;
    o.img = 64;
    o.hyper.mosaic = 0;
    assert_int_equal(train("background", 2, 1, &o), OK);

    char path[700];
    snprintf(path, sizeof path, "%s/labels/train/%s", folder_path("bare"), names[0]);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(train("nothing", 1, 0, &o), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "there is nothing to learn"));
    assert_false(path_exists(folder_path("nothing")));
    path_list_free(names, n);
    o.cfg = o.data = NULL;
    run_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_come_back_from_yaml),
        cmocka_unit_test(a_state_is_the_whole_trainer),
        cmocka_unit_test(damaged_states_are_refused),
        cmocka_unit_test(what_is_not_finite_is_told_by_layer),
        cmocka_unit_test(results_csv_has_the_official_form),
        cmocka_unit_test(troubles_of_settings_and_machine_are_told),
        cmocka_unit_test(the_end_tells_what_to_try),
        cmocka_unit_test(threads_workers_and_names_change_no_byte),
        cmocka_unit_test(pictures_without_labels_are_background),
        cmocka_unit_test(a_broken_run_stops_and_keeps_what_was_good),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
