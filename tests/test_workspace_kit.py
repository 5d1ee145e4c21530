"""What the tests of the workspace share: real repositories, and a watch on the user's checkout in every one of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from autotune_tui.config import Scope, WorkspaceOptions
from autotune_tui.workspace import Workspace

MARKS = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git: apt-get install git"),
    pytest.mark.usefixtures("home"),
]

Open = Callable[..., Workspace]
DEFAULTS: dict[str, Any] = {"link": [], "copy_": [], "cache": ""}
FILES = {
    "src/app.py": "def total(rows):\n    return sum(rows)\n",
    "src/rows.py": "ROWS = [1, 2, 3]\n",
    "bench.py": "import src.app\n",
    ".gitignore": "__pycache__/\nbuild/\n.venv/\n*.dat\n",
}


def git(cwd: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git as the user would; its output without the last newline."""
    done = subprocess.run(["git", *arguments], cwd=cwd, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return os.fsdecode(done.stdout).removesuffix("\n")


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def make_repo(root: Path, files: Mapping[str, str | bytes] = FILES) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main", "--template=")
    write(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "Start")
    return root


def snapshot(root: Path) -> dict[str, str]:
    """Every file, link and folder of the checkout with mode and content, and what git keeps of the user's own state."""
    git_dir = root / ".git"
    if git_dir.is_file():
        git_dir = root / git_dir.read_text().removeprefix("gitdir: ").removesuffix("\n")
    shared = git_dir / "commondir"
    common = git_dir / shared.read_text().strip() if shared.exists() else git_dir
    seen = {}
    for folder, names, files in os.walk(root):
        if ".git" in names:
            names.remove(".git")
        for name in [*names, *files]:
            path = Path(folder, name)
            seen[str(path)] = _print_of(path)
    for name in ("HEAD", "index", "logs/HEAD"):
        seen[f"git:{name}"] = _print_of(git_dir / name)
    for name in ("config", "config.worktree", "refs/stash", "logs/refs/stash", "refs/heads/main"):
        seen[f"common:{name}"] = _print_of(common / name)
    return seen


def _print_of(path: Path) -> str:
    if path.is_symlink():
        return f"link {path.readlink()}"
    if not path.exists():
        return "absent"
    mode = oct(path.stat().st_mode)
    return f"{mode} folder" if path.is_dir() else f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of their own: nothing of this machine's git configuration or cache takes part."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Löf\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    return home


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The repository that `repo` copies, once it was made."""
    return [tmp_path_factory.mktemp("template") / "project"]


@pytest.fixture
def repo(tmp_path: Path, home: Path, template: list[Path]) -> Path:
    if not template[0].exists():
        make_repo(template[0])
    shutil.copytree(template[0], tmp_path / "project", symlinks=True)
    git(tmp_path / "project", "update-index", "-q", "--refresh")
    return tmp_path / "project"


@pytest.fixture
def open_workspace(home: Path) -> Iterator[Open]:
    """`Workspace.open` with short defaults. Afterwards the checkout must be, byte for byte, what it was before."""
    before: dict[Path, dict[str, str]] = {}

    def open_it(repo: Path, session: str = "001-speed", **options: Any) -> Workspace:
        if repo not in before:
            before[repo] = snapshot(repo)
        scope = Scope(include=options.pop("include", ["src/**"]), exclude=options.pop("exclude", []))
        locked = options.pop("locked", ["bench.py"])
        return Workspace.open(repo, session, WorkspaceOptions.model_construct(**DEFAULTS | options), scope, locked)

    yield open_it
    for repo, then in before.items():
        assert snapshot(repo) == then


@pytest.fixture
def workspace(repo: Path, open_workspace: Open) -> Workspace:
    made = open_workspace(repo)
    made.create()
    return made


def contents(tree: Path) -> dict[str, str]:
    """Tracked and untracked files of a worktree with mode and content, `.git` apart."""
    found = {}
    for folder, names, files in os.walk(tree):
        names[:] = [name for name in names if name != ".git"]
        for name in files:
            if name != ".git":
                path = Path(folder, name)
                found[str(path.relative_to(tree))] = _print_of(path)
    return found


def edit_and_commit(workspace: Workspace, experiment: int = 1, text: str = "ROWS = (1, 2, 3)\n") -> str:
    (workspace.candidate / "src/rows.py").write_text(text)
    return workspace.commit(experiment, "Use a tuple", {"Autotune-Experiment": str(experiment)})
