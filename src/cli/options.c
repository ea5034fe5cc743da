#include "cli/options.h"

#include "core/mem.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    bool given; /* by the user */
    bool set;   /* by the user or a default */
    bool flag;
    double number;
    const char *text;
    int *ints;
    const char **strings;
    int count;
};

struct options {
    struct arena arena;
    const struct verb_spec *spec;
    struct setting *settings; /* one an option of the table */
    int max_words;            /* bound of every list: words on the command line and in a default */
};

/* --- names ----------------------------------------------------------------------------------------------------- */

static bool same_name(const char *a, size_t n, const char *b)
{
    size_t i = 0;
    for (; i < n && b[i]; i++) {
        if (a[i] != b[i] && !(a[i] == '_' && b[i] == '-'))
            return false;
    }
    return i == n && !b[i];
}

/* Calls visit for the name and every alias of an option until it returns true. */
static bool each_name(const struct option_spec *s, bool (*visit)(void *, const char *, size_t), void *context)
{
    if (visit(context, s->name, strlen(s->name)))
        return true;
    for (const char *p = s->aliases; p && *p;) {
        size_t n = strcspn(p, " ");
        if (visit(context, p, n))
            return true;
        p += n + strspn(p + n, " ");
    }
    return false;
}

struct word {
    const char *text;
    size_t n;
};

static bool is_word(void *context, const char *name, size_t n)
{
    const struct word *w = context;
    char copy[64];
    if (n >= sizeof copy)
        return false;
    memcpy(copy, name, n);
    copy[n] = 0;
    return same_name(w->text, w->n, copy);
}

static int find_option(const struct verb_spec *spec, const char *name, size_t n)
{
    struct word w = {name, n};
    for (int i = 0; i < spec->n_options; i++) {
        if (each_name(&spec->options[i], is_word, &w))
            return i;
    }
    return -1;
}

/* Levenshtein distance of two short words. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    int row[LONGEST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST)
        return INT_MAX;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int replace = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(replace, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *nearest_name(const char *word, const char *const *list, int n)
{
    const char *best = NULL;
    int least = (int)strlen(word) / 3 + 2; /* farther than that is no typing error */
    for (int i = 0; i < n; i++) {
        size_t length = strlen(word);
        bool prefix = length >= 3 && !strncmp(word, list[i], length);
        int d = prefix ? 1 : distance(word, list[i]);
        if (d < least) {
            least = d;
            best = list[i];
        }
    }
    return best;
}

struct names {
    struct arena *arena;
    const char **list;
    int n;
};

static bool collect(void *context, const char *name, size_t n)
{
    struct names *c = context;
    c->list[c->n] = arena_printf(c->arena, "%.*s", (int)n, name);
    if (c->list[c->n])
        c->n++;
    return false;
}

static enum status unknown_option(struct options *o, const char *name, size_t n)
{
    const struct verb_spec *spec = o->spec;
    int most = 1;
    for (int i = 0; i < spec->n_options; i++) {
        most += 2;
        for (const char *p = spec->options[i].aliases; p && *p; p++)
            most += *p == ' ';
    }
    struct names names = {.arena = &o->arena, .list = arena_alloc(&o->arena, (size_t)most, sizeof(char *))};
    char *word = arena_printf(&o->arena, "%.*s", (int)n, name);
    if (!names.list || !word)
        return E_NOMEM;
    for (int i = 0; i < spec->n_options; i++)
        each_name(&spec->options[i], collect, &names);
    names.list[names.n++] = "help";
    for (char *p = word; *p; p++)
        *p = *p == '_' ? '-' : *p;
    const char *near = nearest_name(word, names.list, names.n);
    if (near)
        return fail(E_ARGUMENT, "unknown option --%s; did you mean --%s?", word, near);
    return fail(E_ARGUMENT, "unknown option --%s; yolo9 %s --help lists the options", word, spec->name);
}

/* --- values ---------------------------------------------------------------------------------------------------- */

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

static bool is_number(const char *text)
{
    double x;
    return parse_number(text, &x);
}

static enum status check_range(const struct option_spec *s, double x, const char *text)
{
    if ((s->low == 0 && s->high == 0) || (x >= s->low && x <= s->high))
        return OK;
    if (isinf(s->high))
        return fail(E_ARGUMENT, "--%s %s: must be at least %g", s->name, text, s->low);
    return fail(E_ARGUMENT, "--%s %s: must lie between %g and %g", s->name, text, s->low, s->high);
}

