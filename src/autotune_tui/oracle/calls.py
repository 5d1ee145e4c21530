"""Recorded calls between the engine and the Python that made them: what is written for it, what is read from it.

Everything that comes back is plain data. Nothing is ever unpickled here: the arguments stay text.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotune_tui.oracle import inside
from autotune_tui.oracle.compare import Difference, Tolerance, compare_frozen
from autotune_tui.oracle.words import cut, in_words

PACKAGE = "autotune_calls"
"""The name that `inside` has where it runs."""
REPLAY = f"import sys; sys.path.insert(0, sys.argv[1]); from {PACKAGE}.replayer import start; start()"
MOST_BYTES = 1 << 30
"""Of the results of one replay: more is no result."""
_ARGUMENT = re.compile(r"\[(?:0\]\[(\d+)|1\]\['(\w+)')\](.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call, and what is expected of it."""

    function: str
    pickled: str
    """Base64 of its pickled arguments."""
    words: str
    """As it would be written."""
    end: Any
    """["returned" or "raised", tree]"""
    after: Any
    """The tree of its arguments afterwards."""

    @property
    def outcome(self) -> str:
        return f"{in_words(self.end[1])}" if self.end[0] == "returned" else f"the exception {in_words(self.end[1])}"


@dataclass(slots=True)
class Recording:
    """What the recorder wrote."""

    python: str = ""
    path: list[str] = field(default_factory=list)
    """Where its modules were looked for."""
    calls: list[Call] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each function why calls were not recorded, and how many."""

    def leave_out(self, function: str, why: str, count: int = 1) -> None:
        reasons = self.left_out.setdefault(function, {})
        reasons[why] = reasons.get(why, 0) + count


def install(folder: Path) -> Path:
    """Put what runs inside into a folder; returns the folder to be searched for modules."""
    top = folder / "python"
    shutil.copytree(Path(inside.__file__).parent, top / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    (top / PACKAGE / "sitecustomize.py").rename(top / "sitecustomize.py")
    return top


def prepare_recording(folder: Path, functions: Sequence[str], calls: int, size: int) -> Path:
    """Make a folder ready for a recorder that keeps `calls` of each function and `size` bytes; returns its modules."""
    text = json.dumps({"functions": list(functions), "calls": calls, "size": size})
    (folder / "settings.json").write_text(text, encoding="utf-8")
    return install(folder)


def with_path(command: str | Sequence[str], top: Path) -> str | list[str]:
    """The command with `top` first in every PYTHONPATH that it sets by itself, which would else hide the recorder."""
    if isinstance(command, str):
        return re.sub(r"\bPYTHONPATH=", lambda _: f"PYTHONPATH={shlex.quote(str(top))}{os.pathsep}", command)
    name = "PYTHONPATH="
    return [f"{name}{top}{os.pathsep}{word[len(name) :]}" if word.startswith(name) else word for word in command]


def read_recording(folder: Path, most: int) -> Recording:
    """What all processes recorded, at most `most` calls of each function. Raises ValueError when it makes no sense."""
    recording, processes = Recording(), []
    for path in sorted(folder.glob("calls-*.jsonl")):
        slots: dict[tuple[str, int], Call] = {}
        figures: dict[str, Any] = {}
        headers: list[Any] = []
        for line in _lines(path):
            if "pickle" in line:
                slots[line["function"], line["slot"]] = _call(line)
            elif "seen" in line:
                figures[line["function"]] = line
            else:
                headers.append(line)
        processes.append((slots, headers))
        for name, line in figures.items():
            recording.seen[name] = recording.seen.get(name, 0) + line["seen"]
            for why, count in line["left_out"].items():
                recording.leave_out(name, why, count)
    processes.sort(key=lambda process: -len(process[0]))
    recording.python = processes[0][1][0]["python"] if processes else ""
    recording.path = list(
        dict.fromkeys(p for _, headers in processes for header in headers[::-1] for p in header["path"])
    )
    recording.calls = _chosen([slots for slots, _ in processes], most)
    return recording


def _call(line: Mapping[str, Any]) -> Call:
    return Call(line["function"], line["pickle"], "", line["end"], line["after"])


def _chosen(processes: Sequence[Mapping[tuple[str, int], Call]], most: int) -> list[Call]:
    """Of each function at most `most` calls, none twice, by function and in the order of their slots."""
    found = sorted((key, n) for n, slots in enumerate(processes) for key in slots)
    taken: dict[str, dict[str, Call]] = {}
    for (name, slot), n in found:
        of_function = taken.setdefault(name, {})
        call = processes[n][name, slot]
        if len(of_function) < most:
            of_function.setdefault(call.pickled, call)
    return [call for calls in taken.values() for call in calls.values()]


def prepare_replay(folder: Path, calls: Iterable[Call], path: Sequence[str]) -> Path:
    """Write the calls that are to be made, without what is expected of them; returns the modules."""
    (folder / "setup.json").write_text(json.dumps({"path": list(path)}), encoding="utf-8")
    lines = (json.dumps({"function": call.function, "pickle": call.pickled}) + "\n" for call in calls)
    (folder / "calls.jsonl").write_text("".join(lines), encoding="utf-8")
    return install(folder)


def read_results(folder: Path) -> dict[int, Mapping[str, Any]]:
    """What came of each call, by its number; whoever wrote it is not trusted. Raises ValueError for what is no result."""
    results: dict[int, Mapping[str, Any]] = {}
    for line in _lines(folder / "results.jsonl"):
        number = line.get("call")
        if type(number) is not int or number in results:
            raise ValueError("the results of its calls were forged")
        results[number] = line
    return results


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    """The JSON objects of a file, up to a last line that was never finished; none when it is not there."""
    try:
        # A link or a pipe that somebody put in its place is not followed and not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            raise ValueError("the results of its calls are no file of a sensible size")
        for line in file:
            if line.endswith("\n"):
                yield _object(line)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except RecursionError:
        raise ValueError("the results of its calls are nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("the results of its calls are no records")
    return value


def compare_call(call: Call, got: Mapping[str, Any] | None, missing: str, tolerance: Tolerance) -> Difference | None:
    """How a call's outcome differs from what is expected. `missing` says why there may be no outcome."""
    if got is None:
        return Difference(" result", call.outcome, f"none: {missing}")
    if "failed" in got:
        return Difference(" result", call.outcome, cut(str(got["failed"]), 300))
    match got:
        case {"end": [str() as how, value], "after": after} if how == call.end[0]:
            if found := compare_frozen(call.end[1], value, tolerance):
                return found.within(" result" if how == "returned" else " exception")
            found = compare_frozen(call.after, after, tolerance)
            return Difference(_argument(found.where), found.expected, found.got) if found else None
        case {"end": ["raised", value]}:
            return Difference(" result", call.outcome, f"the exception {in_words(value)}")
        case {"end": ["returned", value]}:
            return Difference(" result", call.outcome, in_words(value))
        case _:
            return Difference(" result", call.outcome, "none: its record makes no sense")


def _argument(where: str) -> str:
    """`[0][2].name` of a call's arguments: the third one's name."""
    if match := _ARGUMENT.fullmatch(where):
        return f" argument {match[2] or int(match[1]) + 1} afterwards{match[3]}"
    return f" arguments afterwards{where}"
