#include "support/make_network.h"

#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMO = 7 }; /* where the module that names itself is kept */

static void put_tensor(struct buf *p, const struct graph *g, const struct param *param, const char *storage)
{
    struct tensor_part t = {"FloatStorage", storage, (int)g->param_floats, (int)param->first, param->rank, {0}, {0}};
    int stride = 1;
    for (int k = param->rank - 1; k >= 0; k--) {
        t.shape[k] = param->shape[k];
        t.stride[k] = stride;
        stride *= param->shape[k];
    }
    pickle_put_tensor(p, &t);
}

static void put_counter(struct buf *p, const struct graph *g, const char *stem, const char *leaf)
{
    char name[600];
    snprintf(name, sizeof name, "%s%s", stem, leaf);
    pickle_put_text(p, name);
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "0", (int)g->param_floats, 0, 1, {1}, {1}});
}

/* name: tensor for each parameter, into an open dict */
static void put_entries(struct buf *p, const struct graph *g, const char *storage, const char *prefix,
                        const struct network_dress *d, int n)
{
    for (int i = 0; i < n; i++) {
        char name[512], stem[512], other[256];
        const char *own = d->rename ? d->rename(g->params[i].name, other, sizeof other) : g->params[i].name + d->skip;
        snprintf(name, sizeof name, "%s%s", prefix ? prefix : "", own);
        pickle_put_text(p, name);
        put_tensor(p, g, &g->params[i], storage);
        const char *dot = strrchr(name, '.');
        if (!d->counters || !dot || strcmp(dot, ".weight") != 0)
            continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(dot + 1 - name), name);
        put_counter(p, g, stem, "total_ops");
        put_counter(p, g, stem, "total_params");
    }
}

static void open_keys(struct buf *p, const char *const *keys)
{
    for (int i = 0; i < DRESS_KEYS && keys[i]; i++) {
        pickle_put_text(p, keys[i]);
        pickle_op(p, "}(");
    }
}

static void close_keys(struct buf *p, const char *const *keys, int first)
{
    for (int i = first; i < DRESS_KEYS && keys[i]; i++)
        pickle_op(p, "u");
}

static void finish_old(struct buf *out, struct buf *p, const void *first, size_t bytes)
{
    const struct old_storage storage = {"0", first, bytes / sizeof(float), bytes};
    make_old_layout(out, p, &storage, 1, &(struct old_layout){0});
    buf_free(p);
}

static void finish(struct buf *out, struct buf *p, const void *first, const void *second, size_t bytes)
{
    const struct zip_part parts[] = {
        {.name = "net/data.pkl", .data = p->data, .size = p->size},
        {.name = "net/data/0", .data = first, .size = bytes},
        {.name = "net/version", .data = "3\n", .size = 2},
        {.name = "net/data/1", .data = second, .size = bytes},
    };
    make_zip(out, parts, second ? 4 : 3, false);
    buf_free(p);
}

void make_network(struct buf *out, const struct graph *g, const float *params, const float *average,
                  const struct network_dress *d)
{
    struct buf p = {0};
    pickle_begin(&p);
    pickle_op(&p, "}(");
    if (d->keys[0]) { /* what stands beside the network in most files */
        pickle_put_text(&p, "epoch");
        pickle_put_int(&p, 3);
    }
    for (int i = 0; i + 1 < COUNT(d->beside) && d->beside[i]; i += 2) {
        pickle_put_text(&p, d->beside[i]);
        pickle_put_text(&p, d->beside[i + 1]);
    }
    if (d->nc) {
        pickle_put_text(&p, "nc");
        pickle_put_int(&p, d->nc);
    }
    if (d->list) {
        pickle_put_text(&p, d->list);
        pickle_op(&p, "](");
        put_tensor(&p, g, &g->params[0], "0");
        pickle_op(&p, "e");
    }
    open_keys(&p, d->keys);
    put_entries(&p, g, "0", d->prefix, d, g->n_params);
    if (d->stray)
        put_counter(&p, g, d->stray, "");
    if (average && d->average_prefix)
        put_entries(&p, g, "1", d->average_prefix, d, g->n_params - d->average_lacks);
    bool inside = average && d->average_inside;
    close_keys(&p, d->keys, inside);
    if (average && d->average_keys[0]) {
        open_keys(&p, d->average_keys);
        put_entries(&p, g, "1", d->prefix, d, g->n_params - d->average_lacks);
        close_keys(&p, d->average_keys, 0);
    }
    if (inside)
        pickle_op(&p, "u");
    pickle_op(&p, "u.");
    if (d->old)
        finish_old(out, &p, params, g->param_floats * sizeof(float));
    else
        finish(out, &p, params, average, g->param_floats * sizeof(float));
}

/* --- names of other packages --- */

static bool is_down(int row) /* of gelan-t and s: an AConv */
{
    return row == 3 || row == 5 || row == 7 || row == 16 || row == 19;
}

