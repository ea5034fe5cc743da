#include "data/places.h"

#include "core/buf.h"
#include "core/path.h"

#include <string.h>

void places_add(struct places *p, const char *folder)
{
    if (!folder || p->n == PLACES_MAX)
        return;
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->folders[i], folder))
            return;
    p->folders[p->n++] = folder;
}

char *place_join(const char *folder, const char *path)
{
    if (path[0] != '/' && (!folder[0] || !strcmp(folder, ".")))
        return mem_strdup(path[0] ? path : ".");
    return path_join(folder, path);
}

const char *place_rest(const char *path, int drop)
{
    for (;;) {
        while (!strncmp(path, "./", 2))
            path += 2 + strspn(path + 2, "/");
        if (drop-- == 0)
            return path;
        path += strspn(path, "/\\");
        path += strcspn(path, "/\\");
        path += strspn(path, "/\\");
    }
}

static char *find_here(const struct places *p, const char *rest)
{
    for (int i = 0; i < p->n; i++) {
        char *path = place_join(p->folders[i], rest);
        if (!path || path_exists(path))
            return path;
        mem_free(path);
        if (rest[0] == '/')
            break;
    }
    return NULL;
}

/* A copy with slashes, or NULL if there are no backslashes. */
static char *turn_slashes(const char *path)
{
    char *copy = strchr(path, '\\') ? mem_strdup(path) : NULL;
    for (char *at = copy; at && (at = strchr(at, '\\'));)
        *at = '/';
    return copy;
}

char *places_find(const struct places *p, const char *path, int drop)
{
    char *found = NULL, *turned = NULL;
    const char *rest = place_rest(path, drop);
    if (*rest || !drop)
        found = find_here(p, rest);
    if (!found && (turned = turn_slashes(path))) {
        rest = place_rest(turned, drop);
        found = *rest ? find_here(p, rest) : NULL;
    }
    mem_free(turned);
    return found;
}

char *places_search(const struct places *p, const char *path, int *drop)
{
    int parts = 1;
    for (const char *at = path; (at = strpbrk(at, "/\\")); at++)
        parts++;
    for (; *drop < parts; ++*drop) {
        char *found = places_find(p, path, *drop);
        if (found)
            return found;
    }
    return NULL;
}

char *places_text(const struct places *p)
{
    struct buf text = {0};
    for (int i = 0; i < p->n; i++) {
        const char *between = i == 0 ? "" : i + 1 < p->n ? ", " : " and ";
        if (buf_printf(&text, "%s%s", between, p->folders[i]) != OK)
            break;
    }
    char *copy = mem_strdup(text.data ? text.data : "");
    buf_free(&text);
    return copy;
}
