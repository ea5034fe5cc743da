#include "formats/yaml_scalar.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Lower case, Capitalised or UPPER CASE, as YAML 1.1 has it. */
static bool is_word(const char *text, const char *lower)
{
    if (strcasecmp(text, lower) != 0)
        return false;
    bool first_upper = text[0] != lower[0];
    for (size_t i = 1; text[i]; i++) {
        bool upper = text[i] != lower[i], expected = text[1] != lower[1];
        if (upper != expected || (upper && !first_upper))
            return false;
    }
    return true;
}

bool yaml_is_true(const char *text)
{
    return is_word(text, "true") || is_word(text, "yes") || is_word(text, "on");
}

static bool is_false(const char *text)
{
    return is_word(text, "false") || is_word(text, "no") || is_word(text, "off");
}

static const char *skip_digits(const char *p, bool *any)
{
    for (; is_digit(*p); p++)
        *any = true;
    return p;
}

static enum yaml_type resolve_number(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    const char *first = p;
    bool digits = false, exponent = false, real = false;
    if (strcasecmp(p, ".inf") == 0 || strcasecmp(text, ".nan") == 0)
        return YAML_FLOAT;
    p = skip_digits(p, &digits);
    if (!*p && digits) /* 007 is octal in YAML 1.1 and decimal in 1.2: neither here */
        return first[0] == '0' && first[1] ? YAML_STRING : YAML_INT;
    if (*p == '.') {
        real = true;
        p = skip_digits(p + 1, &digits);
    }
    if (digits && (*p == 'e' || *p == 'E')) {
        p++;
        p = skip_digits(p + (*p == '-' || *p == '+'), &exponent);
        real = exponent;
    }
    return digits && real && !*p ? YAML_FLOAT : YAML_STRING;
}

enum yaml_type yaml_resolve(const char *text)
{
    if (!*text || strcmp(text, "~") == 0 || is_word(text, "null"))
        return YAML_NULL;
    if (yaml_is_true(text) || is_false(text))
        return YAML_BOOL;
    return resolve_number(text);
}

bool yaml_parse_double(const char *text, double *out)
{
    if (strcasecmp(text + (*text == '-' || *text == '+'), ".inf") == 0) {
        *out = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (strcasecmp(text, ".nan") == 0) {
        *out = NAN;
        return true;
    }
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    *out = strtod_l(text, NULL, c);
    freelocale(c);
    return true;
}
