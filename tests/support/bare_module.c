#include "support/bare_module.h"

#include "model/activation.h"

#include <stdio.h>
#include <string.h>

/* A JSON value as a table's argument. `items` has room for a list of MAX_MAPS. */
static enum status arg_of_json(const char *key, const json_t *value, struct arg *items, struct arg *out)
{
    if (json_is_number(value)) {
        *out = (struct arg){.kind = ARG_NUMBER, .number = json_number_value(value)};
    } else if (json_is_boolean(value)) {
        *out = (struct arg){.kind = ARG_BOOL, .number = json_is_true(value)};
    } else if (json_is_string(value)) {
        *out = (struct arg){.kind = ARG_TEXT, .text = json_string_value(value)};
    } else if (json_is_array(value) && items && json_array_size(value) <= MAX_MAPS) {
        int n = (int)json_array_size(value);
        for (int i = 0; i < n; i++)
            TRY(arg_of_json(key, json_array_get(value, (size_t)i), NULL, &items[i]));
        *out = (struct arg){.kind = ARG_LIST, .n = n, .items = items};
    } else if (json_is_null(value)) {
        *out = (struct arg){.kind = ARG_NONE};
    } else {
        return fail(E_FORMAT, "argument %s is no number, text or short list", key);
    }
    return OK;
}

static enum status activation_of(const json_t *args, enum act *act)
{
    const char *text = json_string_value(json_object_get(args, "act"));
    *act = ACT_SILU;
    if (text && !activation_find(text, act))
        return fail(E_FORMAT, "activation %s is not known", text);
    return OK;
}

/* c1 is told by the input; act is the builder's; the others are the module's own. */
static enum status read_args(const struct module *m, const json_t *json, enum act act, struct module_args *out)
{
    static const struct expression_names no_names = {0};
    struct arg items[MAX_MAPS];
    const char *key;
    json_t *value;
    module_defaults(m, act, 0, out);
    json_object_foreach((json_t *)json, key, value)
    {
        struct arg a;
        if (!strcmp(key, "c1") || !strcmp(key, "act"))
            continue;
        TRY(arg_of_json(key, value, items, &a));
        TRY(module_set(m, key, &a, &no_names, out));
    }
    return OK;
}

/* [[w, h, w, h ...] a level] */
static enum status read_anchors(const json_t *levels, float anchor[MAX_LEVELS][MAX_ANCHORS][2],
                                struct head_options *out)
{
    const int n_levels = (int)json_array_size(levels), n = (int)json_array_size(json_array_get(levels, 0)) / 2;
    if (n_levels < 1 || n_levels > MAX_LEVELS || n < 1 || n > MAX_ANCHORS)
        return fail(E_FORMAT, "argument anchors is no list of a few pairs a level");
    for (int l = 0; l < n_levels; l++)
        for (int i = 0; i < 2 * n; i++)
            anchor[l][i / 2][i % 2] =
                (float)json_number_value(json_array_get(json_array_get(levels, (size_t)l), (size_t)i));
    out->anchor_levels = n_levels;
    out->n_anchors = n;
    out->anchor = anchor;
    return OK;
}

static enum status build_head(const struct head_class *head, const json_t *args, struct builder *b,
                              struct bare_module *io)
{
    const json_t *ch = json_object_get(args, "ch");
    int values[TABLE_MAX_FROM], n = (int)json_array_size(ch);
    struct head_options options = {.nc = (int)json_integer_value(json_object_get(args, "nc")),
                                   .reg_max = (int)json_integer_value(json_object_get(args, "reg_max"))};
    float anchor[MAX_LEVELS][MAX_ANCHORS][2] = {{{0}}};
    bool bins = head->kind != HEAD_DFL || (options.reg_max >= 1 && options.reg_max <= MAX_REG_MAX);
    if (n < 1 || n > TABLE_MAX_FROM || options.nc < 1 || !bins)
        return fail(E_FORMAT, "%s: arguments ch, nc or reg_max are missing or too large", head->name);
    if (head->kind == HEAD_ANCHORS)
        TRY(read_anchors(json_object_get(args, "anchors"), anchor, &options));
    options.family = family_find(NULL);
    for (int i = 0; i < MAX_BRANCHES; i++)
        head_shape_init(&options.shape[i]);
    if (json_object_get(args, "c_cls"))
        options.shape[0].c_cls = (int)json_integer_value(json_object_get(args, "c_cls"));
    io->n_in = n;
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "in%d", i);
        values[i] = graph_input(b->graph, (int)json_integer_value(json_array_get(ch, (size_t)i)), name);
        io->in[i] = (struct port){.n = 1, .map = {values[i]}};
    }
    detect(b, "", head, values, n, &options);
    io->out.n = 0;
    return OK;
}

