"""Runs git: one process, an environment and a configuration of ours, never the repository's hooks.

A plain subprocess and not GitPython: per call both cost the same (2.3 and 2.5 ms, nearly all of it git's own start),
but importing GitPython costs 50 ms of CPU, decodes what may be no text, and finds its repository by looking for
`.git`, which an edit agent may have deleted or redirected. Every call here names its git directory, work tree and
index.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autotune_tui.errors import WorkspaceError

OLDEST = (2, 31)
TIMEOUT = 1800.0
"""Seconds; only a checkout that downloads (LFS, partial clone) comes near."""

# What the user configured decides the content of files (line endings, filters, attributes, ignored files), and
# nothing else.
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.preloadIndex=true",
    "core.splitIndex=false",  # an index is copied as one file
    "core.sparseCheckout=false",
    "core.trustctime=true",  # an edit that puts back size and mtime is still seen
    "core.checkStat=default",
    "core.safecrlf=false",
    "core.editor=true",
    "core.pager=cat",
    "core.quotePath=false",
    "advice.detachedHead=false",
    "color.ui=false",
    "commit.gpgSign=false",
    "credential.helper=",
    "gc.auto=0",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "maintenance.auto=false",
    "status.showUntrackedFiles=all",
    "submodule.recurse=false",
    "worktree.useRelativePaths=false",  # would write an extension into the user's configuration
)
_OPTIONS = tuple(word for setting in _CONFIG for word in ("-c", setting))
# Of the user's GIT_* variables only who they are and where their configuration lies.
_KEPT = frozenset(
    {
        "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_CEILING_DIRECTORIES",
    }
)  # fmt: skip
_HINTS = (
    (r"No space left on device|Disk quota exceeded", "Free some disk space and start again."),
    (r"dubious ownership", "If you trust the repository: git config --global --add safe.directory <its folder>"),
    (r"Read-only file system|[Pp]ermission denied|insufficient permission", "Make the repository writable."),
    (r"filter '?lfs|git-lfs", "Run git lfs install and git lfs pull in your checkout."),
    (r"unable to read|bad object|missing blob|corrupt", "Look at git fsck in your checkout."),
)


class GitError(WorkspaceError):
    """A git command failed; `stderr` is what it said."""

    def __init__(self, verb: str, code: int, stderr: str) -> None:
        said = "\n".join(stderr.strip().splitlines()[-6:]) or f"It ended with exit code {code}."
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, stderr)), "")
        super().__init__(f"git {verb} failed", said, hint)
        self.stderr = stderr


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for our git processes, from the user's (default: this process's)."""
    source = os.environ if env is None else env
    clean = {name: value for name, value in source.items() if not name.startswith("GIT_") or name in _KEPT}
    clean.pop("LANGUAGE", None)
    return clean | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


@functools.lru_cache(maxsize=4)
def find_git(search_path: str | None) -> str:
    """The git program itself: a version manager's shim before it costs up to 100 ms a call. Raises WorkspaceError."""
    found = shutil.which("git", path=search_path)
    if not found:
        raise _missing()
    real = subprocess.run([found, "--exec-path"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    direct = Path(real.stdout.strip()) / "git"
    program = str(direct) if real.returncode == 0 and os.access(direct, os.X_OK) else found
    version = subprocess.run(
        [program, "version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    match = re.search(r"(\d+)\.(\d+)", version.stdout)
    if not match or (int(match[1]), int(match[2])) < OLDEST:
        said = version.stdout.strip() or version.stderr.strip()
        raise WorkspaceError("git is too old", f"Found {said}.", "Install git {}.{} or newer.".format(*OLDEST))
    return program


def _missing() -> WorkspaceError:
    return WorkspaceError(
        "git is not installed", "No program named git was found on PATH.", "Install git and try again."
    )


@dataclass(frozen=True, slots=True)
class Git:
    """How to run git somewhere: `Git.here(path)` lets git look for the repository, `at` names it."""

    program: str
    cwd: Path
    env: Mapping[str, str]

    @classmethod
    def here(cls, path: Path) -> Git:
        """git in a folder. Raises WorkspaceError when git is missing or too old."""
        return cls(find_git(os.environ.get("PATH")), path, environment())

    def at(self, git_dir: Path, work_tree: Path | None = None, index: Path | None = None) -> Git:
        """git on this repository and no other, wherever a `.git` points. With an index of ours, git may refresh it."""
        env = dict(self.env) | {"GIT_DIR": str(git_dir)}
        if work_tree is not None:
            env["GIT_WORK_TREE"] = str(work_tree)
        if index is not None:
            env |= {"GIT_INDEX_FILE": str(index), "GIT_OPTIONAL_LOCKS": "1"}
        return replace(self, cwd=work_tree or git_dir, env=env)

    def with_env(self, **extra: str) -> Git:
        return replace(self, env=dict(self.env) | extra)

    def run(self, *arguments: str, stdin: bytes = b"", config: tuple[str, ...] = ()) -> bytes:
        """What the command printed. Raises GitError when it fails, WorkspaceError when it cannot run."""
        options = tuple(word for setting in config for word in ("-c", setting))
        argv = [self.program, *_OPTIONS, *options, *arguments]
        try:
            # A group of its own: ctrl+c in the terminal is the engine's to handle, not git's in the middle of a
            # checkout.
            process = subprocess.Popen(
                argv, cwd=self.cwd, env=self.env, process_group=0,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError as error:
            if not self.cwd.is_dir():
                raise WorkspaceError("A folder is gone", str(self.cwd)) from error
            raise _missing() from error
        except OSError as error:
            raise WorkspaceError("git could not be started", str(error)) from error
        try:
            out, err = process.communicate(stdin or None, timeout=TIMEOUT)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise WorkspaceError(f"git {arguments[0]} took too long", f"Stopped after {TIMEOUT:g} s.") from error
            raise
        if process.returncode:
            raise GitError(arguments[0], process.returncode, err.decode("utf-8", "replace"))
        return out

    def line(self, *arguments: str) -> str:
        """The command's output as one path or word; only the newline that git adds is taken off."""
        return os.fsdecode(self.run(*arguments).removesuffix(b"\n"))
