/* The parts of the nightly risk figures. */
#ifndef RISK_H
#define RISK_H

#include <stddef.h>
#include <stdint.h>

struct tick {
    uint64_t time;       /* microseconds since midnight */
    uint32_t instrument;
    uint32_t sequence;   /* the exchange's number; repeated when the feed is resumed */
    double amount;
};

/* Removes ticks whose (instrument, sequence) came before, keeping the order; returns how many are left, or SIZE_MAX
   when there is no memory. */
size_t drop_repeated(struct tick *ticks, size_t count);

/* Sorts by time; ticks of the same time stay in their order. Returns 0, or -1 when there is no memory. */
int sort_by_time(struct tick *ticks, size_t count);

/* The sum of the ticks' amounts, compensated: exact to a relative 1e-15 whatever the order. */
double total(const struct tick *ticks, size_t count);

/* The covariance matrix (instruments x instruments, row by row) of `days` rows of returns, into `result`. The returns
   are centred in place. */
void covariance(double *returns, size_t days, size_t instruments, double *result);

/* What each book would have lost on each day: `result[book * days + day]`, positions being books x instruments. */
void losses(const double *returns, size_t days, size_t instruments, const double *positions, size_t books,
            double *result);

#endif
