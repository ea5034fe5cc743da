/* Symmetric positive definite matrices of a few hundred rows, in double: what least squares needs. */
#ifndef Y9_LAB_LINEAR_H
#define Y9_LAB_LINEAR_H

#include <stdbool.h>

/* a (n, n), of which the lower triangle is read, becomes L with a = L L^T, in its lower triangle. False: a is not
 * positive definite, and what stands in it then means nothing. */
bool cholesky(double *a, int n);

/* b (n, columns) becomes the solution of L L^T x = b. */
void cholesky_solve(const double *l, int n, double *b, int columns);

/* log2 of the determinant of L L^T. */
double cholesky_log2_det(const double *l, int n);

#endif
