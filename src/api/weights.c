/* Weights: opened once, shared by detectors, their values given up and read again. */
#include "api/api.h"
#include "core/mem.h"

#include <errno.h>

static enum status load_values(struct yolo9_weights *w, const void *bytes, size_t size)
{
    TRY(w->path ? weights_load(w->path, w->table, &w->weights, NULL)
                : weights_load_memory("weights in memory", bytes, size, w->table, &w->weights));
    if (w->weights.params)
        TRY(weights_deploy(&w->weights));
    weights_drop_training(&w->weights);
    return OK;
}

static enum status open_weights(struct yolo9_weights *w, const char *path, const void *bytes, size_t size,
                                const struct yolo9_weights_options *options)
{
    struct yolo9_weights_options o = {.size = sizeof o};
    if (!path && !bytes)
        return fail(E_ARGUMENT, "weights: NULL");
    if (options)
        TRY(api_take(&o, sizeof o, options, "weights' options"));
    TRY(api_check_reserved(o.reserved, COUNT(o.reserved), "weights' options"));
    if (path && stat(path, &w->opened) != 0)
        return fail_errno("%s", path);
    if ((path && !(w->path = mem_strdup(path))) || (o.table && !(w->table = mem_strdup(o.table))))
        return E_NOMEM;
    return load_values(w, bytes, size);
}

static void free_weights(struct yolo9_weights *w)
{
    for (struct shared_pack *p = w->packs, *next; p; p = next) {
        next = p->next;
        packed_store_free(&p->store);
        mem_free(p);
    }
    weights_free(&w->weights);
    mem_free(w->path);
    mem_free(w->table);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

static struct yolo9_weights *open_any(const char *path, const void *bytes, size_t size,
                                      const struct yolo9_weights_options *options)
{
    struct yolo9_weights *w = mem_calloc(1, sizeof *w);
    enum status rc = w ? OK : E_NOMEM;
    if (w) {
        pthread_mutex_init(&w->lock, NULL);
        w->references = 1;
        rc = open_weights(w, path, bytes, size, options);
    }
    if (rc == OK)
        return w;
    api_end(rc, NULL);
    if (w)
        free_weights(w);
    return NULL;
}

struct yolo9_weights *yolo9_weights_open(const char *path, const struct yolo9_weights_options *options)
{
    return open_any(path, NULL, 0, options);
}

struct yolo9_weights *yolo9_weights_open_memory(const void *bytes, size_t size,
                                                const struct yolo9_weights_options *options)
{
    return open_any(NULL, bytes, size, options);
}

void yolo9_weights_close(struct yolo9_weights *w)
{
    if (w)
        api_weights_release(w, false);
}

void api_weights_release(struct yolo9_weights *w, bool reads)
{
    pthread_mutex_lock(&w->lock);
    const bool last = --w->references == 0;
    if (reads && --w->readers == 0 && w->path)
        api_weights_give_up(w);
    pthread_mutex_unlock(&w->lock);
    if (last)
        free_weights(w);
}

enum status api_weights_pack(struct yolo9_weights *w, bool exact, enum precision precision, struct packed_store **out)
{
    struct shared_pack *p = w->packs;
    while (p && (p->exact != exact || p->precision != precision))
        p = p->next;
    if (!p) {
        p = mem_calloc(1, sizeof *p);
        if (!p)
            return E_NOMEM;
        *p = (struct shared_pack){.exact = exact, .precision = precision, .next = w->packs};
        packed_store_init(&p->store);
        w->packs = p;
    }
    *out = &p->store;
    return OK;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void api_weights_give_up(struct yolo9_weights *w)
{
    mem_discard(w->weights.deployed_params, w->weights.deployed.param_floats * sizeof(float));
    w->gone = true;
}

/* Graphs and addresses stay where they are, detectors look at them: only the values come back. */
enum status api_weights_values(struct yolo9_weights *w)
{
    struct stat now;
    struct yolo9_weights again = {.path = w->path, .table = w->table};
    if (!w->gone)
        return OK;
    if (stat(w->path, &now) != 0)
        return fail_errno("%s: cannot be read again", w->path);
    if (!is_same_file(&w->opened, &now))
        return fail(E_IO, "%s: the file has changed since it was opened; open it anew", w->path);
    TRY(load_values(&again, NULL, 0));
    memcpy(w->weights.deployed_params, again.weights.deployed_params, w->weights.deployed.param_floats * sizeof(float));
    w->gone = false;
    weights_free(&again.weights);
    return OK;
}

/* --- asking --- */

int yolo9_weights_class_count(const struct yolo9_weights *w)
{
    return w ? w->weights.nc : 0;
}

const char *yolo9_weights_class_name(const struct yolo9_weights *w, int i)
{
    return w && i >= 0 && i < w->weights.nc ? w->weights.names[i] : "";
}

const char *yolo9_weights_network(const struct yolo9_weights *w)
{
    return w && w->weights.table.name ? w->weights.table.name : "";
}

int yolo9_weights_input_size(const struct yolo9_weights *w, int *height, int *width)
{
    int h = 0, wide = 0;
    const bool known = w && weights_image_size(&w->weights, &h, &wide);
    if (height)
        *height = h;
    if (width)
        *width = wide;
    return known;
}

int yolo9_weights_stride(const struct yolo9_weights *w)
{
    return w ? graph_largest_stride(&w->weights.deployed) : 0;
}

int yolo9_weights_precision(const struct yolo9_weights *w)
{
    return !w ? YOLO9_AUTOMATIC : w->weights.eight_bit ? YOLO9_INT8 : YOLO9_FP32;
}
