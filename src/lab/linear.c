#include "lab/linear.h"

#include <math.h>
#include <stddef.h>

bool cholesky(double *a, int n)
{
    for (int i = 0; i < n; i++) {
        double *row = a + (size_t)i * (size_t)n;
        for (int j = 0; j <= i; j++) {
            const double *other = a + (size_t)j * (size_t)n;
            double sum = row[j];
            for (int k = 0; k < j; k++)
                sum -= row[k] * other[k];
            if (i == j && !(sum > 0 && isfinite(sum)))
                return false;
            row[j] = i == j ? sqrt(sum) : sum / other[j];
        }
    }
    return true;
}

void cholesky_solve(const double *l, int n, double *b, int columns)
{
    const size_t width = (size_t)columns;
    for (int i = 0; i < n; i++) {
        double *row = b + (size_t)i * width;
        for (int k = 0; k < i; k++)
            for (int j = 0; j < columns; j++)
                row[j] -= l[(size_t)i * (size_t)n + (size_t)k] * b[(size_t)k * width + (size_t)j];
        for (int j = 0; j < columns; j++)
            row[j] /= l[(size_t)i * (size_t)n + (size_t)i];
    }
    for (int i = n - 1; i >= 0; i--) {
        double *row = b + (size_t)i * width;
        for (int k = i + 1; k < n; k++)
            for (int j = 0; j < columns; j++)
                row[j] -= l[(size_t)k * (size_t)n + (size_t)i] * b[(size_t)k * width + (size_t)j];
        for (int j = 0; j < columns; j++)
            row[j] /= l[(size_t)i * (size_t)n + (size_t)i];
    }
}

double cholesky_log2_det(const double *l, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += 2 * log2(l[(size_t)i * (size_t)n + (size_t)i]);
    return sum;
}
