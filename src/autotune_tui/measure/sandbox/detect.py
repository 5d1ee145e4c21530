"""Finds out which sandbox works here, by trying it, and confines commands with it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autotune_tui.errors import MeasureError
from autotune_tui.measure.launcher.landlock import version
from autotune_tui.measure.sandbox import bubblewrap, landlock, seatbelt
from autotune_tui.measure.sandbox.places import Places

Kind = Literal["bubblewrap", "landlock", "sandbox-exec", "none"]
TRIAL_SECONDS = 10.0
NOWHERE = Places(hidden=(), read=(), covered=())


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A way to confine commands that was seen to work."""

    kind: Kind
    program: tuple[str, ...] = ()
    places: Places = NOWHERE
    scratch: int = 1 << 30
    """Size of each fresh folder, in bytes."""
    reason: str = ""
    """Why there is none or not the best, in words."""
    gaps: str = ""
    """What this one does not hold, in words."""

    def sealed(self) -> Sandbox:
        """The same without folders outside the worktree that may be written: they can be read."""
        places, write = self.places, self.places.write
        return replace(
            self,
            places=replace(places, write=(), read=(*places.read, *write), roots=(*places.roots, *write)),
        )

    def prefix(
        self,
        tree: Path,
        *,
        writable: bool,
        network: bool = False,
        outputs: Sequence[Path] = (),
        read: Sequence[Path] = (),
    ) -> tuple[str, ...]:
        """The arguments that stand before those of a command which runs in `tree`; empty without a sandbox."""
        if self.kind == "none":
            return ()
        tree = tree.resolve()
        places = replace(
            self.places,
            # The other worktree is beside this one, with the engine's own files; submodules need theirs.
            covered=(*self.places.covered, tree.parent),
            shown=(*self.places.shown, *(path for path in [tree.parent / "state", *read] if path.is_dir())),
        )
        if self.kind == "landlock":
            found = landlock.rules(places, tree, writable=writable, outputs=outputs, network=network)
            return landlock.prefix(found)
        if self.kind == "sandbox-exec":
            return seatbelt.prefix(places, tree, writable=writable, outputs=outputs, network=network)
        return bubblewrap.arguments(
            self.program, places, tree,
            writable=writable, outputs=outputs, network=network, scratch=self.scratch,
        )  # fmt: skip


HINTS = {
    "bubblewrap": "Install it (apt install bubblewrap)",
    "landlock": "It needs Linux 5.13 or later, with Landlock switched on at the kernel's start",
    "sandbox-exec": "It is a part of macOS",
}


def find_sandbox(mode: str, env: Mapping[str, str]) -> Sandbox:
    """What works here, the best that `mode` allows. Raises MeasureError when the one that is asked for does not work."""
    if mode == "none":
        return Sandbox("none", reason="[sandbox].mode is none")
    ways = {"bubblewrap": _bubblewrap, "landlock": _landlock, "sandbox-exec": _seatbelt}
    reasons: list[str] = []
    for kind, tried in ways.items():
        if mode in ("auto", kind):
            found = tried(env.get("PATH", ""))
            if found.kind != "none":
                return replace(found, reason="; ".join(reasons))
            reasons += [found.reason] if found.reason else []
    if mode != "auto":
        raise MeasureError(
            f"{mode} does not work here",
            "; ".join(reasons),
            f'{HINTS[mode]}, or set [sandbox] mode = "auto" to take what works.',
        )
    return Sandbox("none", reason="; ".join(reasons))


def open_sandbox(mode: str, env: Mapping[str, str], places: Places, scratch: int) -> Sandbox:
    """`find_sandbox` for the places of a session. Raises MeasureError."""
    return replace(find_sandbox(mode, env), places=places, scratch=scratch)


def _bubblewrap(path: str) -> Sandbox:
    """The program with the options that it knows, or why it cannot be used. A version says nothing: containers and systems
    forbid what it needs, so one command is run."""
    program = shutil.which("bwrap", path=path) if sys.platform == "linux" else None
    if program is None:
        return Sandbox("none", reason="bubblewrap (bwrap) is not installed" if sys.platform == "linux" else "")
    said = ""
    for options in (("--unshare-user", "--disable-userns"), ()):
        command = bubblewrap.arguments(
            (program, *options), NOWHERE, Path("/usr"), writable=False, outputs=(), network=False, scratch=1 << 20
        )
        trial = _tried([*command, "/bin/sh", "-c", "test ! -w /proc/sys/kernel/core_pattern"], path)
        if trial is None:
            return Sandbox("bubblewrap", (program, *options))
        said = said or trial
    return Sandbox("none", reason=f"bubblewrap cannot be used here: {said}")


def _landlock(path: str) -> Sandbox:
    """Landlock when a file that is not to be written cannot be, and the fresh folder can."""
    known = version()
    if not known:
        return Sandbox("none", reason="this kernel has no Landlock" if sys.platform == "linux" else "")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "tree"
        tree.mkdir()
        words = landlock.rules(NOWHERE, tree, writable=False, outputs=(), network=False)
        ours = replace(words, read=(*words.read, sys.prefix, sys.base_prefix))
        trial = f'if (: > {shlex.quote(str(tree))}/no) 2>&-; then exit 1; fi; : > "$TMPDIR/yes"'
        said = _tried([*landlock.prefix(ours), "/bin/sh", "-c", trial], path)
    if said is None:
        return Sandbox("landlock", gaps=landlock.gaps(known))
    return Sandbox("none", reason=f"Landlock cannot be used here: {said}")


def _seatbelt(path: str) -> Sandbox:
    if sys.platform != "darwin":
        return Sandbox("none")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "tree"
        tree.mkdir()
        words = seatbelt.prefix(NOWHERE, tree, writable=False, outputs=(), network=False)
        said = _tried([*words, "/bin/sh", "-c", f"if (: > {shlex.quote(str(tree))}/no) 2>&-; then exit 1; fi"], path)
    if said is None:
        return Sandbox("sandbox-exec")
    return Sandbox("none", reason=f"sandbox-exec cannot be used here: {said}")


def _tried(argv: Sequence[str], path: str) -> str | None:
    """Run a trial command: None when it did what it should, else what it said."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRIAL_SECONDS, check=False, env={"PATH": path}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.decode(errors="replace").strip()
    return None if done.returncode == 0 else said or "its trial command failed"
