"""What a worktree could remember where git lists nothing is undone; what resists being removed goes all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autotune_tui.workspace import traces
from autotune_tui.workspace.bytecode import remove_stale
from autotune_tui.workspace.folders import remove_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    (place / "src").mkdir(parents=True)
    (place / "src" / "a.py").write_text("A = 1\n")
    (place / "product.bin").write_text("made by the build")
    return place


@pytest.mark.parametrize(
    "note",
    [
        lambda tree: (tree / "src" / "a.py").chmod(0o400),
        lambda tree: os.utime(tree / "src" / "a.py", (11235, 11235)),
        lambda tree: os.utime(tree / "src", (11235, 11235)),
        lambda tree: (tree / "src").chmod(0o711),
        lambda tree: (tree / "src" / "notes" / "more").mkdir(parents=True),
        lambda tree: os.mkfifo(tree / "src" / "pipe"),
    ],
    ids=["mode", "time", "time of a folder", "mode of a folder", "empty folders", "pipe"],
)
def test_a_note_is_gone(tree: Path, note: Callable[[Path], object]) -> None:
    """Modes, times and names are as they were; the content of a file is not touched (D8)."""
    seen = traces.look(tree, ())
    note(tree)
    traces.restore(tree, seen, {"src/a.py"}, ())
    now = traces.look(tree, ())
    assert now.keys() == seen.keys()
    assert {path: (mark[0], mark[2]) for path, mark in now.items()} == {p: (m[0], m[2]) for p, m in seen.items()}
    assert (tree / "src" / "a.py").read_text() == "A = 1\n"


def test_what_was_not_touched_is_the_same_file(tree: Path) -> None:
    """Also a product whose mark is known: to write it anew would make it another."""
    seen = traces.look(tree, ())
    traces.restore(tree, seen, {"src/a.py"}, ())
    os.utime(tree / "product.bin", (11235, 11235))
    changed = traces.look(tree, ())
    traces.restore(tree, seen, {"src/a.py"}, ())
    assert traces.look(tree, ()) == changed
    assert changed["src/a.py"] == seen["src/a.py"]


def test_nothing_is_looked_at_below_what_is_apart(tree: Path) -> None:
    (tree / "venv" / "lib").mkdir(parents=True)
    assert sorted(traces.look(tree, ("venv",))) == ["product.bin", "src", "src/a.py"]


def test_rights_that_were_taken_away_are_there_again(tree: Path) -> None:
    (tree / "src" / "a.py").chmod(0)
    (tree / "src").chmod(0)
    traces.open_folders(tree, ["src/a.py", "gone/a.py"])
    traces.open_files(tree, traces.closed_files(tree, ["src/a.py", "src/gone.py"]))
    assert (tree / "src").stat().st_mode & 0o700 == 0o700
    assert (tree / "src" / "a.py").stat().st_mode & 0o600 == 0o600


def test_folders_of_any_depth_are_removed(tmp_path: Path) -> None:
    """A path that no call takes any more does not keep what is there."""
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("aaaa", dir_fd=at)
        inner = os.open("aaaa", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    remove_tree(tmp_path / "aaaa")
    assert list(tmp_path.iterdir()) == []


def test_bytecode_of_names_with_dots_goes_with_its_source(tmp_path: Path) -> None:
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name in ("a.cpython-311.pyc", "a.b.cpython-311.pyc", "c.cpython-311.pyc"):
        (cache / name).touch()
    remove_stale(tmp_path, ["a.b.py"])
    assert sorted(path.name for path in cache.iterdir()) == ["a.cpython-311.pyc", "c.cpython-311.pyc"]