static enum status set_flag(const struct option_spec *s, struct setting *v, const char *text)
{
    static const char *const on[] = {"on", "true", "yes", "1"}, *const off[] = {"off", "false", "no", "0"};
    v->flag = true;
    for (int i = 0; text && i < COUNT(on); i++) {
        if (!strcmp(text, on[i]))
            return OK;
        if (!strcmp(text, off[i])) {
            v->flag = false;
            return OK;
        }
    }
    return text ? fail(E_ARGUMENT, "--%s=%s: say on or off", s->name, text) : OK;
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
            return fail(E_ARGUMENT, "--%s %s: whole numbers are needed", s->name, text);
        enum status rc = check_range(s, x, one);
        if (rc != OK)
            return rc;
        if (v->count == (s->most ? s->most : o->max_words))
            return fail(E_ARGUMENT, "--%s takes %d numbers at most", s->name, v->count);
        v->ints[v->count++] = x;
        if (!p[n])
            return OK;
        p += n + 1;
    }
}

static enum status set_one(const struct options *o, int index, const char *text)
{
    const struct option_spec *s = &o->spec->options[index];
    struct setting *v = &o->settings[index];
    int whole;
    v->set = true;
    switch (s->type) {
    case OPTION_FLAG:
        return set_flag(s, v, text);
    case OPTION_INT:
        if (!parse_int(text, &whole))
            return fail(E_ARGUMENT, "--%s %s: a whole number is needed", s->name, text);
        v->number = whole;
        return check_range(s, v->number, text);
    case OPTION_FLOAT:
        if (!parse_number(text, &v->number))
            return fail(E_ARGUMENT, "--%s %s: a number is needed", s->name, text);
        return check_range(s, v->number, text);
    case OPTION_STRING:
        v->text = text;
        return OK;
    case OPTION_INTS:
        return add_ints(o, s, v, text);
    case OPTION_STRINGS:
    case OPTION_PAIRS:
        if (v->count == o->max_words)
            return fail(E_ARGUMENT, "--%s: too many words", s->name);
        v->strings[v->count++] = text;
        return OK;
    }
    return OK;
}

/* A list's default gives way to the user's first word; numbers given again replace the ones before. */
static void begin_list(struct setting *v, enum option_type type)
{
    if (!v->given || type == OPTION_INTS)
        v->count = 0;
    v->given = true;
}

/* --- the command line ------------------------------------------------------------------------------------------ */

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && !is_number(word);
}

/* The option at argv[at]; *next is the first word behind its values. */
static enum status parse_option(struct options *o, int argc, char **argv, int at, int *next)
{
    const char *word = argv[at], *name = word + 2, *equals = strchr(word, '=');
    if (word[1] != '-')
        return fail(E_ARGUMENT, "unknown option %s; options are written --name", word);
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    int index = find_option(o->spec, name, n);
    if (index < 0)
        return unknown_option(o, name, n);
    const struct option_spec *s = &o->spec->options[index];
    struct setting *v = &o->settings[index];
    begin_list(v, s->type);
    *next = at + 1;
    if (equals || s->type == OPTION_FLAG)
        return set_one(o, index, equals ? equals + 1 : NULL);
    if (s->bare && (at + 1 >= argc || is_option(argv[at + 1])))
        return set_one(o, index, s->bare);
    if (at + 1 >= argc || is_option(argv[at + 1]))
        return fail(E_ARGUMENT, "--%s needs a value", s->name);
    bool numbers = s->type == OPTION_INTS, words = s->type == OPTION_STRINGS || s->type == OPTION_PAIRS;
    enum status rc = set_one(o, index, argv[(*next)++]);
    while (rc == OK && *next < argc && ((numbers && is_number(argv[*next])) || (words && !is_option(argv[*next]))))
        rc = set_one(o, index, argv[(*next)++]);
    return rc;
}

static enum status parse_words(struct options *o, int argc, char **argv, bool *help)
{
    enum status rc = OK;
    int positional = o->spec->positional ? find_option(o->spec, o->spec->positional, strlen(o->spec->positional)) : -1;
    bool only_words = false;
    for (int at = 1; rc == OK && at < argc;) {
        const char *word = argv[at];
        if (!only_words && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
            *help = true;
            return OK;
        }
        if (!only_words && !strcmp(word, "--")) {
            only_words = true;
            at++;
        } else if (!only_words && is_option(word)) {
            rc = parse_option(o, argc, argv, at, &at);
        } else if (positional < 0) {
            rc = fail(E_ARGUMENT, "unexpected word '%s'; yolo9 %s --help shows the usage", word, o->spec->name);
        } else {
            begin_list(&o->settings[positional], o->spec->options[positional].type);
            rc = set_one(o, positional, word);
            at++;
        }
    }
    return rc;
}

static enum status set_defaults(struct options *o)
{
    enum status rc = OK;
    for (int i = 0; rc == OK && i < o->spec->n_options; i++) {
        const struct option_spec *s = &o->spec->options[i];
        struct setting *v = &o->settings[i];
        v->ints = arena_alloc(&o->arena, (size_t)o->max_words, sizeof *v->ints);
        v->strings = arena_alloc(&o->arena, (size_t)o->max_words, sizeof *v->strings);
        if (!v->ints || !v->strings)
            return E_NOMEM;
        if (s->fallback)
            rc = set_one(o, i, s->fallback);
    }
    return rc;
}

