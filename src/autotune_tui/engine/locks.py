"""What is locked for a segment: the fields that say how is measured and judged, the files that do it, and the data they read.

Files that git has must be as the segment's first commit has them, in both worktrees, whenever something is measured. Data that
the worktrees only link to, or that a command names outside of the repository, is the user's own: it is looked at between two
experiments and before a keep, by size, time and inode, and read only where these differ.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from autotune_tui.config import Amount, SessionConfig, Table, load
from autotune_tui.engine import unseen
from autotune_tui.errors import ConfigError
from autotune_tui.journal.files import write_atomic
from autotune_tui.redaction import Redactor
from autotune_tui.scope import locked_paths, protected, words_of
from autotune_tui.workspace import SIDES
from autotune_tui.workspace.bytecode import is_bytecode

if TYPE_CHECKING:
    from autotune_tui.config import Command
    from autotune_tui.engine.core import Engine
    from autotune_tui.workspace import Side

FREE = frozenset(
    {"goal", "name", "constraints", "budget", "health", "recovery", "watchdogs", "hooks", "canary", "workspace.cache"}
)
"""Fields, beside those of agents, that may change at any time: no figure depends on them."""
UNSEEN = frozenset({"holdout"})
"""Tables whose content nobody may read in a reason."""
PASSED_OVER = frozenset({".git", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
"""Folders below linked data that tools write for themselves."""
MOST_FILES = 50_000
"""Of linked data; looking at so many takes about a third of a second."""
READ = 32 << 20
"""Bytes of data that are read when it is locked; what is larger is known by size, time and inode alone."""

Mark = tuple[int, int, int, str]
"""Size, mtime in ns, inode, and digest (empty when the file was not read)."""


@dataclass(frozen=True, slots=True)
class Locks:
    """The table of one segment."""

    segment: int
    fields: Mapping[str, str]
    """Every field that is not as by default, as JSON, by its name such as `benchmark.command`."""
    files: Mapping[str, str]
    """Git's object name of each tracked file that is locked."""
    data: Mapping[str, Mark]
    restless: tuple[str, ...] = ()
    """Tracked files that the commands change on unchanged code: they can tell nothing."""

    @property
    def digest(self) -> str:
        """32 hexadecimal digits, the same for the same content: times and inodes are not part of it."""
        data = [(path, mark[0], mark[3]) for path, mark in sorted(self.data.items())]
        content = json.dumps([sorted(self.fields.items()), sorted(self.files.items()), data])
        return hashlib.blake2b(content.encode(errors="surrogateescape"), digest_size=16).hexdigest()

    @property
    def text(self) -> str:
        """The artifact `locks-<segment>.json`; `read` reads it."""
        content = {
            "segment": self.segment, "digest": self.digest, "fields": dict(self.fields), "files": dict(self.files),
            "data": self.data, "restless": self.restless,
        }  # fmt: skip
        return json.dumps(content, indent=1) + "\n"


@dataclass
class Watch:
    """The locks of the running segment, and what was last seen of the configuration's file."""

    locks: Locks
    config: tuple[int, int, int] | None
    """Size, mtime and inode."""
    said: set[str] = field(default_factory=set)


