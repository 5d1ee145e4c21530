"""Traffic by account plan."""

from typing import NamedTuple

from weblog.parse import Entry


class Account(NamedTuple):
    key: str
    plan: str
    customer: str


def bytes_by_plan(entries: list[Entry], accounts: list[Account]) -> dict[str, int]:
    """Bytes sent to each plan's accounts. Where a key was given out twice, the first account pays."""
    totals: dict[str, int] = {}
    for entry in entries:
        key: str = entry.account
        for account in accounts:
            if account.key == key:
                totals[account.plan] = totals.get(account.plan, 0) + entry.size
                break
    return totals


def unknown_accounts(entries: list[Entry], accounts: list[Account]) -> list[str]:
    """Account keys of the log that no account has, in alphabetical order."""
    known = {account.key for account in accounts}
    return sorted({entry.account for entry in entries} - known)
