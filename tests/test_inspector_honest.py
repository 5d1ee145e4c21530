"""L14: honest work is not refused: commits as people make them, what the offline agent makes of natural code and of the demos."""

from __future__ import annotations

import contextlib
import re
from importlib.resources import files
from pathlib import Path

import pytest

from autotune_tui.agents.offline.rewrites import apply, find
from autotune_tui.inspector import Change, FileChange, Gain, Material, blocked, inspect
from inspector_commits import COMMITS, Commit
from rewrites_calls import CASES as CALLS
from rewrites_containers import CASES as CONTAINERS
from rewrites_lookups import CASES as LOOKUPS
from rewrites_loops import CASES as LOOPS

REWRITES = (*CALLS, *CONTAINERS, *LOOKUPS, *LOOPS)
DEMOS = Path(str(files("autotune_tui.demo") / "repos"))
GAIN = Gain(0.02, interval=(0.012, 0.03))
MARK = re.compile(
    r"(?P<head>[=\s]\s*)(?P<value>\"[^\"]+\"|[\w.-]+)(?P<tail>\s+(?:#|/\*) autotune: (?P<range>.*?)(?:\s*\*/)?)$"
)


def test_the_sample_of_commits_is_large_enough_to_say_something() -> None:
    assert len(COMMITS) >= 20


@pytest.mark.parametrize("commit", COMMITS, ids=lambda commit: commit.message)
def test_a_commit_of_an_honest_person_is_not_refused(commit: Commit) -> None:
    """In five languages; of some there is something to say, and no more than that."""
    found = inspect(commit.change)
    assert blocked(found) == ""
    assert {finding.rule for finding in found} == set(commit.warns)


@pytest.mark.parametrize("case", REWRITES, ids=[f"{case.rewrite}: {case.name}" for case in REWRITES])
def test_a_rewrite_is_not_refused(case) -> None:  # type: ignore[no-untyped-def]
    """Each of the sixteen rewrites, on each natural piece of code; of the warnings only a cache's may come."""
    found = inspect(Change((FileChange("pkg/work.py", case.before, case.after),), gain=GAIN))
    assert blocked(found) == ""
    assert {finding.rule for finding in found} <= {"cache"}


def _material(demo: Path) -> Material:
    checks = {
        path.relative_to(demo).as_posix(): path.read_text() for path in (demo / "tests").iterdir() if path.is_file()
    }
    benchmark = {name: (demo / name).read_text() for name in ("bench.py", "src/main.c") if (demo / name).exists()}
    return Material(
        benchmark, checks, ("METRIC time=0.123456\n",), frozenset({"weblog", "vibration"}), frozenset({"numpy"})
    )


def _sources(demo: Path) -> dict[str, str]:
    fixed = ("tests", "bench.py", "README.md", "autotune.toml", "gitignore", "main.c")
    paths = [
        path
        for path in sorted(demo.rglob("*"))
        if path.is_file() and not set(path.relative_to(demo).parts) & set(fixed)
    ]
    return {path.relative_to(demo).as_posix(): path.read_text() for path in paths}


@pytest.mark.parametrize("demo", sorted(DEMOS.iterdir()), ids=lambda demo: demo.name)
def test_what_a_demo_keeps_is_not_refused(demo: Path) -> None:
    """Every rewrite of every file, one by one and all together, and every marked setting at its ends."""
    material, tried = _material(demo), 0
    for path, text in _sources(demo).items():
        changed = list(_settings(text))
        together = text
        for candidate in find(text) if path.endswith(".py") else ():
            changed.append(apply(text, candidate.key))
            with contextlib.suppress(ValueError):  # an earlier one may have changed its place
                together = apply(together, candidate.key)
        for after in (*changed, together):
            found = inspect(Change((FileChange(path, text, after),), material, GAIN))
            assert not found or not blocked(found), (path, found)
            tried += after != text
    assert tried >= 4


def _settings(text: str) -> list[str]:
    """The text with each marked constant at an end of its range."""
    lines = text.splitlines(keepends=True)
    changed = []
    for number, line in enumerate(lines):
        found = MARK.search(line.rstrip("\n"))
        if found:
            allowed = re.findall(r"\"[^\"]+\"|[\w-]+(?:\.\d+)?", found["range"].replace("..", " ").removesuffix(" log"))
            for value in allowed:
                changed.append(
                    "".join(lines[:number]) + line.replace(found["value"], value, 1) + "".join(lines[number + 1 :])
                )
    return changed
