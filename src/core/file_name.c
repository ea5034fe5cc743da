#include "core/file_name.h"

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 200, LONGEST_WITH_ENDING = FILE_NAME_SIZE - 1, HASH_DIGITS = 9 };

/* FNV-1a. */
static unsigned hash(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* Bytes of the text that are at most `most`, without cutting a character in two. */
static size_t whole_characters(const char *text, size_t most)
{
    size_t used = 0;
    while (text[used]) {
        size_t n = (size_t)MAX(text_decode(text + used, NULL), 1);
        if (used + n > most)
            break;
        used += n;
    }
    return used;
}

static bool belongs_in_names(const char *p, int n, unsigned code)
{
    return n && code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != 0x2028 && code != 0x2029 && *p != '/' &&
           *p != '\\';
}

void file_name_of(const char *text, char out[FILE_NAME_SIZE])
{
    size_t used = 0;
    bool leading = true;
    const char *p = text;
    while (*p) {
        unsigned code = 0;
        int n = text_decode(p, &code);
        bool keep = belongs_in_names(p, n, code) && !(leading && *p == '.');
        leading &= *p == '.';
        if (used + (size_t)MAX(n, 1) > LONGEST)
            break;
        if (keep)
            memcpy(out + used, p, (size_t)n);
        else
            out[used] = '_';
        used += keep ? (size_t)n : 1;
        p += MAX(n, 1);
    }
    out[used] = 0;
    if (*p) {
        used = whole_characters(out, LONGEST - HASH_DIGITS);
        snprintf(out + used, FILE_NAME_SIZE - used, "~%08x", hash(text));
    }
    if (!out[0])
        strcpy(out, "_");
}

struct file_name_entry {
    char name[FILE_NAME_SIZE];
    int index;
    bool plain; /* the name is the text */
    bool numbered;
};

/* Equal names together, plain ones first. */
static int compare(const void *a, const void *b)
{
    const struct file_name_entry *x = *(struct file_name_entry *const *)a, *y = *(struct file_name_entry *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->plain != y->plain ? y->plain - x->plain : x->index - y->index;
}

static void number(struct file_name_entry *one)
{
    size_t kept = whole_characters(one->name, LONGEST);
    snprintf(one->name + kept, FILE_NAME_SIZE - kept, "~%d", one->index);
    one->numbered = true;
    one->plain = false;
}

/* Of equal names one stays as it is, the others get their number; false when there were none. Numbers are different, so
 * that two numbered names are never equal, and each name is numbered once at most. */
static bool number_equals(struct file_name_entry **order, int n)
{
    bool found = false;
    qsort(order, (size_t)n, sizeof(struct file_name_entry *), compare);
    for (int i = 1, first = 0; i < n; i++) {
        if (strcmp(order[i]->name, order[first]->name) != 0) {
            first = i;
            continue;
        }
        found = true;
        number(order[i]->numbered ? order[first] : order[i]);
    }
    return found;
}

enum status file_names_of(const char *const *texts, int n, struct arena *arena, const char ***out)
{
    enum status rc = OK;
    struct file_name_entry *all = mem_calloc((size_t)n + 1, sizeof *all),
                           **order = mem_alloc((size_t)n + 1, sizeof *order);
    const char **names = arena_alloc(arena, (size_t)n + 1, sizeof *names);
    TRY_CLEAN(all && order && names ? OK : E_NOMEM);
    for (int i = 0; i < n; i++) {
        file_name_of(texts[i], all[i].name);
        all[i].index = i;
        all[i].plain = !strcmp(texts[i], all[i].name);
        order[i] = &all[i];
    }
    while (n && number_equals(order, n))
        ;
    for (int i = 0; i < n; i++)
        TRY_CLEAN((names[i] = arena_strdup(arena, all[i].name)) ? OK : E_NOMEM);
    *out = names;
cleanup:
    mem_free(all);
    mem_free(order);
    return rc;
}

void file_name_fit(const char *stem, const char *ending, char out[FILE_NAME_SIZE])
{
    size_t n = strlen(stem), e = strlen(ending);
    if (n + e <= LONGEST_WITH_ENDING) {
        memcpy(out, stem, n);
        memcpy(out + n, ending, e + 1);
        return;
    }
    size_t kept = whole_characters(stem, LONGEST_WITH_ENDING - HASH_DIGITS - MIN(e, LONGEST_WITH_ENDING / 2));
    snprintf(out, FILE_NAME_SIZE, "%.*s~%08x%s", (int)kept, stem, hash(stem), ending);
}
