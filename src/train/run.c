#include "train/run.h"

#include "core/file.h"
#include "core/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const char *result_column_name(enum head_kind head, int column, char buffer[RESULT_NAME])
{
    static const char *const names[RESULT_COLUMNS] = {
        [RESULT_PRECISION] = "metrics/precision",
        [RESULT_RECALL] = "metrics/recall",
        [RESULT_MAP50] = "metrics/mAP_0.5",
        [RESULT_MAP] = "metrics/mAP_0.5:0.95",
        [RESULT_LR0] = "x/lr0",
        [RESULT_LR1] = "x/lr1",
        [RESULT_LR2] = "x/lr2",
    };
    bool val = column >= RESULT_VAL_LOSS;
    if (names[column])
        return names[column];
    snprintf(buffer, RESULT_NAME, "%s/%s_loss", val ? "val" : "train",
             loss_item_name(head, column - (val ? RESULT_VAL_LOSS : RESULT_TRAIN_LOSS)));
    return buffer;
}

/* --- progress --- */

enum status run_progress_init(struct run_progress *p, int nc)
{
    *p = (struct run_progress){.nc = nc, .ap = mem_calloc((size_t)nc, sizeof *p->ap)};
    return p->ap ? OK : E_NOMEM;
}

void run_progress_free(struct run_progress *p)
{
    mem_free(p->ap);
    mem_free(p->rows);
    *p = (struct run_progress){0};
}

enum status run_progress_add_row(struct run_progress *p, const double row[RESULT_COLUMNS])
{
    if (p->n_rows == p->row_capacity) {
        int capacity = 2 * p->row_capacity + 64;
        void *grown = mem_grow(p->rows, (size_t)p->n_rows * sizeof *p->rows, (size_t)capacity * sizeof *p->rows);
        if (!grown)
            return E_NOMEM;
        p->rows = grown;
        p->row_capacity = capacity;
    }
    memcpy(p->rows[p->n_rows++], row, sizeof *p->rows);
    return OK;
}

enum status run_write_results(const struct run_folder *f, const struct run_progress *p)
{
    enum status rc = OK;
    struct buf text = {0};
    char name[RESULT_NAME];
    TRY_CLEAN(buf_printf(&text, "%20s", "epoch"));
    for (int c = 0; c < RESULT_COLUMNS; c++)
        TRY_CLEAN(buf_printf(&text, ",%20s", result_column_name(p->head, c, name)));
    TRY_CLEAN(buf_append(&text, "\n", 1));
    for (int i = 0; i < p->n_rows; i++) {
        TRY_CLEAN(buf_printf(&text, "%20.5g", (double)(i + 1)));
        for (int c = 0; c < RESULT_COLUMNS; c++)
            TRY_CLEAN(buf_printf(&text, ",%20.5g", p->rows[i][c]));
        TRY_CLEAN(buf_append(&text, "\n", 1));
    }
    TRY_CLEAN(file_write(f->results, text.data, text.size));
cleanup:
    buf_free(&text);
    return rc;
}

/* --- folder --- */

static enum status name_files(struct run_folder *f)
{
    f->weights = path_join(f->path, "weights");
    f->state = path_join(f->path, "state.safetensors");
    f->results = path_join(f->path, "results.csv");
    f->options = path_join(f->path, "opt.yaml");
    f->hyper = path_join(f->path, "hyp.yaml");
    f->last = path_join(f->path, "weights/last.safetensors");
    f->best = path_join(f->path, "weights/best.safetensors");
    return f->weights && f->state && f->results && f->options && f->hyper && f->last && f->best ? OK : E_NOMEM;
}