enum status options_parse(const struct verb_spec *spec, int argc, char **argv, struct options **out, bool *help)
{
    enum status rc = OK;
    *help = false;
    *out = NULL;
    struct options *o = mem_calloc(1, sizeof *o);
    if (!o)
        return E_NOMEM;
    o->spec = spec;
    o->max_words = 64; /* "--img=1,2,3..." holds several numbers a word */
    for (int i = 0; i < argc; i++)
        o->max_words += (int)strlen(argv[i]) / 2 + 1;
    o->settings = arena_alloc(&o->arena, (size_t)spec->n_options + 1, sizeof *o->settings);
    if (!o->settings) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY(set_defaults(o));
    TRY(parse_words(o, argc, argv, help));
    *out = o;
    return OK;
cleanup:
    options_free(o);
    return rc;
}

int options_begin(const struct verb_spec *spec, int argc, char **argv, struct options **out)
{
    bool help;
    if (options_parse(spec, argc, argv, out, &help) != OK) {
        fprintf(stderr, "yolo9 %s: %s\n", spec->name, fail_text());
        return 2;
    }
    if (!help)
        return -1;
    options_help(spec, stdout);
    options_free(*out);
    *out = NULL;
    return 0;
}

void options_free(struct options *o)
{
    if (o)
        arena_free(&o->arena);
    mem_free(o);
}

/* --- help ------------------------------------------------------------------------------------------------------ */

static const char *value_word(enum option_type type)
{
    switch (type) {
    case OPTION_FLAG:
        return "";
    case OPTION_INT:
        return " N";
    case OPTION_FLOAT:
        return " X";
    case OPTION_STRING:
        return " TEXT";
    case OPTION_INTS:
        return " N...";
    case OPTION_STRINGS:
        return " WORD...";
    case OPTION_PAIRS:
        return " KEY=VALUE...";
    }
    return "";
}

void options_help(const struct verb_spec *spec, FILE *stream)
{
    fprintf(stream, "yolo9 %s: %s\n\nUsage: yolo9 %s [options]", spec->name, spec->summary, spec->name);
    if (spec->positional)
        fprintf(stream, " [%s...]", spec->positional);
    fprintf(stream, "\n\nOptions:\n");
    for (int i = 0; i < spec->n_options; i++) {
        const struct option_spec *s = &spec->options[i];
        char left[64];
        int n = snprintf(left, sizeof left, "--%s%s", s->name, value_word(s->type));
        fprintf(stream, n < 26 ? "  %-25s %s" : "  %s\n                            %s", left, s->help);
        if (s->fallback)
            fprintf(stream, " (default %s)", s->fallback);
        if (s->aliases)
            fprintf(stream, " [also: %s]", s->aliases);
        fputc('\n', stream);
    }
    fprintf(stream, "  %-25s %s\n\nExample:\n", "--help", "this text");
    for (const char *line = spec->example; *line;) {
        int n = (int)strcspn(line, "\n");
        fprintf(stream, "  %.*s\n", n, line);
        line += n + (line[n] == '\n');
    }
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static const struct setting *get(const struct options *o, const char *name, int types)
{
    for (int i = 0; i < o->spec->n_options; i++) {
        if (!strcmp(o->spec->options[i].name, name)) {
            assert(types & (1 << o->spec->options[i].type));
            return &o->settings[i];
        }
    }
    assert(!"an option of the table");
    abort();
}

bool option_given(const struct options *o, const char *name)
{
    return get(o, name, ~0)->given;
}

bool option_flag(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_FLAG)->flag;
}

int option_int(const struct options *o, const char *name)
{
    return (int)get(o, name, 1 << OPTION_INT)->number;
}

double option_float(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_FLOAT)->number;
}

const char *option_string(const struct options *o, const char *name)
{
    return get(o, name, 1 << OPTION_STRING)->text;
}

const int *option_ints(const struct options *o, const char *name, int *count)
{
    const struct setting *v = get(o, name, 1 << OPTION_INTS);
    *count = v->count;
    return v->ints;
}

const char *const *option_strings(const struct options *o, const char *name, int *count)
{
    const struct setting *v = get(o, name, 1 << OPTION_STRINGS | 1 << OPTION_PAIRS);
    *count = v->count;
    return v->strings;
}

void option_size(const struct options *o, const char *name, int *h, int *w)
{
    int count;
    const int *size = option_ints(o, name, &count);
    assert(count == 1 || count == 2);
    *h = size[0];
    *w = size[count - 1];
}
