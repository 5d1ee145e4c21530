"""A session's folder with everything that an engine leaves there, for the tests of screens, and waiting for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Decision, Phase, Plan, Record, Result, Sample
from autotune_tui.ui.store import Store
from autotune_tui.ui.theme import DARK, THEMES
from journal_sessions import experiment, opening, write

NOW = datetime(2026, 4, 4, 11, 30, tzinfo=UTC)
ORDERS = ((False, True, True, False), (True, False, True, False), (False, False, True, True))
EFFECT = -0.131

PLAN = """\
# Plan of experiment 1: Compile the pattern once

- **Agent:** offline
- **Bottleneck:** CPU in parse_line(): on the stack in 52 % of 400 samples

## Hypothesis

Compiling once should improve `parse_line()` because the cache is asked for every line

## Approaches

- Compile the pattern once: half of the time is spent around it (chosen)
- Split at fixed columns: the format would have to be fixed
- Read in larger blocks: reading takes 3 % only
"""

PATCH = '''\
diff --git a/src/parse.py b/src/parse.py
index 1111111..2222222 100644
--- a/src/parse.py
+++ b/src/parse.py
@@ -1,8 +1,10 @@ """Parses the log."""
 import re
~
+LINE = re.compile(r"(\\d+) (\\w+)")
+
~
 def parse_line(line: str) -> tuple[int, str]:
     """One line of the log."""
-    number, name = re.match(r"(\\d+) (\\w+)", line).groups()
+    number, name = LINE.match(line).groups()
     return int(number), name
diff --git a/src/notes.txt b/src/notes.txt
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/src/notes.txt
@@ -0,0 +1 @@
+compiled once
\\ No newline at end of file
'''.replace("~", " ")

FOLDED = """\
<module> (bench.py:1);main (bench.py:10);parse_line (src/parse.py:6) 150
<module> (bench.py:1);main (bench.py:10);parse_line (src/parse.py:6);match (/usr/lib/python3.11/re/__init__.py:163) 58
<module> (bench.py:1);main (bench.py:10);read (src/read.py:3) 12
<module> (bench.py:1);main (bench.py:10) 100
<module> (bench.py:1);generate (bench.py:30) 60
"""


def values(count: int) -> list[tuple[str, float]]:
    """`count` blocks of four runs, noisy but always the same, the candidate faster by some 13 %."""
    runs: list[tuple[str, float]] = []
    for block in range(count):
        for place, candidate in enumerate(ORDERS[block % 3]):
            noise = ((block * 4 + place) * 37 % 19) / 19 * 0.09
            level = 1.84 * (1 + EFFECT if candidate else 1)
            runs.append(("candidate" if candidate else "incumbent", round(level * (1 + noise), 4)))
    return runs


def samples(number: int, count: int) -> list[Sample]:
    return [
        Sample(experiment=number, block=place // 4, run=place % 4, side=side, value=value, seed=7)
        for place, (side, value) in enumerate(values(count))
    ]


def kept(number: int = 1) -> list[Record]:
    """One experiment with all its phases, which is kept."""
    took = {"sync": 0.06, "profile": 1.4, "plan": 0.3, "edit": 0.05, "scope": 0.01, "commit": 0.09, "check": 3.1}
    before = [
        record
        for name, seconds in took.items()
        for record in (
            Phase(experiment=number, phase=name),
            *(
                [Plan(experiment=number, agent="offline", description="Compile the pattern once")]
                if name == "plan"
                else []
            ),
            Phase(experiment=number, phase=name, state="end", seconds=seconds),
        )
    ]
    return [
        *before,
        Phase(experiment=number, phase="measure"),
        *samples(number, 3),
        Decision(experiment=number, pairs=6, effect=EFFECT, interval=(-0.139, -0.122), p=0.002, next_look=10),
        Phase(experiment=number, phase="measure", state="end", seconds=41.5),
        Result(
            index=number, commit="a1b2c3d", sha="a1b2c3d" * 5, metric=1.599, status="keep", effect=EFFECT,
            description="Compile the pattern once", reason="improvement", interval=(-0.139, -0.122), pairs=6,
            folder=f"experiments/{number:03}-compile-the-pattern-once", seconds=46.6, files=("src/parse.py",),
            metrics={"cpu_time": 1.52, "peak_rss": 23830528.0}, health="improving",
        ),
    ]  # fmt: skip


def running(number: int, blocks: int = 2) -> list[Record]:
    """An experiment that is being measured."""
    return [
        Phase(experiment=number, phase="sync"),
        Phase(experiment=number, phase="sync", state="end", seconds=0.1),
        Plan(experiment=number, agent="offline", description="Read in larger blocks"),
        Phase(experiment=number, phase="measure"),
        *samples(number, blocks),
        Decision(experiment=number, pairs=2 * blocks, effect=-0.04, interval=(-0.09, 0.02), next_look=6),
    ]


def make_session(root: Path, *more: Record) -> SessionFolder:
    """001-import-speed in the repository `root`: a keep with its artifacts, a discard without, a crash, and `more`."""
    (root / ".git").mkdir(parents=True, exist_ok=True)
    folder = SessionFolder.of(root, "001-import-speed")
    folder.create()
    records = [*opening(), *kept(1), *experiment(2), *experiment(3, "crash", None, reason="agent_failed", effect=None)]
    write(folder.journal, [*records, *more])
    place = folder.experiments / "001-compile-the-pattern-once"
    place.mkdir()
    (place / "plan.md").write_text(PLAN)
    (place / "diff.patch").write_text(PATCH)
    (place / "profile.folded").write_text(FOLDED)
    (place / "profile-snapshot.txt").write_text("Where a1b2c3d spends its time\npy-spy, 400 samples in 0.80 s\n")
    (place / "reflexion.md").write_text("# Reflexion\n\n## Lessons\n\n- Compiling once was worth keeping\n")
    (place / "result.txt").write_text("side\tvalue\n" + "".join(f"{side}\t{value!r}\n" for side, value in values(3)))
    lines = [f"\x1b[32mrun {number}\x1b[0m: METRIC time={value}" for number, (_, value) in enumerate(values(12), 1)]
    (place / "bench.log").write_text("Ran 19 tests in 0.004s\nOK\n" + "\n".join(lines) + "\n")
    (place / "agent.log").write_text("52 % of the time is spent in parse_line()\n[tool] edited src/parse.py\n")
    return folder


class Host(App[None]):
    """As much of the application as a single screen needs."""

    def __init__(self, folder: SessionFolder | None, journal: Path | None = None) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.store = Store(folder.journal if folder else journal, folder, clock=lambda: NOW)

    def on_mount(self) -> None:
        self.store.start()

    def on_unmount(self) -> None:
        self.store.stop()


PATIENCE = 30.0
"""Seconds, on a machine that others use as well."""


def shown(app: App[object]) -> str:
    """The text on the screen, as a person reads it."""
    return "\n".join("".join(part.text for part in line).rstrip() for line in app.screen._compositor.render_strips())


async def until(pilot: Pilot[object], condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fails, with what is on the screen, when it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to that:\n{shown(pilot.app)}"
        await pilot.pause(0.02)


async def until_shown(pilot: Pilot[object], *texts: str) -> None:
    """Wait until all these texts are on the screen."""
    await until(pilot, lambda: all(text in shown(pilot.app) for text in texts))