/* Two processes must not write one folder. The lock is on the folder itself and ends with the process. */
static enum status lock(struct run_folder *f)
{
    f->lock = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0)
        return fail_errno("%s", f->path);
    if (flock(f->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return fail(E_IO, "%s: another process trains in this folder", f->path);
    return OK;
}

/* "best.safetensors" -> "best.old.safetensors", in place of an older one. *moved is left alone where there is none. */
static enum status set_aside(const char *path, bool *moved)
{
    struct buf old = {0};
    const char *ending = path_extension(path);
    int stem = (int)(strlen(path) - strlen(ending));
    enum status rc = buf_printf(&old, "%.*sold.%s", stem, path, ending);
    if (rc == OK && rename(path, old.data) == 0)
        *moved = true;
    else if (rc == OK && errno != ENOENT)
        rc = fail_errno("%s: cannot be set aside", path);
    buf_free(&old);
    return rc;
}

/* A run that begins anew in the folder of an old one must not take the old one's files for its own, and must not lose
 * weights that it did not make. */
static enum status set_old_run_aside(const struct run_folder *f, bool *replaced)
{
    const char *const files[] = {f->results, f->last, f->best};
    *replaced = unlink(f->state) == 0;
    if (!*replaced && errno != ENOENT)
        TRY(fail_errno("%s: cannot be removed", f->state));
    for (int i = 0; i < COUNT(files); i++)
        TRY(set_aside(files[i], replaced));
    return OK;
}

void run_folder_discard(const struct run_folder *f)
{
    const char *const files[] = {f->state, f->options, f->hyper};
    for (int i = 0; i < COUNT(files); i++)
        unlink(files[i]);
    path_remove_empty(f->path);
}

enum status run_folder_create(const char *project, const char *name, bool exist_ok, const struct run_options *o,
                              struct run_folder *out, bool *replaced)
{
    enum status rc = OK;
    struct buf text = {0};
    bool locked = false;
    *out = (struct run_folder){.lock = -1};
    TRY_CLEAN(run_options_write(o, &text));
    TRY_CLEAN(path_make_run(project, name, exist_ok, &out->path));
    TRY_CLEAN(name_files(out));
    TRY_CLEAN(lock(out));
    locked = true;
    TRY_CLEAN(path_make_folder(out->weights));
    TRY_CLEAN(set_old_run_aside(out, replaced));
    TRY_CLEAN(file_write(out->options, text.data, text.size));
    TRY_CLEAN(hyper_write(out->hyper, &o->hyper));
cleanup:
    buf_free(&text);
    if (rc != OK && locked)
        run_folder_discard(out);
    if (rc != OK)
        run_folder_close(out);
    return rc;
}

/* The folder of `path`, which may be a file in it. */
static char *folder_of(const char *path)
{
    if (path_is_folder(path)) {
        char *copy = mem_strdup(path);
        size_t n = copy ? strlen(copy) : 0;
        while (n > 1 && copy[n - 1] == '/')
            copy[--n] = 0;
        return copy;
    }
    char *parent = path_parent(path);
    if (!parent || strcmp(path_name(parent), "weights") != 0)
        return parent;
    char *above = path_parent(parent);
    mem_free(parent);
    return above;
}

/* Files of writers that were killed: "<name>.tmpXXXXXX" (core/file.h). */
static void remove_temporaries(const char *folder)
{
    char **names;
    int n;
    if (path_list(folder, &names, &n) != OK)
        return;
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(names[i], '.');
        char *path = dot && !strncmp(dot, ".tmp", 4) && strlen(dot) == 10 ? path_join(folder, names[i]) : NULL;
        if (path)
            unlink(path);
        mem_free(path);
    }
    path_list_free(names, n);
}

enum status run_folder_open(const char *path, struct run_folder *out)
{
    enum status rc = OK;
    *out = (struct run_folder){.lock = -1};
    if (!path_exists(path))
        TRY_CLEAN(fail(E_IO, "%s: there is no such run", path));
    out->path = folder_of(path);
    TRY_CLEAN(out->path ? OK : E_NOMEM);
    TRY_CLEAN(name_files(out));
    if (!path_exists(out->state) && !path_exists(out->options))
        TRY_CLEAN(fail(E_IO, "%s: this is no folder of a training run: it has neither state.safetensors nor opt.yaml",
                       out->path));
    TRY_CLEAN(lock(out));
    TRY_CLEAN(path_make_folder(out->weights));
    remove_temporaries(out->path);
    remove_temporaries(out->weights);
cleanup:
    if (rc != OK)
        run_folder_close(out);
    return rc;
}

enum status run_folder_name(const char *folder, struct run_folder *out)
{
    *out = (struct run_folder){.lock = -1, .path = mem_strdup(folder)};
    enum status rc = out->path ? name_files(out) : E_NOMEM;
    if (rc != OK)
        run_folder_close(out);
    return rc;
}

void run_folder_close(struct run_folder *f)
{
    if (f->path && f->lock >= 0)
        close(f->lock);
    char *const paths[] = {f->path, f->weights, f->state, f->results, f->options, f->hyper, f->last, f->best};
    for (int i = 0; i < COUNT(paths); i++)
        mem_free(paths[i]);
    *f = (struct run_folder){.lock = -1};
}
