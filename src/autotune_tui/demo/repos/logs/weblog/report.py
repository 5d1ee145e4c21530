"""The report as text."""

from typing import TextIO

from weblog.billing import Account, bytes_by_plan, unknown_accounts
from weblog.capacity import longest_wait
from weblog.clean import drop_probes, drop_retries
from weblog.parse import Entry, parse_log
from weblog.traffic import busiest_paths, largest_burst, latency_by_minute, slow_clients

WORKERS = 56
BURST_WINDOW = 5_000


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """A titled table of two columns."""
    text = title + "\n"
    for name, value in rows:
        text += "  " + name.ljust(40) + value.rjust(16) + "\n"
    return text + "\n"


def by_minute(entries: list[Entry]) -> list[tuple[str, str]]:
    """Requests and failures by minute since the epoch."""
    requests: dict[int, int] = {}
    errors: dict[int, int] = {}
    for entry in entries:
        minute = entry.time // 60_000
        requests[minute] = requests.get(minute, 0) + 1
        if entry.status >= 500:
            errors[minute] = errors.get(minute, 0) + 1
    return [
        (f"minute {minute}", f"{count} ({errors.get(minute, 0)} failed)") for minute, count in sorted(requests.items())
    ]


def build(log: TextIO, accounts: list[Account]) -> str:
    """The whole report of a log."""
    entries = drop_retries(drop_probes(parse_log(log)))
    most, ended = largest_burst(entries, BURST_WINDOW)
    minutes = [(f"minute {minute}", "/".join(map(str, values))) for minute, values in latency_by_minute(entries)]
    return (
        table("Requests", by_minute(entries))
        + table("Busiest paths", [(path, str(count)) for path, count in busiest_paths(entries, 20)])
        + table("Latency 50/95/99 % (ms)", minutes)
        + table("Slow clients (ms)", [(client, str(mean)) for client, mean in slow_clients(entries)])
        + table("Bytes by plan", [(plan, str(size)) for plan, size in sorted(bytes_by_plan(entries, accounts).items())])
        + table("Unknown accounts", [(key, "") for key in unknown_accounts(entries, accounts)])
        + table("Largest burst", [(f"in {BURST_WINDOW // 1000} s until {ended}", str(most))])
        + table("Longest wait (ms)", [(f"{WORKERS} workers", str(longest_wait(entries, WORKERS)))])
    )
