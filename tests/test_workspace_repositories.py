"""Every kind of repository works or is refused with words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace import Workspace
from test_workspace_kit import MARKS, Open, contents, edit_and_commit, git, make_repo, write

pytest_plugins = ["test_workspace_kit"]
pytestmark = MARKS


def assert_refused(repo: Path, open_workspace: Open, title: str, **options: object) -> WorkspaceError:
    with pytest.raises(WorkspaceError) as caught:
        open_workspace(repo, **options).create()
    error = caught.value
    assert title in error.title and error.message and error.hint, str(error)
    return error


def refused_at_open(path: Path, title: str) -> WorkspaceError:
    """For folders that are no checkout, of which there is no snapshot."""
    from autotune_tui.config import Scope, WorkspaceOptions

    with pytest.raises(WorkspaceError) as caught:
        Workspace.open(path, "001-x", WorkspaceOptions(), Scope(include=["*"]))
    assert title in caught.value.title and caught.value.message and caught.value.hint, str(caught.value)
    return caught.value


def keep_one(made: Workspace, path: str, content: str) -> str:
    """One experiment up to the keep, on both sides."""
    base = made.tip()
    write(made.candidate, {path: content})
    assert [(change.path, change.allowed) for change in made.changes()] == [(path, True)]
    sha = made.reword(1, made.commit(1, "Better", {}), "Better", {"Autotune-Metric": "1"})
    made.advance(base, sha)
    made.sync_both(sha)
    assert contents(made.candidate) == contents(made.incumbent)
    assert (made.incumbent / path).read_bytes() == content.encode()
    assert made.changes() == []
    return sha


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    assert "git init" in refused_at_open(tmp_path, "no git repository").hint
    refused_at_open(tmp_path / "absent", "no such folder")
    (tmp_path / "file").touch()
    refused_at_open(tmp_path / "file", "no such folder")


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").touch()
    assert "git commit" in refused_at_open(tmp_path, "no commit yet").hint


def test_a_bare_repository_is_refused_and_so_is_a_git_folder(tmp_path: Path, repo: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    assert "git clone" in refused_at_open(tmp_path / "bare.git", "is bare").hint
    refused_at_open(repo / ".git", ".git folder")
    refused_at_open(repo / ".git" / "refs", ".git folder")


def test_a_checkout_that_is_a_worktree_of_a_bare_repository_works(
    tmp_path: Path, repo: Path, open_workspace: Open
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "checkout"), "main")
    made = open_workspace(tmp_path / "checkout")
    made.create()
    keep_one(made, "src/app.py", "faster\n")
    assert (tmp_path / "bare.git/info/exclude").read_text().splitlines()[-1] == ".autotune/"
    made.remove()
    assert git(tmp_path / "checkout", "worktree", "list").count("\n") == 1


def test_a_linked_worktree_is_a_checkout_like_any_other(tmp_path: Path, repo: Path, open_workspace: Open) -> None:
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    write(tmp_path / "side", {"src/side.py": "s\n"})
    git(tmp_path / "side", "add", "-A")
    git(tmp_path / "side", "commit", "-q", "-m", "Side")
    made = open_workspace(tmp_path / "side")
    made.create()
    assert made.root == tmp_path / "side" and made.base_commit == git(tmp_path / "side", "rev-parse", "HEAD")
    keep_one(made, "src/side.py", "faster\n")
    made.remove()
    assert git(tmp_path / "side", "rev-parse", "--abbrev-ref", "HEAD") == "side"


def test_a_detached_head_is_a_base_like_any_other(repo: Path, open_workspace: Open) -> None:
    git(repo, "checkout", "-q", "--detach")
    git(repo, "commit", "-q", "--allow-empty", "-m", "Detached")
    made = open_workspace(repo)
    made.create()
    assert made.base_commit == git(repo, "rev-parse", "HEAD")
    keep_one(made, "src/app.py", "faster\n")


def test_a_folder_inside_the_repository_stands_for_the_repository(repo: Path, open_workspace: Open) -> None:
    made = open_workspace(repo / "src")
    assert made.root == repo
    made.create()
    assert made.files() == ("src/app.py", "src/rows.py")


def test_a_repository_inside_another_is_the_inner_one(tmp_path: Path, open_workspace: Open) -> None:
    outer = make_repo(tmp_path / "outer")
    inner = make_repo(outer / "lib" / "inner", {"src/in.py": "1\n"})
    made = open_workspace(inner)
    made.create()
    keep_one(made, "src/in.py", "2\n")
    around = open_workspace(outer)
    around.create()
    assert not (around.incumbent / "lib").exists() and around.root == outer


def test_worktrees_below_another_repository_touch_only_themselves(
    tmp_path: Path, repo: Path, open_workspace: Open
) -> None:
    """The cache may lie in a repository (dotfiles in the home folder): its files are safe also when `.git` is gone."""
    around = make_repo(tmp_path / "around", {"tracked": "1\n", ".gitignore": "cache\n"})
    write(around, {"untracked": "mine", "tracked": "edited\n"})
    made = open_workspace(repo, cache=str(around / "cache"))
    made.create()
    (made.candidate / ".git").unlink()
    write(made.candidate, {"junk": "j"})
    assert [change.path for change in made.changes()] == ["junk"]
    made.sync("candidate", made.tip())
    assert (around / "untracked").read_text() == "mine" and (around / "tracked").read_text() == "edited\n"
    assert git(made.candidate, "status", "--porcelain") == ""


def test_uncommitted_changes_are_not_part_of_the_session_and_that_is_said(repo: Path, open_workspace: Open) -> None:
    write(repo, {"src/stashed.py": "x\n"})
    git(repo, "add", "src/stashed.py")
    git(repo, "stash", "push", "-q")
    write(repo, {"src/app.py": "edited\n", "src/staged.py": "s\n", "new": "n\n"})
    git(repo, "add", "src/staged.py")
    made = open_workspace(repo)
    (warning,) = made.warnings
    assert "HEAD" in warning and "src/app.py" in warning and "src/staged.py" in warning and "new" in warning
    made.create()
    assert contents(made.incumbent) == contents(made.candidate)
    assert (made.incumbent / "src/app.py").read_text() != "edited\n" and not (made.incumbent / "new").exists()
    keep_one(made, "src/rows.py", "faster\n")
    made.remove()


def test_a_clean_checkout_has_no_warning(repo: Path, open_workspace: Open) -> None:
    assert open_workspace(repo).warnings == ()


def test_a_shallow_clone_works(tmp_path: Path, repo: Path, open_workspace: Open) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "More")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    made = open_workspace(tmp_path / "shallow")
    made.create()
    keep_one(made, "src/app.py", "faster\n")


ODD = [
    "a b.py",
    "quo\"te'.py",
    "new\nline.py",
    "tab\t.py",
    "ümläut-日本.py",
    "-dash.py",
    ":(top)x.py",
    "*.py",
    "back\\slash.py",
]


def test_odd_names_are_names_like_any_other(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r", {f"src/{name}": "1\n" for name in ODD})
    made = open_workspace(root)
    made.create()
    assert sorted(made.files()) == sorted(f"src/{name}" for name in ODD)
    base = made.tip()
    for name in ODD:
        write(made.candidate, {f"src/{name}": "2\n", f"src/new/{name}": "3\n"})
    assert {change.path for change in made.changes()} == {f"src/{d}{name}" for name in ODD for d in ("", "new/")}
    sha = made.commit(1, "Odd", {})
    assert made.commits.stat(base, sha) == (2 * len(ODD), len(ODD))
    made.sync("incumbent", sha)
    assert contents(made.incumbent) == contents(made.candidate)
    (made.candidate / "src/new" / ODD[2]).rename(made.candidate / "src" / "moved\n.py")
    assert [(c.kind, c.path) for c in made.changes() if c.kind == "renamed"] == []
    made.sync_both(base)
    assert contents(made.incumbent) == contents(made.candidate) and not (made.candidate / "src/new").exists()


def test_a_name_that_is_no_utf_8_works(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r", {"src/a.py": "1\n"})
    name = os.fsdecode(b"src/caf\xe9.py")
    write(root, {name: b"# caf\xe9\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Latin")
    made = open_workspace(root)
    made.create()
    assert name in made.files()
    write(made.candidate, {name: b"# caf\xe9 \xff\n"})
    sha = made.commit(1, "Latin", {})
    assert "caf\ufffd" in made.commits.diff(made.tip(), sha)
    made.commits.diff(made.tip(), sha).encode()


@pytest.mark.parametrize("name", ["with space", "quo\"te'", "new\nline", "ünï", "-dash", "$HOME", "#x"])
def test_the_repositorys_own_path_may_be_odd(tmp_path: Path, open_workspace: Open, name: str) -> None:
    made = open_workspace(make_repo(tmp_path / name))
    made.create()
    keep_one(made, "src/app.py", "faster\n")
    made.remove()
    assert not made.folder.exists()


@pytest.mark.parametrize(
    "session", ["", "a b", "a..b", "x.lock", "-x", "a/b", "../x", "a~1", "a\nb", "a\0b", "@{", ".x"]
)
def test_a_session_name_that_cannot_name_a_branch_is_refused(repo: Path, open_workspace: Open, session: str) -> None:
    assert_refused(repo, lambda path: open_workspace(path, session), "cannot name a branch")


def test_a_branch_that_is_in_the_way_is_said(repo: Path, open_workspace: Open) -> None:
    git(repo, "branch", "autotune/002-mine")
    assert_refused(repo, lambda path: open_workspace(path, "002-mine"), "already exists")
    git(repo, "branch", "-D", "-q", "autotune/002-mine")
    git(repo, "branch", "autotune")
    assert "git branch -m" in assert_refused(repo, open_workspace, "cannot be made").hint


def test_line_endings_are_as_a_checkout_of_the_users_makes_them(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(
        tmp_path / "r",
        {".gitattributes": "*.bat eol=crlf\n*.sh eol=lf\n", "src/a.bat": "x\r\ny\r\n", "src/b.sh": "x\n"},
    )
    made = open_workspace(root)
    made.create()
    assert (made.incumbent / "src/a.bat").read_bytes() == b"x\r\ny\r\n"
    keep_one(made, "src/a.bat", "faster\r\n")
    assert git(root, "cat-file", "blob", "autotune/001-speed:src/a.bat") == "faster"


def test_attributes_that_are_never_clean_themselves_are_refused_too(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r", {".gitattributes": "* -text\r\n", "a": "1\n"})
    write(root, {".gitattributes": "* text\r\n"})
    blob = git(root, "hash-object", "-w", "--no-filters", ".gitattributes")
    git(root, "update-index", "--cacheinfo", f"100644,{blob},.gitattributes")
    git(root, "commit", "-q", "-m", "Attributes")
    assert_refused(root, open_workspace, "not stored as .gitattributes says")


def test_a_sparse_checkout_does_not_make_the_worktrees_sparse(repo: Path, open_workspace: Open) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/src/app.py")
    made = open_workspace(repo)
    made.create()
    assert (made.candidate / "bench.py").exists() and made.files() == ("src/app.py", "src/rows.py")
    keep_one(made, "src/rows.py", "faster\n")


def test_a_repository_with_sha256_names_works(tmp_path: Path, open_workspace: Open) -> None:
    (tmp_path / "r").mkdir()
    git(tmp_path / "r", "init", "-q", "--object-format=sha256")
    made = open_workspace(make_repo(tmp_path / "r", {"src/a.py": "1\n"}))
    made.create()
    assert len(keep_one(made, "src/a.py", "2\n")) == 64


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_autocrlf_works_as_configured(tmp_path: Path, open_workspace: Open, autocrlf: str) -> None:
    root = make_repo(tmp_path / "r", {"src/unix.txt": "a\nb\n", "src/dos.txt": "a\r\nb\r\n"})
    git(root, "config", "core.autocrlf", autocrlf)
    made = open_workspace(root)
    made.create()
    assert (made.candidate / "src/unix.txt").read_bytes() == (b"a\r\nb\r\n" if autocrlf == "true" else b"a\nb\n")
    assert made.changes() == []
    (made.candidate / "src/unix.txt").write_bytes(b"a\nc\n")
    sha = made.commit(1, "Edit", {})
    assert git(root, "cat-file", "blob", f"{sha}:src/unix.txt") == "a\nc"
    made.sync_both(sha)
    assert contents(made.candidate) == contents(made.incumbent)


def test_files_that_are_never_clean_are_refused(tmp_path: Path, open_workspace: Open) -> None:
    """Their committed bytes contradict .gitattributes: git calls them modified in every fresh checkout."""
    root = make_repo(tmp_path / "r", {"src/a.txt": "x\r\ny\r\n"})
    write(root, {".gitattributes": "*.txt text\n"})
    git(root, "add", ".gitattributes")
    git(root, "commit", "-q", "-m", "Attributes")
    error = assert_refused(root, open_workspace, "not stored as .gitattributes says")
    assert "src/a.txt" in error.message and "--renormalize" in error.hint
    assert git(root, "for-each-ref", "refs/heads/autotune", "refs/autotune") == ""
    assert git(root, "worktree", "list").count("\n") == 0


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 5\n"


def test_lfs_pointers_without_their_content_are_refused(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(
        tmp_path / "r",
        {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "data.bin": POINTER, "src/a.py": "1\n"},
    )
    error = assert_refused(root, open_workspace, "content of LFS files is missing")
    assert "data.bin" in error.message and "git lfs pull" in error.hint
    assert git(root, "for-each-ref", "refs/heads/autotune", "refs/autotune") == ""


def test_a_filter_that_fails_is_a_refusal(tmp_path: Path, open_workspace: Open, home: Path) -> None:
    """git-lfs was configured once and is gone now."""
    root = make_repo(
        tmp_path / "r", {".gitattributes": "*.bin filter=lfs -text\n", "data.bin": POINTER, "src/a.py": "1\n"}
    )
    git(root, "config", "filter.lfs.smudge", "git-lfs-is-gone smudge -- %f")
    git(root, "config", "filter.lfs.required", "true")
    with pytest.raises(WorkspaceError) as caught:
        open_workspace(root).create()
    assert "git lfs install" in caught.value.hint


def test_lfs_files_have_their_real_content(tmp_path: Path, open_workspace: Open) -> None:
    if shutil.which("git-lfs") is None:
        pytest.skip("needs git-lfs: apt-get install git-lfs")
    root = tmp_path / "r"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "lfs", "install", "--local", "--skip-repo")
    write(
        root,
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
            "src/data.bin": "real content\n",
            "src/a.py": "1\n",
        },
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "LFS")
    assert git(root, "cat-file", "blob", "HEAD:src/data.bin").startswith("version https://git-lfs")
    made = open_workspace(root)
    made.create()
    assert (made.incumbent / "src/data.bin").read_text() == "real content\n"
    assert made.changes() == []
    sha = keep_one(made, "src/data.bin", "better content\n")
    assert git(root, "cat-file", "blob", f"{sha}:src/data.bin").startswith("version https://git-lfs")


@pytest.fixture
def with_submodules(tmp_path: Path) -> Path:
    """A clone with a submodule in a submodule, both initialised, whose remotes are gone."""
    allow = ("-c", "protocol.file.allow=always")
    make_repo(tmp_path / "deep", {"deep.py": "1\n"})
    make_repo(tmp_path / "lib", {"lib.py": "1\n"})
    git(tmp_path / "lib", *allow, "submodule", "--quiet", "add", "../deep", "vendor/deep")
    git(tmp_path / "lib", "commit", "-q", "-m", "Deep")
    make_repo(tmp_path / "origin", {"src/app.py": "1\n"})
    git(tmp_path / "origin", *allow, "submodule", "--quiet", "add", "../lib", "src/lib dir")
    git(tmp_path / "origin", "commit", "-q", "-m", "Lib")
    git(tmp_path, *allow, "clone", "-q", "--recurse-submodules", "origin", "project")
    for name in ("deep", "lib"):
        (tmp_path / name).rename(tmp_path / f"{name}-gone")
    return tmp_path / "project"


def test_submodules_are_filled_from_the_checkout_without_a_network(with_submodules: Path, open_workspace: Open) -> None:
    made = open_workspace(with_submodules)
    made.create()
    for tree in (made.incumbent, made.candidate):
        assert (tree / "src/lib dir/lib.py").read_text() == "1\n"
        assert (tree / "src/lib dir/vendor/deep/deep.py").read_text() == "1\n"
        assert git(tree, "status", "--porcelain") == ""
        assert git(tree, "submodule", "status", "--recursive").count("\n") == 1
    assert made.warnings == () and made.changes() == []
    keep_one(made, "src/app.py", "faster\n")
    made.remove()
    assert not made.folder.exists()


@pytest.mark.parametrize("what", ["edit", "new file", "commit", "gone", "deep edit", "a file", "hidden edit"])
def test_a_changed_submodule_is_seen_not_committed_and_put_back(
    with_submodules: Path, open_workspace: Open, what: str
) -> None:
    made = open_workspace(with_submodules)
    made.create()
    clean = contents(made.candidate)
    lib = made.candidate / "src/lib dir"
    if what in ("edit", "commit", "hidden edit"):
        write(lib, {"lib.py": "2\n"})
    if what == "hidden edit":
        git(lib, "update-index", "--assume-unchanged", "lib.py")
    if what == "new file":
        write(lib, {"new.py": "2\n"})
    if what == "commit":
        git(lib, "commit", "-q", "-a", "-m", "Elsewhere")
    if what in ("gone", "a file"):
        shutil.rmtree(lib)
    if what == "a file":
        lib.write_text("x")
    if what == "deep edit":
        write(lib, {"vendor/deep/deep.py": "2\n"})
    found = made.changes()
    assert found and all(not change.allowed for change in found)
    assert any(change.kind == "submodule" and "submodule" in change.why for change in found)
    write(made.candidate, {"src/app.py": "faster\n"})
    sha = made.commit(1, "Only this", {})
    assert git(with_submodules, "diff", "--name-only", f"{sha}^", sha) == "src/app.py"
    made.sync("candidate", made.tip())
    assert contents(made.candidate) == clean and made.changes() == []


def test_a_submodule_that_the_checkout_left_empty_stays_empty_and_that_is_said(
    with_submodules: Path, open_workspace: Open
) -> None:
    git(with_submodules, "submodule", "deinit", "-q", "--all", "-f")
    made = open_workspace(with_submodules)
    made.create()
    assert "src/lib dir" in made.warnings[0] and list((made.candidate / "src/lib dir").iterdir()) == []
    keep_one(made, "src/app.py", "faster\n")


def test_a_submodule_without_the_recorded_commit_is_refused(with_submodules: Path, open_workspace: Open) -> None:
    git(with_submodules, "update-index", "--cacheinfo", f"160000,{'1' * 40},src/lib dir")
    git(with_submodules, "commit", "-q", "-m", "Ahead")
    error = assert_refused(with_submodules, open_workspace, "lacks its commit")
    assert "src/lib dir" in error.title and "git submodule update" in error.hint


def test_a_submodule_may_be_the_repository_itself(with_submodules: Path, open_workspace: Open) -> None:
    made = open_workspace(with_submodules / "src/lib dir", include=["*.py"])
    made.create()
    keep_one(made, "lib.py", "faster\n")
    made.remove()


def test_links_and_modes_are_checked_out_as_they_are(tmp_path: Path, open_workspace: Open) -> None:
    root = make_repo(tmp_path / "r", {"src/tool.sh": "#!/bin/sh\n", "src/a": "1\n"})
    (root / "src/tool.sh").chmod(0o755)
    (root / "src/link").symlink_to("a")
    (root / "src/dangling").symlink_to("/nowhere/at all")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Kinds")
    made = open_workspace(root)
    made.create()
    assert os.access(made.candidate / "src/tool.sh", os.X_OK)
    assert str((made.candidate / "src/link").readlink()) == "a"
    assert str((made.candidate / "src/dangling").readlink()) == "/nowhere/at all"
    assert made.files() == ("src/a", "src/tool.sh") and made.changes() == []
    (made.candidate / "src/dangling").unlink()
    keep = made.commit(1, "Drop", {})
    made.sync("incumbent", keep)
    assert not (made.incumbent / "src/dangling").is_symlink()


def test_no_hook_and_no_monitor_of_the_repository_runs(repo: Path, open_workspace: Open, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    script = f'#!/bin/sh\necho "$0" >> {trap}\nexit 1\n'
    hooks = (
        "pre-commit",
        "post-commit",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
        "commit-msg",
        "pre-auto-gc",
    )
    (repo / ".git/hooks").mkdir()
    for hook in hooks:
        (repo / ".git/hooks" / hook).write_text(script)
        (repo / ".git/hooks" / hook).chmod(0o755)
    (tmp_path / "monitor").write_text(script)
    (tmp_path / "monitor").chmod(0o755)
    for setting in ("core.fsmonitor", "core.editor", "diff.external", "core.pager", "gpg.program"):
        git(repo, "-c", "core.hooksPath=/dev/null", "config", setting, str(tmp_path / "monitor"))
    git(repo, "-c", "core.hooksPath=/dev/null", "config", "commit.gpgSign", "true")
    git(repo, "-c", "core.hooksPath=/dev/null", "config", "gc.auto", "1")
    made = open_workspace(repo)
    made.create()
    keep_one(made, "src/app.py", "faster\n")
    made.commits.diff(made.base_commit, made.tip())
    made.remove()
    assert not trap.exists()


def test_git_variables_of_the_surroundings_do_not_matter(
    repo: Path, tmp_path: Path, open_workspace: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when started from a git hook or alias."""
    made = open_workspace(repo)
    elsewhere = make_repo(tmp_path / "elsewhere", {"x": "1\n"})
    before = contents(elsewhere)
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere / ".git/index"))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "yesterday at some time")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    monkeypatch.setenv("LANGUAGE", "de")
    made = open_workspace(repo)
    made.create()
    keep_one(made, "src/app.py", "faster\n")
    with pytest.raises(WorkspaceError, match="moved by someone else"):
        made.advance(made.base_commit, made.tip())
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert contents(elsewhere) == before and git(elsewhere, "for-each-ref").count("\n") == 0


