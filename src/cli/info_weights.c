#include "cli/info_weights.h"

#include "cli/cli.h"
#include "core/buf.h"
#include "core/terminal.h"
#include "formats/json.h"
#include "graph/op_rules.h"

#include <stdio.h>
#include <string.h>

enum { CLASSES_SHOWN = 8 };

struct story {
    const char *path;
    const struct weights *w;
    struct checkpoint c;
    const char *network; /* NULL: no built-in one, the file brings its own table */
    json_t *recipe;      /* NULL: the file has none */
};

static const char *package_of(const struct story *s)
{
    const char *family = s->c.model->family;
    if (family && family_find(family) == family_find("official"))
        return s->w->deployed.head.kind == HEAD_ANCHORS ? "the official code of YOLOv7" : "the official code of YOLOv9";
    if (s->c.package)
        return s->c.package;
    if (checkpoint_metadata(&s->c, "yolo9.form"))
        return "yolo9";
    return s->c.kind == CHECKPOINT_TORCH ? "PyTorch (a dict of tensors, which does not tell its program)"
                                         : "not told (safetensors without metadata)";
}

static const char *form_of(const struct story *s)
{
    if (s->w->params && s->w->training.n_branches > 1)
        return "training form with the auxiliary branch: it can be trained further, and deployed";
    if (s->w->params)
        return "training form of one branch: it can be trained further, and deployed";
    return s->w->eight_bit ? "deployed form, prepared for 8 bits"
                           : "deployed form (BN folded, fused): for inference only";
}

/* What kind of file keeps the tensors, and whether a training left its own things beside them. */
static enum status container_of(const struct story *s, struct buf *out)
{
    const struct checkpoint *c = &s->c;
    if (c->kind == CHECKPOINT_SAFETENSORS)
        return buf_printf(out, "safetensors");
    if (c->lightning)
        TRY(buf_printf(out, "a Lightning checkpoint (%.20s)", c->lightning));
    else
        TRY(buf_printf(out, c->model->class_name ? "PyTorch, a pickled module" : "PyTorch, a dict of tensors"));
    if (!c->torch.prefix)
        TRY(buf_printf(out, ", in the layout from before 1.6"));
    if (c->epoch >= 0)
        TRY(buf_printf(out, ", left by a training (epoch %d)", c->epoch));
    if (c->n_groups)
        TRY(buf_printf(out, ", with the optimizer's state"));
    if (c->stripped)
        TRY(buf_printf(out, ", stripped of what only a training needs"));
    return OK;
}

/* The kind of number that most of its elements are. */
static const char *number_of(const struct story *s)
{
    static const struct {
        enum dtype dtype;
        const char *word;
    } words[] = {{DTYPE_F32, "float32"},
                 {DTYPE_F16, "float16"},
                 {DTYPE_BF16, "bfloat16"},
                 {DTYPE_F64, "float64"},
                 {DTYPE_I8, "int8"}};
    size_t most = 0;
    const char *word = "numbers";
    for (int k = 0; k < COUNT(words); k++) {
        size_t n = 0;
        for (int i = 0; i < s->c.model->count; i++)
            n += s->c.model->tensors[i].dtype == words[k].dtype ? s->c.model->tensors[i].count : 0;
        if (n > most) {
            most = n;
            word = words[k].word;
        }
    }
    return word;
}

/* Are these the averaged values (EMA) of a training? Weights that yolo9's training writes are. */
static const char *average_of(const struct story *s)
{
    if (s->c.from_ema)
        return s->c.raw ? "averaged (EMA); the raw ones are in the file too" : "averaged (EMA)";
    return s->recipe || s->c.stripped ? "averaged (EMA)" : "not told whether averaged";
}

static enum status classes_of(const struct story *s, struct buf *out)
{
    TRY(buf_printf(out, "%d", s->w->nc));
    if (!s->c.model->n_names) {
        return buf_printf(out, ", without names");
    }
    for (int i = 0; i < MIN(s->w->nc, CLASSES_SHOWN); i++)
        TRY(buf_printf(out, "%s%.40s", i ? ", " : ": ", s->w->names[i]));
    if (s->w->nc > CLASSES_SHOWN)
        TRY(buf_printf(out, " and %d more", s->w->nc - CLASSES_SHOWN));
    return OK;
}

/* How many nodes have each activation, as the network runs. */
static void count_activations(const struct graph *g, int count[ACT_COUNT])
{
    memset(count, 0, ACT_COUNT * sizeof *count);
    for (int i = 0; i < g->n_nodes; i++)
        count[node_activation(&g->nodes[i])]++;
    count[ACT_NONE] = 0; /* pools and the head's last convolutions; nobody asks for them */
}

