"""The canary (S8): code in scope is broken on purpose in the candidate worktree, to see whether benchmark or checks notice.

First everything in scope is broken at once: when nobody notices that, the benchmark runs other code, and no experiment could
ever say anything. Then files are broken one by one, so that those which nothing runs can be named. The caller puts the
worktree right again (`prepare_both`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autotune_tui.engine import blindness, breaking
from autotune_tui.engine.core import Engine
from autotune_tui.engine.sampling import SampleFailed, Sampler, Taken, derived_seed
from autotune_tui.engine.seeds import without_times
from autotune_tui.errors import EngineError
from autotune_tui.measure.environment import command_environment
from autotune_tui.model.events import Canary
from autotune_tui.model.format import count
from autotune_tui.scope import words_of
from autotune_tui.stats.sequential import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autotune_tui.config import SessionConfig

Noticed = Literal["benchmark", "checks", "build", ""]
CLOCKS = frozenset({"wall_time", "cpu_time", "peak_rss", "instructions"})
"""Sources that the harness reads itself: a program that ends too early has a good number there."""
FAR = 0.5
"""A number that was printed and differs by more than this share is another number, not noise."""
SHARE = 0.1
"""Of what a decision takes at the most: time that the canary may take, too."""
AT_ONCE = 5_000
"""Files that are broken at once at the most; writing them takes about a second."""
LARGEST = 4 << 20
"""Bytes of a file that is broken; a larger one is data that is left alone."""
FLOOR = 5.0
"""Seconds that a run on broken code may always take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it, in words."""

    status: Literal["pass", "warn", "fail"]
    text: str
    hint: str = ""
    tried: int = 0
    unnoticed: tuple[str, ...] = ()


@dataclass
class Flight:
    """One canary under way."""

    engine: Engine
    commit: str
    log: Path
    reference: Taken
    """A run on whole code, with the seed that all the others have."""
    stable: bool
    """Whether whole code prints the same each time, but for times."""
    sampler: Sampler
    contents: Mapping[str, bytes]
    """The files that can be broken, as they are."""
    noticed: dict[str, Noticed] = field(default_factory=dict)

    async def break_and_look(self, paths: Sequence[str]) -> Noticed:
        """Who notices when these files are broken; they are whole again afterwards."""
        with _broken(self.engine.workspace.candidate, {path: self.contents[path] for path in paths}):
            built = await self._build()
            if built == "build":
                return "build"
            if await self._benchmark_notices():
                return "benchmark"
            return "checks" if await self._checks_notice() else ""

    async def _build(self) -> Noticed:
        """A build that fails must leave nothing to run: what it had made before is taken away, so that the benchmark can only
        run what was built elsewhere. Without any such product it is the build that notices.
        """
        config = self.engine.config.benchmark
        if not config.build:
            return ""
        self.engine.built.pop("candidate", None)
        run = await self.engine.command(config.build, "candidate", limit=config.timeout, log=self.log, job="build")
        if run.ok:
            return ""
        known = self.engine.known.get("candidate")
        products = [path for path, stage in known.stages.items() if stage == "build"] if known else []
        await asyncio.to_thread(self.engine.workspace.remove_leftovers, "candidate", products)
        return "" if products else "build"

    async def _benchmark_notices(self) -> bool:
        try:
            taken = await self.sampler.take("candidate", seed=_seed(self.engine), discard=True)
        except SampleFailed:
            return True
        if self.stable and without_times(taken.run.stdout) != without_times(self.reference.run.stdout):
            return True
        if self.engine.config.metric.source in CLOCKS:
            return False
        before, now = self.reference.value, taken.value
        return abs(now - before) > FAR * max(abs(before), abs(now))

    async def _checks_notice(self) -> bool:
        checks = self.engine.config.checks
        if not checks.command:
            return False
        run = await self.engine.command(checks.command, "candidate", limit=checks.timeout, log=self.log, job="checks")
        return not run.ok


async def fly(engine: Engine, commit: str, log: Path) -> Outcome | None:
    """Try it in the candidate worktree, which must be set up and built for `commit`; it is not afterwards.

    None when the benchmark does not work on whole code: calibration says why.
    """
    began = time.monotonic()
    contents = await asyncio.to_thread(_contents, engine)
    if not contents:
        return Outcome("warn", "no file in scope is code or data that can be broken", "See [scope].include.")
    flight = await _begin(engine, commit, log, contents)
    if flight is None:
        return None
    paths = breaking.order({path: len(text) for path, text in contents.items()}, _hot(engine), _words(engine))
    together = await flight.break_and_look(paths[:AT_ONCE])
    if not together:
        return await asyncio.to_thread(_nobody, engine, len(paths), whole=len(paths) <= AT_ONCE)
    limit = began + budget(engine.config, flight.reference.run.wall)
    for path in paths[: engine.config.canary.files] if together != "checks" else ():
        if len(paths) == 1:
            flight.noticed[path] = together
        elif time.monotonic() < limit:
            flight.noticed[path] = await flight.break_and_look([path])
    return await asyncio.to_thread(_judged, engine, flight, together, len(paths))


async def _begin(engine: Engine, commit: str, log: Path, contents: Mapping[str, bytes]) -> Flight | None:
    sampler = Sampler(engine, "canary", 0, log, engine.config.benchmark.timeout)
    try:
        first = await sampler.take("candidate", seed=_seed(engine), discard=True)
        again = await sampler.take("candidate", seed=_seed(engine), discard=True)
    except SampleFailed:
        return None
    sampler.timeout = min(engine.config.benchmark.timeout, max(3 * again.run.wall, FLOOR))
    stable = without_times(first.run.stdout) == without_times(again.run.stdout)
    return Flight(engine, commit, log, again, stable, sampler, contents)


def _seed(engine: Engine) -> int:
    return derived_seed(engine.seed, "canary")


def _contents(engine: Engine) -> dict[str, bytes]:
    """The files in scope that can be broken."""
    found = {}
    for path in engine.workspace.files():
        file = engine.workspace.candidate / path
        if not file.is_symlink() and file.is_file() and file.stat().st_size <= LARGEST:
            content = file.read_bytes()
            if breaking.broken(path, content) is not None:
                found[path] = content
    return found


@contextmanager
def _broken(tree: Path, contents: Mapping[str, bytes]) -> Iterator[None]:
    """The files broken, and then as they were, with their times: bytecode that was made from them stays good."""
    times = {}
    try:
        for path, content in contents.items():
            status = (tree / path).stat()
            times[path] = (status.st_atime_ns, status.st_mtime_ns)
            (tree / path).write_bytes(breaking.broken(path, content) or b"")
        yield
    finally:
        for path, stamps in times.items():
            (tree / path).write_bytes(contents[path])
            os.utime(tree / path, ns=stamps)


def _hot(engine: Engine) -> list[str]:
    """Files by what the last profile says, the hottest first."""
    profile = next(reversed(engine.profiles.values()), None)
    return [spot.file for spot in profile.hot_spots] if profile else []


def _words(engine: Engine) -> set[str]:
    """What stands in the benchmark's command and in the files that it names."""
    words: set[str] = set()
    for word in words_of(engine.config.benchmark.command):
        words.update(blindness.names_in(word))
        words.update(blindness.names_in(blindness.text_of_file(engine.workspace.candidate / word)))
    return words


