/* What the figures must be, whatever the settings. */
#include "../src/risk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;

static void expect(int holds, const char *what)
{
    if (!holds) {
        printf("FAILED: %s\n", what);
        failures++;
    }
}

static void check_repeated(void)
{
    enum { COUNT = 3000 };
    static struct tick ticks[COUNT];
    size_t left;
    int order = 1;

    for (uint32_t i = 0; i < COUNT; i++)
        ticks[i] = (struct tick){i, i % 10, i % 1000 / 10, i};
    left = drop_repeated(ticks, COUNT);
    expect(left == 1000, "each instrument's numbers are kept once");
    for (size_t i = 1; i < left; i++)
        order &= ticks[i - 1].time + 1 == ticks[i].time;
    expect(order && ticks[0].time == 0, "the first of repeated ticks stays, in its place");
    expect(drop_repeated(ticks, 0) == 0, "an empty feed stays empty");
}

static void check_sort(void)
{
    enum { COUNT = 5000 };
    static struct tick ticks[COUNT];
    int sorted = 1;

    for (uint32_t i = 0; i < COUNT; i++)
        ticks[i] = (struct tick){i * 7919u % 613u, 1, i, 0.0};
    expect(sort_by_time(ticks, COUNT) == 0, "there is memory");
    for (size_t i = 1; i < COUNT; i++)
        sorted &= ticks[i - 1].time < ticks[i].time
                  || (ticks[i - 1].time == ticks[i].time && ticks[i - 1].sequence < ticks[i].sequence);
    expect(sorted, "ticks are in order of time, those of one time in order of arrival");
}

static void check_total(void)
{
    enum { COUNT = 4200 };
    static struct tick ticks[COUNT];

    for (uint32_t i = 0; i < COUNT; i++)
        ticks[i] = (struct tick){i, 1, i, i % 7 == 0 ? 1e16 : i % 7 == 3 ? -1e16 : 0.25};
    expect(total(ticks, COUNT) == 750.0, "small amounts survive beside large ones");
    expect(total(ticks, 0) == 0.0, "nothing adds up to nothing");
}

static void check_covariance(void)
{
    enum { DAYS = 37, INSTRUMENTS = 70 };
    static double returns[DAYS * INSTRUMENTS], before[DAYS * INSTRUMENTS], result[INSTRUMENTS * INSTRUMENTS];
    double worst = 0.0;

    for (int i = 0; i < DAYS * INSTRUMENTS; i++)
        returns[i] = before[i] = sin(i * 0.7) + i % 5;
    covariance(returns, DAYS, INSTRUMENTS, result);
    for (int a = 0; a < INSTRUMENTS; a++)
        for (int b = 0; b < INSTRUMENTS; b++) {
            double mean_a = 0.0, mean_b = 0.0, sum = 0.0;
            for (int day = 0; day < DAYS; day++) {
                mean_a += before[day * INSTRUMENTS + a] / DAYS;
                mean_b += before[day * INSTRUMENTS + b] / DAYS;
            }
            for (int day = 0; day < DAYS; day++)
                sum += (before[day * INSTRUMENTS + a] - mean_a) * (before[day * INSTRUMENTS + b] - mean_b);
            worst = fmax(worst, fabs(result[a * INSTRUMENTS + b] - sum / (DAYS - 1)));
        }
    expect(worst < 1e-12, "the covariance is the textbook's");
}

static void check_losses(void)
{
    static const double returns[] = {0.5, -0.25, 1.0, 0.0, 0.125, -2.0};
    static const double positions[] = {8.0, 16.0, 32.0, 1.0, 0.0, -1.0};
    double result[4];

    losses(returns, 2, 3, positions, 2, result);
    expect(result[0] == -32.0 && result[1] == 62.0, "a book loses what its positions lose");
    expect(result[2] == 0.5 && result[3] == -2.0, "each book has its own days");
}

int main(void)
{
    check_repeated();
    check_sort();
    check_total();
    check_covariance();
    check_losses();
    if (failures == 0)
        printf("OK\n");
    return failures != 0;
}
