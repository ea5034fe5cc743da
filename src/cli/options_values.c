/* cli/options: one word of the command line becomes the value of an option. */
#include "cli/options_internal.h"

#include "core/buf.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool parse_number(const char *text, double *out)
{
    char *end;
    errno = 0;
    double x = strtod(text, &end);
    if (end == text || *end || errno == ERANGE || !isfinite(x))
        return false;
    *out = x;
    return true;
}

static bool parse_int(const char *text, int *out)
{
    char *end;
    errno = 0;
    long x = strtol(text, &end, 10);
    if (end == text || *end || errno || x < INT_MIN || x > INT_MAX)
        return false;
    *out = (int)x;
    return true;
}

bool option_is_number(const char *text)
{
    double x;
    return parse_number(text, &x);
}

static enum status check_range(const struct option_spec *s, double x, const char *text)
{
    if ((s->low == 0 && s->high == 0) || (x >= s->low && x <= s->high))
        return OK;
    if (isinf(s->high))
        return fail(E_USAGE, "--%s %s: must be at least %g", s->name, text, s->low);
    return fail(E_USAGE, "--%s %s: must lie between %.7g and %.7g", s->name, text, s->low, s->high);
}

static enum status set_flag(const struct option_spec *s, struct setting *v, const char *text)
{
    static const char *const on[] = {"on", "true", "yes", "1"}, *const off[] = {"off", "false", "no", "0"};
    v->flag = true;
    for (int i = 0; text && i < COUNT(on); i++) {
        if (!strcasecmp(text, on[i]))
            return OK;
        if (!strcasecmp(text, off[i])) {
            v->flag = false;
            return OK;
        }
    }
    return text ? fail(E_USAGE, "--%s=%s: say on or off", s->name, text) : OK;
}

/* Every whole number of a text such as "480" or "480,640". */
static enum status add_ints(const struct options *o, const struct option_spec *s, struct setting *v, const char *text)
{
    for (const char *p = text;;) {
        char one[32];
        size_t n = strcspn(p, ", ");
        int x;
        snprintf(one, sizeof one, "%.*s", (int)MIN(n, sizeof one - 1), p);
        if (!parse_int(one, &x))
            return fail(E_USAGE, "--%s %s: whole numbers are needed", s->name, text);
        enum status rc = check_range(s, x, one);
        if (rc != OK)
            return rc;
        if (v->count == (s->most ? s->most : o->max_words))
            return fail(E_USAGE, "--%s takes %d numbers at most", s->name, v->count);
        v->ints[v->count++] = x;
        if (!p[n])
            return OK;
        p += n + 1;
    }
}

/* The choice that `n` characters name, upper and lower case alike; NULL and a sentence if there is none. */
static const char *find_choice(const struct option_spec *s, const char *text, size_t n)
{
    struct buf all = {0};
    for (int i = 0; s->choices[i]; i++) {
        if (strlen(s->choices[i]) == n && !strncasecmp(s->choices[i], text, n))
            return s->choices[i];
    }
    for (int i = 0; s->choices[i]; i++)
        buf_printf(&all, "%s%s", !i ? "" : s->choices[i + 1] ? ", " : " or ", s->choices[i]);
    fail(E_USAGE, "--%s %.*s: must be %s", s->name, (int)MIN(n, 100), text, all.data ? all.data : "another word");
    buf_free(&all);
    return NULL;
}

static enum status add_string(struct options *o, const struct option_spec *s, struct setting *v, const char *text)
{
    if (v->count == o->max_words)
        return fail(E_USAGE, "--%s: too many words", s->name);
    v->strings[v->count++] = text;
    return OK;
}

/* One choice, or for lists several with commas between them. */
static enum status set_choices(struct options *o, const struct option_spec *s, struct setting *v, const char *text)
{
    for (const char *p = text;;) {
        size_t n = s->type == OPTION_STRINGS ? strcspn(p, ",") : strlen(p);
        const char *choice = find_choice(s, p, n);
        enum status rc = choice ? OK : E_USAGE;
        if (rc == OK && s->type == OPTION_STRINGS)
            rc = add_string(o, s, v, choice);
        else if (rc == OK)
            v->text = choice;
        if (rc != OK || !p[n])
            return rc;
        p += n + 1;
    }
}

enum status option_set(struct options *o, int index, const char *text)
{
    const struct option_spec *s = &o->spec->options[index];
    struct setting *v = &o->settings[index];
    int whole;
    v->set = true;
    if (s->choices)
        return set_choices(o, s, v, text);
    switch (s->type) {
    case OPTION_FLAG:
        return set_flag(s, v, text);
    case OPTION_INT:
        if (!parse_int(text, &whole))
            return fail(E_USAGE, "--%s %s: a whole number is needed", s->name, text);
        v->number = whole;
        return check_range(s, v->number, text);
    case OPTION_FLOAT:
        if (!parse_number(text, &v->number))
            return fail(E_USAGE, "--%s %s: a number is needed", s->name, text);
        return check_range(s, v->number, text);
    case OPTION_STRING:
        v->text = text;
        return OK;
    case OPTION_INTS:
        return add_ints(o, s, v, text);
    case OPTION_STRINGS:
    case OPTION_PAIRS:
        return add_string(o, s, v, text);
    }
    return OK;
}
