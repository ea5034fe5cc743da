#include "core/class_names.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/dataset.h"

#include <string.h>

enum { MAX_CLASSES = 100000, MAX_KEY_POINTS = 1000 };

const char *dataset_split_name(enum dataset_split split)
{
    static const char *const names[SPLIT_COUNT] = {"train", "val", "test"};
    return names[split];
}

/* names as {index: name}: every index from 0 to n-1 once, in any order. */
static enum status names_of_map(const struct yaml_node *node, const char **names)
{
    if (node->repeated)
        return yaml_fail(node->repeated, E_FORMAT, "the key %s is there already: a class has one name",
                         node->repeated->text);
    for (int i = 0; i < node->count; i++) {
        int index;
        TRY(yaml_get_int(node->keys[i], "a class number in names", 0, MAX_CLASSES - 1, &index));
        if (index >= node->count)
            continue; /* then another number is missing */
        if (names[index])
            return yaml_fail(node->keys[i], E_FORMAT, "class %d is named twice", index);
        TRY(yaml_get_string(node->items[i], "a class name", &names[index]));
    }
    for (int i = 0; i < node->count; i++)
        if (!names[i])
            return yaml_fail(node, E_FORMAT, "names has %d entries but none for class %d: classes are numbered 0 to %d",
                             node->count, i, node->count - 1);
    return OK;
}

/* nc without names: the classes are numbered. */
static enum status number_names(struct dataset_yaml *yaml, const struct yaml_node *count)
{
    int nc;
    TRY(yaml_get_int(count, "nc", 1, MAX_CLASSES, &nc));
    const char **names = arena_alloc(&yaml->arena, (size_t)nc, sizeof(*names));
    TRY(names ? OK : E_NOMEM);
    for (int i = 0; i < nc; i++)
        TRY((names[i] = arena_printf(&yaml->arena, "class%d", i)) ? OK : E_NOMEM);
    yaml->names = names;
    yaml->nc = nc;
    return OK;
}

static enum status check_names(const struct yaml_node *node, const char *const *names)
{
    for (int i = 0; i < node->count; i++)
        if (class_name_check(names[i]) != OK)
            return fail_prefix(E_FORMAT, "%s:%d: class %d", node->file, node->line, i);
    return OK;
}

static enum status read_names(struct dataset_yaml *yaml, const struct yaml_node *root)
{
    enum status rc = OK;
    const struct yaml_node *node = yaml_find(root, "names"), *count = yaml_find(root, "nc");
    if (count && count->type == YAML_NULL)
        count = NULL;
    if (!node || node->type == YAML_NULL)
        return count ? number_names(yaml, count) : OK;
    if (node->type != YAML_LIST && node->type != YAML_MAP)
        return yaml_fail(node, E_FORMAT, "names must be a list of names or a map from number to name");
    if (node->count < 1 || node->count > MAX_CLASSES)
        return yaml_fail(node, E_FORMAT, "%d class names; 1 to %d are possible", node->count, MAX_CLASSES);
    const char **names = arena_alloc(&yaml->arena, (size_t)node->count, sizeof(*names));
    if (!names)
        return E_NOMEM;
    if (node->type == YAML_MAP)
        TRY(names_of_map(node, names));
    for (int i = 0; i < node->count && node->type == YAML_LIST; i++)
        TRY(yaml_get_string(node->items[i], "a class name", &names[i]));
    TRY(check_names(node, names));
    yaml->names = names;
    yaml->nc = node->count;
    yaml->named = true;
    if (count) {
        int nc;
        TRY(yaml_get_int(count, "nc", 1, MAX_CLASSES, &nc));
        if (nc != yaml->nc)
            rc = yaml_fail(count, E_FORMAT, "nc is %d but names has %d entr%s", nc, yaml->nc,
                           noun(yaml->nc, "y", "ies"));
    }
    return rc;
}

/* kpt_shape: [n, 2 or 3]: a pose set. */
static enum status read_key_points(struct dataset_yaml *yaml, const struct yaml_node *root)
{
    const struct yaml_node *shape = yaml_find(root, "kpt_shape");
    if (!shape || shape->type == YAML_NULL)
        return OK;
    TRY(yaml_get_list(shape, "kpt_shape", 2, 2));
    TRY(yaml_get_int(shape->items[0], "the number of key points", 1, MAX_KEY_POINTS, &yaml->key_points));
    TRY(yaml_get_int(shape->items[1], "the values of a key point", 2, 3, &yaml->key_values));
    return OK;
}

static enum status read_splits(struct dataset_yaml *yaml, const struct yaml_node *root)
{
    enum status rc = OK;
    for (int s = 0; s < SPLIT_COUNT; s++) {
        const struct yaml_node *node = yaml_find(root, dataset_split_name((enum dataset_split)s));
        const char *text;
        if (!node || node->type == YAML_NULL)
            continue;
        if (node->type == YAML_LIST) {
            TRY(yaml_get_list(node, dataset_split_name((enum dataset_split)s), 1, 100000));
            for (int i = 0; i < node->count; i++)
                TRY(yaml_get_string(node->items[i], "a folder or list of pictures", &text));
        } else {
            TRY(yaml_get_string(node, dataset_split_name((enum dataset_split)s), &text));
        }
        yaml->split[s] = node;
    }
    if (!yaml->split[SPLIT_TRAIN] && !yaml->split[SPLIT_VAL] && !yaml->split[SPLIT_TEST])
        rc = yaml_fail(root, E_FORMAT, "none of train, val and test is given");
    return rc;
}

enum status dataset_yaml_open(const char *file, struct dataset_yaml *yaml)
{
    enum status rc = OK;
    char *folder = NULL;
    memset(yaml, 0, sizeof(*yaml));
    arena_init(&yaml->arena);
    TRY_CLEAN(yaml_open(file, &yaml->doc));
    folder = path_parent(file);
    yaml->file = arena_strdup(&yaml->arena, file);
    yaml->folder = folder ? arena_strdup(&yaml->arena, folder) : NULL;
    TRY_CLEAN(yaml->file && yaml->folder ? OK : E_NOMEM);
    TRY_CLEAN(yaml_get_map(yaml->doc.root, "a dataset"));
    const struct yaml_node *path = yaml_find(yaml->doc.root, "path");
    if (path && path->type != YAML_NULL)
        TRY_CLEAN(yaml_get_string(path, "path", &yaml->path));
    TRY_CLEAN(read_names(yaml, yaml->doc.root));
    TRY_CLEAN(read_key_points(yaml, yaml->doc.root));
    TRY_CLEAN(read_splits(yaml, yaml->doc.root));
cleanup:
    mem_free(folder);
    if (rc != OK)
        dataset_yaml_close(yaml);
    return rc;
}

void dataset_yaml_close(struct dataset_yaml *yaml)
{
    yaml_close(&yaml->doc);
    arena_free(&yaml->arena);
    memset(yaml, 0, sizeof(*yaml));
}
