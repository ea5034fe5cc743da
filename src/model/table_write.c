#include "model/table.h"

#include "formats/yaml_write.h"
#include "model/activation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void write_number(struct yaml_writer *w, double value)
{
    if (value == floor(value) && fabs(value) < 1e15)
        yaml_put_int(w, NULL, (long long)value);
    else
        yaml_put_double(w, NULL, value);
}

static void write_args(struct yaml_writer *w, const struct arg *args, int n)
{
    yaml_begin_list(w, NULL, true);
    for (int i = 0; i < n; i++) {
        switch (args[i].kind) {
        case ARG_NONE:
            yaml_put_null(w, NULL);
            break;
        case ARG_BOOL:
            yaml_put_bool(w, NULL, args[i].number != 0);
            break;
        case ARG_NUMBER:
            write_number(w, args[i].number);
            break;
        case ARG_TEXT:
            yaml_put_string(w, NULL, args[i].text);
            break;
        case ARG_LIST:
            write_args(w, args[i].items, args[i].n);
            break;
        }
    }
    yaml_end(w);
}

static void write_rows(struct yaml_writer *w, const char *key, const struct table_row *rows, int n)
{
    yaml_begin_list(w, key, false);
    for (int r = 0; r < n; r++) {
        yaml_begin_list(w, NULL, true);
        if (rows[r].n_from > 1)
            yaml_begin_list(w, NULL, true);
        for (int i = 0; i < rows[r].n_from; i++)
            yaml_put_int(w, NULL, rows[r].from[i]);
        if (rows[r].n_from > 1)
            yaml_end(w);
        yaml_put_int(w, NULL, rows[r].repeats);
        yaml_put_string(w, NULL, rows[r].module);
        write_args(w, rows[r].args, rows[r].n_args);
        if (rows[r].tag)
            yaml_put_string(w, NULL, rows[r].tag);
        yaml_end(w);
    }
    yaml_end(w);
}

/* The shortest text that reads back as the same single precision number: 13, 12.5, 13.7654. */
static void write_size(struct yaml_writer *w, float size)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)size);
        if (strtof(text, NULL) == size)
            break;
    }
    write_number(w, strtod(text, NULL));
}

static void write_anchors(struct yaml_writer *w, const struct table *t)
{
    if (!t->anchor_levels) {
        yaml_put_int(w, "anchors", t->anchors);
        return;
    }
    yaml_begin_list(w, "anchors", false);
    for (int l = 0; l < t->anchor_levels; l++) {
        yaml_begin_list(w, NULL, true);
        for (int i = 0; i < 2 * t->anchors; i++)
            write_size(w, t->anchor[l][i / 2][i % 2]);
        yaml_end(w);
    }
    yaml_end(w);
}

/* One number where all branches agree, a list otherwise; nothing where all are left to the formula. */
static void write_head_key(struct yaml_writer *w, const char *key, const int *branch)
{
    if (branch[0] == branch[1] && branch[0] == branch[2]) {
        if (branch[0] != FROM_FORMULA)
            yaml_put_int(w, key, branch[0]);
        return;
    }
    yaml_begin_list(w, key, true);
    for (int i = 0; i < MAX_BRANCHES; i++) {
        if (branch[i] == FROM_FORMULA)
            yaml_put_null(w, NULL);
        else
            yaml_put_int(w, NULL, branch[i]);
    }
    yaml_end(w);
}

/* The same for class_tower, whose values are words. */
static void write_towers(struct yaml_writer *w, const struct head_shape *head)
{
    bool same = head[0].cls_tower == head[1].cls_tower && head[0].cls_tower == head[2].cls_tower;
    if (same && head[0].cls_tower == FROM_FORMULA)
        return;
    if (!same)
        yaml_begin_list(w, "class_tower", true);
    for (int i = 0; i < (same ? 1 : MAX_BRANCHES); i++) {
        const char *key = same ? "class_tower" : NULL;
        if (head[i].cls_tower == FROM_FORMULA)
            yaml_put_null(w, key);
        else
            yaml_put_string(w, key, cls_tower_name((enum cls_tower)head[i].cls_tower));
    }
    if (!same)
        yaml_end(w);
}

enum status table_write(const struct table *t, struct buf *out)
{
    const struct head_shape *h = t->head;
    struct yaml_writer w;
    yaml_begin(&w, out);
    yaml_begin_map(&w, NULL, false);
    yaml_put_int(&w, "nc", t->nc);
    yaml_put_double(&w, "depth_multiple", t->depth_multiple);
    yaml_put_double(&w, "width_multiple", t->width_multiple);
    write_anchors(&w, t);
    if (t->max_channels)
        yaml_put_int(&w, "max_channels", t->max_channels);
    if (t->has_activation)
        yaml_put_string(&w, "activation", activation_text(t->activation));
    if (t->family != family_find(NULL) || table_has_module(t, "C2f")) /* by which it would be guessed */
        yaml_put_string(&w, "family", t->family->name);
    if (t->reg_max != FROM_FORMULA)
        yaml_put_int(&w, "reg_max", t->reg_max);
    write_head_key(&w, "box_width", (const int[]){h[0].c_box, h[1].c_box, h[2].c_box});
    write_head_key(&w, "class_width", (const int[]){h[0].c_cls, h[1].c_cls, h[2].c_cls});
    write_head_key(&w, "box_groups", (const int[]){h[0].box_groups, h[1].box_groups, h[2].box_groups});
    write_towers(&w, h);
    write_rows(&w, "backbone", t->rows, t->n_backbone);
    write_rows(&w, "head", t->rows + t->n_backbone, t->n_rows - t->n_backbone);
    yaml_end(&w);
    return yaml_finish(&w);
}
