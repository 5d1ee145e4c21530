"""Benchmark: one report over a generated log of ten busy minutes. AUTOTUNE_SEED varies the data, never its size."""

import hashlib
import io
import os
import random
import time

from weblog.billing import Account
from weblog.report import build

LINES = 8_000
CLIENTS = 1_400
ACCOUNTS = 460
FOLDERS = 360
START = 1_700_000_000_000
MINUTES = 10


def generate(seed: int) -> tuple[str, list[Account]]:
    """A log and its accounts."""
    pick = random.Random(seed)
    plans = pick.choices(("free", "team", "business"), k=ACCOUNTS)
    accounts = [Account(f"acct-{number:04d}", plan, f"Customer {number}") for number, plan in enumerate(plans)]
    keys = [f"job-{pick.getrandbits(48):012x}" for _ in range(LINES // 4)]
    names = pick.choices(range(CLIENTS), k=LINES)
    folders = pick.choices(range(FOLDERS), k=LINES)
    owners = pick.choices(accounts, k=LINES)
    latencies = [int(80 + pick.expovariate(1 / 4_800)) for _ in range(LINES)]
    lines = []
    for number, (name, folder, owner, latency) in enumerate(zip(names, folders, owners, latencies)):
        moment = START + number * MINUTES * 60_000 // LINES
        path = "/health" if number % 50 == 0 else f"/convert/folder-{folder}/{number}?format=pdf"
        method, key = ("POST", keys[number // 4]) if number % 4 < 2 else ("GET", "-")
        status = 503 if number % 97 == 0 else 200
        client = f"10.{name // 250}.{name % 250}.7"
        lines.append(f"{moment}\t{client}\t{method}\t{path}\t{status}\t{latency * 37}\t{latency}\t{owner.key}\t{key}")
    return "\n".join(lines) + "\n", accounts


def main() -> None:
    text, accounts = generate(int(os.environ.get("AUTOTUNE_SEED", "1")))
    log = io.StringIO(text)
    started = time.perf_counter()
    report = build(log, accounts)
    elapsed = time.perf_counter() - started
    print(f"report {len(report)} characters, {hashlib.sha256(report.encode()).hexdigest()[:16]}")
    print(f"METRIC time={elapsed:.6f}")


if __name__ == "__main__":
    main()
