"""Drops what must not be counted: probes and repeated submissions."""

from weblog.parse import Entry


def drop_probes(entries: list[Entry]) -> list[Entry]:
    """Entries without the load balancer's and the monitoring's own requests."""
    kept: list[Entry] = []
    for entry in entries:
        if entry.path not in ["/health", "/ready", "/metrics"]:
            kept.append(entry)
    return kept


def drop_retries(entries: list[Entry]) -> list[Entry]:
    """Entries with only the first of those that carry the same idempotency key; `-` is no key."""
    seen: list[str] = []
    kept: list[Entry] = []
    for entry in entries:
        key: str = entry.retry_key
        if key == "-":
            kept.append(entry)
        elif key not in seen:
            seen.append(key)
            kept.append(entry)
    return kept
