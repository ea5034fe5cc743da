/* What a run's own process does. */
#include "core/clock.h"
#include "core/path.h"
#include "eval/report.h"
#include "formats/json.h"
#include "lab/study_parts.h"
#include "ops/cpu.h"
#include "train/run_validation.h"
#include "weights/weights.h"

#include <stdlib.h>
#include <unistd.h>

char *study_sizes_path(const struct study_run *r)
{
    return path_join(r->folder, "last.json");
}

/* --- training --- */

static struct train_request request_of(const struct study *s, struct team *team)
{
    return (struct train_request){
        .workers = s->config.workers, .no_cache = s->config.no_cache, .team = team, .events = {.stop = s->config.stop}};
}

/* What is there is gone on with, with the pictures of this study, which may have been moved. */
static enum status train(const struct study_run *r, struct team *team)
{
    const struct study *s = r->study;
    struct run_options options = s->line[r->line].asked; /* borrows its texts */
    struct train_request request = request_of(s, team);
    if (s->config.events.run)
        request.events = s->config.events.run(s->config.events.context);
    request.events.stop = s->config.stop;
    if (r->state == STUDY_HALF) {
        request.resume = r->folder;
        request.data = s->config.options->data;
        return train_run(&request);
    }
    options.seed = r->seed;
    request.options = &options;
    request.project = s->config.project;
    request.name = r->name;
    request.exist_ok = true;
    return train_run(&request);
}

/* --- the last weights by the COCO protocol --- */

struct pass {
    struct dataset_yaml yaml;
    struct dataset *val;
    struct weights weights;
    struct net *net;
    struct loader *loader;
    struct evaluation evaluation;
    struct evaluation_result result;
};

static enum status open_pass(struct pass *p, const struct study_run *r, const char *weights, struct team *team)
{
    const struct study *s = r->study;
    const struct run_options *o = &s->line[r->line].settled;
    const struct dataset_options data = {.single_class = o->single_cls, .no_cache = s->config.no_cache, .team = team};
    const struct evaluation_config evaluation = {.coco = true};
    TRY(dataset_yaml_open(o->data, &p->yaml));
    TRY(dataset_load(&p->yaml, SPLIT_VAL, &data, &p->val));
    TRY(weights_load(weights, NULL, &p->weights, NULL));
    TRY(weights_deploy(&p->weights));
    weights_drop_training(&p->weights);
    if (p->weights.nc != p->val->nc)
        return fail(E_SHAPE, "%s: weights of %d classes, the data has %d", weights, p->weights.nc, p->val->nc);
    const struct net_config net = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER, .exact = o->exact};
    TRY(net_create(&p->weights.deployed, p->weights.deployed_params, NULL, &net, &p->net));
    const struct loader_config loader = run_val_loader(o, p->val, &p->weights.deployed, s->config.workers);
    TRY(loader_open(&loader, &p->loader));
    return evaluation_init(&p->evaluation, p->val->nc, &evaluation);
}

static void close_pass(struct pass *p)
{
    evaluation_result_free(&p->result);
    evaluation_free(&p->evaluation);
    loader_close(p->loader);
    net_destroy(p->net);
    weights_free(&p->weights);
    dataset_destroy(p->val);
    dataset_yaml_close(&p->yaml);
}

/* The folder gets what `val --json` writes of weights/last.safetensors. */
static enum status validate_last(const struct study_run *r, struct team *team)
{
    enum status rc = OK;
    const struct study *s = r->study;
    struct pass p = {0};
    struct run_folder folder = {.lock = -1};
    struct validate_times times = {0};
    json_t *root = NULL;
    char *path = study_sizes_path(r);
    TRY_CLEAN(path ? OK : E_NOMEM);
    TRY_CLEAN(run_folder_name(r->folder, &folder));
    TRY_CLEAN(open_pass(&p, r, folder.last, team));
    struct validate_config config = run_val_config(&s->line[r->line].settled, &p.weights.deployed);
    config.stop = s->config.stop;
    TRY_CLEAN(validate(p.net, p.loader, p.val, &config, &p.evaluation, &times, NULL, NULL));
    if (s->config.stop && *s->config.stop)
        TRY_CLEAN(fail(E_INTERRUPTED, "stopped while validating %s", folder.last));
    TRY_CLEAN(evaluation_finish(&p.evaluation, &p.result));
    TRY_CLEAN(report_json(&p.evaluation, &p.result, p.val->names, &root));
    TRY_CLEAN(json_write_file(path, root, JSON_INDENT(1) | JSON_REAL_PRECISION(9)));
cleanup:
    json_decref(root);
    close_pass(&p);
    run_folder_close(&folder);
    mem_free(path);
    return rc;
}

