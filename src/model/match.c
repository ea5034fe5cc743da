#include "model/match.h"

#include "model/builtin.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- head --- */

static const struct tensor_shape *find(const struct tensor_shape *tensors, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    }
    return NULL;
}

/* The first level's last convolution, by which a head is known. */
static const char *const head_mark[HEAD_KINDS] = {[HEAD_DFL] = "cv2.0.2.weight", [HEAD_ANCHORS] = "m.0.weight"};

static int find_head_row(const struct tensor_shape *tensors, int n, enum head_kind *kind)
{
    for (int k = 0; k < HEAD_KINDS; k++) {
        *kind = (enum head_kind)k;
        for (int i = 0; i < n; i++) {
            const char *rest;
            int row = names_row(tensors[i].name, &rest);
            if (row >= 0 && !strcmp(rest, head_mark[k]))
                return row;
        }
    }
    return -1;
}

struct head_tensors {
    const char *source;
    const struct tensor_shape *tensors;
    int n, row;
};

/* Tensor "model.<row>.<part>.0.<leaf>" of a branch; its name goes to `name`. */
static const struct tensor_shape *part_of(const struct head_tensors *h, int branch, enum head_part part,
                                          const char *leaf, char name[64])
{
    snprintf(name, 64, "model.%d.%s.0.%s", h->row, head_part_name(branch, part), leaf);
    return find(h->tensors, h->n, name);
}

static bool has_weight(const struct head_tensors *h, int branch, enum head_part part, const char *leaf)
{
    char name[64];
    return part_of(h, branch, part, leaf, name) != NULL;
}

/* The same for a convolution's weight that must be there. */
static enum status weight_of(const struct head_tensors *h, int branch, enum head_part part, const char *leaf,
                             const struct tensor_shape **out)
{
    char name[64];
    *out = part_of(h, branch, part, leaf, name);
    if (!*out)
        return fail(E_FORMAT, "%s: tensor %s is missing", h->source, name);
    if ((*out)->rank != 4 || (*out)->shape[0] < 1 || (*out)->shape[0] > MAX_CHANNELS || (*out)->shape[1] < 1)
        return fail(E_SHAPE, "%s: tensor %s is no convolution's weight", h->source, name);
    return OK;
}

static enum status read_branch(const struct head_tensors *h, int branch, struct model_options *out)
{
    const struct tensor_shape *box0, *box1, *box2, *cls0, *cls2;
    TRY(weight_of(h, branch, HEAD_PART_BOX, "0.conv.weight", &box0));
    TRY(weight_of(h, branch, HEAD_PART_BOX, "1.conv.weight", &box1));
    TRY(weight_of(h, branch, HEAD_PART_BOX, "2.weight", &box2));
    bool light = has_weight(h, branch, HEAD_PART_CLS, "0.0.conv.weight"); /* its first convolution is depth-wise */
    TRY(weight_of(h, branch, HEAD_PART_CLS, light ? "0.1.conv.weight" : "0.conv.weight", &cls0));
    TRY(weight_of(h, branch, HEAD_PART_CLS, "2.weight", &cls2));
    out->head[branch] = (struct head_shape){.c_box = box0->shape[0],
                                            .c_cls = cls0->shape[0],
                                            .box_groups = MAX(1, box0->shape[0] / box1->shape[1]),
                                            .cls_tower = light ? TOWER_LIGHT : TOWER_PLAIN};
    int reg_max = box2->shape[0] / 4, nc = cls2->shape[0];
    if (box2->shape[0] % 4 || reg_max < 1 || reg_max > MAX_REG_MAX || nc > MAX_CLASSES)
        return fail(E_SHAPE, "%s: a head with %d box logits and %d classes", h->source, box2->shape[0], nc);
    if (branch && (reg_max != out->reg_max || nc != out->nc))
        return fail(E_SHAPE, "%s: head branches differ in classes or box logits", h->source);
    out->reg_max = reg_max;
    out->nc = nc;
    return OK;
}

