"""Which files of a repository the measurement is made of, and what its Python code may import."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from autotune_tui.inspector.testing import is_test

_DATA = frozenset({
    ".json", ".jsonl", ".csv", ".tsv", ".txt", ".toml", ".yaml", ".yml", ".xml", ".html", ".sql", ".ini", ".cfg", ".md",
    ".log", ".dat", ".out", ".expected", ".golden", ".in",
})  # fmt: skip
_SHORTEST = 5
_IMPORT = re.compile(r"^\s*(?:import|from)\s+([\w.]+)", re.MULTILINE)
_NAMES = {
    "pyyaml": "yaml", "scikit_learn": "sklearn", "pillow": "pil", "opencv_python": "cv2", "beautifulsoup4": "bs4",
    "python_dateutil": "dateutil", "attrs": "attr", "pyzmq": "zmq", "protobuf": "google", "gitpython": "git",
    "python_dotenv": "dotenv", "msgpack_python": "msgpack", "pycryptodome": "crypto", "psycopg2_binary": "psycopg2",
}  # fmt: skip
"""Distributions that are imported by another name."""


def imported_by(texts: Mapping[str, str], paths: Collection[str]) -> list[str]:
    """The modules among `paths` that Python files import from beside them or from the repository's root, sorted."""
    found = set()
    for path, text in texts.items():
        if path.endswith(".py"):
            for module in _IMPORT.findall(text):
                name = module.replace(".", "/") + ".py"
                found |= {name, (PurePosixPath(path).parent / name).as_posix()}
    return sorted(found & set(paths))


def named_in(texts: Iterable[str], paths: Collection[str]) -> tuple[str, ...]:
    """The data files that texts name by path or by name, sorted."""
    words = {word for text in texts for word in re.findall(r"[\w.+-]+", text)}
    named = (path for path in paths if path.rpartition("/")[2] in words)
    return tuple(sorted(path for path in named if PurePosixPath(path).suffix in _DATA and len(path) >= _SHORTEST))


def tests_of(paths: Iterable[str]) -> tuple[str, ...]:
    """Files that hold tests, or data beside them."""
    return tuple(path for path in paths if is_test(path) and PurePosixPath(path).suffix in _DATA | {".py"})


def modules_of(paths: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """(names that the repository's own modules may be imported by, folders with an `__init__.py`)."""
    names: set[str] = set()
    folders: set[str] = set()
    packages: set[str] = set()
    for path in paths:  # of all files at each keep: pathlib takes ten times as long
        folder, _, name = path.rpartition("/")
        stem, _, suffix = name.rpartition(".")
        if stem and suffix in ("py", "pyi", "pyx"):
            names.add(stem)
            folders.add(folder)
            if stem == "__init__":
                packages.add(folder or ".")
    names.update(part for folder in folders for part in folder.split("/") if part)
    return frozenset(names), frozenset(packages)


def declared(texts: Mapping[str, str]) -> frozenset[str]:
    """Import names of the dependencies that a repository declares: pyproject.toml, requirements files."""
    found: set[str] = set()
    for path, text in texts.items():
        if PurePosixPath(path).name == "pyproject.toml":
            found |= {_distribution(line) for line in _requirements(text)}
        else:
            found |= {_distribution(line) for line in text.splitlines() if re.match(r"\s*[A-Za-z]", line)}
    found.discard("")
    return frozenset(found | {_NAMES[name] for name in found & set(_NAMES)})


def is_declaration(path: str) -> bool:
    return path == "pyproject.toml" or (
        "requirement" in path
        and re.fullmatch(r"(requirements/)?[\w.-]*requirements?[\w.-]*\.(txt|in)", path) is not None
    )


def _requirements(text: str) -> list[str]:
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    project = data.get("project")
    found = _texts(project.get("dependencies")) if isinstance(project, dict) else []
    groups = [
        project.get("optional-dependencies") if isinstance(project, dict) else None,
        data.get("dependency-groups"),
    ]
    for group in groups:
        for lines in group.values() if isinstance(group, dict) else ():
            found += _texts(lines)
    tool = data.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    names = poetry.get("dependencies") if isinstance(poetry, dict) else None
    return found + (list(names) if isinstance(names, dict) else [])


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _distribution(line: str) -> str:
    found = re.match(r"\s*([A-Za-z0-9][\w.-]*)", line)
    return re.sub(r"[-.]+", "_", found[1]).lower() if found else ""
