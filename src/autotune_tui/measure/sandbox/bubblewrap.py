"""The arguments of bubblewrap that confine one command. Pure: nothing here looks at the machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autotune_tui.measure.sandbox.places import Places

KERNEL = ("/proc/sys", "/proc/sysrq-trigger", "/proc/mtrr")
"""Files of the kernel that root may write also without any capability: `core_pattern` alone would run a program as root on
the host. bubblewrap leaves them writable when root starts it."""


def arguments(
    program: Sequence[str],
    places: Places,
    tree: Path,
    *,
    writable: bool,
    outputs: Sequence[Path],
    network: bool,
    scratch: int,
) -> tuple[str, ...]:
    """What stands before the command's own arguments. `scratch` is the size of each fresh folder, in bytes.

    The order matters: each mount hides what an earlier one put below it. `--die-with-parent` is left out, since the kernel
    would end what outlives the command before its processor time could be read; the launcher ends it.
    """
    return tuple(_words(program, places, tree, writable, outputs, network, scratch))


def _words(
    program: Sequence[str],
    places: Places,
    tree: Path,
    writable: bool,
    outputs: Sequence[Path],
    network: bool,
    scratch: int,
) -> Iterator[str]:
    yield from program
    yield from ("--unshare-user", "--unshare-all", "--cap-drop", "ALL", "--new-session")
    if network:
        yield "--share-net"
    yield from ("--ro-bind", "/", "/")
    for folder in places.hidden:
        yield from ("--size", str(scratch), "--tmpfs", str(folder))
    for folder in places.read:
        yield from _bound("--ro-bind", folder)
    for folder in places.write:
        yield from _bound("--bind", folder)
    for folder in places.covered:
        yield from ("--size", str(scratch), "--tmpfs", str(folder))
    for file in places.masked:
        yield from ("--ro-bind", "/dev/null", str(file))
    for folder in places.shown:
        yield from _bound("--ro-bind", folder)
    yield from _bound("--bind" if writable else "--ro-bind", tree)
    yield from ("--ro-bind-try", str(tree / ".git"), str(tree / ".git"))
    for folder in outputs:
        yield from _bound("--bind", folder)
    yield from ("--dev", "/dev", "--size", str(scratch), "--tmpfs", "/dev/shm", "--proc", "/proc")
    for name in KERNEL:
        yield from ("--ro-bind-try", name, name)
    if network:
        # The resolver's file is often a link into /run.
        yield from ("--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve")
    yield from ("--setenv", "TMPDIR", "/tmp", "--chdir", str(tree), "--")


def _bound(how: str, path: Path) -> tuple[str, str, str]:
    return how, str(path), str(path)
