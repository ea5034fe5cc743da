#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status names_init(const struct table *t, struct names *out)
{
    *out = (struct names){.n_rows = t->n_rows, .head = rows_head_class(t)};
    bool *kept = mem_calloc((size_t)t->n_rows, sizeof *kept);
    out->row = mem_calloc((size_t)t->n_rows, sizeof *out->row);
    if (!kept || !out->row) {
        mem_free(kept);
        names_free(out);
        return E_NOMEM;
    }
    rows_kept(t, kept);
    for (int r = 0, next = 0; r < t->n_rows; r++)
        out->row[r] = kept[r] ? next++ : -1;
    mem_free(kept);
    return OK;
}

void names_free(struct names *n)
{
    mem_free(n->row);
    *n = (struct names){0};
}

int names_row(const char *name, const char **rest)
{
    char *end;
    if (strncmp(name, "model.", 6) || name[6] < '0' || name[6] > '9')
        return -1;
    long row = strtol(name + 6, &end, 10);
    if (*end != '.' || row >= TABLE_MAX_ROWS)
        return -1;
    *rest = end + 1;
    return (int)row;
}

const char *names_convert(const struct names *n, const char *name, char *buffer, size_t size)
{
    char part[BUILDER_NAME];
    const char *rest;
    int row = names_row(name, &rest);
    if (row < 0 || row >= n->n_rows || n->row[row] < 0)
        return NULL;
    if (row == n->n_rows - 1 &&
        !(rest = head_deployed_name(n->head->kind, n->head->n_branches, rest, part, sizeof part)))
        return NULL;
    int written = snprintf(buffer, size, "model.%d.%s", n->row[row], rest);
    return written > 0 && (size_t)written < size ? buffer : NULL;
}

const char *names_restore(const struct names *n, const char *name, char *buffer, size_t size)
{
    char part[BUILDER_NAME];
    const char *rest;
    int converted = names_row(name, &rest), row = 0;
    while (converted >= 0 && row < n->n_rows && n->row[row] != converted)
        row++;
    if (converted < 0 || row == n->n_rows)
        return NULL;
    if (row == n->n_rows - 1 && !(rest = head_main_name(n->head->kind, n->head->n_branches, rest, part, sizeof part)))
        return NULL;
    int written = snprintf(buffer, size, "model.%d.%s", row, rest);
    return written > 0 && (size_t)written < size ? buffer : NULL;
}

/* Convolutions side by side that deployment makes one of: how the first one's parameters begin, what the result is
 * called, and how its BN's parameters begin. The others are gone. */
static const struct merge {
    const char *first, *merged, *bn, *others[2]; /* of whole elements */
} merges[] = {
    {"conv1.conv.", "conv.", "conv1.bn.", {"conv2.conv.", "conv2.bn."}},             /* RepConvN */
    {"rbr_dense.0.", "rbr_reparam.", "rbr_dense.1.", {"rbr_1x1.", "rbr_identity."}}, /* RepConv */
};

/* Where `prefix` stands in a name, at the beginning of an element; NULL: nowhere. */
static char *find_element(char *name, const char *prefix)
{
    char *at = prefix ? strstr(name, prefix) : NULL;
    while (at && at != name && at[-1] != '.')
        at = strstr(at + 1, prefix);
    return at;
}

/* In place: what is put in is never longer than what it replaces. */
static bool replace_element(char *name, const char *from, const char *to)
{
    char *at = find_element(name, from);
    if (!at)
        return false;
    size_t n = strlen(to);
    memmove(at + n, at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, n);
    return true;
}

static void merge(char *name)
{
    for (int i = 0; i < COUNT(merges); i++)
        if (replace_element(name, merges[i].first, merges[i].merged))
            return;
}

const char *names_merge(void *unused, const char *name, char *buffer, size_t size)
{
    (void)unused;
    snprintf(buffer, size, "%s", name);
    merge(buffer);
    return buffer;
}

const char *names_deploy(void *names, const char *name, char *buffer, size_t size)
{
    if (!names_convert(names, name, buffer, size))
        return name; /* graph_deploy asks for kept parameters only */
    merge(buffer);
    return buffer;
}

/* "X.conv2.bn.bias": it goes into what the convolution beside it becomes. */
static bool is_merged_away(char *name)
{
    for (int i = 0; i < COUNT(merges); i++)
        for (int k = 0; k < COUNT(merges[i].others); k++)
            if (find_element(name, merges[i].others[k]))
                return true;
    return false;
}

/* "X.bn.bias" -> "X.conv.bias", with the merged name where its convolution is merged; other names stay. */
static void fold_bias(char *name, size_t size)
{
    size_t n = strlen(name);
    for (int i = 0; i < COUNT(merges); i++)
        if (replace_element(name, merges[i].bn, merges[i].merged))
            return;
    if (n >= 7 && !strcmp(name + n - 7, "bn.bias") && (n == 7 || name[n - 8] == '.'))
        snprintf(name + n - 7, size - (n - 7), "conv.bias");
}

const char *names_fused(const struct param *p, char *buffer, size_t size)
{
    int written = snprintf(buffer, size, "%s", p->name);
    if (written < 0 || (size_t)written + 2 >= size)
        return NULL;
    bool gone = p->role == PARAM_GAMMA || p->role == PARAM_MEAN || p->role == PARAM_VAR || p->role == PARAM_IMPLICIT;
    if (gone || is_merged_away(buffer))
        return NULL;
    if (p->role == PARAM_BETA)
        fold_bias(buffer, size);
    merge(buffer);
    return buffer;
}