def budget(settings: SessionConfig, seconds: float) -> float:
    """Seconds that breaking files one by one may take; `seconds` is what one sample takes."""
    decision = seconds * 2 * RULES[settings.decision.profile].most_pairs
    return max(settings.canary.time, SHARE * decision)


def _judged(engine: Engine, flight: Flight, together: Noticed, files: int) -> Outcome:
    noticed = flight.noticed
    unnoticed = tuple(path for path, by in noticed.items() if not by)
    tried = len(noticed)
    of = f"{count(tried, 'file')} of {files} in scope" if tried < files else count(files, "file") + " in scope"
    if together == "checks":
        return _blind(engine, files, "only the checks notice when the code in scope is broken; the benchmark does not run it",
                      unnoticed, tried)  # fmt: skip
    if unnoticed:
        names = ", ".join(unnoticed[:5]) + (f" and {len(unnoticed) - 5} more" if len(unnoticed) > 5 else "")
        return Outcome(
            "warn",
            f"{of} were broken one by one; not exercised: {names}",
            "A change there cannot be judged: let benchmark or checks run it, or put it into [scope].exclude.",
            tried, unnoticed,
        )  # fmt: skip
    if not tried:
        return Outcome(
            "pass", f"{count(files, 'file')} in scope were broken on purpose at once, and the {together} noticed"
        )
    who = " and ".join(sorted({f"the {by}" for by in noticed.values()})) or f"the {together}"
    verb = "was" if tried == 1 else "were"
    return Outcome("pass", f"{of} {verb} broken on purpose, and {who} noticed", "", tried)


