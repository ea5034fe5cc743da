#include "cli/inputs.h"

#include "cli/options_internal.h"

#include "core/buf.h"
#include "core/log.h"
#include "core/path.h"
#include "model/builtin.h"
#include "model/table.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A file that can be read. */
static enum status check_file(const char *path)
{
    if (path_is_folder(path))
        return fail(E_IO, "%s is a folder; a file is needed", path);
    return access(path, R_OK) == 0 ? OK : fail_errno("%s", path);
}

/* --- networks --- */

static bool is_yaml_name(const char *path)
{
    return !strcasecmp(path_extension(path), "yaml") || !strcasecmp(path_extension(path), "yml");
}

/* A name that is mistyped is a usage error; a file that is not there is like any other. */
static enum status unknown_network(const char *option, const char *word, const char *name)
{
    const char *names[128];
    int n = 0;
    for (; builtin_tables[n].name && n < COUNT(names); n++)
        names[n] = builtin_tables[n].name;
    const char *near = nearest_name(name, names, n);
    enum status rc = strchr(word, '/') || is_yaml_name(word) ? E_IO : E_USAGE;
    if (near)
        return fail(rc, "--%s %s: there is no such file, and no network of this name; did you mean %s?", option, word,
                    near);
    return fail(rc, "--%s %s: there is no such file, and no network of this name; yolo9 info lists the networks",
                option, word);
}

/* The official repository's path of a network that is built in, where no such file is, stands for that network. */
static enum status find_network(struct options *o, const char *option, const char **text)
{
    if (model_find_table(*text))
        return OK;
    if (path_exists(*text))
        return check_file(*text);
    char *stem = path_stem(*text);
    const char *name = stem ? arena_strdup(&o->arena, stem) : NULL;
    mem_free(stem);
    if (!name)
        return E_NOMEM;
    if (!is_yaml_name(*text) || !model_find_table(name))
        return unknown_network(option, *text, name);
    log_info("%s: there is no such file, taking the built-in %s", *text, name);
    *text = name;
    return OK;
}

/* --- datasets --- */

static bool is_yaml_file(const char *folder, const char *name)
{
    char *path = is_yaml_name(name) && name[0] != '.' ? path_join(folder, name) : NULL;
    bool file = path && !path_is_folder(path);
    mem_free(path);
    return file;
}

/* The only YAML file of a folder. */
static enum status find_only_yaml(const char *option, const char *folder, char **out)
{
    enum status rc = OK;
    char **names = NULL;
    int n = 0, count = 0;
    struct buf all = {0};
    TRY_CLEAN(path_list(folder, &names, &n));
    for (int i = 0; i < n; i++) {
        if (!is_yaml_file(folder, names[i]))
            continue;
        TRY_CLEAN(buf_printf(&all, "%s%s", count++ ? ", " : "", names[i]));
    }
    if (count == 0)
        rc = fail(E_USAGE, "--%s %s: there is no YAML file in this folder (data.yaml)", option, folder);
    else if (count > 1)
        rc = fail(E_USAGE, "--%s %s: which of %s?", option, folder, all.data);
    else if (!(*out = path_join(folder, all.data)))
        rc = E_NOMEM;
cleanup:
    buf_free(&all);
    path_list_free(names, n);
    return rc;
}

/* data.yaml or dataset.yaml of a folder, or else its only YAML file. */
static enum status find_data(struct options *o, const char *option, const char **text)
{
    static const char *const usual[] = {"data.yaml", "dataset.yaml"};
    enum status rc = OK;
    char *path = NULL;
    if (!path_is_folder(*text))
        return check_file(*text);
    for (int i = 0; i < COUNT(usual); i++) {
        if (!(path = path_join(*text, usual[i])))
            return E_NOMEM;
        if (path_exists(path))
            break;
        mem_free(path);
        path = NULL;
    }
    if (!path)
        TRY_CLEAN(find_only_yaml(option, *text, &path));
    if (!(*text = arena_strdup(&o->arena, path)))
        TRY_CLEAN(E_NOMEM);
    log_info("dataset: %s", path);
cleanup:
    mem_free(path);
    return rc;
}

/* --- all --- */

static enum status check_value(struct options *o, const struct option_spec *s, const char **text)
{
    switch (s->value) {
    case VALUE_NETWORK:
        return find_network(o, s->name, text);
    case VALUE_DATA:
        return find_data(o, s->name, text);
    case VALUE_WEIGHTS:
        return check_file(*text);
    default:
        return OK;
    }
}

enum status inputs_check(struct options *o)
{
    for (int i = 0; i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        struct setting *v = &o->settings[i];
        if (s->state != OPTION_USED || !v->given)
            continue;
        if (s->type == OPTION_STRING && v->text)
            TRY(check_value(o, s, &v->text));
        for (int k = 0; s->type == OPTION_STRINGS && k < v->count; k++)
            TRY(check_value(o, s, &v->strings[k]));
    }
    return OK;
}
