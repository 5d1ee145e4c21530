"""Makes the pictures of the screens, as SVG and PNG, from real runs: `python -m screenshots.make`.

The runs are made in `--work` when they are not there yet, which takes some six minutes. A picture is one moment of a run:
its journal folded up to a record, on the real screens. Without Chromium only the SVGs are made.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from textual.pilot import Pilot

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import read_journal
from autotune_tui.model.events import Config, Decision, Health, Phase, Record, Result
from autotune_tui.ui.app import AutotuneApp
from autotune_tui.ui.follower import Look
from autotune_tui.ui.replay import ReplayApp
from autotune_tui.ui.screens.details import DetailsScreen
from autotune_tui.ui.screens.loop import LoopScreen
from autotune_tui.ui.store import Store
from autotune_tui.ui.theme import LIGHT
from autotune_tui.ui.timeline import Timeline
from screenshots import runs, wizard

HERE = Path(__file__).parent
SCALE = 0.8
"""Of the PNGs: all of them together stay below 4 MB, and a letter is still nine pixels wide."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ENGINE = {"pid": 4711, "host": "here"}
Act = Callable[[Pilot[Any]], Awaitable[None]]


class Still(AutotuneApp):
    """The application at one moment of a run: nothing follows, nothing moves."""

    def __init__(self, look: Look, folder: SessionFolder | None, now: str, *, watch: bool = False) -> None:
        from datetime import datetime

        super().__init__(
            Store(None, folder, clock=lambda: datetime.fromisoformat(now)), mode="watch" if watch else "live"
        )
        self.animation_level = "none"
        self.store.show(look)

    def on_mount(self) -> None:
        self.push_screen(LoopScreen(self.store))


class Run:
    """A run, to be looked at from any of its records."""

    def __init__(self, folder: SessionFolder) -> None:
        self.folder = folder
        self.records = [_portable(record) for record in read_journal(folder.journal)]
        self._timeline = Timeline(self.records)

    def first(self, wanted: Callable[[Record], bool]) -> int:
        """How many records there are when the first wanted one has been written."""
        return next(count for count, record in enumerate(self.records, 1) if wanted(record))

    def at(self, count: int, **options: Any) -> Still:
        """The application after `count` records; an engine is at work unless the session has ended."""
        look = self._timeline.look(count)
        engine = None if look.state.end else ENGINE
        look = dataclasses.replace(look, engine=engine, engine_known=True)
        return Still(look, self.folder, self.records[count - 1].timestamp, **options)


def _portable(record: Record) -> Record:
    """The interpreter of this machine is python3 on others."""
    if isinstance(record, Config):
        return dataclasses.replace(record, command=re.sub(r"\S*/python[\d.]*", "python3", record.command))
    return record


