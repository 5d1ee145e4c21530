"""One run of the benchmark on the unchanged code, for somebody who sets a session up (S3): what it prints, what is read.

The steps are also the JSON lines of `autotune-tui check --once --json`. A `run` carries all that a reader needs, so that a
screen can read the same output again in another way (see `reading`).
"""

from __future__ import annotations

import asyncio
import codecs
import dataclasses
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from autotune_tui.config import Metric, SessionConfig
from autotune_tui.engine import absent
from autotune_tui.engine.confinement import hint
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.ready import build, set_up
from autotune_tui.engine.run import engine_for
from autotune_tui.errors import AutotuneError, MeasureError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.measure import sources
from autotune_tui.measure.executors.base import Run, argv_of
from autotune_tui.redaction import Redactor
from autotune_tui.text import without_escapes

LOOK_SECONDS = 0.05
"""Between two looks at what the command has printed."""
FILE_LIMIT = 1 << 20
"""Characters of the metric's file up to which it is passed on; a longer one is only read here."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened."""

    type: ClassVar[str] = ""

    def record(self) -> dict[str, Any]:
        """Its JSON line."""
        return {"type": self.type, **dataclasses.asdict(self)}


@dataclass(frozen=True, slots=True)
class Doing(Step):
    """A part of the work begins."""

    type: ClassVar[str] = "doing"
    text: str


@dataclass(frozen=True, slots=True)
class Output(Step):
    """The next piece of what the benchmark prints, as it comes: standard output and error together."""

    type: ClassVar[str] = "output"
    text: str


@dataclass(frozen=True, slots=True)
class Ran(Step):
    """The benchmark ended. Times are seconds, sizes bytes."""

    type: ClassVar[str] = "run"
    failure: str
    """Why it failed; empty when it did not."""
    stdout: str
    tail: str
    left_out: int
    wall: float
    cpu: float
    peak_rss: int
    rss_floor: int
    file: str = ""
    """The metric's file, when it is read from one, and what the run wrote there."""
    file_text: str | None = None


@dataclass(frozen=True, slots=True)
class ReadAs(Step):
    """The number that was read, and where in the text it stands; `end` is 0 when the harness took it itself."""

    type: ClassVar[str] = "reading"
    name: str
    unit: str
    value: float
    start: int
    end: int
    line: str
    """The line in which it stands, and where it begins there."""
    column: int


@dataclass(frozen=True, slots=True)
class Failed(Step):
    """Why there is no number."""

    type: ClassVar[str] = "error"
    title: str
    message: str
    hint: str


async def try_once(repo: Path, settings: SessionConfig, say: Callable[[Step], None]) -> bool:
    """Set up, build and run the benchmark once in a worktree of the unchanged code, of which nothing stays.

    The steps are told as they come; the last one is a reading or an error. Returns whether a number was read.
    """
    redactor = Redactor(os.environ, settings.benchmark.env)

    def tell(step: Step) -> None:
        say(redactor.deep(step))

    with tempfile.TemporaryDirectory(prefix="autotune-try-") as scratch:
        folder = SessionFolder(Path(scratch) / f"try-{os.getpid()}")
        folder.create()
        try:
            async with engine_for(repo, folder, settings, lambda _: None) as engine:
                try:
                    tell(await _try(engine, tell))
                finally:
                    engine.workspace.discard()
        except AutotuneError as error:
            tell(Failed(error.title, error.message, error.hint))
            return False
    return True


async def _try(engine: Engine, say: Callable[[Step], None]) -> ReadAs:
    """Raises AutotuneError."""
    config, workspace = engine.config, engine.workspace
    say(Doing("making a worktree of the last commit"))
    await asyncio.to_thread(workspace.create)
    log = engine.folder.baseline / "bench.log"
    await engine.place("incumbent", workspace.tip())
    if config.benchmark.setup:
        say(Doing(f"setting up: {text_of(config.benchmark.setup)}"))
        await set_up(engine, "incumbent", workspace.tip(), log)
    if config.benchmark.build:
        say(Doing(f"building: {text_of(config.benchmark.build)}"))
        await build(engine, "incumbent", workspace.tip(), log)
    say(Doing(f"running: {text_of(config.benchmark.command)}"))
    run = await _run(engine, say)
    text: str | None = None
    try:
        text = sources.text_of(config.metric, run, workspace.incumbent) if run.ok else None
    finally:
        say(_ran(config.metric, run, text))
    if not run.ok:
        usual = (
            "It runs in a clean worktree of the last commit: files that git ignores must be linked or copied into it."
        )
        usual = absent.hint(engine, config.benchmark.command, run.tail, usual)
        raise MeasureError("The benchmark fails", f"{run.failure}.", hint(engine.sandbox, run.tail, usual))
    return _read(config.metric, run, workspace.incumbent, text or "")


async def _run(engine: Engine, say: Callable[[Step], None]) -> Run:
    """The run itself. Python prints unbuffered in it, so that one sees what the benchmark is at."""
    config = engine.config
    tail = _Tail(engine.folder.baseline / "once.log", say)
    env = {"AUTOTUNE_SEED": "1", "PYTHONUNBUFFERED": config.benchmark.env.get("PYTHONUNBUFFERED", "1")}
    argv = list(sources.wrap(config.metric, argv_of(config.benchmark.command), engine.tree("incumbent")))
    watching = asyncio.create_task(tail.watch())
    try:
        return await engine.command(argv, "incumbent", limit=config.benchmark.timeout, log=tail.path, env=env)
    finally:
        watching.cancel()
        tail.tell()


class _Tail:
    """Tells what is appended to a log."""

    def __init__(self, path: Path, say: Callable[[Step], None]) -> None:
        self.path = path
        self._say = say
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def watch(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(LOOK_SECONDS)

    def tell(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        self._at += len(new)
        if text := self._decoder.decode(new):
            self._say(Output(text))


def _ran(metric: Metric, run: Run, text: str | None) -> Ran:
    written = text is not None and bool(metric.file) and len(text) <= FILE_LIMIT
    return Ran(
        failure=run.failure,
        stdout=run.stdout,
        tail=run.tail,
        left_out=run.left_out,
        wall=run.wall,
        cpu=run.cpu,
        peak_rss=run.peak_rss,
        rss_floor=run.rss_floor,
        file=metric.file,
        file_text=text if written else None,
    )


def _read(metric: Metric, run: Run, tree: Path, text: str) -> ReadAs:
    """Raises MeasureError."""
    found = sources.find(metric, run, tree, text)
    printed = text or without_escapes(run.stdout)
    first, last = printed.rfind("\n", 0, found.start) + 1, printed.find("\n", found.end)
    line = printed[first : last if last >= 0 else None] if found.end else ""
    return ReadAs(metric.name, metric.unit, found.value, found.start, found.end, line, found.start - first)
