"""Whatever an agent does in a worktree, and wherever the process is killed: the next sync or create puts it right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace import Workspace
from test_workspace_kit import FILES, MARKS, Open, contents, edit_and_commit, git, make_repo, write

pytest_plugins = ["test_workspace_kit"]
pytestmark = MARKS


def _commit(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "The agent's own")


def _branch(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "agents")
    _commit(tree)


def _switch(tree: Path) -> None:
    git(tree, "branch", "feature")
    git(tree, "checkout", "-q", "feature")
    write(tree, {"src/app.py": "agent\n"})


def _stage(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n", "src/new.py": "agent\n"})
    git(tree, "add", "-A")


def _assume_unchanged(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n", "bench.py": "cheat\n"})
    git(tree, "update-index", "--assume-unchanged", "src/app.py", "bench.py")


def _skip_worktree(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n"})
    git(tree, "update-index", "--skip-worktree", "src/app.py")


def _forget(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n"})
    git(tree, "rm", "-q", "--cached", "-r", ".")


def _conflict(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "one")
    _commit(tree)
    git(tree, "checkout", "-q", "-b", "two", "HEAD^")
    write(tree, {"src/app.py": "other\n"})
    git(tree, "commit", "-q", "-a", "-m", "Two")
    subprocess.run(["git", "merge", "-q", "one"], cwd=tree, capture_output=True, check=False)
    assert git(tree, "ls-files", "--unmerged")


def _same_size_and_time(tree: Path) -> None:
    path = tree / "src/app.py"
    stamp = path.stat()
    path.write_text(path.read_text().replace("sum", "max"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def _lock(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n"})
    Path(git(tree, "rev-parse", "--git-path", "index.lock")).touch()


def _no_index(tree: Path) -> None:
    write(tree, {"src/app.py": "agent\n"})
    Path(git(tree, "rev-parse", "--git-path", "index")).write_bytes(b"rubbish")


@pytest.mark.parametrize(
    "act",
    [
        _commit,
        _branch,
        _switch,
        _stage,
        _assume_unchanged,
        _skip_worktree,
        _forget,
        _conflict,
        _same_size_and_time,
        _lock,
        _no_index,
    ],
    ids=lambda act: act.__name__,
)
def test_what_an_agent_does_with_git_hides_no_change(
    workspace: Workspace, repo: Path, act: Callable[[Path], None]
) -> None:
    base, refs = workspace.tip(), git(repo, "rev-parse", "main", "autotune/001-speed")
    clean = contents(workspace.candidate)
    act(workspace.candidate)
    named = {ref: git(repo, "rev-parse", ref) for ref in git(repo, "for-each-ref", "--format=%(refname)").split()}
    assert "src/app.py" in [change.path for change in workspace.changes()]
    sha = workspace.commit(1, "Edit", {})
    assert "src/app.py" in git(repo, "diff", "--name-only", base, sha).split()
    assert git(repo, "rev-parse", f"{sha}^") == base
    workspace.sync("candidate", base)
    assert contents(workspace.candidate) == clean and workspace.changes() == []
    assert git(workspace.candidate, "status", "--porcelain") == ""
    assert git(repo, "rev-parse", "main", "autotune/001-speed") == refs
    assert {ref: git(repo, "rev-parse", ref) for ref in named} == named


def test_a_file_hidden_by_a_changed_gitignore_is_not_taken_and_does_not_survive(
    workspace: Workspace, repo: Path
) -> None:
    hidden = {".gitignore": "secret*\n", "secret.py": "s", "src/.gitignore": "hidden*\n", "src/hidden.py": "h"}
    clean = contents(workspace.incumbent)
    write(workspace.candidate, hidden)
    assert {change.path for change in workspace.changes() if change.locked} == {".gitignore", "src/.gitignore"}
    workspace.sync("candidate", workspace.tip())
    assert contents(workspace.candidate) == clean
    write(workspace.candidate, hidden | {"src/rows.py": "R\n"})
    workspace.sync("incumbent", workspace.commit(1, "Hidden files", {}))
    assert contents(workspace.candidate) == contents(workspace.incumbent)
    assert (workspace.incumbent / "src/hidden.py").read_text() == "h"


def _remove_all(tree: Path) -> None:
    shutil.rmtree(tree)


def _link_elsewhere(tree: Path) -> None:
    outside = tree.parent.parent / "outside"
    write(outside, {"precious": "p"})
    shutil.rmtree(tree)
    tree.symlink_to(outside)


def _file(tree: Path) -> None:
    shutil.rmtree(tree)
    tree.write_text("file")


def _no_pointer(tree: Path) -> None:
    (tree / ".git").unlink()


def _other_repository(tree: Path) -> None:
    (tree / ".git").unlink()
    make_repo(tree)
    write(tree, {"junk": "j"})


def _unregistered(tree: Path) -> None:
    shutil.rmtree(git(tree, "rev-parse", "--absolute-git-dir"))


def _empty_head(tree: Path) -> None:
    Path(git(tree, "rev-parse", "--absolute-git-dir"), "HEAD").write_bytes(b"")


def _own_index_broken(tree: Path) -> None:
    (tree.parent / "state" / f"{tree.name}.index").write_bytes(b"rubbish")


def _own_index_locked(tree: Path) -> None:
    (tree.parent / "state" / f"{tree.name}.index.lock").touch()


def _state_gone(tree: Path) -> None:
    shutil.rmtree(tree.parent / "state")


def _not_made(tree: Path) -> None:
    """As `git worktree add` leaves it when it is killed."""
    git_dir = Path(git(tree, "rev-parse", "--absolute-git-dir"))
    (git_dir / "locked").write_text("initializing")
    (git_dir / "HEAD").unlink()
    shutil.rmtree(tree)


def _twice(tree: Path) -> None:
    git_dir = Path(git(tree, "rev-parse", "--absolute-git-dir"))
    shutil.copytree(git_dir, git_dir.with_name("zz"))


DAMAGE = [
    _remove_all, _link_elsewhere, _file, _no_pointer, _other_repository, _unregistered, _empty_head, _own_index_broken,
    _own_index_locked, _state_gone, _not_made, _twice,
]  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "side"), [(damage, ("incumbent", "candidate")[number % 2]) for number, damage in enumerate(DAMAGE)]
)
def test_a_damaged_worktree_is_mended_by_the_next_create(
    workspace: Workspace, repo: Path, open_workspace: Open, damage: Callable[[Path], None], side: str
) -> None:
    sha = edit_and_commit(workspace)
    workspace.advance(workspace.tip(), sha)
    damage(workspace.folder / side)
    again = open_workspace(repo)
    again.create()
    assert again.tip() == sha and again.changes() == []
    for tree in (again.incumbent, again.candidate):
        assert (tree / "src/rows.py").read_text() == "ROWS = (1, 2, 3)\n" and not (tree / "junk").exists()
        assert git(tree, "status", "--porcelain") == "" and git(tree, "rev-parse", "HEAD") == sha
    assert git(repo, "worktree", "list").count("\n") == 2
    outside = workspace.folder.parent / "outside"
    assert not outside.exists() or (outside / "precious").read_text() == "p"
    shutil.rmtree(outside, ignore_errors=True)
    again.remove()
    assert not (repo / ".git/worktrees").exists() and not again.folder.parent.exists()


@pytest.mark.parametrize(
    "damage", [one for one in DAMAGE if one not in (_own_index_locked, _twice)], ids=lambda damage: damage.__name__
)
def test_a_damaged_worktree_is_mended_by_the_next_sync(workspace: Workspace, damage: Callable[[Path], None]) -> None:
    clean = contents(workspace.incumbent)
    damage(workspace.candidate)
    workspace.sync("candidate", workspace.tip())
    assert contents(workspace.candidate) == clean and workspace.changes() == []
    assert git(workspace.candidate, "status", "--porcelain") == ""


def test_a_candidate_folder_that_is_gone_is_said(workspace: Workspace) -> None:
    shutil.rmtree(workspace.candidate)
    with pytest.raises(WorkspaceError, match="is gone"):
        workspace.changes()


def test_a_resumed_session_sees_what_was_edited_meanwhile(
    workspace: Workspace, repo: Path, open_workspace: Open
) -> None:
    base = workspace.tip()
    again = open_workspace(repo)
    again.create()
    assert again.fresh == frozenset()
    write(again.candidate, {"src/app.py": "manual\n", "src/__pycache__/app.cpython-311.pyc": "stale"})
    third = open_workspace(repo)
    third.create()
    assert third.changes() == [] and third.tip() == base
    assert not (third.candidate / "src/__pycache__").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from autotune_tui.config import Scope, WorkspaceOptions
from autotune_tui.workspace import Workspace
from autotune_tui.workspace.git import Git

repo, original = Path(sys.argv[1]), Git.run

def session():
    options = WorkspaceOptions(copy=["data"], link=["big"])
    workspace = Workspace.open(repo, "001-speed", options, Scope(include=["src/**"]))
    workspace.create()
    return workspace

def life():
    workspace = session()
    base = workspace.tip()
    (workspace.candidate / "src/rows.py").write_text("ROWS = (1, 2, 3)\\n")
    sha = workspace.reword(1, workspace.commit(1, "Tuple", {}), "Tuple", {"Autotune-Metric": "1"})
    workspace.advance(base, sha)
    workspace.sync("candidate", sha)
    workspace.remove()

def killed_at(number, after):
    counted = 0
    def run(git, *arguments, **options):
        nonlocal counted
        counted += 1
        if counted == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(git, *arguments, **options)
        if counted == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    Git.run = run
    life()
    os._exit(0)

number, killed = 8, True
while killed:
    child = os.fork()
    if child == 0:
        killed_at(number, after=number % 2 == 0)
    killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    workspace = session()
    assert workspace.changes() == [], number
    texts = [(side / "src/rows.py").read_text() for side in (workspace.incumbent, workspace.candidate)]
    kept = workspace.tip() != workspace.base_commit
    assert texts == ["ROWS = (1, 2, 3)\\n" if kept else "ROWS = [1, 2, 3]\\n"] * 2, (number, texts)
    assert (workspace.candidate / "data/x").read_text() == "1" and (workspace.candidate / "big").is_symlink()
    workspace.remove()
    for ref in ["refs/heads/autotune/001-speed", *(f"refs/autotune/001-speed/{n}" for n in ("0", "1", "1.1"))]:
        original(workspace._git, "update-ref", "-d", ref)
    number += 3
print(number)
"""


