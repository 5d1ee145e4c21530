"""Landlock: a process shuts itself, and all that it will start, out of most of the machine, without any privilege.

The kernel's interface is three system calls. The launcher applies it in the child that becomes the command. Run by path as a
program (`python -I -S landlock.py RULES -- COMMAND ..`), this file confines a command that someone else starts.

RULES is JSON: {"read": [paths], "write": [paths], "devices": [paths], "network": bool, "scratch": path}. Folders mean all
that is below them. The program makes `scratch` anew, lets it be written, and names it as TMPDIR; the launcher, which is there
to remove it afterwards, makes one of its own for each run.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every processor that Python runs on."""
VERSION = 1
PATH_BENEATH = 1
READ = 0b1101
"""Execute, read a file, list a folder."""
DEVICE = 0b0110 | 1 << 14 | 1 << 15
"""Read, write, truncate and control."""
WRITE = 0xFFFF & ~(1 << 6 | 1 << 11)
"""Everything but making devices."""
ON_FILES = 0b0111 | 1 << 14 | 1 << 15
HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
EVERY_ACCESS = (1 << 16) - 1
TCP = 0b11
"""Bind and connect; from version 4 on."""
SCOPES = 0b11
"""Abstract sockets and signals of processes outside; from version 6 on."""
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The kernel's Landlock version; 0 where it has none, or is told not to use it."""
    return max(0, libc.syscall(CREATE_RULESET, None, 0, VERSION)) if sys.platform == "linux" else 0


def attributes(known: int, network: bool) -> bytes:
    """What is refused unless a rule allows it, as the kernel of that version reads it."""
    words = [HANDLED.get(known, EVERY_ACCESS)]
    if known >= 4:
        words.append(0 if network else TCP)
    if known >= 6:
        words.append(SCOPES)
    return struct.pack(f"={len(words)}Q", *words)


def ruleset(rules: dict[str, Any]) -> int:
    """A file descriptor of the rules, for `restrict`. Raises OSError where there is no Landlock."""
    known = version()
    content = attributes(known, rules["network"])
    fd = called(libc.syscall(CREATE_RULESET, content, len(content), 0))
    handled = HANDLED.get(known, EVERY_ACCESS)
    for name, access in (("read", READ), ("devices", DEVICE), ("write", WRITE)):
        for path in rules[name]:
            allow(fd, path, access & handled)
    return fd


def allow(ruleset_fd: int, path: str, access: int) -> None:
    """Add a rule; a path that is gone needs none."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):
                access &= ON_FILES
            called(libc.syscall(ADD_RULE, ruleset_fd, PATH_BENEATH, struct.pack("=Qi", access, fd), 0))
        finally:
            os.close(fd)


def restrict(ruleset_fd: int) -> None:
    """Confine this process for ever, and take away what root may do beside files. Raises OSError."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break  # there are no more, or we have no right to: then there is none to lose either
    called(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    called(libc.syscall(RESTRICT_SELF, ruleset_fd, 0))
    called(libc.capset(struct.pack("=Ii", CAPABILITY_VERSION_3, 0), bytes(24)))


def called(result: int) -> int:
    """Raises OSError when a system call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def empty(folder: str) -> None:
    """Remove a folder with all that is in it, as far as that can be done."""
    folders = [folder]
    for place in folders:
        for name in names(place):
            path = os.path.join(place, name)
            if os.path.isdir(path) and not os.path.islink(path):
                folders.append(path)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(path)
    for place in reversed(folders):
        with contextlib.suppress(OSError):
            os.rmdir(place)


def names(folder: str) -> list[str]:
    """What is in a folder; nothing where there is none, or one that cannot be opened even now."""
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)
        return os.listdir(folder)
    return []


def rules_of(prefix: list[str]) -> dict[str, Any] | None:
    """The rules in the arguments that start this program; None when it is another."""
    if prefix[3:4] != [__file__]:
        return None
    rules: dict[str, Any] = json.loads(prefix[4])
    return rules


def prepare(rules: dict[str, Any]) -> tuple[str, int]:
    """A new folder for temporary files, with a short name as sockets need it, and the rules that let it be written."""
    scratch = f"/tmp/autotune-{os.urandom(6).hex()}"
    os.mkdir(scratch, 0o700)
    return scratch, ruleset({**rules, "write": [*rules["write"], scratch]})


def main() -> None:
    rules, argv = json.loads(sys.argv[1]), sys.argv[3:]
    scratch = rules["scratch"]
    empty(scratch)
    os.makedirs(scratch, mode=0o700)
    os.environ["TMPDIR"] = scratch
    restrict(ruleset({**rules, "write": [*rules["write"], scratch]}))
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
