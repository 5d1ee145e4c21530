"""How a file is broken on purpose, so that whatever runs or reads it must notice: pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

WORD = "broken on purpose, to see who notices"
PYTHON = f'raise RuntimeError("{WORD}")\n'.encode()
PHP = f"<?php throw new Exception('{WORD}'); ?>\n".encode()
OTHER = f")}}]>\"' {WORD}\n".encode()
"""No language that we know takes this at the top of a file."""
PYTHON_FILES = frozenset({".py", ".pyw", ".pyx"})
TEXTS = frozenset({".txt", ".csv", ".tsv", ".md", ".rst", ".html", ".htm", ".css", ".svg", ".tmpl", ".j2", ""})
"""Readers of these bear with a line too many, so all of it is replaced."""
SILENT = frozenset({".md", ".rst", ".pyi", ".lock"})
"""Nothing is expected to read these when it runs, so that they stay whole."""


def broken(path: str, content: bytes) -> bytes | None:
    """The broken content; None for a file that nothing can be expected to notice."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in SILENT:
        return None
    if suffix in PYTHON_FILES:
        return _after_shebang(content, PYTHON)
    if not content:
        return None
    if suffix == ".php":
        return PHP + content
    if b"\0" in content[:8192] or (suffix in TEXTS and not content.startswith(b"#!") and not _is_makefile(path)):
        return OTHER
    return _after_shebang(content, OTHER)


def _is_makefile(path: str) -> bool:
    return PurePosixPath(path).name.lower() in ("makefile", "dockerfile", "gnumakefile")


def _after_shebang(content: bytes, line: bytes) -> bytes:
    """A program that is started by its first line keeps it."""
    if not content.startswith(b"#!"):
        return line + content
    first, newline, rest = content.partition(b"\n")
    return first + (newline or b"\n") + line + rest


def order(sizes: Mapping[str, int], hot: Iterable[str], words: Collection[str]) -> list[str]:
    """The files in the order in which they are worth a try: hot ones first, then those whose module or file name stands in
    what the commands name (`words`), then code before data, and the larger before the smaller.
    """
    rank = {path: place for place, path in enumerate(dict.fromkeys(hot))}

    def key(path: str) -> tuple[int, bool, bool, int, str]:
        pure = PurePosixPath(path)
        named = pure.name in words or pure.stem in words
        return rank.get(path, len(rank)), not named, pure.suffix in TEXTS, -sizes[path], path

    return sorted(sizes, key=key)