/* The class tower alone, as it stands in a head. */
static enum status build_light_tower(const json_t *args, struct builder *b, struct bare_module *io)
{
    int c = (int)json_integer_value(json_object_get(args, "c"));
    int nc = (int)json_integer_value(json_object_get(args, "nc"));
    if (c < 1 || nc < 1 || io->n_in != 1)
        return fail(E_FORMAT, "LightTower: arguments c or nc are missing, or it has not one input");
    io->out = (struct port){.n = 1, .map = {light_tower(b, io->in[0].map[0], c, nc)}};
    return OK;
}

static void add_inputs(struct graph *g, struct bare_module *io)
{
    for (int i = 0; i < io->n_in; i++) {
        for (int j = 0; j < io->in[i].n; j++) {
            char name[32];
            snprintf(name, sizeof name, io->in[i].n > 1 ? "in%d.%d" : "in%d", i, j);
            io->in[i].map[j] = graph_input(g, io->in[i].map[j], name);
        }
    }
}

/* A module that hands its input on has no node of its own; alone it needs one. */
static int copy_of(struct graph *g, int x)
{
    struct node n = {.op = OP_COPY, .n_src = 1, .src = {x}, .name = "out"};
    return graph_node(g, &n, g->values[x].c);
}

/* A bare head has no image: its strides are the usual ones. */
static enum status finish(struct graph *g, const json_t *args)
{
    int n_branches = g->n_branches;
    g->n_branches = 0;
    enum status rc = graph_finish(g);
    g->n_branches = n_branches;
    const json_t *strides = json_object_get(args, "strides");
    for (size_t l = 0; l < json_array_size(strides) && l < MAX_LEVELS; l++)
        g->stride[l] = (int)json_integer_value(json_array_get(strides, l));
    return rc;
}

enum status bare_module_build(const char *class, const json_t *args, struct graph *g, struct bare_module *io)
{
    enum status rc = OK;
    const struct head_class *head = head_find(class);
    const struct module *module = module_find(class);
    struct module_args a;
    struct builder b;
    enum act act = ACT_SILU;
    graph_init(g);
    bool light = !strcmp(class, "LightTower");
    if (!module && !light)
        TRY_CLEAN(fail(E_UNSUPPORTED, "there is no module %s", class));
    TRY_CLEAN(activation_of(args, &act));
    builder_init(&b, g, act);
    if (head) {
        TRY_CLEAN(build_head(head, args, &b, io));
    } else if (light) {
        add_inputs(g, io);
        TRY_CLEAN(build_light_tower(args, &b, io));
    } else {
        TRY_CLEAN(read_args(module, args, act, &a));
        if (io->n_in < 1 || io->n_in > TABLE_MAX_FROM)
            TRY_CLEAN(fail(E_ARGUMENT, "%s: %d inputs", class, io->n_in));
        add_inputs(g, io);
        module_emit(&b, "", module, io->in, io->n_in, &a, &io->out);
        if (io->out.map[0] == io->in[0].map[0])
            io->out.map[0] = copy_of(g, io->out.map[0]);
    }
    if (b.failed && !g->out_of_memory)
        TRY_CLEAN(fail(E_SHAPE, "%s: %s", class, b.fault));
    g->n_rows = 1;
    TRY_CLEAN(finish(g, args));
cleanup:
    if (rc != OK)
        graph_free(g);
    return rc;
}
