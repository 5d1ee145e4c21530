/* Cleans and sorts the price feed. */
#include "risk.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_BITS 7     /* autotune: 6..18 */
#define SHORT_RUN 256    /* autotune: 4..1024 log */

#define NONE UINT32_MAX

static size_t bucket_of(const struct tick *tick)
{
    uint64_t key = (uint64_t)tick->instrument << 32 | tick->sequence;
    return (size_t)(key * 0x9E3779B97F4A7C15u >> (64 - TABLE_BITS));
}

size_t drop_repeated(struct tick *ticks, size_t count)
{
    size_t buckets = (size_t)1 << TABLE_BITS;
    uint32_t *first = malloc(buckets * sizeof *first);
    uint32_t *next = malloc((count + 1) * sizeof *next);
    size_t kept = 0;

    if (first == NULL || next == NULL) {
        free(first);
        free(next);
        return SIZE_MAX;
    }
    memset(first, 0xFF, buckets * sizeof *first);
    for (size_t i = 0; i < count; i++) {
        size_t bucket = bucket_of(&ticks[i]);
        uint32_t at = first[bucket];
        while (at != NONE && (ticks[at].sequence != ticks[i].sequence || ticks[at].instrument != ticks[i].instrument))
            at = next[at];
        if (at != NONE)
            continue;
        ticks[kept] = ticks[i];
        next[kept] = first[bucket];
        first[bucket] = (uint32_t)kept++;
    }
    free(first);
    free(next);
    return kept;
}

static void insertion_sort(struct tick *ticks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct tick tick = ticks[i];
        size_t at = i;
        while (at > 0 && ticks[at - 1].time > tick.time) {
            ticks[at] = ticks[at - 1];
            at--;
        }
        ticks[at] = tick;
    }
}

static void merge_sort(struct tick *ticks, struct tick *spare, size_t count)
{
    if (count <= SHORT_RUN) {
        insertion_sort(ticks, count);
        return;
    }
    size_t half = count / 2, left = 0, right = half;
    merge_sort(ticks, spare, half);
    merge_sort(ticks + half, spare, count - half);
    memcpy(spare, ticks, count * sizeof *ticks);
    for (size_t i = 0; i < count; i++) {
        if (right >= count || (left < half && spare[left].time <= spare[right].time))
            ticks[i] = spare[left++];
        else
            ticks[i] = spare[right++];
    }
}

int sort_by_time(struct tick *ticks, size_t count)
{
    struct tick *spare = malloc((count + 1) * sizeof *spare);
    if (spare == NULL)
        return -1;
    merge_sort(ticks, spare, count);
    free(spare);
    return 0;
}
