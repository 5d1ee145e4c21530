"""What a hostile candidate is, as data, and how one is put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from textwrap import dedent

from .more_twins import TWINS

WORK = Path(__file__).parent / "work"
PACKAGE = "src/work/__init__.py"
DISTINCT = "src/work/distinct.py"
SLOW = '''\
"""Names without their repetitions, in their order."""


def run(orders):
    seen = []
    for _, name, _ in orders:
        if name not in seen:
            seen += [name]
    return seen
'''


@dataclass(frozen=True)
class Case:
    """One hostile candidate: a change of files, and perhaps what its agent does in the worktree beside it.

    In all texts @REPO@, @SESSION@, @INCUMBENT@, @HOME@, @PORT@ and @TOKEN@ stand for places of the session
    under attack, so that the candidate knows more than a real one would.
    """

    name: str
    family: str
    tries: str
    ends: tuple[str, ...]
    """The verdicts that are true, as `status/reason`."""
    says: str
    """A regular expression that the reason in words matches."""
    stops: str
    """What makes it harmless, in words."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    agent: str = ""
    """A shell script of the agent, run in the candidate worktree after the files are written."""


NO_GAIN = ("discard/no_improvement", "discard/regression", "discard/inconclusive")
NONE_SEEN = r"no gain worth keeping|worse|not decided"
SCOPE = ("discard/out_of_scope",)
INSPECTED = ("discard/inspector",)
ORACLE = ("discard/output_changed",)


@cache
def package() -> str:
    """The package's `__init__.py`, with all of its stages."""
    names = ", ".join(f'"{name}"' for name in (*(twin.name for twin in TWINS), "distinct"))
    return (WORK / "package.py").read_text().replace("STAGES = ()", f"STAGES = ({names})")


def at_import(code: str, gain: bool = True) -> dict[str, str | None]:
    """A change that runs code whenever the package is imported, in the benchmark as in the checks.

    With `gain` it is also honestly faster, so that only a defence keeps it from being kept.
    """
    return {PACKAGE: package() + "\n\n" + dedent(code).strip() + "\n", **(gained() if gain else {})}


def gained() -> dict[str, str | None]:
    """An honest gain of a tenth or more, in every way in which the benchmark measures."""
    (shown,) = (twin for twin in TWINS if twin.name == "shown")
    return {**shown.files, DISTINCT: SLOW.replace("seen = []", "seen = {}").replace("seen += [name]", "seen[name] = 1")
            .replace("return seen", "return list(seen)")}  # fmt: skip


def instead(name: str, code: str) -> dict[str, str | None]:
    """A change of one stage."""
    return {f"src/work/{name}.py": dedent(code).strip() + "\n"}
