"""The workspace through one session: worktrees, changes, commits, keeps, removal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace import Workspace
from test_workspace_kit import FILES, MARKS, Open, contents, edit_and_commit, git, make_repo, write

pytest_plugins = ["test_workspace_kit"]
pytestmark = MARKS


def test_two_worktrees_of_equal_length_lie_in_the_users_cache_folder(workspace: Workspace, home: Path) -> None:
    cache = home / ".cache" / "autotune-tui"
    assert workspace.incumbent.parent.parent.parent == cache
    assert workspace.incumbent.parent.name == "001-speed"
    assert workspace.incumbent.parent.parent.name.startswith("project-")
    assert len(str(workspace.incumbent)) == len(str(workspace.candidate))
    assert contents(workspace.incumbent) == contents(workspace.candidate)
    assert set(contents(workspace.incumbent)) == set(FILES)
    for tree in (workspace.incumbent, workspace.candidate):
        assert git(tree, "status", "--porcelain") == ""
        assert git(tree, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"


def test_the_cache_folder_can_be_chosen(
    repo: Path, open_workspace: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_workspace(repo, cache=str(tmp_path / "here")).folder.parent.parent == tmp_path / "here"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert open_workspace(repo).folder.parent.parent == tmp_path / "xdg" / "autotune-tui"
    assert open_workspace(repo, cache="../near").folder.parent.parent == tmp_path / "near"


def test_a_cache_folder_inside_the_checkout_is_refused(repo: Path, open_workspace: Open) -> None:
    for cache in ("build", ".", str(repo / "x")):
        with pytest.raises(WorkspaceError, match="inside the repository"):
            open_workspace(repo, cache=cache)


def test_the_session_is_not_in_the_users_git_status(repo: Path, open_workspace: Open) -> None:
    exclude = repo / ".git" / "info" / "exclude"
    exclude.parent.mkdir()
    exclude.write_bytes(b"mine")
    open_workspace(repo)
    open_workspace(repo)
    assert exclude.read_bytes() == b"mine\n.autotune/\n"
    (repo / ".autotune").mkdir()
    (repo / ".autotune" / "x").touch()
    assert git(repo, "--no-optional-locks", "status", "--porcelain") == ""
    (repo / ".autotune" / "x").unlink()
    (repo / ".autotune").rmdir()


def test_branch_and_base_are_refs_of_the_session(workspace: Workspace, repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    assert workspace.base_commit == workspace.tip() == head
    assert workspace.branch == "autotune/001-speed"
    assert git(repo, "rev-parse", "refs/heads/autotune/001-speed", "refs/autotune/001-speed/0") == f"{head}\n{head}"


def test_a_resumed_session_keeps_its_base_when_the_users_head_went_on(repo: Path, open_workspace: Open) -> None:
    base = git(repo, "rev-parse", "HEAD")
    open_workspace(repo, "other").create()
    git(repo, "commit", "-q", "--allow-empty", "-m", "Elsewhere")
    again = Workspace.open(*_arguments(repo, "other"))
    again.create()
    assert again.base_commit == again.tip() == base
    git(repo, "update-ref", "HEAD", base)
    (repo / ".git/logs/HEAD").write_text((repo / ".git/logs/HEAD").read_text().splitlines(keepends=True)[0])
    (repo / ".git/logs/refs/heads/main").unlink()


def _arguments(repo: Path, session: str) -> tuple[object, ...]:
    from autotune_tui.config import Scope, WorkspaceOptions

    return repo, session, WorkspaceOptions(), Scope(include=["src/**"])


def test_files_in_scope(workspace: Workspace) -> None:
    assert workspace.files() == ("src/app.py", "src/rows.py")
    sha = edit_and_commit(workspace)
    workspace.advance(workspace.tip(), sha)
    assert workspace.files() == ("src/app.py", "src/rows.py")


def test_changes_say_what_was_done_and_whether_it_may_be(workspace: Workspace) -> None:
    write(
        workspace.candidate, {"src/app.py": "x\n", "src/new/a.py": "new\n", "bench.py": "cheat\n", "notes.txt": "n\n"}
    )
    (workspace.candidate / "src/rows.py").unlink()
    found = {
        change.path: (change.kind, change.in_scope, change.locked, change.allowed) for change in workspace.changes()
    }
    assert found == {
        "bench.py": ("modified", False, True, False),
        "notes.txt": ("added", False, False, False),
        "src/app.py": ("modified", True, False, True),
        "src/new/a.py": ("added", True, False, True),
        "src/rows.py": ("deleted", True, False, True),
    }


def test_git_remembers_nothing_of_folders_that_new_files_may_have_come_to(workspace: Workspace) -> None:
    """What its untracked cache has seen before would hide a file that came within the same tick of a clock."""
    write(workspace.candidate, {"src/new.py": "x = 1\n"})
    workspace.changes()
    workspace.sync("candidate", workspace.tip())
    for index in (workspace.folder / "state" / "candidate.index", workspace.folder / "state" / "incumbent.index"):
        assert b"UNTR" not in index.read_bytes()


def test_ignored_files_are_no_changes_and_stay(workspace: Workspace) -> None:
    write(workspace.candidate, {"build/out.o": "o", "src/x.dat": "d", "src/__pycache__/app.cpython-311.pyc": "p"})
    assert workspace.changes() == []
    workspace.sync("candidate", workspace.tip())
    assert (workspace.candidate / "build/out.o").exists() and (workspace.candidate / "src/x.dat").exists()


def test_bytecode_is_no_change_even_where_git_does_not_ignore_it(tmp_path: Path, open_workspace: Open) -> None:
    made = open_workspace(make_repo(tmp_path / "r", {"a.py": "1\n"}), include=["*.py"])
    made.create()
    write(made.candidate, {"__pycache__/a.cpython-311.pyc": "p"})
    assert made.changes() == []
    made.sync("candidate", made.tip())
    assert made.changes() == []


@pytest.mark.parametrize("edit", ["", "\n# and a line\n"])
def test_a_rename_is_one_change_with_both_paths(workspace: Workspace, edit: str) -> None:
    source = workspace.candidate / "src/app.py"
    text = source.read_text() * 4
    write(workspace.candidate, {"src/app.py": text})
    base = workspace.commit(1, "Longer", {})
    workspace.sync("candidate", base)
    source.rename(workspace.candidate / "src/other.py")
    write(workspace.candidate, {"src/other.py": text + edit})
    (change,) = workspace.changes()
    assert (change.kind, change.old_path, change.path, change.allowed) == (
        "renamed",
        "src/app.py",
        "src/other.py",
        True,
    )
    sha = workspace.commit(2, "Rename", {})
    assert git(workspace.candidate, "ls-tree", "-r", "--name-only", sha, "src") == "src/other.py\nsrc/rows.py"


def test_a_rename_from_outside_the_scope_or_to_it_is_not_allowed(workspace: Workspace) -> None:
    (workspace.candidate / "bench.py").rename(workspace.candidate / "src/bench2.py")
    (change,) = workspace.changes()
    assert change.kind == "renamed" and change.locked and not change.allowed
    workspace.sync("candidate", workspace.tip())
    (workspace.candidate / "src/app.py").rename(workspace.candidate / "app.py")
    (change,) = workspace.changes()
    assert change.kind == "renamed" and not change.in_scope


def test_a_mode_change_is_told_from_an_edit(workspace: Workspace) -> None:
    (workspace.candidate / "src/app.py").chmod(0o755)
    (workspace.candidate / "src/rows.py").chmod(0o755)
    write(workspace.candidate, {"src/rows.py": "ROWS = []\n"})
    assert [(change.path, change.kind) for change in workspace.changes()] == [
        ("src/app.py", "mode"),
        ("src/rows.py", "modified"),
    ]
    sha = workspace.commit(1, "Executable", {})
    assert git(workspace.candidate, "ls-tree", "-r", sha, "src").count("100755") == 2
    workspace.sync("candidate", workspace.tip())
    assert (workspace.candidate / "src/app.py").stat().st_mode & 0o111 == 0


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside", "../../.."])
def test_a_link_that_points_outside_is_not_allowed(workspace: Workspace, target: str) -> None:
    (workspace.candidate / "src/link").symlink_to(target)
    (change,) = workspace.changes()
    assert change.in_scope and not change.allowed and "points outside" in change.why


def test_a_file_that_becomes_a_link_to_the_outside_is_not_allowed(workspace: Workspace) -> None:
    (workspace.candidate / "src/app.py").unlink()
    (workspace.candidate / "src/app.py").symlink_to("/dev/null")
    (change,) = workspace.changes()
    assert not change.allowed
    workspace.sync("candidate", workspace.tip())
    assert (workspace.candidate / "src/app.py").read_text() == FILES["src/app.py"]


def test_a_link_inside_is_a_change_like_any_other(workspace: Workspace) -> None:
    (workspace.candidate / "src/link.py").symlink_to("app.py")
    (change,) = workspace.changes()
    assert change.allowed
    sha = workspace.commit(1, "Link", {})
    assert git(workspace.candidate, "ls-tree", sha, "src/link.py").startswith("120000")
    assert "src/link.py" not in workspace.files()


def test_a_repository_inside_the_candidate_is_not_taken(workspace: Workspace) -> None:
    make_repo(workspace.candidate / "src/inner", {"x": "1"})
    (change,) = workspace.changes()
    assert change.path == "src/inner" and not change.allowed and "repository of its own" in change.why
    workspace.sync("candidate", workspace.tip())
    assert not (workspace.candidate / "src/inner").exists()


def test_files_and_folders_may_change_places(workspace: Workspace) -> None:
    (workspace.candidate / "src/app.py").unlink()
    write(workspace.candidate, {"src/app.py/__init__.py": "package\n"})
    sha = workspace.commit(1, "Package", {})
    workspace.sync("incumbent", sha)
    assert (workspace.incumbent / "src/app.py/__init__.py").read_text() == "package\n"
    for side in (workspace.candidate, workspace.incumbent):
        workspace.sync(side.name, workspace.base_commit)  # type: ignore[arg-type]
        assert (side / "src/app.py").read_text() == FILES["src/app.py"]


def test_a_folder_that_became_a_link_is_seen_and_put_back_without_following_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    write(outside, {"app.py": "theirs\n", "junk": "theirs\n"})
    for path in (workspace.candidate / "src").iterdir():
        path.unlink()
    (workspace.candidate / "src").rmdir()
    (workspace.candidate / "src").symlink_to(outside)
    assert {change.path for change in workspace.changes()} >= {"src", "src/app.py"}
    workspace.sync("candidate", workspace.tip())
    assert (workspace.candidate / "src/app.py").read_text() == FILES["src/app.py"]
    assert {path.name for path in outside.iterdir()} == {"app.py", "junk"} and (
        outside / "app.py"
    ).read_text() == "theirs\n"


def test_a_commit_has_trailers_parent_and_author_and_is_kept_for_ever(workspace: Workspace, repo: Path) -> None:
    base = workspace.tip()
    write(workspace.candidate, {"src/rows.py": "ROWS = ()\n"})
    sha = workspace.commit(7, "Übe\n\nWhy: no reason", {"Autotune-Experiment": "7", "Autotune-Key": "a\nb"})
    assert git(repo, "rev-parse", "refs/autotune/001-speed/7") == sha
    assert git(repo, "log", "-1", "--format=%P %an %ae %cn", sha) == f"{base} Ada Löf ada@example.org Ada Löf"
    assert git(repo, "log", "-1", "--format=%s|%(trailers:only,unfold)", sha).strip() == (
        "Übe|Autotune-Experiment: 7\nAutotune-Key: a b"
    )
    assert git(workspace.candidate, "rev-parse", "HEAD") == sha
    assert git(workspace.candidate, "status", "--porcelain") == ""
    workspace.sync("candidate", base)
    git(repo, "-c", "gc.auto=0", "prune", "--expire=now")
    assert git(repo, "show", f"{sha}:src/rows.py") == "ROWS = ()"
    assert workspace.tip() == base


def test_trailers_in_the_messages_own_text_are_not_taken_for_ours(workspace: Workspace, repo: Path) -> None:
    write(workspace.candidate, {"src/rows.py": "ROWS = ()\n"})
    sha = workspace.commit(1, "Faster\n\nAutotune-Metric: 0.001", {"Autotune-Metric": "1.5"})
    assert git(repo, "log", "-1", "--format=%(trailers:key=Autotune-Metric,valueonly)", sha).strip() == "1.5"


def test_only_the_scope_is_committed_and_the_rest_put_back(workspace: Workspace, repo: Path) -> None:
    write(
        workspace.candidate,
        {"src/rows.py": "R\n", "bench.py": "cheat\n", "junk": "j", ".gitignore": "hidden\n", "hidden": "h"},
    )
    sha = workspace.commit(1, "Some of it", {})
    assert git(repo, "diff", "--name-only", f"{sha}^", sha) == "src/rows.py"
    workspace.sync("incumbent", sha)
    assert contents(workspace.candidate) == contents(workspace.incumbent)


def test_nothing_to_commit_is_said(workspace: Workspace) -> None:
    write(workspace.candidate, {"junk": "j"})
    with pytest.raises(WorkspaceError, match="nothing to commit"):
        workspace.commit(1, "Nothing", {})


def test_a_rework_is_one_commit_on_the_incumbent_and_the_first_attempt_stays(workspace: Workspace, repo: Path) -> None:
    first = edit_and_commit(workspace, 3)
    write(workspace.candidate, {"src/app.py": "again\n"})
    assert [change.path for change in workspace.changes()] == ["src/app.py", "src/rows.py"]
    second = workspace.commit(3, "Rework", {})
    assert git(repo, "rev-parse", f"{second}^") == workspace.base_commit
    assert git(repo, "rev-parse", "refs/autotune/001-speed/3", "refs/autotune/001-speed/3.1") == f"{second}\n{first}"
    write(workspace.candidate, {"src/app.py": "once more\n"})
    third = workspace.commit(3, "Rework", {})
    assert git(repo, "rev-parse", "refs/autotune/001-speed/3", "refs/autotune/001-speed/3.2") == f"{third}\n{second}"


def test_reword_changes_message_and_ref_and_nothing_else(workspace: Workspace, repo: Path) -> None:
    sha = edit_and_commit(workspace, 2)
    new = workspace.reword(
        2, sha, "Final words", {"Autotune-Metric": "1.2 s", "Autotune-Effect": "-13 %", "Autotune-Experiment": "2"}
    )
    assert new != sha
    same = "--format=%T %P %an %ae %ad"
    assert git(repo, "log", "-1", same, new) == git(repo, "log", "-1", same, sha)
    assert git(repo, "log", "-1", "--format=%(trailers:only)", new).strip().splitlines() == [
        "Autotune-Metric: 1.2 s",
        "Autotune-Effect: -13 %",
        "Autotune-Experiment: 2",
    ]
    assert git(repo, "rev-parse", "refs/autotune/001-speed/2") == new
    assert git(repo, "rev-parse", "refs/autotune/001-speed/0") == workspace.base_commit


def test_the_files_of_a_keep_are_known_though_the_commit_that_it_was_made_from_is_pruned(
    workspace: Workspace, repo: Path
) -> None:
    """Somebody tidies the repository up while a session runs."""
    base = workspace.tip()
    first = edit_and_commit(workspace, 1)
    assert workspace.commits.diff(base, first)
    keep = workspace.reword(1, first, "Kept", {"Autotune-Metric": "1"})
    workspace.advance(base, keep)
    workspace.sync("candidate", keep)
    git(workspace.candidate, "reflog", "expire", "--expire=now", "HEAD")
    git(repo, "prune", "--expire=now")
    with pytest.raises(AssertionError, match=r"Not a valid object name|bad file|could not get object"):
        git(repo, "cat-file", "-t", first)
    write(workspace.candidate, {"src/app.py": "once more\n"})
    second = workspace.commit(2, "Go on", {})
    assert "once more" in workspace.commits.diff(keep, second)
    assert workspace.contents.tree(second).keys() == workspace.contents.tree(keep).keys()
    assert "src/app.py" in workspace.files()
    assert workspace.altered("candidate", second) == ()


def test_a_keep_moves_the_branch_by_compare_and_swap(workspace: Workspace, repo: Path) -> None:
    base = workspace.tip()
    sha = edit_and_commit(workspace)
    workspace.advance(base, sha)
    assert workspace.tip() == sha
    with pytest.raises(WorkspaceError, match="moved by someone else"):
        workspace.advance(base, sha)
    git(repo, "branch", "-D", "-q", "autotune/001-speed")
    with pytest.raises(WorkspaceError):
        workspace.advance(sha, base)
    with pytest.raises(WorkspaceError, match="is gone") as caught:
        workspace.tip()
    assert "git branch" in caught.value.hint


def test_of_two_keeps_at_once_one_wins(workspace: Workspace, repo: Path) -> None:
    base = workspace.tip()
    shas = []
    for number in range(1, 7):
        shas.append(edit_and_commit(workspace, number, f"ROWS = {number}\n"))
        workspace.sync("candidate", base)
    running = [
        subprocess.Popen(
            ["git", "update-ref", "refs/heads/autotune/001-speed", sha, base], cwd=repo, stderr=subprocess.DEVNULL
        )
        for sha in shas[1:]
    ]
    try:
        workspace.advance(base, shas[0])
        ours = 1
    except WorkspaceError:
        ours = 0
    assert [process.wait() for process in running].count(0) + ours == 1
    assert workspace.tip() in shas


def test_a_branch_that_the_user_checked_out_is_not_moved_under_them(
    workspace: Workspace, repo: Path, tmp_path: Path
) -> None:
    sha = edit_and_commit(workspace)
    git(repo, "worktree", "add", "-q", str(tmp_path / "look"), "autotune/001-speed")
    with pytest.raises(WorkspaceError, match="is checked out"):
        workspace.advance(workspace.tip(), sha)
    git(repo, "worktree", "remove", str(tmp_path / "look"))
    workspace.advance(workspace.tip(), sha)


def test_diff_stat_and_key_tell_the_change(workspace: Workspace) -> None:
    base = workspace.tip()
    sha = edit_and_commit(workspace)
    text = workspace.commits.diff(base, sha)
    assert text.startswith("diff --git a/src/rows.py b/src/rows.py\n") and "+ROWS = (1, 2, 3)\n" in text
    assert workspace.commits.stat(base, sha) == (1, 1)
    assert workspace.commits.diff(base, base) == "" and workspace.commits.stat(base, base) == (0, 0)


def test_the_same_change_has_the_same_key_elsewhere_and_another_has_not(workspace: Workspace) -> None:
    base = workspace.tip()
    one = edit_and_commit(workspace, 1)
    workspace.sync("candidate", base)
    write(workspace.candidate, {"src/app.py": "import os\n" + FILES["src/app.py"]})
    moved = workspace.commit(2, "Elsewhere", {})
    workspace.sync("candidate", moved)
    same = edit_and_commit(workspace, 3)
    workspace.sync("candidate", base)
    other = edit_and_commit(workspace, 4, "ROWS = (1,2, 3)\n")
    key = workspace.commits.change_key
    keys = [key(base, one), key(moved, same), key(base, other)]
    assert keys[0] == keys[1] != keys[2]


def test_a_binary_file_and_a_mode_have_keys_of_their_own(workspace: Workspace) -> None:
    base, keys = workspace.tip(), set()
    for number, content in enumerate((b"\0a", b"\0b"), 1):
        write(workspace.candidate, {"src/blob": content})
        sha = workspace.commit(number, "Binary", {})
        keys.add(workspace.commits.change_key(base, sha))
        assert workspace.commits.stat(base, sha) == (0, 0)
        workspace.sync("candidate", base)
    (workspace.candidate / "src/app.py").chmod(0o755)
    keys.add(workspace.commits.change_key(base, workspace.commit(3, "Mode", {})))
    assert len(keys) == 3


def test_sync_leaves_the_commit_and_nothing_else(workspace: Workspace) -> None:
    base = workspace.tip()
    clean = contents(workspace.candidate)
    sha = edit_and_commit(workspace)
    write(workspace.candidate, {"junk/deep/a": "j", "bench.py": "x", "src/é\n\"'": "j"})
    (workspace.candidate / "src/app.py").unlink()
    workspace.sync("candidate", base)
    assert contents(workspace.candidate) == clean and not (workspace.candidate / "junk").exists()
    workspace.sync("incumbent", sha)
    assert (workspace.incumbent / "src/rows.py").read_text() == "ROWS = (1, 2, 3)\n"
    assert git(workspace.incumbent, "rev-parse", "HEAD") == sha
    assert git(workspace.incumbent, "status", "--porcelain") == ""


def test_a_file_that_a_commit_removes_goes_also_when_it_is_ignored(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r", {"src/a.py": "1\n", ".gitignore": "*.dat\n"})
    write(root, {"src/forced.dat": "d"})
    git(root, "add", "-f", "src/forced.dat")
    git(root, "commit", "-q", "-m", "Forced")
    made = open_workspace(root)
    made.create()
    (made.candidate / "src/forced.dat").unlink()
    sha = made.commit(1, "Drop it", {})
    made.sync("incumbent", sha)
    assert not (made.incumbent / "src/forced.dat").exists()
    made.sync("incumbent", made.base_commit)
    assert (made.incumbent / "src/forced.dat").exists()


def test_stale_bytecode_of_a_changed_source_never_runs(workspace: Workspace) -> None:
    """Same second, same size: Python would run the old bytecode."""
    source = workspace.candidate / "src/rows.py"

    def run() -> str:
        env = {"PATH": os.environ["PATH"]}
        code = "import sys, os; sys.path.insert(0, 'src'); import rows; print(rows.ROWS)"
        return subprocess.run(
            ["python3", "-c", code], cwd=workspace.candidate, env=env, capture_output=True, text=True, check=True
        ).stdout

    assert run() == "[1, 2, 3]\n"
    stamp = source.stat()
    source.write_text("ROWS = [4, 5, 6]\n")
    workspace.commit(1, "Other rows", {})
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run() == "[4, 5, 6]\n"
    workspace.sync("candidate", workspace.base_commit)
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run() == "[1, 2, 3]\n"


def test_a_removed_package_leaves_no_folder_that_could_be_imported(workspace: Workspace) -> None:
    write(workspace.candidate, {"src/pkg/mod.py": "1\n", "src/pkg/__pycache__/mod.cpython-311.pyc": "p"})
    workspace.commit(1, "Package", {})
    write(workspace.candidate, {"src/pkg/__pycache__/mod.cpython-311.pyc": "p"})
    workspace.sync("candidate", workspace.base_commit)
    assert not (workspace.candidate / "src/pkg").exists()


def test_remove_leaves_branch_and_refs_and_nothing_else(workspace: Workspace, repo: Path, home: Path) -> None:
    sha = edit_and_commit(workspace)
    write(workspace.candidate, {"locked/x": "1"})
    (workspace.candidate / "locked").chmod(0o500)
    workspace.remove()
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert not (repo / ".git" / "worktrees").exists()
    assert not (home / ".cache" / "autotune-tui").exists()
    assert git(repo, "rev-parse", "refs/autotune/001-speed/1") == sha
    assert git(repo, "rev-parse", "autotune/001-speed") == workspace.base_commit
    workspace.remove()


def test_remove_leaves_the_users_own_worktrees_and_other_sessions(
    workspace: Workspace, repo: Path, open_workspace: Open, tmp_path: Path
) -> None:
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "candidate"))
    other = open_workspace(repo, "002-other")
    other.create()
    workspace.remove()
    assert other.changes() == [] and (tmp_path / "candidate/bench.py").exists()
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 4


def test_a_session_that_was_only_tried_leaves_nothing(workspace: Workspace, repo: Path) -> None:
    workspace.discard()
    assert git(repo, "for-each-ref", "refs/heads/autotune", "refs/autotune") == "" and not workspace.folder.exists()


def test_a_branch_that_has_gone_on_or_is_the_users_is_never_discarded(
    workspace: Workspace, repo: Path, open_workspace: Open
) -> None:
    sha = edit_and_commit(workspace)
    workspace.advance(workspace.tip(), sha)
    workspace.discard()
    assert workspace.tip() == sha
    git(repo, "branch", "autotune/mine")
    mine = open_workspace(repo, "mine")
    with pytest.raises(WorkspaceError, match="already exists"):
        mine.create()
    mine.discard()
    assert git(repo, "rev-parse", "autotune/mine") == git(repo, "rev-parse", "HEAD")


def test_files_that_the_scope_has_but_a_lock_keeps_are_named(repo: Path, open_workspace: Open) -> None:
    assert open_workspace(repo, include=["*.py"]).locked_in_scope() == ("bench.py",)
    assert open_workspace(repo).locked_in_scope() == ()


def test_a_session_goes_on_after_remove(workspace: Workspace, repo: Path, open_workspace: Open) -> None:
    sha = edit_and_commit(workspace)
    workspace.advance(workspace.tip(), sha)
    workspace.remove()
    again = open_workspace(repo)
    again.create()
    assert again.tip() == sha and again.base_commit != sha and again.fresh == {"incumbent", "candidate"}
    assert (again.incumbent / "src/rows.py").read_text() == "ROWS = (1, 2, 3)\n"


def test_linked_and_copied_paths_are_there_and_are_no_changes(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r")
    write(root, {".venv/bin/tool": "t", "data/big/rows.csv": "1,2\n", "deep/er/model.bin": "m"})
    made = open_workspace(root, link=[".venv", "deep/er/model.bin"], copy_=["data/big/"])
    made.create()
    for tree in (made.incumbent, made.candidate):
        assert (tree / ".venv").readlink() == root / ".venv"
        assert (tree / "deep/er/model.bin").read_text() == "m"
        assert (tree / "data/big/rows.csv").read_text() == "1,2\n" and not (tree / "data/big").is_symlink()
    assert made.changes() == []
    write(made.candidate, {"data/big/rows.csv": "3\n", "src/rows.py": "R\n"})
    made.commit(1, "Edit", {})
    made.sync("candidate", made.base_commit)
    assert (made.candidate / ".venv/bin/tool").exists() and (made.candidate / "data/big/rows.csv").read_text() == "3\n"
    assert git(root, "ls-tree", "-r", "--name-only", "refs/autotune/001-speed/1").count("data") == 0
    made.remove()
    assert (root / ".venv/bin/tool").read_text() == "t" and (root / "data/big/rows.csv").read_text() == "1,2\n"


def test_a_linked_path_that_was_replaced_is_seen_and_mended(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r")
    write(root, {".venv/bin/tool": "t", "data/x": "1"})
    made = open_workspace(root, link=[".venv"], copy_=["data"])
    made.create()
    (made.candidate / ".venv").unlink()
    write(made.candidate, {".venv/bin/tool": "faster"})
    (made.candidate / "data/x").unlink()
    (made.candidate / "data").rmdir()
    assert [(change.path, change.allowed) for change in made.changes()] == [(".venv", False), ("data", False)]
    made.sync("candidate", made.tip())
    assert made.changes() == [] and (made.candidate / ".venv/bin/tool").read_text() == "t"
    assert (made.candidate / "data/x").read_text() == "1"


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"link": ["absent"]}, "not in your checkout"),
        ({"link": ["/etc"]}, "cannot take"),
        ({"copy_": ["../x"]}, "cannot take"),
        ({"link": [".git"]}, "cannot take"),
        ({"link": ["src"]}, "tracked by git"),
        ({"copy_": ["src/app.py"]}, "tracked by git"),
        ({"link": ["build"], "copy_": ["build/x"]}, "twice"),
    ],
)
def test_paths_that_cannot_be_linked_or_copied_are_refused(
    tmp_path: Path, open_workspace: Open, options: dict[str, list[str]], title: str
) -> None:
    root = make_repo(tmp_path / "r")
    write(root, {"build/x": "1"})
    with pytest.raises(WorkspaceError, match=title) as caught:
        open_workspace(root, **options).create()
    assert caught.value.hint
    assert git(root, "for-each-ref", "refs/heads/autotune", "refs/autotune") == ""
