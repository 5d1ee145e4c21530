"""Programs that can be agents: which there are (`agents.toml`), and which of them are installed here.

Only data and a look at PATH: the agents themselves are in `agents/`, which the interface does not import.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

Kind = Literal["acp", "command"]
KINDS: tuple[Kind, ...] = ("acp", "command")
_VERSION_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Where:
    """Where a program's last line, a JSON object, has its words and its figures; names with dots go into objects."""

    words: str
    usd: str = ""
    input_tokens: tuple[str, ...] = ()
    output_tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A program that can be an agent. The file says what each field is."""

    kind: Kind
    name: str
    title: str
    argv: tuple[str, ...]
    stdin: bool = False
    env: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    version: tuple[str, ...] = ()
    needs: str = ""
    login: str = ""
    note: str = ""
    answer: Where | None = None

    @property
    def agent(self) -> str:
        """As it is named in `agent = ...`."""
        return f"{self.kind}:{self.name}"

    @property
    def program(self) -> str:
        return self.argv[0]

    def found(self, path: str | None = None) -> str:
        """Where it is installed, by the PATH that is given or the environment's; empty when it is not."""
        return shutil.which(self.program, path=path) or ""


@lru_cache(maxsize=1)
def known() -> tuple[Known, ...]:
    """All of them, those that speak ACP first, each kind in the order of the file."""
    text = resources.files("autotune_tui.agent_programs").joinpath("agents.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return tuple(_known(kind, each) for kind in KINDS for each in tables[kind])


def find(kind: Kind, name: str) -> Known | None:
    return next((each for each in known() if (each.kind, each.name) == (kind, name)), None)


def names(kind: Kind) -> tuple[str, ...]:
    return tuple(each.name for each in known() if each.kind == kind)


def installed(kind: Kind | None = None, path: str | None = None) -> tuple[Known, ...]:
    """Those that are on PATH."""
    return tuple(each for each in known() if kind in (None, each.kind) and each.found(path))


def version_of(program: Known) -> str:
    """What it says its version is; empty when it does not say. Starts it, which may take seconds."""
    if not program.version or not program.found():
        return ""
    try:
        done = subprocess.run(
            [program.program, *program.version], capture_output=True, text=True, errors="replace", check=False,
            timeout=_VERSION_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(?:\.\d+)+[\w.+-]*", done.stdout or done.stderr)
    return match[0] if match else ""


def key_in_environment(program: Known) -> str:
    """The first of the variables it takes a key from that is set; empty when none is."""
    return next((name for name in program.env if os.environ.get(name)), "")


def _known(kind: Kind, table: Mapping[str, Any]) -> Known:
    values = {**table, "kind": kind}
    for name in ("argv", "env", "version"):
        values[name] = tuple(table.get(name, ()))
    if answer := table.get("answer"):
        lists = {name: tuple(answer.get(name, ())) for name in ("input_tokens", "output_tokens")}
        values["answer"] = Where(words=answer["words"], usd=answer.get("usd", ""), **lists)
    return Known(**values)