/* "SiLU", "leaky ReLU 0.1, SiLU", "none" */
static enum status activations_of(const struct story *s, struct buf *out)
{
    int count[ACT_COUNT];
    count_activations(&s->w->deployed, count);
    for (int act = 0; act < ACT_COUNT; act++) {
        if (count[act])
            TRY(buf_printf(out, "%s%s", out->size ? ", " : "", act_name((enum act)act)));
    }
    return out->size ? OK : buf_printf(out, "%s", act_name(ACT_NONE));
}

/* "trained      1 epoch, batch 2, SGD, lr0 0.01, seed 0" */
static void print_recipe(const json_t *recipe)
{
    const json_t *epochs = json_object_get(recipe, "epochs"), *batch = json_object_get(recipe, "batch_size");
    const json_t *seed = json_object_get(recipe, "seed"), *optimizer = json_object_get(recipe, "optimizer");
    const json_t *lr0 = json_object_get(json_object_get(recipe, "hyp"), "lr0");
    if (json_is_integer(epochs) && json_is_integer(batch) && json_is_integer(seed) && json_is_string(optimizer))
        print(stdout, "%-12s %lld %s, batch %lld, %s, lr0 %g, seed %lld", "trained", json_integer_value(epochs),
              noun((long)json_integer_value(epochs), "epoch", "epochs"), json_integer_value(batch),
              json_string_value(optimizer), json_number_value(lr0), json_integer_value(seed));
}

static enum status print_story(const struct story *s)
{
    struct buf classes = {0}, container = {0}, activations = {0};
    enum status rc = classes_of(s, &classes);
    if (rc == OK)
        rc = container_of(s, &container);
    if (rc == OK)
        rc = activations_of(s, &activations);
    if (rc == OK) {
        print(stdout, "%-12s %s", "weights", s->path);
        print(stdout, "%-12s %s", "written by", package_of(s));
        print(stdout, "%-12s %s", "kept as", container.data);
        const char *own = s->c.model->table_text ? "of its own, by the table in the file" : s->w->table.name;
        print(stdout, "%-12s %s%s", "network", s->network ? s->network : own,
              s->network && !s->c.network ? ", told by its tensors" : "");
        print(stdout, "%-12s %s", "form", form_of(s));
        print(stdout, "%-12s %s", "activation", activations.data);
        print(stdout, "%-12s %s, %s", "values", number_of(s), average_of(s));
        print(stdout, "%-12s %s", "classes", classes.data);
        if (s->w->img_h)
            print(stdout, "%-12s %d x %d", "image size", s->w->img_h, s->w->img_w);
        else
            print(stdout, "%-12s not told", "image size");
        print_recipe(s->recipe);
        print(stdout, "\n");
    }
    buf_free(&classes);
    buf_free(&container);
    buf_free(&activations);
    return rc;
}

static json_t *story_json(const struct story *s)
{
    json_t *classes = json_array();
    for (int i = 0; classes && i < s->w->nc; i++)
        json_array_append_new(classes, json_string(s->w->names[i]));
    json_t *activations = json_object();
    int count[ACT_COUNT];
    count_activations(&s->w->deployed, count);
    for (int act = 0; activations && act < ACT_COUNT; act++) {
        if (count[act])
            json_object_set_new(activations, act_name((enum act)act), json_integer(count[act]));
    }
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "file", s->path, "package", package_of(s), "network",
                  s->network ? s->network : s->w->table.name, "form", s->w->params ? "training" : "deployed", "values",
                  number_of(s), "classes", classes, "activations", activations);
    struct buf kept = {0};
    if (root && container_of(s, &kept) == OK)
        json_object_set_new(root, "kept_as", json_string(kept.data));
    buf_free(&kept);
    if (root && s->w->img_h)
        json_object_set_new(root, "img", json_pack("[i,i]", s->w->img_h, s->w->img_w));
    if (root && (s->c.from_ema || s->recipe || s->c.stripped))
        json_object_set_new(root, "averaged", json_true());
    if (root && s->recipe)
        json_object_set(root, "recipe", s->recipe);
    return root;
}

enum status info_weights(const char *path, const struct weights *w, bool print, json_t **out)
{
    enum status rc = OK;
    struct story s = {.path = path, .w = w};
    const struct json_limits limits = {.bytes = (size_t)1 << 20, .values = 10000, .depth = 8};
    *out = NULL;
    TRY_CLEAN(checkpoint_open(path, &s.c));
    s.network = weights_network(&s.c);
    if (w->recipe)
        TRY_CLEAN(json_read_memory("yolo9.recipe", w->recipe, strlen(w->recipe), &limits, &s.recipe));
    if (print)
        TRY_CLEAN(print_story(&s));
    *out = story_json(&s);
    rc = *out ? OK : fail_memory(NULL, 0);
cleanup:
    json_decref(s.recipe);
    checkpoint_close(&s.c);
    return rc;
}
