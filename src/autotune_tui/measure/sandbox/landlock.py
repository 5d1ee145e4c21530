"""The rules of Landlock that confine one command: what may be read is named, all else is out of reach.

`measure.launcher.landlock` hands them to the kernel. Less is held than by bubblewrap: of the network only TCP, and that from
version 4 on; services can be reached by the names of their sockets; shared memory of System V outlives a run; owners and times
of the user's own files can be changed, though not their content.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autotune_tui.measure.launcher import landlock
from autotune_tui.measure.sandbox.places import Places

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu", "/snap", "/var/lib",
    "/var/cache", "/proc", "/sys", "/run/systemd/resolve",
)  # fmt: skip
"""What every command may read: programs, libraries, settings, the kernel's figures."""
DEVICES = (
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/dri",
    "/dev/kfd", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0",
)  # fmt: skip
Children = Callable[[Path], Iterable[Path]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the launcher is given, as JSON; folders mean all that is below them."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    devices: tuple[str, ...]
    network: bool
    scratch: str


def rules(
    places: Places,
    tree: Path,
    *,
    writable: bool,
    outputs: Sequence[Path],
    network: bool,
    children: Children = lambda folder: folder.iterdir() if folder.is_dir() else (),
) -> Rules:
    """The rules for a command that runs in `tree`. `children` lists a folder of which a part must stay out of reach.

    A tree that may be written is so with its `.git`: a rule is for all that is below a folder. The engine puts it back.
    """
    wanted = [*map(Path, SYSTEM), *places.roots, *places.shown]
    closed = (*places.covered, *places.masked)
    read = [part for root in wanted for part in _apart(root, closed, children)]
    return Rules(
        read=_texts([*read, *places.shown, tree]),
        write=_texts([*places.write, *([tree] if writable else []), *outputs]),
        devices=DEVICES,
        network=network,
        scratch=str(tree.parent / "tmp"),
    )


def prefix(found: Rules) -> tuple[str, ...]:
    """What stands before a command's arguments. The launcher knows it, and confines without starting it."""
    return (sys.executable, "-I", "-S", landlock.__file__, json.dumps(asdict(found)), "--")


def gaps(version: int) -> str:
    """What this kernel's Landlock does not hold, in words."""
    network = "of the network only TCP is off" if version >= 4 else "the network is open"
    return (
        f"{network}, services can be reached by their sockets, shared memory of System V and key rings outlive a run, "
        "and owners and times of your files can be changed"
    )


def _apart(root: Path, covered: Sequence[Path], children: Children) -> list[Path]:
    """`root`, or as much of what is below it as is not covered."""
    if any(root == each or each in root.parents for each in covered):
        return []
    if not any(root in each.parents for each in covered):
        return [root]
    return [part for child in sorted(children(root)) for part in _apart(child, covered, children)]


def _texts(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, paths)))