def test_a_process_killed_at_any_git_command_is_mended(repo: Path, open_workspace: Open, home: Path) -> None:
    """Killed with SIGKILL before and after a git command, at every third from opening to removing."""
    write(repo, {"data/x": "1", "big": "b"})
    open_workspace(repo, link=["big"], copy_=["data"])
    done = subprocess.run([sys.executable, "-c", KILLED, str(repo)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
    assert not (repo / ".git/worktrees").exists() and not (home / ".cache/autotune-tui").exists()


def test_a_full_disk_is_said_in_words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autotune_tui.workspace.tree.copy_index", full)
    with pytest.raises(WorkspaceError, match="disk is full") as caught:
        workspace.sync("candidate", workspace.tip())
    assert caught.value.hint


def test_the_two_sides_may_be_synced_at_once(workspace: Workspace) -> None:
    sha = edit_and_commit(workspace)
    for commit in (sha, workspace.base_commit, sha, sha):
        write(workspace.incumbent, {"junk": "j", "src/app.py": "x"})
        workspace.sync_both(commit)
        assert contents(workspace.incumbent) == contents(workspace.candidate)
        assert git(workspace.incumbent, "rev-parse", "HEAD") == commit
    with pytest.raises(WorkspaceError):
        workspace.sync_both("0" * 40)
    workspace.sync_both(sha)
    assert contents(workspace.incumbent) == contents(workspace.candidate) and set(contents(workspace.candidate)) == set(
        FILES
    )
