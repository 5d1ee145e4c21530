"""What the traffic looked like: busiest paths, latencies, slow clients, bursts."""

from weblog.parse import Entry

PERCENTILES = "exact"  # autotune: {"exact", "sampled"}


def busiest_paths(entries: list[Entry], limit: int) -> list[tuple[str, int]]:
    """The most requested paths with their number of requests; equal numbers in alphabetical order."""
    paths: list[str] = [entry.path for entry in entries]
    counts: dict[str, int] = {}
    for path in set(paths):
        counts[path] = paths.count(path)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]


def percentiles(values: list[int], points: tuple[int, ...]) -> list[int]:
    """The value at each percentage point, by the nearest-rank method."""
    if PERCENTILES == "sampled":
        values = values[::16]
    ordered = sorted(values)
    return [ordered[max(0, -(-len(ordered) * point // 100) - 1)] for point in points]


def latency_by_minute(entries: list[Entry]) -> list[tuple[int, list[int]]]:
    """Minute since the epoch and its latency percentiles (50, 95, 99), in order of time."""
    minutes: dict[int, list[int]] = {}
    for entry in entries:
        minutes.setdefault(entry.time // 60_000, []).append(entry.latency)
    return [(minute, percentiles(values, (50, 95, 99))) for minute, values in sorted(minutes.items())]


def slow_clients(entries: list[Entry]) -> list[tuple[str, int]]:
    """Clients whose mean latency is more than half above the mean of all, slowest first, with their mean."""
    latencies: list[int] = [entry.latency for entry in entries]
    spent: dict[str, int] = {}
    requests: dict[str, int] = {}
    for entry in entries:
        spent[entry.client] = spent.get(entry.client, 0) + entry.latency
        requests[entry.client] = requests.get(entry.client, 0) + 1
    slow: list[tuple[str, int]] = []
    for client, total in spent.items():
        average = sum(latencies) / len(latencies)
        mean = total / requests[client]
        if mean > 1.5 * average:
            slow.append((client, round(mean)))
    return sorted(slow, key=lambda item: (-item[1], item[0]))


def largest_burst(entries: list[Entry], window: int) -> tuple[int, int]:
    """Most requests within `window` milliseconds, and when that window ended."""
    most, ended = 0, 0
    recent: list[int] = []
    for entry in entries:
        recent.append(entry.time)
        while recent[0] <= entry.time - window:
            recent.pop(0)
        if len(recent) > most:
            most, ended = len(recent), entry.time
    return most, ended
