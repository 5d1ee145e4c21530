"""The rule `magic_file`: files that take effect by their name alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from autotune_tui.inspector.base import Change, FileChange, Finding

_LOADED = {
    "conftest.py": "pytest loads it before the tests",
    "sitecustomize.py": "Python loads it at its start",
    "usercustomize.py": "Python loads it at its start",
    ".gitattributes": "it changes what git says of files",
    ".gitmodules": "it brings repositories of its own",
    "GNUmakefile": "make takes it in place of the Makefile",
    "pytest.ini": "pytest takes it in place of other settings",
    ".pytest.ini": "pytest takes it in place of other settings",
    "pyvenv.cfg": "Python takes its folder for an environment",
    "pip.conf": "it changes what is installed",
    ".pypirc": "it changes what is installed",
    ".npmrc": "it changes what is installed",
    ".pdbrc": "the debugger runs it",
}
_ENDINGS = {
    ".pth": "Python runs its lines at its start",
    ".egg-link": "it brings another folder into the import path",
    ".mk": "make reads it wherever a Makefile includes it",
    **dict.fromkeys(
        (".so", ".pyd", ".dll", ".dylib", ".a", ".o", ".exe", ".pyc", ".pyo", ".whl", ".jar", ".class"), ""
    ),
}
_WARNED = {".cargo/config.toml": "cargo reads it for every build", ".envrc": "a shell runs it", "rust-toolchain": "",
           "rust-toolchain.toml": "", ".python-version": "", ".nvmrc": "", ".node-version": ""}  # fmt: skip
_INCLUDE = re.compile(r"^\s*-?s?include\s+\S")


def find(change: Change) -> Iterator[Finding]:
    """Files that are new at such a path (also by a rename), and lines that include one into a Makefile."""
    for file in change.files:
        if file.new is not None and file.old is None:
            yield from _new(file, change.material.packages)
        if PurePosixPath(file.path).name in ("Makefile", "makefile", "GNUmakefile") or file.path.endswith(".mk"):
            old = {line.strip() for line in (file.old or "").splitlines()}
            for number, line in enumerate((file.new or "").splitlines(), 1):
                if _INCLUDE.match(line) and line.strip() not in old:
                    yield Finding("magic_file", "warn", file.path, number, "includes another file", line.strip())


def _new(file: FileChange, packages: frozenset[str]) -> Iterator[Finding]:
    pure = PurePosixPath(file.path)
    why = _LOADED.get(pure.name)
    if why is not None:
        yield Finding("magic_file", "block", file.path, 0, f"a new {pure.name}: {why}")
    elif pure.suffix in _ENDINGS:
        said = _ENDINGS[pure.suffix] or "nobody can read what it does"
        yield Finding("magic_file", "block", file.path, 0, f"a new {pure.suffix} file: {said}")
    elif shadowed := _shadowed(pure, packages):
        yield Finding("magic_file", "block", file.path, 0, f"is imported in place of the standard library's {shadowed}")
    else:
        for name, reason in _WARNED.items():
            if file.path == name or file.path.endswith(f"/{name}"):
                said = reason or "it chooses the tools that run"
                yield Finding("magic_file", "warn", file.path, 0, f"a new {name}: {said}")


def _shadowed(path: PurePosixPath, packages: frozenset[str]) -> str:
    """The module of the standard library that hides behind this one; inside a package there is no danger."""
    if path.suffix != ".py":
        return ""
    folder, name = path.parent, path.stem
    if name == "__init__":
        folder, name = folder.parent, folder.name
    return name if name in sys.stdlib_module_names and folder.as_posix() not in packages else ""
