"""Which paths a candidate may change: pure matching of gitignore-style patterns, no file is looked at.

Patterns mean what they mean in a .gitignore: `src` and `*.py` match at any depth (a directory with all that is in
it), `src/` a directory at any depth, `src/**` and `src/app.py` from the repository's root because they contain a
slash. `./run.py` is the file in the root only. A later pattern beats an earlier one, `!pattern` takes back.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from pathlib import PurePosixPath

from pathspec import GitIgnoreSpec

from autotune_tui.errors import ConfigError

GIT_FILES = (".gitattributes", ".gitignore", ".gitmodules", ".git")
"""Always locked: they decide what git sees of the other files, so a candidate could hide a change behind them."""

TESTS = (
    "tests/", "test/", "__tests__/", "testdata/", "conftest.py", "test_*.py", "*_test.py", "*_test.go", "*_test.rs",
    "*_spec.rb", "*.test.js", "*.test.jsx", "*.test.ts", "*.test.tsx", "*.spec.js", "*.spec.ts", "pytest.ini", "tox.ini",
)  # fmt: skip
"""Locked unless [scope].include names them by itself: the checks are no better than the tests that they run."""
DRIVEN = {
    "make": ("Makefile", "makefile", "GNUmakefile"), "npm": ("package.json",), "npx": ("package.json",),
    "yarn": ("package.json",), "pnpm": ("package.json",), "pytest": ("pyproject.toml", "setup.cfg"), "tox": ("tox.ini",),
    "nox": ("noxfile.py",), "just": ("justfile", "Justfile"), "rake": ("Rakefile",), "ctest": ("CMakeLists.txt",),
}  # fmt: skip
"""By program, the files that say what it does: who may change them decides what `make check` checks."""
STARTUP = ("sitecustomize.py", "usercustomize.py", "*.pth")
"""Locked in the same way: Python runs them in every command, also in those that measure and check."""


def check_pattern(pattern: str) -> str:
    """The pattern in the form that pathspec reads. Raises ConfigError for one that could only surprise."""
    hint = "Write it relative to the repository's root, such as src/** or *.py."
    bare = pattern.removeprefix("!")
    if not bare.strip():
        raise ConfigError("A scope pattern is empty", f"Found {pattern!r}.", hint)
    if bare.startswith(("/", "~", "\\\\")) or bare[1:3] in (":/", ":\\"):
        raise ConfigError("A scope pattern is absolute", f"Found {pattern!r}.", hint + " ./name means the root only.")
    if ".." in bare.split("/"):
        raise ConfigError("A scope pattern leaves the repository", f"Found {pattern!r}.", hint)
    if pattern.startswith("#"):
        raise ConfigError("A scope pattern would be read as a comment", f"Found {pattern!r}.", f"Write \\{pattern}")
    if bare.startswith("./"):
        return pattern[: len(pattern) - len(bare)] + bare[1:]
    return pattern


def pattern_of(path: str) -> str:
    """The pattern that means one file."""
    return "./" + re.sub(r"([\\*?\[\]])", r"\\\1", path)


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines([check_pattern(pattern) for pattern in patterns])


class ScopeMatcher:
    """`locked` beats `exclude`, `exclude` beats `include`. Paths are relative to the root, with forward slashes."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str] = (), locked: Sequence[str] = ()) -> None:
        self._include = _spec(include)
        self._exclude = _spec(exclude)
        self._locked = _spec((*locked, *GIT_FILES))
        self._only: frozenset[str] | None = None

    def narrowed(self, paths: Iterable[str]) -> ScopeMatcher:
        """The same scope, but of it only these paths; without any, all of it."""
        matcher = copy(self)
        matcher._only = frozenset(paths) or None
        return matcher

    def locked(self, path: str) -> bool:
        """Whether nobody may change the path, whatever the scope says."""
        return self._locked.match_file(path)

    def included(self, path: str) -> bool:
        """Whether the scope has the path; a locked path may be in it."""
        if self._only is not None and path not in self._only:
            return False
        return self._include.match_file(path) and not self._exclude.match_file(path)

    def allows(self, path: str) -> bool:
        """Whether a candidate may change the path."""
        return self.included(path) and not self.locked(path)


def locked_paths(
    commands: Iterable[str | Sequence[str]], include: Iterable[str], is_file: Callable[[str], bool]
) -> list[str]:
    """What no candidate may touch, as patterns: the configuration, and the files that the commands name.

    A program that is to be improved and is named by a command as well must be named in `include` by itself. `is_file`
    tells of a path relative to the repository's root whether a file is there.
    """
    words = [word for command in commands for word in words_of(command)]
    named = {os.path.normpath(word) for word in words}
    named |= {file for word in words for file in DRIVEN.get(PurePosixPath(word).name, ())}
    wanted = {os.path.normpath(pattern) for pattern in include}
    files = sorted(path for path in named - wanted if not path.startswith(("/", "..")) and is_file(path))
    return ["./autotune.toml", "./.autotune/", *(f"./{path}" for path in files)]


def protected(include: Iterable[str]) -> list[str]:
    """The patterns of `TESTS` and `STARTUP`, without those that `include` names: `tests/**` makes tests the subject."""
    named = [f"{pattern.removeprefix('./').rstrip('/*')}/x" for pattern in include if pattern.rstrip("/*")]
    return [pattern for pattern in (*TESTS, *STARTUP) if not any(map(_spec([pattern]).match_file, named))]


_LOOKERS = frozenset(
    ("grep", "egrep", "fgrep", "rg", "wc", "du", "stat", "ls", "test", "[", "ruff", "mypy", "eslint", "cc", "gcc", "g++",
     "clang", "clang++", "rustc")
)  # fmt: skip
"""Programs whose operands are what is to be improved, not what improves or judges it."""
_BEFORE = frozenset(
    ("if", "then", "else", "elif", "while", "until", "do", "!", "{", "(", "time", "env", "nice", "exec")
)  # fmt: skip
"""Words of the shell after which a command begins."""


def words_of(command: str | Sequence[str]) -> list[str]:
    """Every word of a command that may name a file that the command depends on, also behind `--option=`, and in an argument
    that is a command itself; and where a module that Python runs by its name may lie.
    """
    found = _operands(_tokens(command) if isinstance(command, str) else command)
    found += [inner for word in found if " " in word for inner in _operands(_tokens(word))]
    return [*found, *(word.partition("=")[2] for word in found if "=" in word), *_modules(found)]


_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_RUNNERS = ("python", "pypy", "coverage", "kernprof")


def _modules(words: Sequence[str]) -> Iterator[str]:
    """The files that `python -m package.module` may mean, in the usual layouts."""
    runs = False
    for word, following in zip(words, [*words, ""][1:], strict=True):
        runs = runs or PurePosixPath(word).name.startswith(_RUNNERS)
        name = following if word == "-m" else word.removeprefix("-m") if word.startswith("-m") else ""
        if runs and _MODULE.fullmatch(name):
            path = name.replace(".", "/")
            yield from (f"{top}{path}{end}" for top in ("", "src/", "lib/") for end in (".py", "/__main__.py"))


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:  # quotes that only the shell understands
        return text.split()


def _operands(tokens: Iterable[str]) -> list[str]:
    found: list[str] = []
    program = ""
    for token in tokens:
        if token in _BEFORE or set(token) <= set(";&|()<>"):
            program = "" if not set(token) <= set("<>") else program
        elif not program and "=" not in token:
            program = token
            found.append(token)
        elif PurePosixPath(program).name not in _LOOKERS:
            found.append(token)
    return found