async def picture(name: str, app: AutotuneApp, size: tuple[int, int], act: Act | None = None) -> None:
    """Run the application, do what `act` says, and save what is seen."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        if act is not None:
            await act(pilot)
            await pilot.pause(0.5)
        svg = app.export_screenshot(title="autotune-tui")
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)  # fonts of the reader's machine, not from the web
    for path in (str(Path.home()), sys.prefix, sys.base_prefix):
        if path in svg:
            raise SystemExit(f"{name} shows {path}, which is this machine's")
    target = HERE / f"{name}.svg"
    target.write_text(svg)
    png(target)
    click.echo(f"{target.name}  {size[0]}x{size[1]}")


def png(svg: Path) -> None:
    """The PNG beside the SVG, drawn by Chromium, which keeps the cells aligned; nothing without it."""
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if program is None:
        click.echo("No PNG without Chromium: apt-get install chromium fonts-firacode", err=True)
        return
    text = svg.read_text()
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width, height = (int(float(number)) + 1 for number in found.groups()) if found else (1600, 1200)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<body style="margin:0;background:transparent">{text}</body>')
        options = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--force-device-scale-factor={SCALE}",
            "--default-background-color=00000000",
        )
        subprocess.run(
            (program, *options, f"--window-size={width},{height}", f"--screenshot={svg.with_suffix('.png')}", page.as_uri()),
            check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def press(*keys: str) -> Act:
    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press(*keys)

    return act


def details(number: int, tab: str) -> Act:
    async def act(pilot: Pilot[Any]) -> None:
        await pilot.app.push_screen(DetailsScreen(number, tab))

    return act


def light() -> Act:
    async def act(pilot: Pilot[Any]) -> None:
        pilot.app.theme = LIGHT.name

    return act


def foreign_log(run: Run, path: Path) -> Path:
    """The same run as pi-autoresearch logs one: a value, a status and a sentence for each experiment."""
    lines: list[dict[str, Any]] = []
    for record in run.records:
        if isinstance(record, Config):
            lines.append({"type": "config", "name": "weekly report", "metricName": "report_s", "metricUnit": "s",
                          "bestDirection": record.direction})  # fmt: skip
        elif isinstance(record, Result):
            lines.append({"run": len(lines), "commit": record.commit[:7], "metric": record.metric or 0, "status": record.status,
                          "description": record.description, "timestamp": record.timestamp, "segment": 0,
                          "metrics": {}})  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def make(work: Path) -> None:
    """All pictures."""
    good, stuck = Run(runs.demo(work)), Run(runs.stuck(work))
    looks = [record for record in good.records if isinstance(record, Decision) and record.experiment]
    last = max(looks, key=lambda look: (look.pairs >= 8, look.experiment))
    longest = max(looks, key=lambda look: look.pairs)
    later = good.first(
        lambda record: isinstance(record, Decision) and record.experiment == last.experiment and record.pairs > 5
    )
    middle = good.first(
        lambda record: (
            isinstance(record, Decision)
            and record.experiment == longest.experiment
            and record.pairs > longest.pairs / 2
        )
    )
    kept = next(
        record.index
        for record in good.records
        if isinstance(record, Result) and record.index and record.status == "keep"
    )
    end = len(good.records)
    for size in ((80, 24), (120, 36), (160, 50)):
        await picture(f"loop-{size[0]}x{size[1]}", good.at(later), size)
    await picture("loop-light", good.at(later), (140, 45), light())
    await picture("evidence", good.at(middle), (100, 30), press("1", "z"))
    await picture("finished", good.at(end), (140, 45))
    for tab in ("diff", "samples", "profile", "plan"):
        await picture(f"details-{tab}", good.at(end), (110, 32), details(kept, tab))
    healing = stuck.first(lambda record: isinstance(record, Health) and record.health == "healing" and record.heals > 1)
    begun = next(
        count for count in range(healing, len(stuck.records)) if isinstance(stuck.records[count - 1], Phase | Config)
    )
    await picture("plateau", stuck.at(begun), (140, 45))
    paused = stuck.first(lambda record: isinstance(record, Health) and record.health == "paused")
    await picture("paused", stuck.at(paused), (120, 36))
    log = foreign_log(good, work / "autoresearch.jsonl")
    await picture("watch-other-tool", AutotuneApp(Store(log), mode="watch"), (120, 36))
    replay = ReplayApp(good.folder.journal, good.folder, speed=20)
    for step, act in (("goal", wizard.begin), ("benchmark", wizard.measure), ("preflight", wizard.check)):
        await picture(f"wizard-{step}", AutotuneApp(root=wizard.repository(work)), (110, 34), act)
    await picture("replay", replay, (140, 45), press("space", *["right_square_bracket"] * 5))


@click.command()
@click.option(
    "--work", default="build/screenshots", type=click.Path(path_type=Path), help="Where the runs are, or will be."
)
def main(work: Path) -> None:
    """Make the pictures of the screens from real runs."""
    work.mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(work.resolve())  # so that ~/weblog is shown, and no draft of the user's is found
    asyncio.run(make(work.resolve()))


if __name__ == "__main__":
    main()
