"""What a benchmark may write is put back between runs (A6): pure folders, without a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotune_tui.engine import outputs
from autotune_tui.engine.outputs import Kept, keep, names, restore
from engine_support import configure


def tree_of(folder: Path) -> Path:
    tree = folder / "tree"
    (tree / "out" / "inner").mkdir(parents=True)
    (tree / "out" / "data").write_text("data")
    (tree / "out" / "inner" / "more").write_text("more")
    (tree / "out" / "link").symlink_to("data")
    return tree


def content(tree: Path) -> dict[str, str]:
    return {
        path.relative_to(tree).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in sorted(tree.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


DAMAGE = {
    "a new file": lambda out: (out / "new").write_text("x"),
    "an empty folder": lambda out: (out / "new" / "deep").mkdir(parents=True),
    "a changed file": lambda out: (out / "data").write_text("changed"),
    "a changed time": lambda out: os.utime(out / "data", (1, 1)),
    "a changed mode": lambda out: (out / "data").chmod(0o600),
    "a removed folder": lambda out: ((out / "inner" / "more").unlink(), (out / "inner").rmdir()),
    "a folder closed": lambda out: (out / "inner").chmod(0),
    "a file for a folder": lambda out: (
        (out / "inner" / "more").unlink(),
        (out / "inner").rmdir(),
        (out / "inner").touch(),
    ),
    "a folder for a file": lambda out: ((out / "data").unlink(), (out / "data").mkdir(), (out / "data" / "x").touch()),
    "a link moved": lambda out: ((out / "link").unlink(), (out / "link").symlink_to("/etc")),
    "a link for a folder": lambda out: ((out / "inner").rename(out / "away"), (out / "inner").symlink_to("/etc")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_whatever_a_run_does_to_its_outputs_the_next_finds_them_as_they_were(tmp_path: Path, damage: str) -> None:
    tree = tree_of(tmp_path)
    out, before = tree / "out", content(tree)
    modes = {path: path.lstat().st_mode for path in [out, *out.rglob("*")]}
    kept = keep(tree, [out], tmp_path / "copies")
    for _ in range(2):
        DAMAGE[damage](out)
        restore(tree, [out], kept)
        assert content(tree) == before
        assert {path: path.lstat().st_mode for path in [out, *out.rglob("*")]} == modes


def test_what_nobody_touched_is_not_copied_again(tmp_path: Path) -> None:
    tree = tree_of(tmp_path)
    kept = keep(tree, [tree / "out"], tmp_path / "copies")
    number = (tree / "out" / "data").stat().st_ino
    restore(tree, [tree / "out"], kept)
    assert (tree / "out" / "data").stat().st_ino == number


def test_outputs_that_are_too_large_are_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then what is new is taken away all the same."""
    monkeypatch.setattr(outputs, "MOST_BYTES", 5)
    tree = tree_of(tmp_path)
    kept = keep(tree, [tree / "out"], tmp_path / "copies")
    assert isinstance(kept, Kept) and kept.copies is None
    (tree / "out" / "new").touch()
    restore(tree, [tree / "out"], kept)
    assert not (tree / "out" / "new").exists()


@pytest.mark.parametrize(
    ("file", "named", "expected"),
    [
        ("", [], ()),
        ("cost.json", [], ("cost.json",)),
        ("out/deep/cost.json", [], ("out/deep",)),
        ("target/deep/cost.json", ["target"], ("target",)),
        ("cost.json", ["out"], ("out", "cost.json")),
    ],
)
def test_what_may_be_written_is_what_is_named_and_where_the_metric_lies(
    tmp_path: Path, file: str, named: list[str], expected: tuple[str, ...]
) -> None:
    config = configure(tmp_path, "true")
    sandbox = config.sandbox.model_copy(update={"outputs": named})
    metric = config.metric.model_copy(update={"file": file})
    assert names(config.model_copy(update={"sandbox": sandbox, "metric": metric})) == expected
