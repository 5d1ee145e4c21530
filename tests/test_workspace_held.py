"""A worktree whose files are known is brought to another commit without a look at the others, and is the same then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autotune_tui.workspace import SIDES, Side, Workspace
from autotune_tui.workspace.tree import Tree
from test_workspace_kit import FILES, MARKS, Open, contents, git, make_repo, write

pytest_plugins = ["test_workspace_kit"]
pytestmark = MARKS

MORE = {"src/deep/one.py": "ONE = 1\n", "src/deep/two.py": "TWO = 2\n", "src/plain": "text\n"}


def _to_folder(tree: Path) -> None:
    (tree / "src/plain").unlink()
    write(tree, {"src/plain/inner.py": "x\n"})


def _to_file(tree: Path) -> None:
    shutil.rmtree(tree / "src/deep")
    write(tree, {"src/deep": "a file now\n"})


def _link(tree: Path) -> None:
    (tree / "src/plain").unlink()
    (tree / "src/plain").symlink_to("rows.py")


def _rename(tree: Path) -> None:
    (tree / "src/deep/one.py").rename(tree / "src/first.py")


EDITS: dict[str, Callable[[Path], object]] = {
    "content": lambda tree: write(tree, {"src/rows.py": "ROWS = ()\n"}),
    "line endings": lambda tree: write(tree, {"src/rows.py": "ROWS = [1, 2, 3]\r\n"}),
    "some": lambda tree: write(tree, {"src/rows.py": "1\n", "src/app.py": "2\n", "src/deep/one.py": "3\n"}),
    "added": lambda tree: write(tree, {"src/new/a.py": "A\n", "src/ä b.py": "B\n", "src/c\nd.py": "C\n"}),
    "deleted": lambda tree: shutil.rmtree(tree / "src/deep"),
    "renamed": _rename,
    "mode": lambda tree: (tree / "src/rows.py").chmod(0o755),
    "a link": _link,
}
SWAPS: dict[str, Callable[[Path], object]] = {"a folder for a file": _to_folder, "a file for a folder": _to_file}


@pytest.fixture
def made(tmp_path: Path, home: Path, open_workspace: Open) -> Workspace:
    made = open_workspace(make_repo(tmp_path / "project", FILES | MORE))
    made.create()
    return made


def _as_cloned(made: Workspace, commit: str, place: Path) -> dict[str, str]:
    git(made.root, "worktree", "add", "--quiet", "--detach", str(place), commit)
    found = contents(place)
    git(made.root, "worktree", "remove", "--force", str(place))
    return found


def _unseen(*_: object, **__: object) -> None:
    raise AssertionError("all files were looked at")


@pytest.mark.parametrize(
    ("edit", "looked"),
    [*((edit, False) for edit in EDITS.values()), *((edit, True) for edit in SWAPS.values())],
    ids=[*EDITS, *SWAPS],
)
def test_both_trees_are_as_after_a_whole_sync(
    made: Workspace, edit: Callable[[Path], object], looked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a keep, when it is the incumbent's tree that moves, and after a discard, when the candidate's goes back."""
    base = made.tip()
    edit(made.candidate)
    sha = made.commit(1, "An edit", {})
    worded = made.reword(1, sha, "Better", {})
    expected = {commit: _as_cloned(made, commit, tmp_path / "cloned") for commit in (base, worded)}
    steps: list[tuple[str, dict[Side, str]]] = [
        (base, {"candidate": sha, "incumbent": base}),
        (worded, {"candidate": base, "incumbent": base}),
        (base, {"candidate": worded, "incumbent": worded}),
    ]
    for commit, held in steps:
        with monkeypatch.context() as patched:
            if not looked:
                patched.setattr(Tree, "entries", _unseen)
            made.sync_both(commit, held)
        for side in SIDES:
            tree = made.folder / side
            assert contents(tree) == expected[commit]
            assert git(tree, "rev-parse", "HEAD") == commit and not git(tree, "status", "--porcelain")
            assert made.altered(side, commit) == ()
        assert made.changes() == []


