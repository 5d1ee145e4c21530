"""What each file of a repository is for: source, test, benchmark or something else; and the scope that follows from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Area = Literal["source", "test", "benchmark", "vendored", "other"]

LANGUAGES = {
    ".py": "Python", ".pyx": "Python", ".js": "JavaScript", ".mjs": "JavaScript", ".jsx": "JavaScript",
    ".ts": "TypeScript", ".tsx": "TypeScript", ".rs": "Rust", ".go": "Go", ".c": "C", ".h": "C", ".cc": "C++",
    ".cpp": "C++", ".cxx": "C++", ".hpp": "C++", ".java": "Java", ".kt": "Kotlin", ".scala": "Scala", ".rb": "Ruby",
    ".php": "PHP", ".cs": "C#", ".swift": "Swift", ".sql": "SQL", ".jl": "Julia", ".zig": "Zig", ".lua": "Lua",
    ".ex": "Elixir", ".hs": "Haskell", ".ml": "OCaml", ".sh": "Shell", ".css": "CSS", ".scss": "CSS",
}  # fmt: skip
_GLUE = frozenset(("Shell", "CSS", "SQL"))
"""Languages that are the main one only where there is no other."""

_TEST_FOLDERS = frozenset(("test", "tests", "testing", "spec", "specs", "__tests__", "testdata", "fixtures", "e2e"))
_BENCH_FOLDERS = frozenset(("bench", "benches", "benchmark", "benchmarks", "perf"))
_VENDORED = frozenset(
    (
        "vendor",
        "vendored",
        "_vendor",
        "third_party",
        "third-party",
        "node_modules",
        "dist",
        "build",
        "generated",
        "target",
    )
)
_OTHER_FOLDERS = frozenset(
    ("doc", "docs", "example", "examples", "demo", "demos", "scripts", "tools", "ci", "assets", "static", "templates")
)
_TEST_FILE = re.compile(r"test_.*|.*_tests?|.*\.(?:test|spec)|conftest|.*Tests?")
_BENCH_FILE = re.compile(r"(?:.*[_\-.])?(?:bench|benches|benchmark|benchmarks)(?:[_\-.].*)?|perf[_-].*", re.IGNORECASE)
_BUILD_FILE = re.compile(r"setup|noxfile|fabfile|tasks|build|conf|gulpfile.*|.*\.config|.*rc")


def language_of(path: str) -> str:
    """The language of a source file by its name; empty for everything else."""
    return LANGUAGES.get(PurePosixPath(path).suffix, "")


def area_of(path: str) -> Area:
    """What the file is for, by its name and the folders that it is in."""
    *folders, name = path.split("/")
    stem = PurePosixPath(name).stem
    parts = set(folders)
    if parts & _VENDORED:
        return "vendored"
    if parts & _TEST_FOLDERS or (language_of(path) and _TEST_FILE.fullmatch(stem)):
        return "test"
    if parts & _BENCH_FOLDERS or (language_of(path) and _BENCH_FILE.fullmatch(stem)):
        return "benchmark"
    hidden = any(folder.startswith(".") for folder in folders)
    if not language_of(path) or hidden or parts & _OTHER_FOLDERS or (not folders and _BUILD_FILE.fullmatch(stem)):
        return "other"
    return "source"


def languages(files: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """The languages of the source files with their lines, the most of them first."""
    lines: Counter[str] = Counter()
    for path, count in files.items():
        if (language := language_of(path)) and area_of(path) != "vendored":
            lines[language] += count
    return tuple(sorted(lines.items(), key=lambda item: (item[0] in _GLUE, -item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Scope:
    """Patterns for the files that may be changed, and for those among them that may not."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


_MOST_FILES = 6
"""Files in the root up to which each is named; beyond, a pattern stands for them."""


def scope_for(files: Iterable[str], language: str) -> Scope:
    """The source files of the main language (all source files when it has none), without tests, benchmarks and copies."""
    every = list(files)
    source = [path for path in every if area_of(path) == "source"]
    of_language = [path for path in source if language_of(path) == language] or source
    folders = sorted({path.partition("/")[0] for path in of_language if "/" in path})
    top = sorted(path for path in of_language if "/" not in path)
    if len(top) > _MOST_FILES:
        top = sorted({f"./*{PurePosixPath(path).suffix}" for path in top})
    inside = [path for path in every if "/" in path and path.partition("/")[0] in folders]
    return Scope((*(f"{escape(folder)}/**" for folder in folders), *top), tuple(_exclude(inside)))


def _exclude(inside: Iterable[str]) -> list[str]:
    """Patterns for what lies in the included folders and is no source."""
    found: set[str] = set()
    for path in inside:
        area = area_of(path)
        if area not in ("test", "benchmark", "vendored"):
            continue
        *folders, name = path.split("/")
        special = next((f for f in folders if f in _TEST_FOLDERS | _BENCH_FOLDERS | _VENDORED), "")
        if special:
            found.add(f"{special}/")
        else:
            found.add(f"test_*{PurePosixPath(name).suffix}" if name.startswith("test_") else escape(path))
    return sorted(found)


def escape(path: str) -> str:
    """A pattern that means this path and no other."""
    return re.sub(r"([\\*?\[\]!# ])", r"\\\1", path) if re.search(r"[\\*?\[\]]|^[!#]| $", path) else path
