#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status names_init(const struct table *t, struct names *out)
{
    *out = (struct names){.n_rows = t->n_rows, .n_branches = head_find(t->rows[rows_head(t)].module)->n_branches};
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

/* "cv4.0.0.conv.weight" of the main branch -> "cv2" and the rest from its dot; NULL for an auxiliary branch. */
static const char *main_part(const struct names *n, const char *rest, const char **tail)
{
    size_t length = strcspn(rest, ".");
    for (int part = HEAD_PART_BOX; part <= HEAD_PART_DFL; part++) {
        const char *main = head_part_name(n->n_branches - 1, (enum head_part)part);
        if (strlen(main) == length && !memcmp(main, rest, length)) {
            *tail = rest + length;
            return head_part_name(0, (enum head_part)part);
        }
    }
    return NULL;
}

const char *names_convert(const struct names *n, const char *name, char *buffer, size_t size)
{
    const char *rest, *tail, *part = "";
    int row = names_row(name, &rest);
    if (row < 0 || row >= n->n_rows || n->row[row] < 0)
        return NULL;
    tail = rest;
    if (row == n->n_rows - 1 && !(part = main_part(n, rest, &tail)))
        return NULL;
    int written = snprintf(buffer, size, "model.%d.%s%s", n->row[row], part, tail);
    return written > 0 && (size_t)written < size ? buffer : NULL;
}

/* "cv2.0.0.conv.weight" of a deployed head -> the main branch's part, and the rest from its dot. */
static const char *restored_part(const struct names *n, const char *rest, const char **tail)
{
    size_t length = strcspn(rest, ".");
    for (int part = HEAD_PART_BOX; part <= HEAD_PART_DFL; part++) {
        const char *deployed = head_part_name(0, (enum head_part)part);
        if (strlen(deployed) == length && !memcmp(deployed, rest, length)) {
            *tail = rest + length;
            return head_part_name(n->n_branches - 1, (enum head_part)part);
        }
    }
    return NULL;
}

const char *names_restore(const struct names *n, const char *name, char *buffer, size_t size)
{
    const char *rest, *tail, *part = "";
    int converted = names_row(name, &rest), row = 0;
    while (converted >= 0 && row < n->n_rows && n->row[row] != converted)
        row++;
    if (converted < 0 || row == n->n_rows)
        return NULL;
    tail = rest;
    if (row == n->n_rows - 1 && !(part = restored_part(n, rest, &tail)))
        return NULL;
    int written = snprintf(buffer, size, "model.%d.%s%s", row, part, tail);
    return written > 0 && (size_t)written < size ? buffer : NULL;
}

/* Only RepConvN has children conv1 and conv2 with a conv below. In place. */
static void merge(char *name)
{
    for (char *at = strstr(name, "conv"); at; at = strstr(at + 1, "conv")) {
        bool child = (at == name || at[-1] == '.') && (at[4] == '1' || at[4] == '2') && !strncmp(at + 5, ".conv.", 6);
        if (child) {
            memmove(at, at + 6, strlen(at + 6) + 1);
            return;
        }
    }
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

/* Whether the name has a component `child` that is followed by ".conv." or ".bn.". */
static bool has_child(const char *name, const char *child)
{
    size_t n = strlen(child);
    for (const char *at = strstr(name, child); at; at = strstr(at + 1, child)) {
        if ((at == name || at[-1] == '.') && (!strncmp(at + n, ".conv.", 6) || !strncmp(at + n, ".bn.", 4)))
            return true;
    }
    return false;
}

const char *names_fused(const struct param *p, char *buffer, size_t size)
{
    size_t n = strlen(p->name);
    bool of_bn = n > 8 && !strcmp(p->name + n - 8, ".bn.bias");
    if (p->role == PARAM_GAMMA || p->role == PARAM_MEAN || p->role == PARAM_VAR || has_child(p->name, "conv2"))
        return NULL;
    int written =
        of_bn ? snprintf(buffer, size, "%.*s.conv.bias", (int)(n - 8), p->name) : snprintf(buffer, size, "%s", p->name);
    if (written < 0 || (size_t)written >= size)
        return NULL;
    merge(buffer);
    return buffer;
}
