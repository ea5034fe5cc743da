#include "cli/classes.h"

#include "core/buf.h"
#include "core/class_names.h"
#include "core/log.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>

struct choosing {
    const char *source;
    const char *const *names;
    int nc;
    struct class_index index;
    struct class_choice *out;
    int *classes; /* nc */
};

static bool is_digits(const char *word)
{
    return *word && word[strspn(word, "0123456789")] == 0;
}

static int count_named(const struct choosing *c, const char *word)
{
    int n = 0;
    for (int i = 0; i < c->nc; i++)
        n += !strcmp(c->names[i], word);
    return n;
}

/* "30" where a class is called 30 and is not number 30. */
static void warn_of_numeral(const struct choosing *c, const char *word, int class)
{
    for (int i = 0; i < c->nc; i++) {
        if (i != class && !strcmp(c->names[i], word))
            log_warn("--classes %s: the class with this number (%s), not the one of this name, which is number %d",
                     word, c->names[class], i);
    }
}

static enum status unknown_class(const struct choosing *c, const char *word)
{
    const char *near = nearest_name(word, c->names, c->nc);
    if (is_digits(word))
        return fail(E_USAGE, "--classes %s: %s has the classes 0 to %d", word, c->source, c->nc - 1);
    if (count_named(c, word) > 1)
        return fail(E_USAGE, "--classes %s: %s has several classes of this name; choose one by its number", word,
                    c->source);
    if (near)
        return fail(E_USAGE, "--classes %s: neither a class of %s nor a file; did you mean %s?", word, c->source, near);
    return fail(E_USAGE, "--classes %s: neither a class of %s nor a file; its %d classes begin with %s%s%s", word,
                c->source, c->nc, c->names[0], c->nc > 1 ? ", " : "", c->nc > 1 ? c->names[1] : "");
}

/* The class that a word means; -1: none. */
static int find_class(const struct choosing *c, const char *word)
{
    if (!is_digits(word))
        return class_index_find(&c->index, word, NULL);
    int class = -1;
    if (strlen(word) < 9) /* longer ones are no number of a class */
        sscanf(word, "%d", &class);
    return class < c->nc ? class : -1;
}

static void add_class(struct choosing *c, const char *word, int class)
{
    if (is_digits(word))
        warn_of_numeral(c, word, class);
    for (int i = 0; i < c->out->n; i++) {
        if (c->classes[i] == class)
            return;
    }
    c->classes[c->out->n++] = class;
}

/* Does the word end the list? */
static bool is_source(const char *word)
{
    return !strcmp(word, "-") || strpbrk(word, "*?[{") || strstr(word, "://") || path_exists(word);
}

/* One word of the list: a class, or several with commas between them. */
static enum status take_word(struct choosing *c, const char *word)
{
    int class = find_class(c, word);
    if (class >= 0) {
        add_class(c, word, class);
        return OK;
    }
    if (!strchr(word, ','))
        return unknown_class(c, word);
    char *copy = arena_strdup(&c->out->arena, word), *save = NULL;
    if (!copy)
        return E_NOMEM;
    for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        class = find_class(c, part);
        if (class < 0)
            return unknown_class(c, part);
        add_class(c, part, class);
    }
    return OK;
}

enum status classes_choose(const struct options *o, const char *source, const char *const *names, int nc,
                           struct class_choice *out)
{
    int n;
    const char *const *words = option_strings(o, "classes", &n);
    struct choosing c = {.source = source, .names = names, .nc = nc, .out = out};
    *out = (struct class_choice){0};
    arena_init(&out->arena);
    if (!n)
        return OK;
    TRY(class_index_make(names, nc, &out->arena, &c.index));
    if (!(out->classes = c.classes = arena_alloc(&out->arena, (size_t)nc, sizeof *c.classes)))
        TRY(fail_memory(NULL, 0));
    for (int i = 0; i < n; i++) {
        if (i && find_class(&c, words[i]) < 0 && is_source(words[i])) {
            out->rest = words + i;
            out->n_rest = n - i;
            break;
        }
        TRY(take_word(&c, words[i]));
    }
    return OK;
}

void class_choice_free(struct class_choice *c)
{
    arena_free(&c->arena);
    *c = (struct class_choice){0};
}
