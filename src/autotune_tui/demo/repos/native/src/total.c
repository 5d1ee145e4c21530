/* Adds amounts of very different size without losing the small ones (Neumaier's variant of Kahan's summation). */
#include "risk.h"

#include <math.h>

double total(const struct tick *ticks, size_t count)
{
    double sum = 0.0, lost = 0.0;
    for (size_t i = 0; i < count; i++) {
        double amount = ticks[i].amount;
        double next = sum + amount;
        if (fabs(sum) >= fabs(amount))
            lost += (sum - next) + amount;
        else
            lost += (amount - next) + sum;
        sum = next;
    }
    return sum + lost;
}
