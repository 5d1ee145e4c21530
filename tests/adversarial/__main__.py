"""Prints a table: each hostile candidate, its verdict, and what stopped it. Names of campaigns may be given."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(wanted: list[str]) -> int:
    from .campaign import attack
    from .campaigns import CAMPAIGNS, HONEST
    from .table import rows, summary

    lines, bad = [], 0
    for name, campaign in {**CAMPAIGNS, **HONEST}.items():
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            done = attack(campaign, Path(folder))
        lines += rows(campaign, done)
        bad += summary(campaign, done)
    say("| candidate | what it tries | verdict | the reason shown | what stops it |\n| --- | --- | --- | --- | --- |")
    say("\n".join(lines))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
