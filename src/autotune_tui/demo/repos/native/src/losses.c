/* Historical simulation: today's positions on the returns of earlier days. */
#include "risk.h"

static double product(const double *a, const double *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

void losses(const double *returns, size_t days, size_t instruments, const double *positions, size_t books,
            double *result)
{
    for (size_t book = 0; book < books; book++)
        for (size_t day = 0; day < days; day++)
            result[book * days + day] = -product(positions + book * instruments, returns + day * instruments,
                                                 instruments);
}
