#include "model/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NESTING = 32 };

struct expression_reader {
    const char *at;
    const struct expression_names *names;
    int depth;
    bool ok;
};

static double sum(struct expression_reader *r);

static void skip_spaces(struct expression_reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static double refuse(struct expression_reader *r)
{
    r->ok = false;
    return 0;
}

static double name_value(struct expression_reader *r)
{
    const char *start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    size_t n = (size_t)(r->at - start);
    if (n == 2 && !memcmp(start, "nc", 2))
        return r->names->nc;
    if (n == 7 && !memcmp(start, "anchors", 7))
        return r->names->anchors;
    return refuse(r);
}

static double number(struct expression_reader *r)
{
    /* decimal only: strtod would also take hexadecimal, inf and nan */
    size_t n = strspn(r->at, "0123456789.");
    if (!n || (r->at[0] == '0' && (r->at[1] == 'x' || r->at[1] == 'X')))
        return refuse(r);
    char *end;
    double value = strtod(r->at, &end);
    if (end == r->at)
        return refuse(r);
    r->at = end;
    return value;
}

/* number | name | ( sum ) | - factor | + factor */
static double factor(struct expression_reader *r)
{
    double value;
    skip_spaces(r);
    if (++r->depth > MAX_NESTING)
        return refuse(r);
    if (*r->at == '(') {
        r->at++;
        value = sum(r);
        skip_spaces(r);
        if (*r->at++ != ')') {
            r->at--;
            value = refuse(r);
        }
    } else if (*r->at == '-' || *r->at == '+') {
        bool negative = *r->at++ == '-';
        value = factor(r);
        value = negative ? -value : value;
    } else if (isalpha((unsigned char)*r->at) || *r->at == '_') {
        value = name_value(r);
    } else {
        value = number(r);
    }
    r->depth--;
    return value;
}

/* factor { * / // % factor } */
static double product(struct expression_reader *r)
{
    double value = factor(r);
    while (r->ok) {
        skip_spaces(r);
        char op = *r->at;
        if (op != '*' && op != '/' && op != '%')
            break;
        bool floor_division = op == '/' && r->at[1] == '/';
        r->at += floor_division ? 2 : 1;
        double right = factor(r);
        if (op != '*' && right == 0)
            return refuse(r);
        if (op == '*')
            value *= right;
        else if (op == '%')
            value -= right * floor(value / right); /* the sign of the divisor, as in Python */
        else
            value = floor_division ? floor(value / right) : value / right;
    }
    return value;
}

/* product { + - product } */
static double sum(struct expression_reader *r)
{
    double value = product(r);
    while (r->ok) {
        skip_spaces(r);
        char op = *r->at;
        if (op != '+' && op != '-')
            break;
        r->at++;
        double right = product(r);
        value = op == '+' ? value + right : value - right;
    }
    return value;
}

bool expression_evaluate(const char *text, const struct expression_names *names, double *value)
{
    struct expression_reader r = {.at = text, .names = names, .ok = true};
    double result = sum(&r);
    skip_spaces(&r);
    if (!r.ok || *r.at || !isfinite(result))
        return false;
    *value = result;
    return true;
}
