/* The covariance matrix, in square tiles so that a tile's sums stay in the cache while the days go by. */
#include "risk.h"

#define TILE 4           /* autotune: 2..256 log */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void centre(double *returns, size_t days, size_t instruments)
{
    for (size_t i = 0; i < instruments; i++) {
        double sum = 0.0;
        for (size_t day = 0; day < days; day++)
            sum += returns[day * instruments + i];
        for (size_t day = 0; day < days; day++)
            returns[day * instruments + i] -= sum / (double)days;
    }
}

static void add_scaled(double *restrict sums, const double *restrict values, double factor, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] += factor * values[i];
}

static void add_tile(const double *returns, size_t days, size_t instruments, size_t row, size_t column, double *result)
{
    size_t rows = least(TILE, instruments - row), columns = least(TILE, instruments - column);
    for (size_t day = 0; day < days; day++) {
        const double *today = returns + day * instruments;
        for (size_t i = row; i < row + rows; i++)
            add_scaled(result + i * instruments + column, today + column, today[i], columns);
    }
}

void covariance(double *returns, size_t days, size_t instruments, double *result)
{
    centre(returns, days, instruments);
    for (size_t i = 0; i < instruments * instruments; i++)
        result[i] = 0.0;
    for (size_t row = 0; row < instruments; row += TILE)
        for (size_t column = row; column < instruments; column += TILE)
            add_tile(returns, days, instruments, row, column, result);
    for (size_t i = 0; i < instruments; i++)
        for (size_t j = i; j < instruments; j++) {
            result[i * instruments + j] /= (double)(days - 1);
            result[j * instruments + i] = result[i * instruments + j];
        }
}
