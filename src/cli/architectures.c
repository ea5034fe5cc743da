#include "cli/architectures.h"

#include "core/mem.h"
#include "core/path.h"
#include "model/builtin.h"
#include "model/table.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "features-"; /* of the tables that are made for these figures */

/* "gelan" is the study table features-gelan; another word a network's name or a table's path. */
static enum status find_network(const char *word, char *name, size_t size)
{
    enum { MOST = 200 };
    const char *names[MOST];
    int n = 0;
    snprintf(name, size, "%s%s", prefix, word);
    if (model_find_table(name))
        return OK;
    snprintf(name, size, "%s", word);
    if (strlen(word) < size && (model_find_table(word) || path_exists(word)))
        return OK;
    for (const struct builtin_table *t = builtin_tables; t->name && n < MOST; t++)
        names[n++] = !strncmp(t->name, prefix, sizeof prefix - 1) ? t->name + sizeof prefix - 1 : t->name;
    const char *near = nearest_name(word, names, n);
    return fail(E_USAGE, "--arch %s: there is no architecture, network or table of this name%s%s%s", word,
                near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

enum status architectures_find(const struct options *o, const char *const *usual, int n_usual,
                               struct architectures *out)
{
    int n;
    const char *const *words = option_strings(o, "arch", &n);
    if (n > MOST_ARCHITECTURES)
        return fail(E_USAGE, "--arch: %d architectures; %d are possible", n, MOST_ARCHITECTURES);
    out->n = n ? n : n_usual;
    for (int i = 0; i < out->n; i++) {
        TRY(find_network(n ? words[i] : usual[i], out->room[i], ARCHITECTURE_NAME));
        out->names[i] = out->room[i];
    }
    return OK;
}

void architecture_shorten(char *name)
{
    if (!strncmp(name, prefix, sizeof prefix - 1))
        memmove(name, name + sizeof prefix - 1, strlen(name) - (sizeof prefix - 1) + 1);
}
