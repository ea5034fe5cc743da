/* The numbers of yolo9 figure gradients. */
#include "lab/gradients_figure.h"
#include "lab/numbers.h"

#include <stdio.h>
#include <string.h>

static const char *const use_names[] = {[ROW_MAIN] = "main", [ROW_AUXILIARY] = "auxiliary", [ROW_UNUSED] = "unused"};

/* "main_norm", "auxiliary_1_norm" */
static void set(json_t *row, const char *branch, const char *what, json_t *value)
{
    char key[64];
    snprintf(key, sizeof key, "%s_%s", branch, what);
    for (char *p = key; *p; p++)
        if (*p == ' ')
            *p = '_';
    json_object_set_new(row, key, value);
}

static void set_tally(json_t *row, const char *branch, const char *what, const struct tally *t)
{
    char deviation[32];
    snprintf(deviation, sizeof deviation, "%s_deviation", what);
    set(row, branch, what, number_json(tally_mean(t)));
    set(row, branch, deviation, number_json(tally_deviation(t)));
}

/* All states have the columns of the one with most branches; a network that lacks one has empty cells there. */
static int most_branches(const struct gradient_state *states, int n)
{
    int most = 1;
    for (int i = 0; i < n; i++)
        most = MAX(most, states[i].g.n_branches);
    return most;
}

static json_t *row_numbers(const struct gradient_state *s, int number, int most)
{
    static const struct tally none = {0};
    const struct gradient_row *r = &s->g.rows[number];
    const int main = s->g.n_branches - 1;
    json_t *row = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I}", "state", s->label, "network", s->w.table.name, "row",
                            number, "module", r->module, "use", use_names[r->use], "parameters", (json_int_t)r->params);
    set_tally(row, "main", "norm", &r->norm[main]);
    for (int b = 0; b < most - 1; b++) {
        const bool there = b < main;
        set_tally(row, branch_name(b, most), "norm", there ? &r->norm[b] : &none);
        set_tally(row, branch_name(b, most), "cosine", there ? &r->cosine[b] : &none);
    }
    set_tally(row, "sum", "norm", &r->whole);
    return row;
}

json_t *gradients_row_numbers(const struct gradient_state *states, int n)
{
    const int most = most_branches(states, n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        for (int r = 0; r < states[i].g.n_rows; r++)
            if (states[i].g.rows[r].params > 0)
                json_array_append_new(rows, row_numbers(&states[i], r, most));
    return rows;
}

/* Of small, medium and large objects' norms in the map, this one's part; the norms of parts do not add up to that of
 * the whole, so this is a comparison and no share of the gradient. */
static double map_share(const struct level_part part[OBJECT_SIZES], int size)
{
    double sum = 0;
    for (int s = 0; s < SIZE_NONE; s++)
        sum += part[s].map.mean;
    return size != SIZE_NONE && sum > 0 ? part[size].map.mean / sum : NAN;
}

static json_t *size_numbers(const struct gradient_state *s, int level, int branch, int size)
{
    const struct gradient_level *l = &s->g.level[level];
    const struct level_part *p = &l->part[branch][size];
    const bool object = size != SIZE_NONE, any = !object || s->g.objects[size] > 0;
    const double share = map_share(l->part[branch], size);
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "state", s->label, "network",
        s->w.table.name, "branch", branch_name(branch, s->g.n_branches), "stride", l->stride, "map_row",
        l->row >= 0 ? json_integer(l->row) : json_null(), "map_module", l->row >= 0 ? s->g.rows[l->row].module : "",
        "size", object_size_names[size], "objects", object ? json_integer(s->g.objects[size]) : json_null(), "points",
        (json_int_t)p->positives, "head_norm", any ? number_json(tally_mean(&p->head)) : json_null(), "head_deviation",
        any ? number_json(tally_deviation(&p->head)) : json_null(), "map_norm",
        any ? number_json(tally_mean(&p->map)) : json_null(), "map_deviation",
        any ? number_json(tally_deviation(&p->map)) : json_null(), "map_share", any ? number_json(share) : json_null());
}

json_t *gradients_size_numbers(const struct gradient_state *states, int n)
{
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        for (int b = 0; b < states[i].g.n_branches; b++)
            for (int l = 0; l < states[i].g.n_levels; l++)
                for (int size = 0; size < OBJECT_SIZES; size++)
                    json_array_append_new(rows, size_numbers(&states[i], l, b, size));
    return rows;
}
