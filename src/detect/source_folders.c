/* Pictures of folders, alone or with all their sub-folders. */
#include "core/path.h"
#include "core/terminal.h"
#include "detect/source_parts.h"
#include "image/kinds.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 100 };

/* Folders that were entered: an open hash table, so that links back up, or from each to each, come to an end. */
struct entered {
    struct folder_id {
        dev_t device;
        ino_t node;
        bool used;
    } * slots;
    size_t size, count;
};

static struct folder_id *find_slot(struct folder_id *slots, size_t size, dev_t device, ino_t node)
{
    size_t at = ((size_t)node * 0x9e3779b97f4a7c15u ^ (size_t)device) % size;
    while (slots[at].used && !(slots[at].device == device && slots[at].node == node))
        at = (at + 1) % size;
    return &slots[at];
}

static enum status grow_entered(struct entered *e)
{
    size_t size = e->size * 2 + 64;
    struct folder_id *slots = mem_calloc(size, sizeof *slots);
    if (!slots)
        return E_NOMEM;
    for (size_t i = 0; i < e->size; i++) {
        if (e->slots[i].used)
            *find_slot(slots, size, e->slots[i].device, e->slots[i].node) = e->slots[i];
    }
    mem_free(e->slots);
    e->slots = slots;
    e->size = size;
    return OK;
}

/* *again: it was entered before. */
static enum status enter(struct entered *e, const char *folder, bool *again)
{
    struct stat st;
    *again = false;
    if (stat(*folder ? folder : ".", &st) != 0)
        return fail_errno("%s", folder);
    if (e->count * 2 >= e->size && grow_entered(e) != OK)
        return E_NOMEM;
    struct folder_id *slot = find_slot(e->slots, e->size, st.st_dev, st.st_ino);
    *again = slot->used;
    e->count += !slot->used;
    *slot = (struct folder_id){st.st_dev, st.st_ino, true};
    return OK;
}

static enum status walk(struct sources *s, struct entered *e, const char *folder, int depth, struct path_set *out)
{
    struct path_entry *entries = NULL;
    int n = 0;
    bool again;
    enum status rc = OK;
    if (depth > DEEPEST)
        return fail(E_LIMIT, "%s: folders are nested more than %d deep", folder, DEEPEST);
    TRY_CLEAN(enter(e, folder, &again));
    if (again) {
        sources_leave_out(s, LEFT_LINK, folder);
        return OK;
    }
    rc = path_entries(*folder ? folder : ".", &entries, &n);
    if (rc == E_IO && depth > 0) { /* the folder that was asked for must be readable */
        sources_leave_out(s, LEFT_UNREADABLE, fail_text());
        return OK;
    }
    if (rc != OK)
        return rc;
    TRY_CLEAN(path_set_add(out, mem_strdup(folder)));
    for (int i = 0; i < n; i++) {
        if (entries[i].kind != PATH_FOLDER || entries[i].name[0] == '.')
            continue;
        char *path = path_join(folder, entries[i].name);
        rc = path ? walk(s, e, path, depth + 1, out) : E_NOMEM;
        mem_free(path);
        if (rc != OK)
            break;
    }
cleanup:
    path_entries_free(entries, n);
    return rc;
}

enum status source_folders(struct sources *s, const char *folder, struct path_set *out)
{
    struct entered entered = {0};
    enum status rc = walk(s, &entered, folder, 0, out);
    mem_free(entered.slots);
    return rc;
}

/* What a folder holds beside pictures. */
struct holdings {
    int others, folders;
    char example[64];
};

static enum status add_own(struct sources *s, const char *folder, bool enters, struct holdings *held)
{
    struct path_entry *entries = NULL;
    int n = 0;
    enum status rc = path_entries(folder, &entries, &n);
    for (int i = 0; i < n && rc == OK; i++) {
        const char *name = entries[i].name;
        bool picture = image_is_picture_name(name) && entries[i].kind == PATH_FILE;
        if (name[0] == '.') {
            if (picture)
                sources_leave_out(s, LEFT_HIDDEN, name);
        } else if (picture) {
            rc = sources_add(s, path_join(folder, name));
        } else if (entries[i].kind == PATH_FOLDER) {
            held->folders++;
            if (!enters)
                sources_leave_out(s, LEFT_FOLDER, name);
        } else {
            if (!held->others++)
                snprintf(held->example, sizeof held->example, "%s", name);
            sources_leave_out(s, LEFT_OTHER, name);
        }
    }
    path_entries_free(entries, n);
    return rc;
}

static enum status no_pictures(const char *folder, bool recursive, const struct holdings *held)
{
    if (held->folders && !recursive)
        return fail(E_IO, "%s: no pictures in the folder itself, but %d sub-folder%s; --recursive goes through %s",
                    folder, held->folders, noun(held->folders, "", "s"), noun(held->folders, "it", "them"));
    const char *where = held->folders ? "in the folder and those below it" : "in the folder";
    if (held->others)
        return fail(E_IO, "%s: no pictures %s, but %d other file%s (%s%s)", folder, where, held->others,
                    noun(held->others, "", "s"), held->example, held->others > 1 ? " ..." : "");
    return fail(E_IO, "%s: no pictures %s", folder, where);
}

enum status source_add_folder(struct sources *s, const char *folder, bool recursive)
{
    enum status rc = OK;
    int before = s->count;
    struct path_set folders = {0};
    struct holdings held = {0};
    if (recursive)
        TRY_CLEAN(source_folders(s, folder, &folders));
    else
        TRY_CLEAN(path_set_add(&folders, mem_strdup(folder)));
    for (int i = 0; i < folders.count; i++)
        TRY_CLEAN(add_own(s, folders.paths[i], recursive, &held));
    if (s->count == before)
        rc = no_pictures(folder, recursive, &held);
cleanup:
    path_set_free(&folders);
    return rc;
}
