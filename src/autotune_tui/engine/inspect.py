"""The phase `inspect`: a would-be keep is looked at a second time, by rules that did not write it (L14).

After the keep, the settings that it touched are looked through (L17).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from autotune_tui.engine import second_look
from autotune_tui.engine.core import Engine
from autotune_tui.errors import WorkspaceError
from autotune_tui.inspector import Change, FileChange, Finding, Gain, Material, Policy, blocked, inspect
from autotune_tui.inspector.audit import Line, notes, spellings, words
from autotune_tui.inspector.material import declared, imported_by, is_declaration, modules_of, named_in, tests_of
from autotune_tui.inspector.testing import is_test
from autotune_tui.model.events import Inspection
from autotune_tui.scope import words_of

if TYPE_CHECKING:
    from autotune_tui.config import Command
    from autotune_tui.engine.experiment import Experiment
    from autotune_tui.engine.measuring import Measured

MOST_TEXT = 2 << 20
"""Bytes of a changed file that is read; nobody writes a longer one by hand."""
MOST_MATERIAL = 256 << 10
"""Bytes of a file of the benchmark or of the tests that is read."""
MOST_FILES = 200
MOST_NOTES = 10


async def look(x: Experiment) -> str:
    """Journal what the rules have to say of the candidate. Why it is refused; empty when it is not."""
    mode = x.engine.config.inspector.mode
    if mode == "off":
        return ""
    found = await asyncio.to_thread(findings, x)
    reason = blocked(found) if mode == "on" else ""
    x.engine.record(
        Inspection(experiment=x.number, blocked=reason, findings=tuple(asdict(finding) for finding in found))
    )
    return reason or await second_look.ask(x)


async def audit(x: Experiment) -> None:
    """After a keep: say which settings it left without a use or with two values (L17)."""
    if x.engine.config.inspector.mode == "off":
        return
    try:
        said = await asyncio.to_thread(_audited, x)
    except WorkspaceError as error:  # the keep stands: nothing depends on the audit
        said = (f"the settings were not looked through: {error.title}: {error.message}",)
    for text in said[:MOST_NOTES]:
        x.engine.note(text, "warning", x.number)


def _audited(x: Experiment) -> tuple[str, ...]:
    change = change_of(x)
    asked = [form for word in words(change) for form in spellings(word)]
    found = x.engine.workspace.contents.lines_with(x.commit, asked)
    return notes(change, (Line(hit.path, hit.line, hit.text) for hit in found))


def findings(x: Experiment) -> tuple[Finding, ...]:
    """The rules on the commits of incumbent and candidate: what git has, not what lies in the worktrees."""
    return inspect(change_of(x), policy(x.engine))


def policy(engine: Engine) -> Policy:
    table = engine.config.inspector
    return Policy(frozenset(table.block), frozenset(table.warn), frozenset(table.allow))


def change_of(x: Experiment) -> Change:
    """The candidate's change, and what it could have been made for. Made once: the audit asks for it again."""
    if x.looked_at is None:
        x.looked_at = _change_of(x)
    return x.looked_at


def _change_of(x: Experiment) -> Change:
    contents = x.engine.workspace.contents
    before = contents.blobs(x.incumbent, {change.old_path or change.path for change in x.changes})
    after = contents.blobs(x.commit, {change.path for change in x.changes})
    old, new = contents.texts(before, MOST_TEXT), contents.texts(after, MOST_TEXT)
    files = tuple(
        FileChange(
            change.path,
            old.get(change.old_path or change.path, "") if (change.old_path or change.path) in before else None,
            new.get(change.path, "") if change.path in after else None,
            change.old_path,
            unread=change.path in after and change.path not in new,
        )
        for change in x.changes
    )
    said = (x.description, x.edit.hypothesis, x.edit.notes, x.plan.hypothesis if x.plan else "")
    return Change(files, material_of(x), gain_of(x.engine, x.measured), "\n".join(part for part in said if part))


def gain_of(engine: Engine, measured: Measured | None) -> Gain | None:
    """The measured change as a gain: positive is better, whatever the metric's direction."""
    if measured is None:
        return None
    sign = 1.0 if engine.config.metric.direction == "higher" else -1.0
    interval = measured.interval
    edges = None if interval is None else (min(sign * e for e in interval), max(sign * e for e in interval))
    return Gain(sign * measured.effect, measured.scale == "log", edges)


def material_of(x: Experiment) -> Material:
    """Texts of what measures and judges, as the incumbent has them; what is in scope may change and is left out."""
    engine = x.engine
    contents = engine.workspace.contents
    tracked = contents.tree(x.incumbent).keys()  # of all files at each keep: what is cheap, and once
    fixed = set(contents.blobs(x.incumbent, tracked - set(engine.workspace.files())))

    def read(paths: Iterable[str], most: int = MOST_MATERIAL) -> dict[str, str]:
        return contents.texts(contents.blobs(x.incumbent, paths), most)

    tables = {"benchmark": [engine.config.benchmark.command], "checks": _judges(engine)}
    texts: dict[str, dict[str, str]] = {}
    for name, commands in tables.items():
        paths = _named(commands, fixed)
        if name == "checks":
            paths += [path for path in tests_of(sorted(fixed))[:MOST_FILES] if path not in texts["benchmark"]]
        found = read(paths)
        beside = imported_by(found, fixed)[:MOST_FILES]
        found |= read(path for path in beside if path not in found)
        more = [path for path in named_in((*found.values(), *map(str, commands)), fixed) if path not in found]
        found |= read(more[:MOST_FILES])
        texts[name] = found
    modules, packages = modules_of(tracked)
    return Material(
        benchmark={path: text for path, text in texts["benchmark"].items() if not is_test(path)},
        checks=texts["checks"] | {path: text for path, text in texts["benchmark"].items() if is_test(path)},
        outputs=_printed(x),
        modules=modules,
        declared=declared(read(filter(is_declaration, tracked), MOST_TEXT)),
        packages=packages,
    )


def _judges(engine: Engine) -> list[Command]:
    return [command for command in (engine.config.checks.command, engine.config.oracle.command) if command]


def _named(commands: list[Command], tracked: set[str]) -> list[str]:
    """The tracked files that commands name."""
    words = {os.path.normpath(word) for command in commands for word in words_of(command)}
    return sorted(words & tracked)


def _printed(x: Experiment) -> tuple[str, ...]:
    """What the benchmark printed on the incumbent, each text once."""
    if x.measured is None:
        return ()
    blocks = x.measured.blocks
    runs = (
        sample.run.stdout
        for order, block in zip(blocks.candidate, blocks.taken, strict=True)
        for is_candidate, sample in zip(order, block, strict=True)
        if not is_candidate
    )
    return tuple(dict.fromkeys(runs))