const char *name_of_libre(const char *official, char *buffer, size_t size)
{
    static const char *const places[] = {"backbone.conv0",
                                         "backbone.conv1",
                                         "backbone.elan1",
                                         "backbone.down2",
                                         "backbone.elan2",
                                         "backbone.down3",
                                         "backbone.elan3",
                                         "backbone.down4",
                                         "backbone.elan4",
                                         "backbone.spp",
                                         NULL,
                                         NULL,
                                         "neck.elan_up1",
                                         NULL,
                                         NULL,
                                         "neck.elan_up2",
                                         "neck.down1",
                                         NULL,
                                         "neck.elan_down1",
                                         "neck.down2",
                                         NULL,
                                         "neck.elan_down2",
                                         "head"};
    int row = atoi(official + strlen("model."));
    const char *rest = strchr(official + strlen("model."), '.');
    if (row >= COUNT(places) || !places[row])
        abort();
    if (is_down(row) && !strncmp(rest, ".cv1.", 5))
        snprintf(buffer, size, "%s.cv.%s", places[row], rest + 5);
    else
        snprintf(buffer, size, "%s%s", places[row], rest);
    return buffer;
}

/* "cv2.0.1.conv.weight" of the dual head -> "30.heads.0.anchor_conv.1.conv.weight": level, then the part. */
static const char *head_of_multimedia(const char *rest, char *buffer, size_t size)
{
    static const char *const parts[] = {"30.heads.%c.anchor_conv%s", "30.heads.%c.class_conv%s",
                                        "22.heads.%c.anchor_conv%s", "22.heads.%c.class_conv%s"};
    if (!strncmp(rest, "dfl", 3))
        snprintf(buffer, size, "%d.heads.0.anc2vec.anc2vec.weight", rest[3] == '2' ? 22 : 30);
    else
        snprintf(buffer, size, parts[rest[2] - '2'], rest[4], rest + 5);
    return buffer;
}

const char *name_of_multimedia(const char *official, char *buffer, size_t size)
{
    int row = atoi(official + strlen("model."));
    const char *rest = strchr(official + strlen("model."), '.') + 1;
    if (row == 29)
        return head_of_multimedia(rest, buffer, size);
    int used = snprintf(buffer, size, "%d", row < 22 ? row : row + 1);
    bool down = is_down(row), first = true;
    while (*rest) {
        int n = (int)strcspn(rest, ".");
        bool numbered = n == 3 && !strncmp(rest, "cv", 2);
        if (numbered && down && first)
            used += snprintf(buffer + used, size - (size_t)used, ".conv");
        else if (numbered)
            used += snprintf(buffer + used, size - (size_t)used, ".conv%c", rest[2]);
        else
            used += snprintf(buffer + used, size - (size_t)used, ".%.*s", n == 1 && *rest == 'm' ? 10 : n,
                             n == 1 && *rest == 'm' ? "bottleneck" : rest);
        rest += n + (rest[n] == '.');
        first = false;
    }
    return buffer;
}

/* --- module objects --- */

struct tree {
    struct buf *p;
    const struct graph *g;
    const struct param **params; /* sorted by name */
    const struct object_dress *dress;
};

