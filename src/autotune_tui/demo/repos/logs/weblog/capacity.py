"""Capacity: the same traffic, played again against a pool of workers."""

from weblog.parse import Entry


def longest_wait(entries: list[Entry], workers: int) -> int:
    """The longest time in milliseconds that a request waits for a free worker; requests are served in order."""
    free_at = [(0, worker) for worker in range(workers)]
    longest = 0
    waiting = [(entry.time, entry.latency) for entry in entries]
    while waiting:
        arrived, latency = waiting.pop(0)
        free, worker = sorted(free_at)[0]
        start = max(arrived, free)
        longest = max(longest, start - arrived)
        free_at[worker] = (start + latency, worker)
    return longest