enum status study_work(const struct study_run *r)
{
    enum status rc = OK;
    struct team *team = NULL;
    TRY_CLEAN(team_create(r->study->config.threads, &team));
    if (r->state < STUDY_TRAINED)
        TRY_CLEAN(train(r, team));
    TRY_CLEAN(validate_last(r, team));
cleanup:
    team_destroy(team);
    return rc;
}

/* --- the time of a step --- */

enum { STEPS = 4, EPOCHS_TRIED = 3 };

/* Follows a run until it has seen enough steps. */
struct stopwatch {
    double last, last_cpu; /* clocks at the step before; of this epoch */
    double step[STEPS];    /* seconds */
    double cpu;            /* seconds of the processor, of all of them */
    int n;
    double first, first_cpu; /* of an epoch's first batch, where epochs have no more */
    volatile sig_atomic_t enough;
    const volatile sig_atomic_t *stop;
};

static void watch_step(void *context, const struct train_tick *t)
{
    struct stopwatch *w = context;
    const double now = clock_seconds(), cpu = clock_cpu_seconds();
    if (t->phase == PHASE_TRAIN && t->batch - t->first > 1 && w->n < STEPS) {
        w->step[w->n++] = now - w->last;
        w->cpu += cpu - w->last_cpu;
    }
    if (t->phase == PHASE_TRAIN && t->batch == 1) {
        w->first = t->seconds;
        w->first_cpu = cpu - w->last_cpu;
    }
    w->last = now;
    w->last_cpu = cpu;
    w->enough = w->n == STEPS || t->epoch >= EPOCHS_TRIED || (w->stop && *w->stop);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum status study_time_steps(const struct study *s, const struct study_line *line, const char *project,
                             struct study_step *step)
{
    enum status rc = OK;
    struct team *team = NULL;
    struct stopwatch watch = {.stop = s->config.stop};
    struct run_options options = line->asked; /* borrows its texts */
    options.cache = CACHE_NONE;
    options.noplots = options.noval = options.nosave = true;
    options.save_minutes = 0;
    TRY_CLEAN(team_create(s->config.threads, &team));
    struct train_request request = request_of(s, team);
    request.options = &options;
    request.project = project;
    request.name = STUDY_STEPS;
    request.events.context = &watch;
    request.events.tick = watch_step;
    request.events.stop = &watch.enough;
    rc = train_run(&request);
    if (rc == E_INTERRUPTED && !(s->config.stop && *s->config.stop))
        rc = OK;
    qsort(watch.step, (size_t)watch.n, sizeof *watch.step, by_size);
    *step = (struct study_step){.wall_ms = 1e3 * (watch.n ? watch.step[watch.n / 2] : watch.first),
                                .cpu_ms = 1e3 * (watch.n ? watch.cpu / watch.n : watch.first_cpu)};
cleanup:
    team_destroy(team);
    return rc;
}

/* A run that has not got far leaves little: its options and its state, and a second epoch's weights. */
void study_forget_steps(const char *project)
{
    struct run_folder folder = {.lock = -1};
    char *path = path_join(project, STUDY_STEPS);
    if (path && run_folder_name(path, &folder) == OK) {
        const char *const files[] = {folder.results, folder.last, folder.best};
        for (int i = 0; i < COUNT(files); i++)
            unlink(files[i]);
        run_folder_discard(&folder);
    }
    run_folder_close(&folder);
    mem_free(path);
    rmdir(project);
}