static int by_name(const void *a, const void *b)
{
    const struct param *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static bool is_buffer(const char *leaf)
{
    return strncmp(leaf, "running_", 8) == 0;
}

/* Those of the parameters [first, end) that are the module's own; `at` is the length of its path. */
static void put_own(const struct tree *t, int first, int end, size_t at, bool buffers)
{
    pickle_put_text(t->p, buffers ? "_buffers" : "_parameters");
    pickle_op(t->p, "}(");
    for (int i = first; i < end; i++) {
        const char *leaf = t->params[i]->name + at;
        if (strchr(leaf, '.') || is_buffer(leaf) != buffers)
            continue;
        pickle_put_text(t->p, leaf);
        put_tensor(t->p, t->g, t->params[i], "0");
    }
    pickle_op(t->p, "u");
}

static void put_object(const struct tree *t, const char *module, const char *class)
{
    pickle_put_global(t->p, module, class);
    pickle_op(t->p, ")\x81");
    if (t->dress->forward) {
        const char memo[] = {'q', MEMO, 0};
        pickle_op(t->p, memo);
    }
    pickle_op(t->p, "}(");
    if (t->dress->forward) { /* 'forward': getattr(this very module, 'forward_fuse') */
        const char memo[] = {'h', MEMO, 0};
        pickle_put_text(t->p, "forward");
        pickle_put_global(t->p, "__builtin__", "getattr");
        pickle_op(t->p, memo);
        pickle_put_text(t->p, t->dress->forward);
        pickle_op(t->p, "\x86R");
    }
}

/* The activation of a convolution: the module whose path is the first `at` bytes of `path`. */
static void put_act(const struct tree *t, const char *path, size_t at)
{
    const char *place = t->dress->place;
    bool other = place && strlen(place) == at && !strncmp(path, place, at);
    pickle_put_text(t->p, "act");
    put_object(t, other ? "torch.nn.modules.linear" : "torch.nn.modules.activation",
               other ? t->dress->other : t->dress->act);
    pickle_op(t->p, "ub");
}

/* The module of the parameters [first, end); its state stays open. */
static void put_module(const struct tree *t, int first, int end, size_t at, const char *module, const char *class)
{
    put_object(t, module, class);
    put_own(t, first, end, at, false);
    put_own(t, first, end, at, true);
    pickle_put_text(t->p, "_modules");
    pickle_op(t->p, "}(");
    for (int i = first, next; i < end; i = next) {
        const char *name = t->params[i]->name + at, *dot = strchr(name, '.');
        next = i + 1;
        if (!dot)
            continue;
        size_t n = (size_t)(dot + 1 - name);
        while (next < end && !strncmp(t->params[next]->name + at, name, n))
            next++;
        char child[64];
        snprintf(child, sizeof child, "%.*s", (int)n - 1, name);
        pickle_put_text(t->p, child);
        bool norm = !strcmp(child, "bn");
        put_module(t, i, next, at + n, norm ? "torch.nn.modules.batchnorm" : "ultralytics.nn.modules.block",
                   norm ? "BatchNorm2d" : "RepNCSPELAN4");
        pickle_op(t->p, "ub");
    }
    if (t->dress->act && at && !strncmp(t->params[first]->name + at, "bn.", 3))
        put_act(t, t->params[first]->name, at);
    pickle_op(t->p, "u");
}

static void put_attributes(struct buf *p, int nc)
{
    pickle_put_text(p, "nc");
    pickle_put_int(p, nc);
    pickle_put_text(p, "names");
    pickle_op(p, "}(");
    for (int i = 0; i < nc; i++) {
        char name[16], key[16];
        snprintf(name, sizeof name, "thing%d", i);
        snprintf(key, sizeof key, "%d", i);
        if (i % 2) /* some writers make numbers of keys texts */
            pickle_put_text(p, key);
        else
            pickle_put_int(p, i);
        pickle_put_text(p, name);
    }
    pickle_op(p, "u");
}

/* The table, of one row. */
static void put_table(struct buf *p, const char *module)
{
    pickle_put_text(p, "yaml");
    pickle_op(p, "}(");
    pickle_put_text(p, "nc");
    pickle_put_int(p, 2);
    pickle_put_text(p, "backbone");
    pickle_op(p, "](](");
    pickle_put_int(p, -1);
    pickle_put_int(p, 1);
    pickle_put_text(p, module);
    pickle_op(p, "](");
    pickle_put_int(p, 8);
    pickle_op(p, "eee");
    pickle_put_text(p, "head");
    pickle_op(p, "]u");
}

/* What stands in front of the object in its file; the dict stays open. */
static void put_beside(struct buf *p, int imgsz)
{
    pickle_op(p, "}(");
    pickle_put_text(p, "version");
    pickle_put_text(p, "8.3.0");
    pickle_put_text(p, "ema");
    pickle_op(p, "N");
    pickle_put_text(p, "train_args");
    pickle_op(p, "}(");
    pickle_put_text(p, "imgsz");
    pickle_put_int(p, imgsz);
    pickle_op(p, "u");
    pickle_put_text(p, "model");
}

void make_ultralytics(struct buf *out, const struct graph *g, const float *params, int imgsz,
                      const struct object_dress *dress)
{
    struct buf p = {0};
    struct tree t = {&p, g, mem_alloc((size_t)g->n_params, sizeof *t.params), dress};
    if (!t.params)
        abort();
    for (int i = 0; i < g->n_params; i++)
        t.params[i] = &g->params[i];
    qsort(t.params, (size_t)g->n_params, sizeof *t.params, by_name);
    pickle_begin(&p);
    if (!dress->bare)
        put_beside(&p, imgsz);
    put_module(&t, 0, g->n_params, 0, "ultralytics.nn.tasks", dress->task ? dress->task : "DetectionModel");
    put_attributes(&p, g->head.nc);
    if (dress->module)
        put_table(&p, dress->module);
    pickle_op(&p, dress->bare ? "ub." : "ubu.");
    finish(out, &p, params, NULL, g->param_floats * sizeof(float));
    mem_free(t.params);
}

void make_named(struct buf *out, const char *const *names)
{
    static const float one[1] = {1};
    struct buf p = {0};
    pickle_begin(&p);
    pickle_op(&p, "}(");
    for (; *names; names++) {
        pickle_put_text(&p, *names);
        pickle_put_tensor(&p, &(struct tensor_part){"FloatStorage", "0", 1, 0, 1, {1}, {1}});
    }
    pickle_op(&p, "u.");
    finish(out, &p, one, NULL, sizeof one);
}
