"""Recognises Python in a command: which interpreter runs it, and how."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

INTERPRETER = re.compile(r"(?:python|pypy)\d*(?:\.\d+)*t?")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
RUNNERS = ("uv", "poetry", "pdm", "hatch", "pipenv", "rye")
"""Tools whose `run` starts Python from an environment of the project, which is `.venv` when it lies in it."""
WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")
"""Interpreter options that take the next argument."""


def is_shell(argv: Sequence[str]) -> bool:
    """Whether the command is a text for a shell."""
    return len(argv) == 3 and argv[1] == "-c" and Path(argv[0]).name in ("sh", "bash", "dash", "zsh")


def interpreter(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The Python that the command runs, as far as one can see from its words."""
    for words in _commands(argv):
        for word in words:
            if INTERPRETER.fullmatch(Path(word).name):
                return _find(word, cwd, env)
        if Path(words[0]).name in RUNNERS and "run" in words[1:3]:
            own = cwd / ".venv" / "bin" / "python"
            return own if own.exists() else _find("python3", cwd, env)
        program = _find(words[0], cwd, env)
        if program is not None and (found := _shebang(program, cwd, env)) is not None:
            return found
    return None


def split(argv: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """A direct `python [options] script|-m module [arguments]` as interpreter with options, and the rest; else None."""
    if is_shell(argv):
        commands = list(_commands(argv))
        if len(commands) != 1 or re.search(r"[$`*?~<>|&;#()]", argv[2]) or ASSIGNMENT.fullmatch(argv[2].split()[0]):
            return None
        argv = commands[0]
    if not INTERPRETER.fullmatch(Path(argv[0]).name):
        return None
    end = 1
    while end < len(argv) and argv[end].startswith("-") and argv[end] not in ("-m", "-c", "-"):
        end += 2 if argv[end] in WITH_VALUE else 1
    if end >= len(argv) or argv[end] in ("-c", "-"):
        return None
    return list(argv[:end]), list(argv[end:])


def _commands(argv: Sequence[str]) -> Iterator[list[str]]:
    """The simple commands of which a command consists, without assignments of variables; none for what no shell accepts."""
    if not is_shell(argv):
        yield list(argv)
        return
    lexer = shlex.shlex(argv[2], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for token in [*lexer, ";"]:
            if set(token) <= set("();<>|&"):
                if words:
                    yield words
                words = []
            elif words or not ASSIGNMENT.fullmatch(token):
                words.append(token)
    except ValueError:
        return


def _find(word: str, cwd: Path, env: Mapping[str, str]) -> Path | None:
    if "/" in word:
        path = cwd / word
        return path if os.access(path, os.F_OK) else None  # also when we may not look
    found = shutil.which(word, path=env.get("PATH", os.defpath))
    return Path(found) if found else None


def _shebang(program: Path, cwd: Path, env: Mapping[str, str]) -> Path | None:
    """The Python that a script's first line names, such as that of `.venv/bin/pytest`."""
    try:
        with program.open("rb") as file:
            line = file.readline(512)
    except OSError:
        return None
    if not line.startswith(b"#!"):
        return None
    words = line[2:].decode(errors="replace").split()
    return next((_find(word, cwd, env) for word in words if INTERPRETER.fullmatch(Path(word).name)), None)
