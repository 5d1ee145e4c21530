/* One night over a generated feed. AUTOTUNE_SEED varies the data, never its size. */
#include "risk.h"

#include <stdio.h>
#include <stdlib.h>

enum { TICKS = 150000, INSTRUMENTS = 320, DAYS = 2000, BOOKS = 24 };

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double fraction(void)
{
    return (double)(draw() >> 11) / 9007199254740992.0;
}

int main(void)
{
    const char *seed = getenv("AUTOTUNE_SEED");
    struct tick *ticks = malloc(TICKS * sizeof *ticks);
    double *returns = malloc((size_t)DAYS * INSTRUMENTS * sizeof *returns);
    double *result = malloc((size_t)INSTRUMENTS * INSTRUMENTS * sizeof *result);
    double *positions = malloc((size_t)BOOKS * INSTRUMENTS * sizeof *positions);
    double *lost = malloc((size_t)BOOKS * DAYS * sizeof *lost);
    size_t left;
    double trace = 0.0, worst = 0.0;

    if (ticks == NULL || returns == NULL || result == NULL || positions == NULL || lost == NULL)
        return 1;
    state = seed == NULL ? 1 : strtoull(seed, NULL, 10);
    for (uint32_t i = 0; i < TICKS; i++) {
        uint32_t sequence = i / INSTRUMENTS, repeated = i >= INSTRUMENTS && i % 11 % 2 == 1;
        ticks[i] = (struct tick){draw() % 86400000000u, i % INSTRUMENTS, sequence - repeated,
                                 (double)(draw() % 10000000) / 100.0};
    }
    for (size_t i = 0; i < (size_t)DAYS * INSTRUMENTS; i++)
        returns[i] = 0.02 * (fraction() - 0.5);
    for (size_t i = 0; i < (size_t)BOOKS * INSTRUMENTS; i++)
        positions[i] = 1e6 * (fraction() - 0.4);

    left = drop_repeated(ticks, TICKS);
    if (left == SIZE_MAX || sort_by_time(ticks, left) != 0)
        return 1;
    losses(returns, DAYS, INSTRUMENTS, positions, BOOKS, lost);
    for (size_t i = 0; i < (size_t)BOOKS * DAYS; i++)
        worst = lost[i] > worst ? lost[i] : worst;
    covariance(returns, DAYS, INSTRUMENTS, result);
    for (size_t i = 0; i < INSTRUMENTS; i++)
        trace += result[i * INSTRUMENTS + i];
    printf("%zu ticks, first at %llu, total %.2f, trace %.12f, worst %.2f\n", left,
           (unsigned long long)ticks[0].time, total(ticks, left), trace, worst);
    free(ticks);
    free(returns);
    free(result);
    free(positions);
    free(lost);
    return 0;
}