static enum status read_dfl(const struct head_tensors *h, struct match *out)
{
    for (int b = 0; b < MAX_BRANCHES; b++) {
        if (!has_weight(h, b, HEAD_PART_BOX, "2.weight"))
            break;
        TRY(read_branch(h, b, &out->options));
        out->n_branches = b + 1;
    }
    return OK;
}

/* Boxes a cell: told by the anchors, where the file has them; else they are three. */
static int boxes_of(const struct head_tensors *h)
{
    char name[64];
    snprintf(name, sizeof name, "model.%d.anchors", h->row);
    const struct tensor_shape *cells = find(h->tensors, h->n, name);
    snprintf(name, sizeof name, "model.%d.anchor_grid", h->row);
    const struct tensor_shape *pixels = find(h->tensors, h->n, name);
    return cells && cells->rank == 3 ? cells->shape[1] : pixels && pixels->rank >= 3 ? pixels->shape[2] : 3;
}

/* The number of classes follows from that of the boxes; where they do not fit it is left to the table. */
static enum status read_anchor_head(const struct head_tensors *h, struct match *out)
{
    char name[64];
    const int boxes = boxes_of(h);
    snprintf(name, sizeof name, "model.%d.m2.0.weight", h->row);
    out->n_branches = find(h->tensors, h->n, name) ? 2 : 1;
    snprintf(name, sizeof name, "model.%d.m.0.weight", h->row);
    const struct tensor_shape *weight = find(h->tensors, h->n, name);
    out->channels = weight->rank == 4 ? weight->shape[0] : 0;
    if (out->channels <= 5 || out->channels > MAX_CHANNELS || boxes < 1 || boxes > MAX_ANCHORS)
        return fail(E_SHAPE, "%s: tensor %s is no convolution to %d boxes of 5 values and some classes each", h->source,
                    name, boxes);
    if (out->channels % boxes == 0)
        match_anchor_classes(out, boxes);
    return OK;
}

void match_anchor_classes(struct match *m, int boxes)
{
    const int nc = m->channels / boxes - 5;
    m->options.nc = m->channels % boxes == 0 && nc >= 1 && nc <= MAX_CLASSES ? nc : 0;
}

enum status match_head(const char *source, const struct tensor_shape *tensors, int n, struct match *out)
{
    enum head_kind kind;
    struct head_tensors h = {.source = source, .tensors = tensors, .n = n, .row = find_head_row(tensors, n, &kind)};
    *out = (struct match){.head_row = h.row, .kind = kind, .fused = true};
    model_options_init(&out->options);
    if (h.row < 0)
        return fail(E_FORMAT,
                    "%s: no tensor model.N.cv2.0.2.weight or model.N.m.0.weight, so there is no detection head; the "
                    "first of its %d tensors is "
                    "%.80s",
                    source, n, n ? tensors[0].name : "none");
    for (int i = 0; i < n; i++) {
        if (strstr(tensors[i].name, ".running_mean"))
            out->fused = false;
    }
    return kind == HEAD_ANCHORS ? read_anchor_head(&h, out) : read_dfl(&h, out);
}

/* --- table --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tensor_shape *)a)->name, ((const struct tensor_shape *)b)->name);
}

/* Tensors of rows before the head, without counters, sorted. */
static int collect_body(const struct tensor_shape *tensors, int n, int head_row, struct tensor_shape *out)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const char *rest;
        int row = names_row(tensors[i].name, &rest);
        size_t length = strlen(tensors[i].name);
        bool counter = length > 20 && !strcmp(tensors[i].name + length - 20, ".num_batches_tracked");
        if (row >= 0 && row < head_row && !counter)
            out[count++] = tensors[i];
    }
    qsort(out, (size_t)count, sizeof *out, by_name);
    return count;
}

static bool same_shape(const struct tensor_shape *t, const struct param *p)
{
    bool same = t->rank == p->rank;
    for (int d = 0; same && d < p->rank; d++)
        same = t->shape[d] == p->shape[d];
    return same;
}

