"""Why a benchmark does not run the code in scope, where that can be seen, and what to do about it."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from autotune_tui.measure import python
from autotune_tui.measure.executors.base import argv_of
from autotune_tui.scope import words_of

LARGEST = 1 << 20
"""Bytes of a file that is searched."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that makes commands run other code than that of the worktree."""

    text: str
    hint: str


def causes(
    root: Path, tree: Path, commands: Sequence[str | Sequence[str]], env: Mapping[str, str], scope: Sequence[str]
) -> list[Cause]:
    """All that can be seen. `root` is the user's checkout, `tree` a worktree, `scope` the files in it that may be changed."""
    found: list[Cause] = []
    pythons: set[Path] = set()
    for command in commands:
        interpreter = python.interpreter(argv_of(command), tree, env)
        if interpreter is not None and interpreter not in pythons:
            pythons.add(interpreter)
            found += installed(interpreter, root, tree, scope)
    found += path_variable(env.get("PYTHONPATH", ""), root, tree)
    found += absolute_paths(commands, root, tree)
    found += prebuilt(commands, tree, scope)
    return list(dict.fromkeys(found))


# --- Python: what is installed


def installed(interpreter: Path, root: Path, tree: Path, scope: Sequence[str]) -> Iterator[Cause]:
    """Packages in scope that the interpreter has from elsewhere: in editable mode from the checkout, or as a copy."""
    for folder in site_packages(interpreter):
        seen: set[Path] = set()
        for package, record, target in editable(folder):
            if _inside(target, root) and target not in seen:
                seen.add(target)
                place = os.path.relpath(target, root)
                where = "the checkout" if place == "." else f"{place} in the checkout"
                yield Cause(
                    f"{package} is installed in editable mode: {record} points at {where}, so that Python imports it from "
                    "there and not from the worktree",
                    _python_path(place),
                )
        for package, place in sorted(_packages(scope).items()):
            if (folder / package).is_dir():
                yield Cause(
                    f"{package} is installed as a copy in {_short(folder, root)}, which Python imports unless the worktree's "
                    "own comes first",
                    _python_path(place),
                )


def _python_path(place: str) -> str:
    return (
        f'Put the worktree\'s code first: env = {{ PYTHONPATH = "{place}" }} in [benchmark]. A relative path is one of the '
        "worktree, as commands run there."
    )


def site_packages(interpreter: Path) -> list[Path]:
    """The folders of installed packages, of a virtual environment or a whole Python, as they are laid out."""
    prefix = interpreter.absolute().parent.parent
    return [
        folder
        for pattern in ("lib/python3*/site-packages", "lib/python3*/dist-packages", "local/lib/python3*/dist-packages")
        for folder in sorted(prefix.glob(pattern))
        if folder.is_dir()
    ]


