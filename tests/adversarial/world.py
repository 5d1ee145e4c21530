"""A repository under attack, and everything around it that must stay as it is."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.workspace.folders import session_folder
from engine_support import git, snapshot

from .cases import DISTINCT, PACKAGE, SLOW, WORK, Case, package
from .more_twins import TWINS

SESSION = "001-attack"
SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/run")
AGENT = """\
import json, os, pathlib, subprocess, sys
plan = pathlib.Path(sys.argv[1], os.environ["AUTOTUNE_EXPERIMENT"] + ".json")
if "AUTOTUNE_FAILURE" in os.environ:
    sys.exit("no answer to a failure")
if not plan.exists():
    print('{"done": true}')
    sys.exit()
case = json.loads(plan.read_text())
for name, text in case["files"].items():
    path = pathlib.Path(name)
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
subprocess.run(["sh", "-c", case["agent"]], stdin=subprocess.DEVNULL)
print(json.dumps({"description": case["description"]}))
"""


@dataclass
class World:
    """Made by `of`. `secret` stands in a file of the home folder and in the engine's environment."""

    folder: Path
    repo: Path
    home: Path
    cache: Path
    plans: Path
    token: str = field(default_factory=lambda: f"attack{uuid.uuid4().hex[:12]}")
    secret: str = field(default_factory=lambda: f"hunter{uuid.uuid4().hex[:12]}")
    port: int = 0
    contacts: int = 0

    @classmethod
    def of(cls, folder: Path) -> World:
        world = cls(folder, folder / "repo", folder / "home", folder / "cache", folder / "plans")
        for path in (world.repo, world.home / ".aws", world.plans):
            path.mkdir(parents=True)
        (world.home / ".aws" / "credentials").write_text(f"[default]\nkey = {world.secret}\n")
        (world.home / ".bashrc").write_text("# mine\n")
        (world.plans / "agent.py").write_text(AGENT)
        for name in ("bench.py", "check.py", "oracle.py", "inputs.py", "Makefile", "autotune.toml"):
            shutil.copy(WORK / name, world.repo / name)
        files = {PACKAGE: package(), DISTINCT: SLOW, ".gitignore": "__pycache__/\n*.cache\n"}
        for twin in TWINS:
            files |= twin.at_first
        for name, text in files.items():
            path = world.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in ("holdout.py", "inputs.py"):
            world.holdout.mkdir(exist_ok=True)
            shutil.copy(WORK / name, world.holdout / name)
        git(world.repo, "init", "-q", "-b", "main")
        git(world.repo, "config", "user.name", "Someone")
        git(world.repo, "config", "user.email", "someone@example.org")
        git(world.repo, "add", "-A")
        git(world.repo, "commit", "-qm", "start")
        return world

    @property
    def session(self) -> SessionFolder:
        return SessionFolder.of(self.repo, SESSION)

    @property
    def holdout(self) -> Path:
        return self.folder / "holdout"

    @property
    def trees(self) -> Path:
        return session_folder(self.repo.resolve(), SESSION, str(self.cache))

    @property
    def agent(self) -> list[str]:
        return [sys.executable, str(self.plans / "agent.py"), str(self.plans)]

    def plan(self, number: int, case: Case) -> None:
        """Leave for the agent what experiment `number` is to try."""
        plan = {"files": dict(case.files), "agent": case.agent, "description": case.name}
        text = json.dumps(plan)
        for name, value in self.places.items():
            text = text.replace(f"@{name}@", value)
        (self.plans / f"{number}.json").write_text(text)

    @property
    def places(self) -> dict[str, str]:
        return {
            "REPO": str(self.repo),
            "SESSION": str(self.session.root),
            "INCUMBENT": str(self.trees / "incumbent"),
            "HOME": str(self.home),
            "PORT": str(self.port),
            "TOKEN": self.token,
        }

    @contextmanager
    def around(self) -> Iterator[None]:
        """The surroundings of an engine: its home folder, a secret in its environment, a server on this machine."""
        with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
            self.port = server.getsockname()[1]
            patch.setenv("HOME", str(self.home))
            patch.setenv("DEPLOY_TOKEN", self.secret)
            accepting = threading.Thread(target=self._accept, args=(server,), daemon=True)
            accepting.start()
            yield
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.contacts += 1
            connection.close()


class Guard:
    """Finds out after each experiment what changed that must not; each harm is told once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._journal = b""
        self._before: dict[str, Mapping[str, object]] = {}

    def harms(self, moved: bool = False) -> tuple[str, ...]:
        """In words, what is not as it was when this was last called. `moved`: a keep has moved the incumbent meanwhile."""
        now = {name: look() for name, look in self._looks().items()}
        found = []
        for name, seen in now.items():
            if moved and name in ("the incumbent", "branches"):
                continue
            before = self._before.get(name, seen)
            if different := sorted(str(key) for key in before.keys() | seen.keys() if before.get(key) != seen.get(key)):
                found.append(f"{name}: {', '.join(different[:3])}")
        self._before = now
        journal = self.world.session.journal.read_bytes()
        if not journal.startswith(self._journal):
            found.append("the journal's earlier records")
        self._journal = journal
        return tuple(found)

    def _looks(self) -> dict[str, Callable[[], Mapping[str, object]]]:
        world = self.world
        return {
            "the checkout": lambda: snapshot(world.repo),
            "the incumbent": lambda: _contents(world.trees / "incumbent"),
            "the home folder": lambda: _contents(world.home),
            "branches": lambda: _named(git(world.repo, "for-each-ref", "refs/heads", "refs/tags").splitlines()),
            "the inbox": lambda: _named(path.name for path in world.session.root.glob("inbox/*")),
            "shared folders": lambda: _named(self._marked()),
            "the network": lambda: _named(f"{number + 1}. contact" for number in range(world.contacts)),
            "processes": lambda: _named(self._running()),
        }

    def _marked(self) -> Iterator[str]:
        for folder in SHARED:
            with os.scandir(folder) as entries:
                yield from (entry.path for entry in entries if self.world.token in entry.name)

    def _running(self) -> Iterator[str]:
        """Processes of a candidate: they have the session's mark in their environment or in their command."""
        for process in psutil.process_iter():
            try:
                marked = process.environ().get("WORK_MARK") == self.world.token
                if marked or any(self.world.token in word for word in process.cmdline()):
                    yield f"{process.pid} {' '.join(process.cmdline())[:80]}"
            except psutil.Error:
                continue

    def told(self) -> tuple[str, ...]:
        """The files of the session, and the objects of the repository, in which the secret stands."""
        root, secret = self.world.session.root, self.world.secret.encode()
        found = [
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and secret in path.read_bytes()
        ]
        for ref in git(self.world.repo, "for-each-ref", "--format=%(refname)", "refs/autotune").splitlines():
            done = subprocess.run(
                ["git", "-C", str(self.world.repo), "grep", "-q", self.world.secret, ref], check=False
            )
            found += [ref] if done.returncode == 0 else []
        return tuple(found)


def _named(names: Iterable[str]) -> dict[str, object]:
    return dict.fromkeys(names, True)


def _contents(folder: Path) -> dict[str, object]:
    """Files with their bytes; bytecode, which Python may make at any time, is passed over."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".git"
    }
