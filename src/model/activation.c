#include "model/activation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *text, *aliases;
} rows[] = {
#define ACTIVATION(id, form, parameter, name, text, aliases) [ACT_##id] = {text, aliases},
#include "kernels/act.def"
#undef ACTIVATION
};

const char activation_list[] =
#define ACTIVATION(id, form, parameter, name, text, aliases) text ", "
#include "kernels/act.def"
#undef ACTIVATION
    "none";

/* A text taken apart: the class in lower case, and its one number if there is one. */
struct spelling {
    char class[24];
    bool has_number;
    double number;
};

static const char *skip(const char *at, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncasecmp(at, prefix, n) ? at : at + n;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* One argument, from *at to the comma or parenthesis behind it. */
static bool read_argument(const char **at, struct spelling *out)
{
    const char *flag = skip(*at, "inplace="), *behind = skip(skip(flag, "True"), "False");
    const char *from = skip(*at, "negative_slope=");
    char *end = NULL;
    if (behind != flag) {
        *at = skip_blanks(behind);
        return true;
    }
    if (out->has_number || !(isdigit((unsigned char)*from) || *from == '.'))
        return false;
    out->has_number = true;
    out->number = strtod(from, &end);
    *at = skip_blanks(end);
    return true;
}

/* "nn.LeakyReLU(0.1)" of `n` characters. */
static bool spell(const char *text, size_t n, struct spelling *out)
{
    char copy[64];
    size_t length = 0;
    *out = (struct spelling){0};
    if (n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    const char *at = skip(skip(skip_blanks(copy), "torch."), "nn.");
    for (; isalnum((unsigned char)*at) || (*at && strchr(".-_", *at)); at++) {
        if (length + 1 == sizeof out->class)
            return false;
        out->class[length++] = (char)tolower((unsigned char)*at);
    }
    at = skip_blanks(at);
    if (*at != '(')
        return length && !*at;
    at = skip_blanks(at + 1);
    while (*at != ')') {
        if (!read_argument(&at, out) || (*at != ',' && *at != ')'))
            return false;
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return length && !*skip_blanks(at + 1);
}

static bool same(const struct spelling *wanted, const char *text, size_t n)
{
    struct spelling s;
    return spell(text, n, &s) && !strcmp(s.class, wanted->class) && s.has_number == wanted->has_number &&
           s.number == wanted->number;
}

bool activation_find(const char *text, enum act *out)
{
    struct spelling wanted;
    if (!spell(text, strlen(text), &wanted))
        return false;
    for (int i = 0; i < ACT_COUNT; i++) {
        bool found = same(&wanted, rows[i].text, strlen(rows[i].text));
        for (const char *at = rows[i].aliases; *at && !found; at += strspn(at, " ")) {
            const size_t n = strcspn(at, " ");
            found = same(&wanted, at, n);
            at += n;
        }
        if (found) {
            *out = (enum act)i;
            return true;
        }
    }
    return false;
}

const char *activation_text(enum act act)
{
    return rows[act].text;
}
