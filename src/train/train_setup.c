#include "core/clock.h"
#include "core/file.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/doctor.h"
#include "data/preview.h"
#include "model/init.h"
#include "ops/cpu.h"
#include "train/check.h"
#include "train/run_validation.h"
#include "train/run_words.h"
#include "train/train_job.h"
#include "weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of a text, one by one. */
static void say_lines(const struct train_job *j, const char *prefix, const struct buf *text)
{
    for (const char *line = text->data; line && *line;) {
        size_t n = strcspn(line, "\n");
        job_say(j, "%s%.*s", prefix, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* --- data --- */

static enum status open_data(struct train_job *j)
{
    enum status rc = OK;
    struct buf words = {0};
    const struct run_options *o = &j->options;
    struct dataset_options options = {.single_class = o->single_cls,
                                      .min_items = o->min_items,
                                      .no_cache = j->request->no_cache,
                                      .team = j->request->team};
    if (!o->data)
        TRY_CLEAN(fail(E_USAGE, "--data is needed: the YAML file of a dataset"));
    TRY_CLEAN(dataset_yaml_open(o->data, &j->yaml));
    TRY_CLEAN(dataset_load(&j->yaml, SPLIT_TRAIN, &options, &j->train));
    options.min_items = 0;
    TRY_CLEAN(dataset_load(&j->yaml, SPLIT_VAL, &options, &j->val));
    TRY_CLEAN(dataset_describe(j->train, "train", 3, &words));
    TRY_CLEAN(dataset_describe(j->val, "val", 3, &words));
    say_lines(j, "", &words);
    j->data = dataset_fingerprint(j->train);
    if (j->resumed && j->data != j->state.data)
        TRY_CLEAN(fail(E_ARGUMENT,
                       "%s: the training pictures or labels are not those that the run in %s began with; a new run can "
                       "start from its --weights %s",
                       o->data, j->folder.path, j->folder.last));
    if (j->resumed) {
        const struct class_list here = {o->data, j->train->names, j->train->nc};
        TRY_CLEAN(state_check_classes(&j->state, &here, &words));
        say_lines(j, "warning: ", &words);
    }
cleanup:
    buf_free(&words);
    return rc;
}

/* --- network --- */

/* --freeze beyond the network is told before anything is read. */
static enum status check_freeze(const struct train_job *j)
{
    const struct run_options *o = &j->options;
    bool *frozen = mem_calloc((size_t)j->table.n_rows + 1, sizeof *frozen);
    enum status rc = frozen ? freeze_rows(o->freeze, o->n_freeze, frozen, j->table.n_rows) : E_NOMEM;
    mem_free(frozen);
    return rc == E_ARGUMENT ? E_USAGE : rc;
}

/* What a new run starts from, before its data are read, which may take long: the weights, and the table of --cfg, or
 * else of the weights. */
static enum status open_start(struct train_job *j)
{
    const struct run_options *o = &j->options;
    const struct checkpoint *c = o->weights ? &j->start_file : NULL;
    bool folded = false;
    if (j->resumed)
        return OK;
    if (!o->cfg && !c)
        TRY(fail(E_USAGE, "--cfg (a network to train from nothing) or --weights (one to go on with) is needed"));
    if (c)
        TRY(checkpoint_open(o->weights, &j->start_file));
    if (o->cfg)
        TRY(table_open(o->cfg, &j->table));
    else
        TRY(weights_table(c, &j->table, &folded));
    if (folded)
        TRY(fail(E_UNSUPPORTED,
                 "%s: its BN is folded into the convolutions, for inference only; training needs the "
                 "training form",
                 c->path));
    TRY(check_freeze(j));
    return OK;
}

static enum status build_network(struct train_job *j)
{
    struct model_options options;
    model_options_init(&options);
    TRY(model_build(&j->table, &options, &j->graph, NULL));
    TRY(run_options_settle(&j->options, &j->table, &j->graph, j->train->n_images, &j->settled));
    TRY(model_deploy(&j->table, &j->graph, &j->deployed));
    j->start = mem_calloc(j->graph.param_floats, sizeof *j->start);
    j->deployed_ema = mem_calloc(j->deployed.param_floats, sizeof *j->deployed_ema);
    if (!j->start || !j->deployed_ema)
        return E_NOMEM;
    if (j->options.img != j->settled.img)
        job_say(j, "--img %d becomes %d: sides are multiples of %d", j->settled.img, j->options.img,
                graph_largest_stride(&j->graph));
    if (j->graph.head.nc != j->train->nc)
        TRY(fail(E_SHAPE, "%s: the head has %d %s whatever nc is, the dataset has %d", j->table.source,
                 j->graph.head.nc, noun(j->graph.head.nc, "class", "classes"), j->train->nc));
    return OK;
}

static enum status open_network(struct train_job *j)
{
    if (j->resumed) {
        j->table = j->state.table;
        j->state.table = (struct table){0};
        return build_network(j);
    }
    j->table.nc = j->train->nc;
    TRY(build_network(j));
    model_init(&j->graph, (uint64_t)j->options.seed, j->start);
    if (j->options.weights)
        TRY(job_start_from(j, &j->start_file));
    checkpoint_close(&j->start_file);
    return OK;
}

/* What is likely to be wrong with the data, at the size that the network really sees. */
static enum status open_doctor(struct train_job *j)
{
    struct buf words = {0};
    const enum status rc = doctor_opening(j->train, j->val, j->options.img, &words);
    say_lines(j, "warning: ", &words);
    buf_free(&words);
    return rc;
}

/* --- recipe --- */

/* What there is to say about the recipe that was taken. */
static enum status tell_recipe(struct train_job *j)
{
    enum status rc = OK;
    const struct run_options *o = &j->options;
    struct buf idle = {0}, words = {0};
    const struct preset *preset = preset_get((enum preset_kind)o->preset);
    if (!j->resumed && (j->settled.asked != PRESET_AUTO || o->preset != PRESET_YOLOV9))
        job_say(j, "recipe %s (--hyp takes another)%s%s", preset->name, preset->without ? ", without " : "",
                preset->without ? preset->without : "");
    const long steps = j->settled.steps;
    if (steps)
        job_say(j, "--optimizer auto: %s with lr0 %g, momentum %g and warmup_bias_lr %g for about %ld %s",
                run_optimizer_names[o->optimizer], o->hyper.lr0, o->hyper.momentum, o->hyper.warmup_bias_lr, steps,
                noun(steps, "step", "steps"));
    if (!j->resumed)
        TRY_CLEAN(hyper_check_given(&o->hyper, o->given_hyper, j->graph.head.kind, &idle, &words));
    if (!j->resumed && j->graph.head.kind == HEAD_ANCHORS && o->assign != ASSIGN_INDEPENDENT)
        job_say(j, "--assign %s has no effect: SimOTA takes the main branch's predictions for all branches",
                run_assign_names[o->assign]);
    if (idle.size)
        job_say(j, "hyper-parameters without effect on %s: %s", j->table.name, idle.data);
    TRY_CLEAN(check_settings(&o->hyper, o->epochs, &words));
    say_lines(j, "warning: ", &words);
cleanup:
    buf_free(&idle);
    buf_free(&words);
    return rc;
}

/* --- training --- */

static enum status open_loader(struct train_job *j)
{
    const struct run_options *o = &j->options;
    const struct loader_config config = {.dataset = j->train,
                                         .size = o->img,
                                         .batch = o->batch,
                                         .training = true,
                                         .load = LOAD_LINEAR,
                                         .augment = hyper_augment(&o->hyper),
                                         .rect = o->rect,
                                         .stride = graph_largest_stride(&j->graph),
                                         .seed = (uint64_t)o->seed,
                                         .workers = j->request->workers,
                                         .ranks = 1,
                                         .cache = o->cache == CACHE_RAM};
    if (o->image_weights) {
        j->picture_weights = mem_alloc((size_t)j->train->n_images, sizeof *j->picture_weights);
        if (!j->picture_weights)
            return E_NOMEM;
    }
    return loader_open(&config, &j->loader);
}

/* check_settings tells of epochs of warm-up, this of the least number of iterations. */
static void tell_warmup(const struct train_job *j)
{
    const struct schedule *s = &j->schedule;
    long warmup = schedule_warmup(s), run = s->epochs * s->batches;
    if (!j->resumed && warmup >= run && s->epochs > 1 && s->warmup_epochs < s->epochs)
        job_say(j,
                "warning: warm-up takes %ld iterations at least, the whole run has %ld: the learning rate never gets "
                "to lr0 (--warmup-iterations %ld)",
                warmup, run, MAX(run / 10, 1));
}

static enum status open_trainer(struct train_job *j)
{
    enum status rc = OK;
    const struct run_options *o = &j->options;
    struct schedule *s = &j->schedule;
    *s = (struct schedule){.kind = (enum schedule_kind)o->schedule,
                           .epochs = o->epochs,
                           .batches = loader_batches(j->loader),
                           .batch = o->batch,
                           .nominal_batch = o->nominal_batch,
                           .lr_lag = o->lr_lag};
    const struct preset *preset = preset_get((enum preset_kind)o->preset);
    s->least_warmup = run_least_warmup(o);
    hyper_apply_schedule(&o->hyper, s);
    tell_warmup(j);
    bool *frozen = mem_calloc((size_t)j->graph.n_rows, sizeof *frozen);
    if (!frozen)
        return E_NOMEM;
    TRY_CLEAN(freeze_rows(o->freeze, o->n_freeze, frozen, j->graph.n_rows));
    struct trainer_config config = {
        .graph = &j->graph,
        .backend = &cpu_backend,
        .team = j->request->team,
        .exact = o->exact,
        .precision = (enum precision)o->precision,
        .loss = run_loss_config(o, &j->graph),
        .optimizer = {.kind = (enum optimizer_kind)o->optimizer,
                      .beta = o->hyper.momentum,
                      .weight_decay = schedule_weight_decay(s, o->hyper.weight_decay)},
        .frozen = frozen,
        .clip_norm = preset->clip_norm,
        .even_steps = preset->even_steps,
        .carry_gradients = !o->official_quirks,
        .fp16_start = o->official_quirks,
    };
    TRY_CLEAN(trainer_init(&j->trainer, &config, j->start));
    mem_free(j->start);
    j->start = NULL;
    if (j->resumed)
        TRY_CLEAN(state_load(&j->state, &j->trainer));
cleanup:
    mem_free(frozen);
    return rc;
}

static enum status open_validation(struct train_job *j)
{
    const struct run_options *o = &j->options;
    const struct net_config net = {
        .backend = &cpu_backend, .team = j->request->team, .mode = RUN_INFER, .exact = o->exact};
    const struct loader_config loader = run_val_loader(o, j->val, &j->graph, j->request->workers);
    TRY(loader_open(&loader, &j->val_loader));
    TRY(net_create(&j->deployed, j->deployed_ema, NULL, &net, &j->val_net));
    if (j->graph.n_branches == 1 || j->graph.head.kind == HEAD_ANCHORS)
        TRY(loss_create(&j->trainer.config.loss, j->request->team, &j->val_loss));
    return OK;
}

static int count_states(const struct train_job *j)
{
    const char *name;
    int n = 0;
    while (n < OPTIMIZER_STATES && optimizer_state(j->trainer.optimizer, n, &name))
        n++;
    return n;
}

static int largest_side(const struct run_options *o, int stride)
{
    return o->multi_scale ? (o->img * 3 / 2 + stride - 1) / stride * stride : o->img;
}

/* The smallest batch, because BN needs more than one value a channel; the largest ones, which stay current. */
static enum status plan_batches(struct train_job *j, int n, int n_val)
{
    const struct run_options *o = &j->options;
    const int stride = graph_largest_stride(&j->graph), side = largest_side(o, stride);
    const int rest = j->train->n_images % o->batch, least = rest ? MIN(rest, n) : n;
    const int small = o->multi_scale ? MAX(o->img / 2 / stride, 1) * stride : o->img;
    TRY(net_plan(j->trainer.net, least, small, small));
    TRY(net_plan(j->trainer.net, n, side, side));
    TRY(net_plan(j->val_net, n_val, o->img + stride, o->img + stride)); /* rect_pad */
    return OK;
}

/* What the current plans need; `more` times as many pictures need so much more. A batch has no more than all. */
static struct memory_need memory_of(const struct train_job *j, double more, double more_val)
{
    const struct run_options *o = &j->options;
    const int n = MIN(o->batch, j->train->n_images);
    size_t block = j->graph.param_floats * sizeof(float);
    size_t pictures = (size_t)(j->request->workers + 2) * (size_t)n * (size_t)o->img * (size_t)o->img * 3;
    double arenas = more * (double)net_arena_bytes(j->trainer.net) + more_val * (double)net_arena_bytes(j->val_net);
    return (struct memory_need){.fixed = (size_t)(3 + count_states(j)) * block + net_packed_bytes(j->trainer.net) +
                                         net_packed_bytes(j->val_net),
                                .batches = (size_t)arenas + pictures,
                                .batch = n,
                                .size = o->img};
}

/* The system would not give so much: say how much it is, by batches of two. */
static enum status explain_no_memory(struct train_job *j, int n, int n_val)
{
    const int few = MIN(n, 2), few_val = MIN(n_val, 2);
    if (plan_batches(j, few, few_val) != OK)
        return fail(E_NOMEM,
                    "training at image size %d needs more memory than there is, even in batches of %d; a smaller --img "
                    "or model is needed",
                    j->options.img, few);
    struct memory_need need = memory_of(j, (double)n / few, (double)n_val / few_val);
    check_memory(&need); /* if it thinks that there is enough, the sentence stays that of the allocation */
    return E_NOMEM;
}

/* What is trained, on what and how. */
static enum status tell_subject(const struct train_job *j, size_t memory)
{
    struct buf words = {0};
    const struct run_subject subject = {.options = &j->options,
                                        .network = j->table.name,
                                        .training = &j->graph,
                                        .deployed = &j->deployed,
                                        .nc = j->train->nc,
                                        .batches = loader_batches(j->loader),
                                        .threads = team_size(j->request->team),
                                        .memory = memory};
    enum status rc = run_opening_words(&subject, &words);
    if (rc == OK)
        say_lines(j, "", &words);
    buf_free(&words);
    return rc;
}

/* What cannot be is known before the first step, and memory too. */
static enum status check_machine(struct train_job *j)
{
    enum status rc = OK;
    const struct run_options *o = &j->options;
    const int n = MIN(o->batch, j->train->n_images), n_val = MIN(2 * o->batch, j->val->n_images);
    rc = plan_batches(j, n, n_val);
    if (rc == E_NOMEM)
        rc = explain_no_memory(j, n, n_val);
    TRY(rc);
    struct memory_need need = memory_of(j, 1, 1);
    TRY(check_memory(&need));
    TRY(tell_subject(j, need.fixed + need.batches));
    /* a state and its successor, last and best and a successor */
    TRY(check_disk(j->resumed ? j->folder.path : j->request->project,
                   (size_t)(2 * (3 + count_states(j)) + 3) * j->graph.param_floats * sizeof(float)));
    return rc;
}

/* --- folder and state --- */

static struct weights_meta meta_of(const struct train_job *j)
{
    return (struct weights_meta){.table = &j->table,
                                 .names = j->train->names,
                                 .nc = j->train->nc,
                                 .img_h = j->options.img,
                                 .img_w = j->options.img,
                                 .recipe = j->recipe};
}

enum status job_save_state(struct train_job *j)
{
    const struct weights_meta meta = meta_of(j);
    const struct state_subject subject = {.options = &j->options, .weights = &meta, .data = j->data};
    enum status rc = state_write(j->folder.state, &subject, &j->progress, j->progress.finished ? NULL : &j->trainer);
    if (rc == OK)
        j->saved = clock_seconds();
    return rc;
}

enum status job_write_weights(const struct train_job *j, const char *path)
{
    const struct weights_meta meta = meta_of(j);
    return weights_write(path, &j->graph, j->trainer.ema.value, &meta);
}

/* Files are found again from wherever the run is resumed. */
static enum status make_absolute(struct run_options *o, const char **text)
{
    char *full = *text ? realpath(*text, NULL) : NULL;
    if (!full)
        return OK; /* a name among the built-in tables, or a file that opening will complain of */
    *text = arena_strdup(&o->arena, full);
    free(full);
    return *text ? OK : E_NOMEM;
}

/* Copies the caller's options through their YAML text: the very values that opt.yaml gives back. */
static enum status take_options(struct train_job *j, const struct run_options *from)
{
    enum status rc = OK;
    struct buf text = {0};
    TRY_CLEAN(run_options_write(from, &text));
    TRY_CLEAN(run_options_read("options", text.data, text.size, &j->options));
    j->options.given_hyper = from->given_hyper;
    j->options.given_schedule = from->given_schedule;
    j->options.given_lr_lag = from->given_lr_lag;
    j->options.given_optimizer = from->given_optimizer;
    TRY_CLEAN(make_absolute(&j->options, &j->options.data));
    TRY_CLEAN(make_absolute(&j->options, &j->options.weights));
    if (j->options.cfg && !model_find_table(j->options.cfg))
        TRY_CLEAN(make_absolute(&j->options, &j->options.cfg));
    if (j->options.image_weights && j->options.rect) {
        j->options.rect = false;
        job_say(j, "--image-weights turns --rect off");
    }
cleanup:
    buf_free(&text);
    return rc;
}

/* A run that was killed before its first state has its options only and begins anew. */
static enum status read_options(struct train_job *j)
{
    struct buf text = {0};
    enum status rc = file_read_text(j->folder.options, 1 << 20, &text);
    if (rc == OK)
        rc = run_options_read(j->folder.options, text.data, text.size, &j->options);
    buf_free(&text);
    return rc;
}

static enum status open_resumed(struct train_job *j)
{
    TRY(run_folder_open(j->request->resume, &j->folder));
    if (!path_exists(j->folder.state)) {
        if (path_exists(j->folder.last)) /* beginning anew would write over weights that were trained */
            TRY(fail(E_IO,
                     "%s: it has weights but no state.safetensors, without which a run cannot go on; a new run can "
                     "start from its --weights %s",
                     j->folder.path, j->folder.last));
        return read_options(j);
    }
    TRY(state_open(j->folder.state, &j->state));
    j->options = j->state.options;
    j->progress = j->state.progress;
    j->state.options = (struct run_options){0};
    j->state.progress = (struct run_progress){0};
    j->resumed = true;
    if (j->request->data) {
        j->options.data = arena_strdup(&j->options.arena, j->request->data);
        TRY(j->options.data ? make_absolute(&j->options, &j->options.data) : E_NOMEM);
    }
    return OK;
}

static enum status open_folder(struct train_job *j)
{
    enum status rc = OK;
    const struct train_request *r = j->request;
    char *labels = NULL;
    bool created = false, replaced = false;
    if (!j->resumed) {
        if (!j->folder.path) {
            TRY_CLEAN(run_folder_create(r->project, r->name, r->exist_ok, &j->options, &j->folder, &replaced));
            created = true;
        }
        if (replaced)
            job_say(j,
                    "%s: a new run begins in place of the one that was there (--exist-ok), whose weights are kept as "
                    "weights/best.old.safetensors and last.old.safetensors",
                    j->folder.path);
        TRY_CLEAN(run_progress_init(&j->progress, j->train->nc));
        TRY_CLEAN(job_save_state(j));
    }
    if (!j->options.noplots && !j->progress.epoch && !j->progress.batch) {
        labels = path_join(j->folder.path, "labels.png");
        TRY_CLEAN(labels ? preview_labels(j->train, labels) : E_NOMEM);
    }
cleanup:
    if (rc != OK && created)
        run_folder_discard(&j->folder); /* a run that cannot begin leaves nothing */
    mem_free(labels);
    return rc;
}

enum status job_open(struct train_job *j, const struct train_request *request)
{
    *j = (struct train_job){.request = request, .folder = {.lock = -1}, .begun = clock_seconds()};
    if (request->options)
        TRY(take_options(j, request->options));
    else
        TRY(open_resumed(j));
    if (j->progress.finished)
        return OK;
    TRY(trainer_check_precision((enum precision)j->options.precision));
    TRY(open_start(j));
    TRY(open_data(j));
    TRY(open_network(j));
    TRY(open_doctor(j));
    TRY(tell_recipe(j));
    TRY(job_fit_anchors(j));
    TRY(run_options_recipe(&j->options, &j->recipe));
    TRY(open_loader(j));
    TRY(open_trainer(j));
    state_close(&j->state);
    TRY(open_validation(j));
    TRY(check_machine(j));
    TRY(open_folder(j));
    j->progress.head = j->graph.head.kind;
    j->saved = clock_seconds();
    return OK;
}

void job_close(struct train_job *j)
{
    net_destroy(j->val_net);
    loss_destroy(j->val_loss);
    loader_close(j->val_loader);
    loader_close(j->loader);
    trainer_free(&j->trainer);
    mem_free(j->picture_weights);
    mem_free(j->recipe);
    mem_free(j->start);
    mem_free(j->deployed_ema);
    checkpoint_close(&j->start_file);
    graph_free(&j->graph);
    graph_free(&j->deployed);
    table_free(&j->table);
    dataset_destroy(j->train);
    dataset_destroy(j->val);
    dataset_yaml_close(&j->yaml);
    state_close(&j->state);
    run_progress_free(&j->progress);
    run_folder_close(&j->folder);
    run_options_free(&j->options);
}
