"""Preflight (S7): everything that a session needs, tried on the unchanged code, each as a line that passes, warns or fails."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from autotune_tui.config import SessionConfig
from autotune_tui.engine import canary, confinement, findings, locks, second
from autotune_tui.engine.calibration import BLOCKS, calibrate
from autotune_tui.engine.core import Engine, text_of
from autotune_tui.engine.findings import Line
from autotune_tui.engine.holdout import prepare
from autotune_tui.engine.oracle import expect
from autotune_tui.engine.ready import prepare_both, require_files, verify_unchanged
from autotune_tui.engine.run import engine_for
from autotune_tui.engine.sampling import Blocks
from autotune_tui.errors import AutotuneError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Calibration, Record, Sample
from autotune_tui.model.format import change, count, duration
from autotune_tui.model.format import metric as metric_text
from autotune_tui.redaction import Redactor
from autotune_tui.stats.estimate import estimate
from autotune_tui.stats.scale import relative_change, to_scores

LEAST_FREE_BYTES = 1 << 30


async def check(
    repo: Path,
    settings: SessionConfig,
    on_line: Callable[[Line], None],
    on_sample: Callable[[Sample, int], None] = lambda sample, expected: None,
) -> list[Line]:
    """Try a session on the unchanged code; nothing of it stays. Lines are reported as they come, and returned.

    `on_sample` gets each sample when it has been taken, and how many there will be at the most but for retaken ones.
    """
    lines: list[Line] = []
    expected = 4 * BLOCKS[settings.decision.profile]

    redactor = Redactor(os.environ, settings.benchmark.env)

    def say(line: Line) -> None:
        line = redactor.deep(line)
        lines.append(line)
        on_line(line)

    def hear(record: Record) -> None:
        if isinstance(record, Sample):
            on_sample(record, expected)

    with tempfile.TemporaryDirectory(prefix="autotune-check-") as scratch:
        folder = SessionFolder(Path(scratch) / f"check-{os.getpid()}")
        folder.create()
        try:
            async with engine_for(repo, folder, settings, hear) as engine:
                try:
                    await look(engine, say)
                finally:
                    engine.workspace.discard()
        except AutotuneError as error:
            say(Line("fail", error.title, error.message, error.hint))
    return lines


async def look(engine: Engine, say: Callable[[Line], None]) -> None:
    """Everything that can be tried, cheapest first. Raises the error of what cannot work."""
    workspace, settings = engine.workspace, engine.config
    say(Line("pass", "git", f"{workspace.root.name} at {workspace.base_commit[:10]}"))
    say(findings.versions(engine, await asyncio.to_thread(workspace.git_version)))
    say(findings.commands(settings))
    await asyncio.to_thread(workspace.create)
    for warning in workspace.warnings:
        say(Line("warn", "git", warning))
    for warning in await prepare(engine):
        say(Line("warn", "holdout", warning))
    say(Line("pass", "scope", f"{count(len(require_files(engine)), 'file')} may be changed"))
    say(free_space(workspace.incumbent))
    say(sandbox_line(engine))
    for missing in findings.agents(engine):
        say(missing)
    log = engine.folder.baseline / "bench.log"
    await prepare_both(engine, workspace.tip(), log)
    if settings.checks.command:
        await verify_unchanged(engine, log)
        say(Line("pass", "checks", f"`{text_of(settings.checks.command)}` passes"))
    else:
        text = "none: nothing notices a change that breaks the code"
        say(Line("warn", "checks", text, "Set [checks].command."))
    if settings.oracle.asked_for:
        for text in (await expect(engine, 1, log)).summary(engine):
            say(Line("pass", "oracle", text))
    for kind, value in (await second.verify(engine)).items():
        say(Line("pass", second.NAMES[kind], f"works, and gives {value:g}"))
    await fly_canary(engine, log, say)
    calibration, blocks = await calibrate(engine, 1, log)
    for line in measuring_lines(settings, calibration, blocks):
        say(line)
    say(findings.inputs(engine, blocks))
    table = await asyncio.to_thread(locks.found, engine, 1)
    for line in findings.locked(table, await asyncio.to_thread(workspace.locked_in_scope)):
        say(line)


async def fly_canary(engine: Engine, log: Path, say: Callable[[Line], None]) -> None:
    """Whether anybody notices broken code; both worktrees are whole again afterwards."""
    if not engine.config.canary.files:
        say(
            Line(
                "warn",
                "canary",
                "left out, as [canary] files = 0",
                "Without it nobody knows whether the code in scope runs.",
            )
        )
        return
    tip = engine.workspace.tip()
    line = findings.canary(await canary.fly(engine, tip, log), accepted=engine.config.canary.accept)
    if line is not None:
        say(line)
    await prepare_both(engine, tip, log)


def measuring_lines(settings: SessionConfig, calibration: Calibration, blocks: Blocks) -> list[Line]:
    """What the A/A pairs say about how well this benchmark can decide."""
    metric, scale = settings.metric, calibration.scale
    value = float(blocks.values().mean())
    lines = [
        Line("pass", "benchmark", f"{metric.name} {metric_text(value, metric.unit)} in {blocks.pairs * 2} runs,"
             f" {duration(calibration.seconds)} each"),
    ]  # fmt: skip
    if calibration.exact:
        text = "none: every run gave the same value; one run and one more decide"
        return [
            *lines,
            Line("pass", "noise", text),
            findings.cost(settings, calibration),
            *guard_lines(settings, blocks),
        ]
    scores = to_scores(blocks.values(), metric.direction, scale)
    effect, edges = estimate(scores, blocks.labels, location=metric.location, seed=1)
    low, high = sorted(relative_change(edge, scale, metric.direction) for edge in edges)
    shown = (low, high) if math.isfinite(low) and math.isfinite(high) else None
    text = change(relative_change(effect, scale, metric.direction), shown, scale=scale, unit=metric.unit)
    noise = f"{calibration.sigma:.1%} per pair; a full decision would detect {calibration.detectable:.1%}"
    lines += [Line("pass", "noise", noise), findings.cost(settings, calibration)]
    none = low <= 0 <= high
    lines.append(
        Line(
            "pass" if none else "warn", "no effect of nothing", f"{blocks.pairs} A/A pairs: {text}",
            "" if none else "The two worktrees differ although their code is the same; a keep needs more than this.",
        )
    )  # fmt: skip
    lines += [Line("warn", "noise", warning) for warning in calibration.warnings]
    return lines + guard_lines(settings, blocks)


def guard_lines(settings: SessionConfig, blocks: Blocks) -> list[Line]:
    missing = [name for name in settings.guards if name not in blocks.taken[0][0].metrics]
    if not missing:
        return []
    return [
        Line("fail", "guards", f"no run reported {', '.join(missing)}", "Print `METRIC name=value` for each guard.")
    ]


def sandbox_line(engine: Engine) -> Line:
    if text := confinement.remark(engine.sandbox):
        return Line(
            "warn", "sandbox", text, 'Install bubblewrap (apt install bubblewrap); [sandbox] mode = "auto" takes it.'
        )
    return Line("pass", "sandbox", f"{engine.sandbox.kind}; a trial command was confined")


def free_space(folder: Path) -> Line:
    free = shutil.disk_usage(folder).free
    text = f"{metric_text(free, 'B')} free where the worktrees lie"
    if free < LEAST_FREE_BYTES:
        return Line("warn", "disk", text, "A full disk pauses the session; set [workspace].cache to a roomier place.")
    return Line("pass", "disk", text)
