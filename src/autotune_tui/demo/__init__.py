"""Sample repositories that ship with the package: each small, slow for real reasons, with tests and a benchmark.

A sample lies as data under `repos/<name>/`; `install` makes a git repository of it. Its `autotune.toml` is committed in
its root, so that it is a session's configuration like any other.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.errors import UsageError

_REPOS = Path(__file__).parent / "repos"
_IDENTITY = {
    "GIT_AUTHOR_NAME": "autotune-tui demo",
    "GIT_AUTHOR_EMAIL": "demo@example.invalid",
    "GIT_COMMITTER_NAME": "autotune-tui demo",
    "GIT_COMMITTER_EMAIL": "demo@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_INSTALL_LINES = {
    "linux": {
        "git": "sudo apt-get install git",
        "cc": "sudo apt-get install gcc libc6-dev",
        "make": "sudo apt-get install make",
    },
    "darwin": {"git": "xcode-select --install", "cc": "xcode-select --install", "make": "xcode-select --install"},
}


@dataclass(frozen=True, slots=True)
class Demo:
    """A sample repository. `requires` names the programs it needs besides Python and git."""

    name: str
    title: str
    summary: str
    language: str
    requires: tuple[str, ...] = ()


DEMOS: tuple[Demo, ...] = (
    Demo(
        "logs",
        "Access-log report",
        "A weekly operations report from a web server's log, in several passes over its entries.",
        "Python",
    ),
    Demo(
        "numeric",
        "Vibration monitor",
        "Windows of a sensor's signal, described and compared with healthy running.",
        "Python, numpy",
    ),
    Demo(
        "native",
        "Risk figures",
        "A price feed cleaned and sorted, and a covariance matrix in tiles; settings only.",
        "C",
        ("cc", "make"),
    ),
)
"""The first one is the default."""


def find(name: str) -> Demo:
    """The sample of that name. Raises `UsageError`."""
    for demo in DEMOS:
        if demo.name == name:
            return demo
    names = [demo.name for demo in DEMOS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(
        "There is no such demo", f"{name!r} is not the name of one.", f"{hint}There are {', '.join(names)}."
    )


def missing(demo: Demo) -> str:
    """Empty when the demo can run here, otherwise the line that installs what is missing."""
    lines = _INSTALL_LINES.get(sys.platform, {})
    absent = [program for program in ("git", *demo.requires) if shutil.which(program) is None]
    return " && ".join(dict.fromkeys(lines.get(program, f"install {program}") for program in absent))


def install(name: str, into: Path) -> Path:
    """A git repository of the sample in the folder `into`, which must be new or empty; returns its absolute path.

    Raises `UsageError` when the name is unknown, a program is missing or something is in the folder already.
    """
    demo = find(name)
    lacking = missing(demo)
    if lacking:
        raise UsageError(f"The demo {name} needs something that is not here", hint=f"This installs it: {lacking}")
    root = into.absolute()
    _require_new(root)
    try:
        _copy(_REPOS / name, root)
    except OSError as error:
        raise UsageError("The demo cannot be written", str(error), "Choose another folder.") from error
    _commit_all(root)
    return root


def _require_new(root: Path) -> None:
    if not root.exists():
        return
    if not root.is_dir() or any(root.iterdir()):
        raise UsageError("The folder is not empty", f"{root} is there already.", "Choose a new folder with --into.")


def _copy(source: Path, root: Path) -> None:
    """Copy contents only: an installed package's files may be read-only, and hold compiled Python beside the sources."""
    for file in sorted(source.rglob("*")):
        path = file.relative_to(source)
        if file.is_dir() or "__pycache__" in path.parts:
            continue
        target = root / (".gitignore" if path.name == "gitignore" else path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_filled_in(file.read_bytes()) if path.name == "autotune.toml" else file.read_bytes())


def _filled_in(config: bytes) -> bytes:
    """This machine's interpreter instead of `{python}`, which stands inside a TOML string; that escapes as JSON does."""
    interpreter = json.dumps(shlex.quote(sys.executable), ensure_ascii=False)[1:-1]
    return config.replace(b"{python}", interpreter.encode())


def _commit_all(root: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _IDENTITY
    for arguments in (
        ("init", "-q", "-b", "main", "--template="),
        ("add", "--all"),
        ("commit", "-q", "-m", "A small program that works and could be faster"),
    ):
        done = subprocess.run(
            ["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise UsageError(
                "git could not make the demo's repository", done.stderr.strip(), f"The files are in {root}."
            )
