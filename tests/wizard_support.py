"""The wizard on a repository that does not exist: `autotune-tui` itself is played by prepared lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from autotune_tui.errors import UsageError
from autotune_tui.suggest import Look, look_at
from autotune_tui.ui.screens import wizard
from autotune_tui.ui.theme import DARK, THEMES
from autotune_tui.ui.wizard import benchmark, preflight
from autotune_tui.ui.wizard.benchmark import BenchmarkStep
from autotune_tui.ui.wizard.goal import GoalStep
from autotune_tui.ui.wizard.step import Step
from ui_session import until

ROOT = Path("/home/me/src/importer")
TEXTS = {
    "bench.py": "print(f'METRIC rows_per_s={rate} rows/s')\n" + "\n" * 30,
    "importer/__init__.py": "\n" * 3,
    "importer/read.py": "\n" * 210,
    "importer/rows.py": "\n" * 480,
    "importer/vendor/csvx.py": "\n" * 1900,
    "tests/conftest.py": "\n" * 12,
    "tests/test_read.py": "def test_read():\n" + "\n" * 150,
    "pyproject.toml": "[project]\n",
    "README.md": "\n" * 80,
}
STDOUT = "loading 365 files\nparsed 1,204,113 rows\n\x1b[32mMETRIC rows_per_s=1980412 rows/s\x1b[0m\n"
OUTPUT = "importer: cache is cold\n" + STDOUT
RUN = {
    "type": "run", "failure": "", "stdout": STDOUT, "tail": STDOUT, "left_out": 0, "wall": 1.91, "cpu": 1.87,
    "peak_rss": 88_000_000, "rss_floor": 13_000_000, "file": "", "file_text": None,
}  # fmt: skip
ONCE = [
    {"type": "doing", "text": "making a worktree of the last commit"},
    {"type": "doing", "text": "running: python3 bench.py"},
    {"type": "output", "text": OUTPUT},
    RUN,
    {"type": "reading", "name": "time", "unit": "s", "value": 1.91, "start": 0, "end": 0, "line": "", "column": 0},
]
VALUES = (
    1.91,
    1.93,
    1.90,
    1.96,
    1.92,
    1.91,
    1.94,
    1.89,
    1.92,
    1.93,
    1.91,
    1.97,
    1.90,
    1.92,
    1.91,
    1.93,
    1.92,
    1.9,
    1.95,
    1.92,
)


def line(status: str, title: str, detail: str, hint: str = "") -> dict[str, Any]:
    return {"status": status, "title": title, "detail": detail, "hint": hint}


FIRST = [
    line("pass", "git", "importer at a1b2c3d4e5"),
    line(
        "warn",
        "git",
        "Uncommitted changes are not part of the session, which starts from HEAD (a1b2c3d4e5): notes.txt.",
    ),
    line("pass", "scope", "3 files may be changed"),
    line("pass", "checks", "`python3 -m pytest -q` passes"),
]
SAMPLES: list[dict[str, Any]] = [
    {"type": "sample", "value": value, "side": ("incumbent", "candidate")[number % 2], "expected": 20}
    for number, value in enumerate(VALUES)
]
LAST = [
    line("pass", "benchmark", "time 1.920 s in 20 runs, 1.9 s each"),
    line("pass", "noise", "1.8% per pair; a full decision would detect 1.3% and takes 23.0 s to 2 min 34 s"),
    line("pass", "no effect of nothing", "10 A/A pairs: +0.2 % [−0.7, 1.1]"),
]


def a_look(warning: str = "") -> Look:
    files = {path: text.count("\n") for path, text in TEXTS.items()}
    found = look_at(files, lambda path: TEXTS.get(path, "")).record()
    return Look.from_record({**found, "warning": warning})


@dataclass
class Programs:
    """Plays `autotune-tui`: what each command prints, and what it was given."""

    look: Sequence[dict[str, Any]] | UsageError = field(default_factory=lambda: [a_look().record()])
    once: Sequence[dict[str, Any]] | UsageError = field(default_factory=lambda: list(ONCE))
    check: Sequence[dict[str, Any]] | UsageError = field(default_factory=lambda: [*FIRST, *SAMPLES, *LAST])
    init: Sequence[dict[str, Any]] | UsageError = field(
        default_factory=lambda: [{"session": "001-import", "config": "x"}]
    )
    calls: list[tuple[str, ...]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    hold_after: int | None = None
    """Lines after which a run goes on for ever."""
    cancelled: int = 0

    async def __call__(self, *arguments: str, text: str = "") -> AsyncGenerator[dict[str, Any]]:
        self.calls.append(arguments)
        self.texts.append(text)
        lines = self._lines(arguments)
        if isinstance(lines, UsageError):
            raise lines
        try:
            for number, record in enumerate(lines):
                if number == self.hold_after and arguments[0] == "check":
                    await asyncio.Event().wait()
                yield record
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def _lines(self, arguments: tuple[str, ...]) -> Sequence[dict[str, Any]] | UsageError:
        if arguments[0] == "init":
            return self.look if "--suggest" in arguments else self.init
        return self.once if "--once" in arguments else self.check


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programs:
    monkeypatch.setattr("autotune_tui.ui.wizard.limits.installed", lambda: ())  # whatever this machine has
    played = Programs()
    for module in (wizard, benchmark, preflight):
        monkeypatch.setattr(module, "json_lines", played)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return played


class Host(App[None]):
    """As much of the application as the wizard needs; `outcome` is what it was left with."""

    def __init__(self, root: Path = ROOT, theme: str = DARK.name) -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.root = root
        self.outcome: str | None = "still there"

    def on_mount(self) -> None:
        self.push_screen(wizard.WizardScreen(self.root), self._left)

    def _left(self, session: str | None) -> None:
        self.outcome = session

    @property
    def wizard(self) -> wizard.WizardScreen:
        return next(screen for screen in self.screen_stack if isinstance(screen, wizard.WizardScreen))


def step_of(pilot: Pilot[None]) -> Step | None:
    app = pilot.app
    assert isinstance(app, Host)
    return app.wizard.step


async def until_step(pilot: Pilot[None], title: str) -> None:
    await until(pilot, lambda: (step := step_of(pilot)) is not None and step.title == title)
    await pilot.pause()


TYPED = {"goal": "Import a day in under a second", "metric.target": "2500000"}


async def go_to(pilot: Pilot[None], title: str) -> None:
    """Straight to a step, with the two fields typed that have no suggestion."""
    await until_step(pilot, "Goal")
    app = pilot.app
    assert isinstance(app, Host)
    app.wizard.draft.values.update(TYPED)
    app.wizard.query_one(GoalStep).bring()
    await app.wizard._go([step.title for step in wizard.STEPS].index(title))
    await until_step(pilot, title)


async def walk_to(pilot: Pilot[None], title: str) -> None:
    """Step by step, typing on the way as a person does, and with the benchmark run once."""
    for kind in wizard.STEPS:
        await until_step(pilot, kind.title)
        if kind.title == title:
            return
        if kind.title == "Goal":
            await pilot.press(*TYPED["goal"])
        if kind is BenchmarkStep:
            await run_once(pilot)
            await type_into(pilot, "metric.target", TYPED["metric.target"])
        await pilot.press("ctrl+n")


async def run_once(pilot: Pilot[None]) -> None:
    await pilot.press("f5")
    await until(
        pilot, lambda: (step := step_of(pilot)) is not None and getattr(step, "trial", None) and not step.running
    )
    await pilot.pause()


async def type_into(pilot: Pilot[None], name: str, text: str) -> None:
    """Go to a field and type, over what is there."""
    app = pilot.app
    assert isinstance(app, Host)
    app.wizard._focus_on(name)
    await pilot.pause()
    await pilot.press("end", "ctrl+u", *text)
    await pilot.pause()
