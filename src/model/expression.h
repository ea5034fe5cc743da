/* Arithmetic in a table's arguments: "3*(nc+5)". Numbers, the names nc and anchors, + - * / // % and parentheses;
 * nothing else can be said, nothing is executed. */
#ifndef Y9_MODEL_EXPRESSION_H
#define Y9_MODEL_EXPRESSION_H

#include <stdbool.h>

struct expression_names {
    double nc, anchors;
};

/* True and *value if all of `text` is such an expression with a finite value. */
bool expression_evaluate(const char *text, const struct expression_names *names, double *value);

#endif
