"""Finds out which sandbox works here, by trying it, and confines commands with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autotune_tui.errors import MeasureError
from autotune_tui.measure.sandbox import bubblewrap
from autotune_tui.measure.sandbox.places import Places

Kind = Literal["bubblewrap", "none"]
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
    """Why there is none, in words."""

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
        return bubblewrap.arguments(
            self.program, places, tree,
            writable=writable, outputs=outputs, network=network, scratch=self.scratch,
        )  # fmt: skip


def find_sandbox(mode: str, env: Mapping[str, str]) -> Sandbox:
    """What works here, as far as `mode` allows. Raises MeasureError when bubblewrap is asked for and does not work."""
    if mode == "none":
        return Sandbox("none", reason="[sandbox].mode is none")
    program, reason = _bubblewrap(env.get("PATH", ""))
    if program:
        return Sandbox("bubblewrap", program)
    if mode == "bubblewrap":
        raise MeasureError(
            "bubblewrap does not work here",
            reason,
            'Install it (apt install bubblewrap), or set [sandbox] mode = "auto" to go on without when it cannot work.',
        )
    return Sandbox("none", reason=reason)


def open_sandbox(mode: str, env: Mapping[str, str], places: Places, scratch: int) -> Sandbox:
    """`find_sandbox` for the places of a session. Raises MeasureError."""
    found = find_sandbox(mode, env)
    return Sandbox(found.kind, found.program, places, scratch, found.reason)


def _bubblewrap(path: str) -> tuple[tuple[str, ...], str]:
    """The program with the options that it knows, or why it cannot be used. A version says nothing: containers and systems
    forbid what it needs, so one command is run."""
    program = shutil.which("bwrap", path=path) if sys.platform == "linux" else None
    if program is None:
        return (), "bubblewrap (bwrap) is not installed"
    said = ""
    for options in (("--unshare-user", "--disable-userns"), ()):
        command = bubblewrap.arguments(
            (program, *options), NOWHERE, Path("/usr"), writable=False, outputs=(), network=False, scratch=1 << 20
        )
        try:
            done = subprocess.run(
                [*command, "/bin/sh", "-c", "test ! -w /proc/sys/kernel/core_pattern"],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=TRIAL_SECONDS, check=False, env={"PATH": path},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return (), f"bubblewrap cannot be run: {error}"
        if done.returncode == 0:
            return (program, *options), ""
        said = said or done.stderr.decode(errors="replace").strip()
    return (), f"bubblewrap cannot be used here: {said or 'its trial command failed'}"
