/* What is in a run's folder already: nothing, a run that goes on, or a finished one; or one that belongs to something
 * else, which is refused. */
#include "core/file.h"
#include "core/path.h"
#include "formats/json.h"
#include "lab/study_parts.h"
#include "train/run_words.h"
#include "train/state.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

static enum status refuse(const struct study_run *r, const char *what)
{
    return fail(E_ARGUMENT,
                "%s: it holds a run that is not this study's: %s; give the options it was made with, or another "
                "--project",
                r->folder, what);
}

/* Are these the options that the run would be started with? */
static enum status compare(const struct study_run *r, const struct run_options *there)
{
    enum status rc = OK;
    struct buf words = {0};
    const struct study_line *line = &r->study->line[r->line];
    struct run_options here = line->settled; /* borrows its texts */
    here.seed = r->seed;
    if (!there->cfg || strcmp(there->cfg, line->row->cfg) != 0)
        TRY_CLEAN(buf_printf(&words, "cfg is %s there and %s here", there->cfg ? there->cfg : "none", line->row->cfg));
    else if (there->weights)
        TRY_CLEAN(buf_printf(&words, "it began with the weights %s", there->weights));
    else
        TRY_CLEAN(run_options_compare(there, &here, &words));
    if (words.size)
        TRY_CLEAN(refuse(r, words.data));
cleanup:
    buf_free(&words);
    return rc;
}

/* Mean of a column over the last epochs. */
static double late(const struct run_progress *p, int column)
{
    const int n = MIN(STUDY_LATE, p->n_rows);
    double sum = 0;
    for (int i = p->n_rows - n; i < p->n_rows; i++)
        sum += p->rows[i][column];
    return sum / n;
}

static struct study_result result_of(const struct run_progress *p)
{
    const int best = run_best_epoch(p), last = p->n_rows - 1;
    return (struct study_result){.epochs = p->n_rows,
                                 .best_epoch = best + 1,
                                 .map50 = p->rows[last][RESULT_MAP50],
                                 .map = p->rows[last][RESULT_MAP],
                                 .late_map50 = late(p, RESULT_MAP50),
                                 .late_map = late(p, RESULT_MAP),
                                 .best_map50 = p->rows[best][RESULT_MAP50],
                                 .best_map = p->rows[best][RESULT_MAP],
                                 .ap = {NAN, NAN, NAN}};
}

static bool is_older(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec < b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* The numbers that study_work.c left, if they are younger than the weights they are of. */
static enum status read_sizes(struct study_run *r, const struct run_folder *folder)
{
    enum status rc = OK;
    static const enum coco_number sizes[STUDY_SIZES] = {COCO_APS, COCO_APM, COCO_APL};
    const struct json_limits limits = {.bytes = 1 << 20, .values = 100000, .depth = 16};
    json_t *root = NULL;
    struct stat weights, numbers;
    char *path = study_sizes_path(r);
    TRY_CLEAN(path ? OK : E_NOMEM);
    if (stat(folder->last, &weights) != 0)
        TRY_CLEAN(fail_errno("%s: the run is finished, but its last weights", folder->last));
    if (stat(path, &numbers) != 0 || is_older(&numbers, &weights))
        goto cleanup;
    TRY_CLEAN(json_read_file(path, &limits, &root));
    const json_t *coco = json_object_get(root, "coco");
    for (int k = 0; k < STUDY_SIZES; k++) {
        const json_t *ap = json_object_get(coco, coco_number_name(sizes[k]));
        if (!json_is_number(ap))
            TRY_CLEAN(fail(E_FORMAT, "%s: there is no number coco.%s; remove the file, it is made again", path,
                           coco_number_name(sizes[k])));
        r->result.ap[k] = json_number_value(ap) < 0 ? NAN : json_number_value(ap);
    }
    const double map = json_number_value(json_object_get(root, "map"));
    if (fabs(map - r->result.map) > 0.002) /* another instruction set rounds differently, but not so much */
        study_say(r->study,
                  "warning: %s: on these validation pictures the last weights have mAP %.4f, when they were trained it "
                  "was %.4f",
                  r->name, map, r->result.map);
    r->state = STUDY_DONE;
cleanup:
    json_decref(root);
    mem_free(path);
    return rc;
}

static enum status look_at_state(struct study_run *r, const struct run_folder *folder)
{
    enum status rc = OK;
    struct state state = {0};
    TRY(state_open(folder->state, &state));
    TRY_CLEAN(compare(r, &state.options));
    if (state.data != r->study->data)
        TRY_CLEAN(refuse(r, "its training pictures or labels are others"));
    r->epoch = state.progress.epoch;
    r->state = state.progress.finished && state.progress.n_rows ? STUDY_TRAINED : STUDY_HALF;
    if (r->state == STUDY_TRAINED) {
        r->result = result_of(&state.progress);
        TRY_CLEAN(read_sizes(r, folder));
    }
cleanup:
    state_close(&state);
    return rc;
}

/* A run that was killed before its first state has its options only, and begins anew. */
static enum status look_at_options(struct study_run *r, const struct run_folder *folder)
{
    struct buf text = {0};
    struct run_options options = {0};
    enum status rc = file_read_text(folder->options, 1 << 20, &text);
    if (rc == OK)
        rc = run_options_read(folder->options, text.data, text.size, &options);
    if (rc == OK) {
        rc = compare(r, &options);
        run_options_free(&options);
    }
    buf_free(&text);
    r->state = STUDY_HALF;
    return rc;
}

enum status study_look(struct study *s, struct study_run *r)
{
    struct run_folder folder = {.lock = -1};
    (void)s;
    r->state = STUDY_NEW;
    r->epoch = 0;
    TRY(run_folder_name(r->folder, &folder));
    enum status rc = OK;
    if (path_exists(folder.state))
        rc = look_at_state(r, &folder);
    else if (path_exists(folder.options))
        rc = look_at_options(r, &folder);
    else if (path_exists(folder.last) || path_exists(folder.results))
        rc = refuse(r, "it has weights or results, but no state");
    run_folder_close(&folder);
    return rc;
}