def editable(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """What is installed in editable mode: the package, the file that says so, and the folder that it points at."""
    for file in sorted(folder.glob("*.pth")):
        for line in text_of_file(file).splitlines():
            if line.startswith("/") and Path(line.strip()).is_dir():
                name = re.sub(r"^_+editable_*(?:impl)?[._]*|-[\d.].*$|\.pth$", "", file.name)
                yield name.strip("_") or file.stem, file.name, Path(line.strip())
    for file in sorted(folder.glob("__editable__*_finder.py")):
        for package, place in re.findall(r"'([\w.]+)': '(/[^']*)'", text_of_file(file)):
            yield package, file.name, Path(place).parent
    for file in sorted(folder.glob("*.egg-link")):
        if place := text_of_file(file).splitlines()[:1]:
            yield file.stem, file.name, Path(place[0].strip())
    for file in sorted(folder.glob("*.dist-info/direct_url.json")):
        with contextlib.suppress(ValueError, AttributeError):
            said = json.loads(text_of_file(file))
            if said.get("dir_info", {}).get("editable"):
                place = Path(unquote(urlsplit(said.get("url", "")).path))
                package = file.parent.name.partition("-")[0]
                yield package, f"{file.parent.name}/{file.name}", place / "src" if (place / "src").is_dir() else place


def _packages(scope: Iterable[str]) -> dict[str, str]:
    """Names under which files in scope are imported, and the folder that has them: the outermost, or `src` or `lib`."""
    names = {}
    for path in scope:
        parts = path.split("/")
        start = 1 if parts[0] in ("src", "lib") else 0
        if path.endswith(".py") and len(parts) > start + 1:
            names[parts[start]] = parts[0] if start else "."
    return names


def path_variable(value: str, root: Path, tree: Path) -> Iterator[Cause]:
    """Entries of PYTHONPATH that point at the checkout."""
    for entry in value.split(os.pathsep):
        if entry.startswith("/") and _inside(Path(entry), root) and not _inside(Path(entry), tree):
            place = os.path.relpath(entry, root)
            yield Cause(
                f"PYTHONPATH has {entry}, which is the checkout's, so that Python imports the code from there",
                _python_path(place),
            )


# --- any language


def absolute_paths(commands: Sequence[str | Sequence[str]], root: Path, tree: Path) -> Iterator[Cause]:
    """Paths of the checkout in a command, or in a file that one names, where the worktree has the same file."""
    for command in commands:
        for word in words_of(command):
            if word.startswith("/") and _inside(Path(word), root):
                place = os.path.relpath(word, root)
                if place == "." or _has(tree, place):
                    yield Cause(
                        f"a command names {word}, which is in the checkout",
                        f"Write {place if place != '.' else 'paths relative to the repository'}: commands run in the worktree.",
                    )
            elif f"{root}/" in text_of_file(tree / word):
                yield Cause(
                    f"{word} has the absolute path of the checkout in it",
                    "Make it relative: commands run in the worktree.",
                )


def _has(tree: Path, place: str) -> bool:
    """Whether the worktree has the path itself, not as a link into the checkout."""
    path = tree / place
    return path.exists() and _inside(Path(os.path.realpath(path)), Path(os.path.realpath(tree)))


COMPILED = frozenset(
    {
        ".c",
        ".cc",
        ".cpp",
        ".cxx",
        ".h",
        ".hpp",
        ".rs",
        ".go",
        ".zig",
        ".java",
        ".kt",
        ".swift",
        ".ts",
        ".cs",
        ".f90",
        ".pyx",
    }
)


def prebuilt(commands: Sequence[str | Sequence[str]], tree: Path, scope: Sequence[str]) -> Iterator[Cause]:
    """Sources that must be compiled, and a program that nothing of the session has made."""
    if not any(PurePosixPath(path).suffix in COMPILED for path in scope):
        return
    for command in commands[:1]:
        for word in words_of(command)[:1]:
            real = Path(os.path.realpath(tree / word))
            if "/" in word and _is_file(real) and not _inside(real, Path(os.path.realpath(tree))):
                yield Cause(
                    f"the benchmark runs {word}, which was built elsewhere and is not of the worktree's code",
                    "Build it in the worktree: [benchmark] build, and name its product relative to the repository.",
                )


def _inside(path: Path, folder: Path) -> bool:
    real, outer = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return real == outer or outer in real.parents


def _short(path: Path, root: Path) -> str:
    return os.path.relpath(path, root) if _inside(path, root) else str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a word too long to be a name
        return False


def text_of_file(path: Path) -> str:
    """What a small file holds; empty when it is none."""
    try:
        small = path.is_file() and path.stat().st_size <= LARGEST
        return path.read_text(encoding="utf-8", errors="replace") if small else ""
    except OSError:
        return ""


def names_in(text: str) -> set[str]:
    """The words of a text that could be names of modules and files."""
    return set(re.findall(r"[A-Za-z_][\w-]*(?:\.\w+)?", text)) | set(re.findall(r"[A-Za-z_]\w*", text))
