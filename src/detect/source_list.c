/* Pictures and what was left out, as sources are gone through. */
#include "core/mem.h"
#include "core/path.h"
#include "core/text.h"
#include "detect/source_parts.h"

#include <stdio.h>

enum status path_set_add(struct path_set *set, char *path)
{
    if (!path)
        return E_NOMEM;
    if (set->count == set->capacity) {
        size_t capacity = (size_t)set->capacity * 2 + 64;
        char **grown = mem_grow(set->paths, (size_t)set->count * sizeof *grown, capacity * sizeof *grown);
        if (!grown) {
            mem_free(path);
            return E_NOMEM;
        }
        set->paths = grown;
        set->capacity = (int)capacity;
    }
    set->paths[set->count++] = path;
    return OK;
}

void path_set_free(struct path_set *set)
{
    path_list_free(set->paths, set->count);
    *set = (struct path_set){0};
}

enum status sources_add(struct sources *s, char *path)
{
    struct path_set set = {s->paths, s->count, s->capacity};
    enum status rc = path_set_add(&set, path);
    s->paths = set.paths;
    s->count = set.count;
    s->capacity = set.capacity;
    return rc;
}

void sources_leave_out(struct sources *s, enum left_out reason, const char *name)
{
    struct left_out_count *c = &s->left_out[reason];
    if (!c->count++)
        snprintf(c->example, sizeof c->example, "%s", name);
    text_one_line(c->example);
}