/* Number of the graph's body tensors that the checkpoint has too; `missing` names the first one it has not. */
static int count_common(const struct graph *g, const struct match *m, const struct tensor_shape *body, int n_body,
                        int *expected, char *missing)
{
    int common = 0;
    *expected = 0;
    *missing = 0;
    for (int i = 0; i < g->n_params; i++) {
        char buffer[BUILDER_NAME];
        const struct param *p = &g->params[i];
        const char *name = m->fused ? names_fused(p, buffer, sizeof buffer) : p->name;
        if (p->row >= m->head_row || !name)
            continue;
        struct tensor_shape key = {.name = name};
        const struct tensor_shape *t = bsearch(&key, body, (size_t)n_body, sizeof *body, by_name);
        ++*expected;
        if (t && same_shape(t, p))
            common++;
        else if (!*missing)
            snprintf(missing, BUILDER_NAME, "%s", name);
    }
    return common;
}

struct table_candidate {
    const char *table;
    const struct family *family;
    int common, expected;
    char missing[BUILDER_NAME];
};

static enum status try_table(const struct builtin_table *b, const struct match *m, const struct tensor_shape *body,
                             int n_body, const struct family *prefer, struct table_candidate *best)
{
    struct table t;
    struct graph g;
    struct table_candidate c = {.table = b->name};
    enum status rc = table_open(b->name, &t);
    if (rc != OK)
        return rc;
    c.family = t.family;
    if (rows_head(&t) == m->head_row && rows_head_class(&t)->kind == m->kind &&
        rows_head_class(&t)->n_branches == m->n_branches) {
        rc = model_build(&t, &m->options, &g, NULL);
        if (rc == OK) {
            c.common = count_common(&g, m, body, n_body, &c.expected, c.missing);
            graph_free(&g);
        } else if (rc != E_NOMEM) {
            rc = OK; /* a head that cannot stand on this body: not this table */
        }
        /* what it has of the checkpoint, less what it wants beyond it */
        int score = 2 * c.common - c.expected, highest = 2 * best->common - best->expected;
        bool preferred = c.family == prefer && best->family != prefer;
        if (!best->table || score > highest || (score == highest && preferred))
            *best = c;
    }
    table_free(&t);
    return rc;
}

enum status match_table(const char *source, const struct tensor_shape *tensors, int n, const struct family *prefer,
                        struct match *out)
{
    struct table_candidate best = {0};
    enum status rc = match_head(source, tensors, n, out);
    if (rc != OK)
        return rc;
    struct tensor_shape *body = mem_alloc((size_t)n, sizeof *body);
    if (!body)
        return E_NOMEM;
    int n_body = collect_body(tensors, n, out->head_row, body);
    for (const struct builtin_table *b = builtin_tables; b->name; b++) {
        TRY_CLEAN(try_table(b, out, body, n_body, prefer, &best));
        if (best.table && best.common == best.expected && best.common == n_body)
            out->table = best.table;
        if (out->table && (!prefer || best.family == prefer))
            break;
    }
    if (out->table)
        goto cleanup;
    if (!best.table)
        TRY_CLEAN(fail(E_UNSUPPORTED, "%s: no built-in table has its head at row %d with %d %s", source, out->head_row,
                       out->n_branches, out->n_branches == 1 ? "branch" : "branches"));
    if (2 * best.common < best.expected)
        TRY_CLEAN(fail(E_UNSUPPORTED, "%s: no built-in table fits, and none is close", source));
    if (best.missing[0])
        TRY_CLEAN(fail(E_UNSUPPORTED,
                       "%s: no built-in table fits; the closest is %s, but %s is missing or of another shape", source,
                       best.table, best.missing));
    TRY_CLEAN(fail(E_UNSUPPORTED,
                   "%s: no built-in table fits; the closest is %s, which has only %d of the %d tensors before its head",
                   source, best.table, best.common, n_body));
cleanup:
    mem_free(body);
    return rc;
}