def _nobody(engine: Engine, files: int, *, whole: bool) -> Outcome:
    """Nothing notices, although everything is broken."""
    if not whole:
        return Outcome("warn", f"nothing notices when {AT_ONCE} of {files} files in scope are broken")
    checks = "neither benchmark nor checks notice" if engine.config.checks.command else "the benchmark does not notice"
    what = "when the only file in scope is broken" if files == 1 else f"when all {files} files in scope are broken"
    return _blind(engine, files, f"{checks} {what}", (), 0, certain=True)


def _blind(
    engine: Engine, files: int, text: str, unnoticed: tuple[str, ...], tried: int, *, certain: bool = False
) -> Outcome:
    """With the reason where it can be seen: then it is certain that the benchmark runs other code, whatever the checks do."""
    found = causes_of(engine)
    why = "".join(f"; {cause.text}" for cause in found)
    hints = [cause.hint for cause in found] or [
        "See what the benchmark runs: an installed or prebuilt copy, a path of your checkout, a cache, an error that it hides."
    ]
    return Outcome("fail" if found or certain else "warn", text + why, " ".join(dict.fromkeys(hints)), tried, unnoticed)


def causes_of(engine: Engine) -> list[blindness.Cause]:
    config = engine.config
    commands = [command for command in (config.benchmark.command, config.checks.command) if command]
    env = command_environment(config.benchmark.env, passed=config.sandbox.passed)
    return blindness.causes(engine.workspace.root, engine.workspace.candidate, commands, env, engine.workspace.files())


# --- in a session

ACCEPT = "If you know better, say so: `autotune-tui run --accept-canary`, or accept = true in [canary]; files = 0 leaves it out."


def is_due(engine: Engine) -> bool:
    """Whether it is to be done before the session measures: not again once it went well, or was accepted."""
    last = engine.state.canary
    return engine.config.canary.files > 0 and (last is None or (last.status == "fail" and not last.accepted))


async def require(engine: Engine, commit: str, log: Path) -> None:
    """Before a segment. Raises EngineError when nothing notices and the user has not accepted that."""
    outcome = await fly(engine, commit, log)
    if outcome is None:
        return
    accepted = engine.config.canary.accept
    record(engine, outcome, commit, accepted=accepted and outcome.status == "fail")
    if outcome.status == "fail" and not accepted:
        raise EngineError(
            "The benchmark does not run the code in scope", outcome.text + ".", f"{outcome.hint} {ACCEPT}"
        )


def record(engine: Engine, outcome: Outcome, commit: str, *, experiment: int = 0, accepted: bool = False) -> None:
    """Journal it, and say it in words."""
    engine.record(
        Canary(
            experiment=experiment, commit=commit, status=outcome.status, accepted=accepted, tried=outcome.tried,
            unnoticed=outcome.unnoticed, text=outcome.text,
        )
    )  # fmt: skip
    hint = f". {outcome.hint}" if outcome.hint and outcome.status != "fail" else ""
    known = " (accepted)" if accepted else ""
    engine.note(f"canary: {outcome.text}{known}{hint}", "info" if outcome.status == "pass" else "warning", experiment)