def test_a_keep_leaves_the_candidate_where_it_is(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    base = made.tip()
    write(made.candidate, {"src/rows.py": "ROWS = ()\n", "src/__pycache__/rows.cpython-311.pyc": "old"})
    sha = made.commit(1, "An edit", {})
    monkeypatch.setattr(Tree, "entries", _unseen)
    left = made.sync_both(made.reword(1, sha, "Better", {}), {"candidate": sha, "incumbent": base})
    assert contents(made.candidate) == contents(made.incumbent)
    assert left == {"candidate": {}, "incumbent": {}}


def test_what_is_beside_the_commit_is_told(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has looked for it: the caller is to judge it, ignored or not."""
    base = made.tip()
    write(made.incumbent, {"build/out": "o", "src/junk.py": "j"})
    monkeypatch.setattr(Tree, "entries", _unseen)
    assert made.sync("incumbent", base, held=base).keys() == {"build/out", "src/junk.py"}


@pytest.mark.parametrize("path", ["src/.gitignore", "src/deep/.gitattributes"])
def test_other_rules_for_what_git_sees_need_a_whole_look(tmp_path: Path, open_workspace: Open, path: str) -> None:
    repo = make_repo(tmp_path / "project", FILES | MORE)
    first = git(repo, "rev-parse", "HEAD")
    write(repo, {path: "*.tmp\n"})
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Rules")
    made = open_workspace(repo)
    made.create()
    write(made.incumbent, {"src/junk.py": "j"})
    made.sync("incumbent", first, held=made.tip())
    assert contents(made.incumbent) == _as_cloned(made, first, tmp_path / "cloned")


def test_many_files_need_a_whole_look(made: Workspace) -> None:
    base = made.tip()
    write(made.candidate, {f"src/many/f{number}.py": f"{number}\n" for number in range(300)})
    sha = made.commit(1, "Many", {})
    for commit, held in ((base, sha), (sha, base), (base, sha)):
        made.sync_both(commit, {"candidate": held, "incumbent": sha if held == sha and commit != base else base})
        assert contents(made.candidate) == contents(made.incumbent)


def test_rights_are_given_back_all_the_same(made: Workspace) -> None:
    base = made.tip()
    (made.candidate / "src/deep/one.py").chmod(0o400)
    (made.candidate / "src/deep").chmod(0o500)
    made.sync("candidate", base, held=base)
    assert (made.candidate / "src/deep/one.py").stat().st_mode & 0o600 == 0o600
    assert (made.candidate / "src/deep").stat().st_mode & 0o700 == 0o700


def test_rights_of_what_a_link_leads_to_are_nobodys_business(made: Workspace, tmp_path: Path) -> None:
    """A link in the place of a folder would lead to folders of the same names, somewhere else."""
    outside = tmp_path / "outside"
    write(outside, {"deep/one.py": "mine\n", "plain": "mine\n"})
    (outside / "deep/one.py").chmod(0o400)
    (outside / "deep").chmod(0o500)
    shutil.rmtree(made.candidate / "src")
    (made.candidate / "src").symlink_to(outside)
    made.sync("candidate", made.tip())
    assert contents(made.candidate) == contents(made.incumbent)
    assert (outside / "deep").stat().st_mode & 0o777 == 0o500
    assert (outside / "deep/one.py").stat().st_mode & 0o777 == 0o400


def test_a_move_that_fails_is_made_good(made: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files are is not known then; nothing is believed any more."""
    base = made.tip()
    write(made.candidate, {"src/rows.py": "ROWS = ()\n"})
    sha = made.commit(1, "An edit", {})
    git_dir = Path(git(made.incumbent, "rev-parse", "--absolute-git-dir"))
    (git_dir / "HEAD.lock").touch()
    made.sync_both(sha, {"candidate": sha, "incumbent": base})
    assert contents(made.candidate) == contents(made.incumbent)
    assert git(made.incumbent, "rev-parse", "HEAD") == sha