def test_the_users_configuration_does_not_change_answers(repo: Path, open_workspace: Open, home: Path) -> None:
    with (home / ".gitconfig").open("a") as file:
        file.write(
            "[status]\n showUntrackedFiles = no\n relativePaths = true\n branch = true\n short = true\n renames = copies\n"
            "[diff]\n noprefix = true\n renames = false\n ignoreSubmodules = all\n[color]\n ui = always\n"
            "[core]\n quotePath = true\n splitIndex = true\n untrackedCache = false\n sparseCheckout = true\n"
            "[i18n]\n commitEncoding = latin1\n[log]\n showSignature = true\n[worktree]\n useRelativePaths = true\n"
        )
    made = open_workspace(repo)
    made.create()
    write(made.candidate, {"src/ü.py": "1\n"})
    assert [change.path for change in made.changes()] == ["src/ü.py"]
    sha = made.commit(1, "Grüße", {})
    assert made.commits.diff(made.tip(), sha).startswith("diff --git a/")
    assert "encoding" not in git(repo, "cat-file", "commit", sha)


def test_a_user_without_a_name_still_gets_commits(repo: Path, open_workspace: Open, home: Path) -> None:
    (home / ".gitconfig").write_text("")
    made = open_workspace(repo)
    made.create()
    sha = edit_and_commit(made)
    assert git(repo, "log", "-1", "--format=%an <%ae>", sha) == "autotune-tui <autotune-tui@localhost>"


def test_a_missing_git_is_said(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Install git" in refused_at_open(repo, "git is not installed").hint


def test_a_git_that_is_too_old_is_said(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\n[ $1 = version ] && echo git version 2.20.1 || exit 1\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    assert "2.20.1" in refused_at_open(repo, "git is too old").message


READ_ONLY = """
import sys
from pathlib import Path
from autotune_tui.config import Scope, WorkspaceOptions
from autotune_tui.errors import WorkspaceError
from autotune_tui.workspace import Workspace
try:
    Workspace.open(Path(sys.argv[1]), "001-x", WorkspaceOptions(), Scope(include=["*"])).create()
except WorkspaceError as error:
    print(error.title, bool(error.message and error.hint), sep="|")
"""


def test_a_read_only_repository_is_refused(repo: Path) -> None:
    """In a mount namespace where it is read-only for root as well."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("needs unshare with user namespaces: apt-get install util-linux")
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(repo), sys.executable, READ_ONLY],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "The repository is read-only|True", done.stderr
