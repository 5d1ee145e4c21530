"""The profile of macOS's `sandbox-exec` that confines one command. Pure: nothing here looks at the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from autotune_tui.measure.sandbox.places import Places

PROGRAM = "/usr/bin/sandbox-exec"
FRESH = 'rm -rf "$TMPDIR" && mkdir -p "$TMPDIR" && exec "$@"'
"""What the shell does inside before each run: nothing of the run before is left."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/dtracehelper")


def prefix(places: Places, tree: Path, *, writable: bool, outputs: Sequence[Path], network: bool) -> tuple[str, ...]:
    """What stands before a command's arguments."""
    scratch = tree.parent / "tmp"
    text = profile(places, tree, scratch, writable=writable, outputs=outputs, network=network)
    return ("/usr/bin/env", f"TMPDIR={scratch}", PROGRAM, "-p", text, "/bin/sh", "-c", FRESH, "sh")


def profile(
    places: Places, tree: Path, scratch: Path, *, writable: bool, outputs: Sequence[Path], network: bool
) -> str:
    """The last rule that fits an operation decides, so what is inside stands after what is around it."""
    written = [*places.write, *([tree] if writable else []), *outputs, scratch]
    return "\n".join(_lines(places, tree, scratch, written, network)) + "\n"


def _lines(places: Places, tree: Path, scratch: Path, written: Sequence[Path], network: bool) -> Iterator[str]:
    yield "(version 1)"
    yield "(allow default)"
    if not network:
        yield "(deny network*)"
        yield '(allow network* (local ip "localhost:*") (remote ip "localhost:*"))'
        yield "(allow network* (local unix-socket) (remote unix-socket))"
    yield "(deny process-info* (target others))"
    yield "(deny signal (target others))"
    yield "(allow signal (target same-sandbox))"
    yield from _rule("deny file-read-data", places.hidden)
    yield from _rule("allow file-read*", places.read)
    yield from _rule("deny file-read-data", [*places.covered, *places.masked, tree.parent])
    yield from _rule("allow file-read*", [*places.shown, tree, scratch])
    yield "(deny file-write*)"
    yield from _rule("allow file-write*", DEVICES, "literal")
    yield from _rule("allow file-write*", written)
    yield from _rule("deny file-write*", [tree / ".git"])


def _rule(action: str, paths: Iterable[Path | str], how: str = "subpath") -> Iterator[str]:
    """A rule for paths; without any there is none, as one without a path would be for all."""
    if words := [f"({how} {_quoted(path)})" for path in paths]:
        yield f"({action} {' '.join(words)})"


def _quoted(path: Path | str) -> str:
    """A text of the profile's language. Raises ValueError for a name that it cannot hold."""
    text = str(path)
    if any(ord(character) < 32 for character in text):
        raise ValueError(f"a path with a control character cannot be confined: {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
