#include "weights/network.h"

#include "weights/activations.h"
#include "weights/anchors.h"
#include "weights/naming.h"

#include <stdio.h>
#include <string.h>

static struct tensor_shape *shapes_of(const struct checkpoint_model *m)
{
    struct tensor_shape *shapes = mem_calloc((size_t)m->count + 1, sizeof *shapes);
    for (int i = 0; shapes && i < m->count; i++) {
        const struct checkpoint_tensor *t = &m->tensors[i];
        shapes[i].name = t->name;
        shapes[i].rank = MIN(t->rank, 4);
        for (int k = 0; k < shapes[i].rank; k++)
            shapes[i].shape[k] = (int)MIN(t->shape[k], (size_t)1 << 30);
    }
    return shapes;
}

/* What is wrong with a table that nobody sees as a file. */
static enum status explain_own_table(const struct checkpoint *c, enum status rc)
{
    char said[512];
    if (rc == E_NOMEM)
        return rc;
    snprintf(said, sizeof said, "%s", fail_text());
    return fail(rc, "%s (the network's table is in the file%s%s)", said, c->package ? ", by " : "",
                c->package ? c->package : "");
}

/* Where no table fits, say what the network seems to be, or how its table is given. */
static enum status explain_no_table(const struct checkpoint *c, enum status rc)
{
    char said[512];
    const char *guess = naming_guess(c->model);
    if (rc == E_NOMEM || (!guess && rc != E_UNSUPPORTED))
        return rc;
    snprintf(said, sizeof said, "%s", fail_text());
    if (!guess)
        return fail(rc, "%s; --cfg FILE.yaml gives the table of another network", said);
    return fail(E_UNSUPPORTED, "%s: %s%s%s; this program runs YOLOv9, GELAN, YOLOv8 and YOLOv7 networks", c->path,
                guess, c->package ? ", written by " : "", c->package ? c->package : "");
}

/* Packages call the same rows by names of their own. */
static const struct family *preferred(const struct checkpoint *c)
{
    return c->model->family ? family_find(c->model->family) : NULL;
}

/* The built-in network that has these tensors; NULL: none has. */
static const char *network_of_tensors(const struct checkpoint *c, const struct tensor_shape *shapes)
{
    struct match match = {0};
    return match_table(c->path, shapes, c->model->count, preferred(c), &match) == OK ? match.table : NULL;
}

enum status network_find(const struct checkpoint *c, const char *cfg, struct table *table, struct match *match)
{
    enum status rc = OK;
    struct tensor_shape *shapes = shapes_of(c->model);
    const char *text = c->model->table_text;
    if (!shapes)
        return E_NOMEM;
    if (cfg || text) {
        TRY_CLEAN(match_head(c->path, shapes, c->model->count, match));
        TRY_CLEAN(cfg ? table_open(cfg, table) : table_read(text, strlen(text), c->path, table));
        if (!cfg && c->model->family)
            table->family = family_find(c->model->family);
        /* Not the name of the file, which may be called anything: gelan-t in a file yolov9-c.pt stays gelan-t. */
        if (match->kind == HEAD_ANCHORS && table->anchor_levels)
            match_anchor_classes(match, table->anchors);
        const char *name = cfg ? NULL : c->network ? c->network : network_of_tensors(c, shapes);
        TRY_CLEAN(name ? table_set_name(table, name) : OK);
    } else {
        TRY_CLEAN(match_table(c->path, shapes, c->model->count, preferred(c), match));
        TRY_CLEAN(table_open(match->table, table));
    }
cleanup:
    mem_free(shapes);
    if (rc != OK)
        return cfg ? rc : text ? explain_own_table(c, rc) : explain_no_table(c, rc);
    rc = cfg ? OK : activations_apply(c, table);
    if (rc == OK)
        rc = anchors_apply(c, match, table);
    if (rc != OK)
        table_free(table);
    return rc;
}

const char *weights_network(const struct checkpoint *c)
{
    struct tensor_shape *shapes = c->network ? NULL : shapes_of(c->model);
    const char *name = shapes ? network_of_tensors(c, shapes) : c->network;
    mem_free(shapes);
    return name;
}

bool weights_match_head(const struct checkpoint *c, struct match *out)
{
    struct tensor_shape *shapes = shapes_of(c->model);
    bool known = shapes && match_head(c->path, shapes, c->model->count, out) == OK;
    mem_free(shapes);
    return known;
}

enum status weights_table(const struct checkpoint *c, struct table *out, bool *folded)
{
    struct match match = {0};
    enum status rc = network_find(c, NULL, out, &match);
    if (rc != OK)
        return rc;
    *folded = match.fused;
    out->nc = match.options.nc ? match.options.nc : out->nc;
    out->reg_max = match.options.reg_max ? match.options.reg_max : out->reg_max;
    memcpy(out->head, match.options.head, sizeof out->head);
    return OK;
}
