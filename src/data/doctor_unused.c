/* What lies in the folders of a data set and belongs to no split. */
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/doctor_parts.h"
#include "image/kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 };

/* --- what is used --- */

struct used {
    struct file_id *files; /* sorted */
    int n;
    const char **folders; /* of pictures; sorted, each once */
    int n_folders;
    bool annotations; /* labels come from annotation files */
    struct arena arena;
};

static int compare_ids(const void *a, const void *b)
{
    return file_id_compare(a, b);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status use(struct used *u, const char *path)
{
    enum status rc = OK;
    uint64_t size;
    char *folder = path_parent(path);
    TRY_CLEAN(folder ? OK : E_NOMEM);
    u->files[u->n++] = doctor_identify(path, &size);
    if (!u->n_folders || strcmp(u->folders[u->n_folders - 1], folder) != 0) {
        u->folders[u->n_folders] = arena_strdup(&u->arena, folder);
        TRY_CLEAN(u->folders[u->n_folders++] ? OK : E_NOMEM);
    }
cleanup:
    mem_free(folder);
    return rc;
}

static enum status find_used(const struct doctor *d, struct used *u)
{
    size_t most = 1;
    int kept = 0;
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (d->splits[s])
            most += (size_t)d->splits[s]->n_images + (size_t)d->splits[s]->summary.n_problems;
    u->files = mem_alloc(most, sizeof(*u->files));
    u->folders = mem_alloc(most, sizeof(*u->folders));
    TRY(u->files && u->folders ? OK : E_NOMEM);
    for (int s = 0; s < SPLIT_COUNT; s++) {
        const struct dataset *split = d->splits[s];
        for (int i = 0; split && i < split->n_images; i++) {
            TRY(use(u, split->images[i].path));
            u->annotations |= !split->images[i].label_path;
        }
        for (int i = 0; split && i < split->summary.n_problems; i++)
            if (split->summary.faults[i].fault == FAULT_PICTURE || split->summary.faults[i].fault == FAULT_LABELS)
                TRY(use(u, split->summary.faults[i].path));
    }
    qsort(u->files, (size_t)u->n, sizeof(*u->files), compare_ids);
    qsort(u->folders, (size_t)u->n_folders, sizeof(*u->folders), compare_strings);
    for (int i = 0; i < u->n_folders; i++)
        if (!kept || strcmp(u->folders[i], u->folders[kept - 1]) != 0)
            u->folders[kept++] = u->folders[i];
    u->n_folders = kept;
    return OK;
}

static bool is_used(const struct used *u, const char *path)
{
    uint64_t size;
    struct file_id id = doctor_identify(path, &size);
    return u->n && bsearch(&id, u->files, (size_t)u->n, sizeof(id), compare_ids);
}

static bool is_hidden(const char *name)
{
    return name[0] == '.';
}

/* Labels, caches, and the annotation files of a set that has such. */
static bool is_expected(const struct used *u, const char *name)
{
    static const char *const extensions[] = {"txt", "y9cache", "cache", "json", "xml"};
    for (int i = 0; i < (u->annotations ? COUNT(extensions) : 3); i++)
        if (!strcmp(path_extension(name), extensions[i]))
            return true;
    return is_hidden(name);
}

static enum status check_file(struct doctor *d, const struct used *u, const char *folder, const char *name)
{
    enum status rc = OK;
    char *path = path_join(folder, name);
    TRY_CLEAN(path ? OK : E_NOMEM);
    if (is_expected(u, name) || path_is_folder(path))
        goto cleanup;
    if (!image_is_picture_name(path))
        rc = finding_add_text(&d->report, FINDING_UNUSED_FILES, path, NULL);
    else if (!is_used(u, path))
        rc = finding_add_text(&d->report, FINDING_UNUSED_PICTURES, path, NULL);
cleanup:
    mem_free(path);
    return rc;
}

/* --- folders that no split uses --- */

/* The deepest folder that all used folders lie in; heap, NULL when there are none. */
static char *common_folder(const struct used *u)
{
    if (!u->n_folders)
        return NULL;
    char *common = mem_strdup(u->folders[0]);
    for (int i = 1; common && i < u->n_folders; i++) {
        size_t n = 0, last = 0;
        for (; common[n] && common[n] == u->folders[i][n]; n++)
            last = common[n] == '/' ? n : last;
        bool whole = (!common[n] || common[n] == '/') && (!u->folders[i][n] || u->folders[i][n] == '/');
        common[whole ? n : last] = 0;
    }
    return common;
}

/* Is the folder used, or one that lies in it? */
static bool leads_to_used(const struct used *u, const char *folder)
{
    size_t n = strlen(folder);
    for (int i = 0; i < u->n_folders; i++)
        if (!strncmp(u->folders[i], folder, n) && (!u->folders[i][n] || u->folders[i][n] == '/'))
            return true;
    return false;
}

/* Pictures of a folder and those in it. */
static long count_pictures(const char *folder, int depth)
{
    char **names = NULL;
    int n = 0;
    long count = 0;
    if (depth > MAX_DEPTH || path_list(folder, &names, &n) != OK)
        return 0;
    for (int i = 0; i < n; i++) {
        char *path = is_hidden(names[i]) ? NULL : path_join(folder, names[i]);
        if (path)
            count += path_is_folder(path) ? count_pictures(path, depth + 1) : image_is_picture_name(path);
        mem_free(path);
    }
    path_list_free(names, n);
    return count;
}

static enum status add_folder(struct doctor *d, const char *path, long count)
{
    struct doctor_report *report = &d->report;
    struct finding_item item = {.path = arena_strdup(&report->arena, path), .image = {-1, -1}, .other = {-1, -1}};
    item.detail = arena_printf(&report->arena, "%ld %s", count, noun(count, "picture", "pictures"));
    return item.path && item.detail ? finding_add(report, FINDING_UNUSED_PICTURES, count, &item) : E_NOMEM;
}

/* Folders beside the used ones: a split that the YAML forgot, photos that nobody has labelled. */
static enum status find_unused_folders(struct doctor *d, const struct used *u, const char *folder, int depth)
{
    enum status rc = OK;
    char **names = NULL;
    int n = 0;
    if (depth > MAX_DEPTH || path_list(folder, &names, &n) != OK)
        return OK;
    for (int i = 0; i < n && rc == OK; i++) {
        char *path = is_hidden(names[i]) ? NULL : path_join(folder, names[i]);
        if (path && path_is_folder(path)) {
            if (leads_to_used(u, path))
                rc = find_unused_folders(d, u, path, depth + 1);
            else {
                long count = count_pictures(path, depth + 1);
                rc = count ? add_folder(d, path, count) : OK;
            }
        }
        mem_free(path);
    }
    path_list_free(names, n);
    return rc;
}

enum status doctor_unused(struct doctor *d)
{
    enum status rc = OK;
    struct used u = {0};
    char **names = NULL, *common = NULL;
    int n = 0;
    for (int s = 0; s < SPLIT_COUNT; s++)
        if (d->yaml.split[s] && !d->splits[s]) {
            d->report.left_out[d->report.n_left_out++] =
                "files that no split uses were not looked for, because a split could not be loaded";
            return OK;
        }
    arena_init(&u.arena);
    TRY_CLEAN(find_used(d, &u));
    for (int i = 0; i < u.n_folders; i++) {
        if (path_list(u.folders[i], &names, &n) != OK)
            continue; /* it cannot be read any more: nothing to say about its files */
        for (int k = 0; k < n && rc == OK; k++)
            rc = check_file(d, &u, u.folders[i], names[k]);
        path_list_free(names, n);
        TRY_CLEAN(rc);
    }
    if ((common = common_folder(&u)) && *common)
        TRY_CLEAN(find_unused_folders(d, &u, common, 0));
cleanup:
    mem_free(common);
    mem_free(u.files);
    mem_free(u.folders);
    arena_free(&u.arena);
    return rc;
}
