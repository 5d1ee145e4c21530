"""Three commits into one tree, without any worktree: a keep undone, or an old change on new code.

`git merge-tree --write-tree` does this from git 2.38 on; these are its parts, which every git has.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from autotune_tui.workspace.git import Git

_FILES = frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class Merged:
    """The tree, or the paths that both sides changed in the same place."""

    tree: str = ""
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stage:
    mode: str
    blob: str


def merge(git: Git, base: str, ours: str, theirs: str) -> Merged:
    """What `theirs` changed since `base`, done to `ours`. Each is a commit or a tree."""
    with TemporaryDirectory(prefix="autotune-merge-") as scratch:
        staged = git.with_env(GIT_INDEX_FILE=str(Path(scratch) / "index"))
        staged.run("read-tree", "-i", "-m", "--aggressive", base, ours, theirs)
        conflicts: list[str] = []
        settled: list[bytes] = []
        for path, stages in _unmerged(staged).items():
            result = _merge_file(git, Path(scratch), stages)
            if result is None:
                conflicts.append(path)
            else:
                settled.append(f"{result.mode} {result.blob} 0\t".encode() + os.fsencode(path) + b"\0")
        if conflicts:
            return Merged(conflicts=tuple(sorted(conflicts)))
        if settled:
            staged.run("update-index", "-z", "--index-info", stdin=b"".join(settled))
        return Merged(tree=staged.line("write-tree"))


def _unmerged(staged: Git) -> dict[str, dict[int, _Stage]]:
    found: dict[str, dict[int, _Stage]] = {}
    for entry in staged.run("ls-files", "--unmerged", "-z").split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, blob, stage = head.decode().split(" ")
        found.setdefault(os.fsdecode(path), {})[int(stage)] = _Stage(mode, blob)
    return found


def _merge_file(git: Git, scratch: Path, stages: dict[int, _Stage]) -> _Stage | None:
    """Both sides' changes of one file; None when they cannot both be had."""
    if set(stages) != {1, 2, 3} or not {stage.mode for stage in stages.values()} <= _FILES:
        return None  # changed here and deleted there, made twice, or no plain file
    base, ours, theirs = (stages[number] for number in (1, 2, 3))
    mode = theirs.mode if ours.mode == base.mode else ours.mode
    if ours.blob == theirs.blob or theirs.blob == base.blob:
        return _Stage(mode, ours.blob)
    if ours.blob == base.blob:
        return _Stage(mode, theirs.blob)
    files = []
    for name, stage in (("ours", ours), ("base", base), ("theirs", theirs)):
        files.append(scratch / name)
        files[-1].write_bytes(git.run("cat-file", "blob", stage.blob))
    argv = [git.program, "merge-file", "--stdout", "--quiet", *map(str, files)]
    merged = subprocess.run(argv, cwd=scratch, env=git.env, capture_output=True, check=False)
    if merged.returncode:  # how many conflicts; 255 for what is no text
        return None
    blob = git.run("hash-object", "-w", "--stdin", "--no-filters", stdin=merged.stdout)
    return _Stage(mode, blob.decode().strip())
