"""Finding the command's program, and why one could not be started."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def find_program(name: str, path: str) -> str:
    """Where the command's own PATH, not ours, has the program. Raises FileNotFoundError and PermissionError."""
    if "/" in name:
        return name
    refused = False
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder or ".", name)
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.stat(candidate).st_mode):
                if os.access(candidate, os.X_OK):
                    return candidate
                refused = True
    raise OSError(errno.EACCES if refused else errno.ENOENT, "", name)


def launch_error(error: OSError | ValueError, request: dict[str, Any]) -> dict[str, Any]:
    """The exit code that a shell would give, and the reason in words."""
    name, cwd = request["argv"][0], request["cwd"]
    code = error.errno if isinstance(error, OSError) else None
    if not os.path.isdir(cwd):
        return {"exit": 126, "error": f"the directory {cwd} does not exist"}
    if code == errno.ENOENT and "/" in name and os.path.exists(os.path.join(cwd, name)):
        return {"exit": 126, "error": f"the interpreter that the first line of {name} names does not exist"}
    if code == errno.ENOENT:
        return {"exit": 127, "error": f"command not found: {name}"}
    if code == errno.EACCES and os.access(name, os.X_OK):
        return {"exit": 126, "error": f"{name} lies where the sandbox shows nothing: name its folder in [sandbox] read"}
    if code == errno.EACCES:
        return {"exit": 126, "error": f"{name} is not executable"}
    if code == errno.ENOEXEC:
        return {"exit": 126, "error": f"{name} is neither a program nor a script with a #! line"}
    return {"exit": 126, "error": f"{name} cannot be started: {error}"}