def read(path: Path) -> Locks | None:
    """The table in a file; None when there is none that can be read."""
    try:
        raw = json.loads(path.read_bytes())
        data = {name: (int(m[0]), int(m[1]), int(m[2]), str(m[3])) for name, m in raw["data"].items()}
        return Locks(int(raw["segment"]), dict(raw["fields"]), dict(raw["files"]), data, tuple(raw["restless"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


# --- what is locked


def patterns(settings: SessionConfig, root: Path) -> list[str]:
    """What no candidate may touch, for the workspace: the configuration, what the commands name, tests, the user's patterns."""
    named = locked_paths(commands_of(settings), settings.scope.include, lambda path: (root / path).is_file())
    return [*named, *protected(settings.scope.include), *settings.locks.paths]


def commands_of(settings: SessionConfig) -> list[Command]:
    """Every command that measures or judges. The build is left out: it names sources, which are to be improved."""
    tables = [getattr(settings, name) for name in type(settings).model_fields if not name.startswith("agent")]
    fields = ("command", "record")
    found = [getattr(table, field, "") for table in tables if isinstance(table, Table) for field in fields]
    return [command for command in (*found, settings.benchmark.setup) if command]


def fields_of(settings: SessionConfig) -> dict[str, str]:
    """The fields that a figure or a verdict depends on, those with their default left out."""
    found = dict(_fields(settings, ""))
    kept = {name: value for name, value in found.items() if not _is_free(name)}
    return Redactor(os.environ, settings.benchmark.env).deep(kept)


def _is_free(name: str) -> bool:
    return name.startswith("agent") or name in FREE or name.partition(".")[0] in FREE


def _fields(model: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if not info.is_required() and value == info.get_default(call_default_factory=True):
            continue
        shown = f"{prefix}{info.alias or name}"
        if isinstance(value, BaseModel) and not isinstance(value, Amount):
            yield from _fields(value, f"{shown}.")
        elif isinstance(value, dict):
            yield from ((f"{shown}.{key}", _as_text(inner)) for key, inner in value.items())
        else:
            yield shown, _as_text(value)


def _as_text(value: Any) -> str:
    return json.dumps(str(value) if isinstance(value, Amount) else value, ensure_ascii=False, default=str)


def data_paths(root: Path, linked: Iterable[str], commands: Iterable[Command]) -> list[str]:
    """Files below linked paths, relative to the root, and files elsewhere that a command names, absolute."""
    found: list[str] = []
    for path in linked:
        found += _below(root, path)
        if len(found) > MOST_FILES:
            return found[:MOST_FILES]
    words = {word for command in commands for word in words_of(command)}
    outside = (os.path.normpath(root / word) for word in sorted(words) if word.startswith(("/", "../")))
    return found + [path for path in outside if Path(path).is_file() and not os.access(path, os.X_OK)]


def _below(root: Path, path: str) -> Iterator[str]:
    if not (root / path).is_dir():
        yield path
        return
    for folder, names, files in os.walk(root / path):
        names[:] = sorted(name for name in names if name not in PASSED_OVER and name != "__pycache__")
        place = Path(folder).relative_to(root).as_posix()
        yield from (f"{place}/{name}" for name in sorted(files) if not is_bytecode(name))


def marks(root: Path, paths: Iterable[str], known: Mapping[str, Mark] | None = None) -> dict[str, Mark]:
    """The mark of each file that is there. With `known`, only a file that was read before and looks different is read."""
    found: dict[str, Mark] = {}
    left = READ
    for path in paths:
        try:
            status = (root / path).stat()
        except OSError:
            continue
        size, time, inode = status.st_size, status.st_mtime_ns, status.st_ino
        before = known.get(path) if known is not None else None
        if before is not None and before[:3] == (size, time, inode):
            found[path] = before
            continue
        wanted = bool(before and before[3]) if known is not None else size <= left
        if known is None and wanted:
            left -= size
        found[path] = (size, time, inode, _digest(root / path) if wanted and stat.S_ISREG(status.st_mode) else "")
    return found


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    except OSError:
        return ""


# --- what has changed, in words


def field_differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """`benchmark.command was "a" and is now "b"`, for each field."""
    return [
        f"{name} was changed"
        if name.partition(".")[0] in UNSEEN
        else f"{name} was {before.get(name, 'as by default')} and is now {now.get(name, 'as by default')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def file_differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """For tracked files, by git's names of their content; files that are locked only now are no difference."""
    return [
        f"{path}: its content was {blob[:8]} and is now {now[path][:8]}" if path in now else f"{path} is gone"
        for path, blob in sorted(before.items())
        if now.get(path) != blob
    ]


def data_differences(before: Mapping[str, Mark], now: Mapping[str, Mark]) -> list[str]:
    """A file that has another time and the same content is no difference."""
    found = []
    for path in sorted(before.keys() | now.keys()):
        old, new = before.get(path), now.get(path)
        if old is None or new is None:
            found.append(f"{path} is {'new' if old is None else 'gone'}")
        elif old[3] and new[3]:
            if old[3] != new[3]:
                found.append(f"{path}: its content was {old[3][:8]} and is now {new[3][:8]}")
        elif old[:3] != new[:3]:
            found.append(
                f"{path} had {old[0]} bytes and has {new[0]}"
                if old[0] != new[0]
                else f"{path} was written ({old[0]} bytes)"
            )
    return found


def shortened(differences: Sequence[str], most: int = 4) -> str:
    """Some of them, and how many more there are."""
    more = f"; and {len(differences) - most} more" if len(differences) > most else ""
    return "; ".join(differences[:most]) + more


def paused_text(differences: Sequence[str], sandbox: str = "") -> str:
    """Why the session pauses, and the answers to it."""
    free = " (without a sandbox the session's own commands can have written it)" if sandbox == "none" else ""
    return (
        f"what is locked has changed{free}: {shortened(differences)}. Put it back and go on with `autotune-tui run`, or "
        "begin a new segment with it: `autotune-tui run --rebaseline` (on the screen b, then g)"
    )


# --- in a session


async def lock(engine: Engine, segment: int) -> Locks:
    """Lock what the segment's baseline was measured with, and write the table beside it."""
    before = engine.watch.locks if engine.watch else None
    now = await asyncio.to_thread(found, engine, segment)
    path = table_path(engine, segment)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, now.text)
    except OSError as error:
        engine.note(f"{path.name} was not written: {error}", "warning")
    if before is not None:
        changed = data_differences(before.data, now.data) + field_differences(before.fields, now.fields)
        if changed:
            engine.note(f"segment {segment} has other locks: {shortened(changed)}")
    for name in now.restless:
        engine.note(f"{name} is changed by the session's own commands, so a change of it by others is not seen")
    if len(now.data) >= MOST_FILES:
        engine.note(f"only the first {MOST_FILES} files of linked data are watched", "warning")
    engine.watch = Watch(now, _status(engine.folder.config))
    return now


def found(engine: Engine, segment: int) -> Locks:
    """What would be locked now, after the commands have run on unchanged code."""
    commit, workspace = engine.workspace.tip(), engine.workspace
    restless = sorted({path for side in SIDES for path in workspace.altered(side, commit)})
    files = {path: blob for path, blob in workspace.locked_files(commit).items() if path not in restless}
    data = marks(workspace.root, _watched(engine))
    return Locks(segment, fields_of(engine.config), files, data, tuple(restless))


def table_path(engine: Engine, segment: int) -> Path:
    return engine.folder.baseline / f"locks-{segment}.json"


async def differences_at_start(engine: Engine) -> list[str]:
    """What differs from the locks of the segment that the session would go on with.

    A session that an earlier version has begun has no table: it is locked as it is now, by the caller.
    """
    locks = read(table_path(engine, engine.state.segment_number))
    if locks is None:
        return []
    engine.watch = Watch(locks, _status(engine.folder.config))
    tip = await asyncio.to_thread(engine.workspace.tip)
    now = await asyncio.to_thread(engine.workspace.locked_files, tip)
    tree = {path: blob for path, blob in now.items() if path in locks.files}
    return (
        field_differences(locks.fields, fields_of(engine.config))
        + file_differences(locks.files, tree)
        + await asyncio.to_thread(_data_differences, engine, locks)
    )


async def differences(engine: Engine, *, data: bool = True) -> list[str]:
    """What the user, or a command without a sandbox, has changed outside of the worktrees since the segment began.

    Without `data` only the configuration is looked at: a new segment, which is about to begin, locks the data anew, but has
    the configuration that the engine began with.
    """
    watch = engine.watch
    if watch is None:
        return []
    found = _config_differences(engine, watch)
    return found + await asyncio.to_thread(_data_differences, engine, watch.locks) if data else found


def _data_differences(engine: Engine, locks: Locks) -> list[str]:
    root = engine.workspace.root
    now = marks(root, _watched(engine), locks.data)
    return unseen.told({*locks.data, *now}, data_differences(locks.data, now), engine.config, root)


def _watched(engine: Engine) -> list[str]:
    """The paths of all data that is looked at."""
    root, settings = engine.workspace.root, engine.config
    found = data_paths(root, engine.workspace.linked, commands_of(settings))
    return list(dict.fromkeys([*found, *unseen.files_of(settings, root, MOST_FILES)]))


def _config_differences(engine: Engine, watch: Watch) -> list[str]:
    """Of the session's autotune.toml, when it is another file than when the engine began."""
    now = _status(engine.folder.config)
    if now == watch.config or now is None:
        return []
    try:
        settings = load(engine.folder.config)
    except ConfigError as error:
        _say_once(
            engine, watch, f"autotune.toml cannot be read now, so the session goes on as it began: {error.message}"
        )
        return []
    found = field_differences(watch.locks.fields, fields_of(settings))
    if not found:
        watch.config = now
        if settings != engine.config:
            engine.note("autotune.toml was changed; that takes effect when the session is started again")
    return found


def _say_once(engine: Engine, watch: Watch, text: str) -> None:
    if text not in watch.said:
        watch.said.add(text)
        engine.note(text, "warning")


def _status(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


async def altered(engine: Engine, commits: Mapping[Side, str]) -> dict[Side, list[str]]:
    """For each side, the tracked files that are not as its commit has them, but for those that the commands change anyway."""
    restless = engine.watch.locks.restless if engine.watch else ()
    found = await asyncio.gather(
        *(asyncio.to_thread(engine.workspace.altered, side, commit) for side, commit in commits.items())
    )
    return {side: [p for p in paths if p not in restless] for side, paths in zip(commits, found, strict=True)}


def incumbent_text(paths: Sequence[str], sandbox: str) -> str:
    """Why the session pauses when the incumbent's worktree was changed while an experiment ran."""
    free = ", as without a sandbox a command could do" if sandbox == "none" else ""
    return (
        f"in the incumbent's worktree {shortened(paths)} was changed from outside{free}, so the experiment says nothing. "
        "`autotune-tui run` puts it back and goes on"
    )


def inside_scope_text(paths: Sequence[str]) -> str:
    """Which files in scope are locked all the same."""
    verb = "is" if len(paths) == 1 else "are"
    return (
        f"in scope but locked, as tests or because a command names them, {verb} {shortened(paths)}; "
        "name one in [scope].include to allow changes to it"
    )
