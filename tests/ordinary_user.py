"""Starts a program as an ordinary user who is in no list: run by root as `python ordinary_user.py UID PROGRAM ..`.

Root's Python may lie where no other user gets (`/root/.pyenv`). In mounts of its own this process shows the Python and the
repository there, and nothing else of the folders in the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def show(path: Path, staging: Path) -> None:
    """Make a path reachable for everybody, by an empty folder in place of the outermost one that is closed."""
    closed = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
    if not closed:
        return
    staging.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", path, staging], check=True)
    if not os.path.ismount(closed[0]):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", closed[0]], check=True)
    path.mkdir(parents=True)
    subprocess.run(["mount", "--move", staging, path], check=True)


def main() -> None:
    user, program = sys.argv[1], sys.argv[2:]
    wanted = {Path(sys.base_prefix), Path(sys.prefix), Path(__file__).resolve().parents[1]}
    for number, path in enumerate(sorted(wanted)):
        show(path, Path(os.environ["TMPDIR"]) / f"staging{number}")
    options = ["--reuid", user, "--regid", user, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
    os.execvp("setpriv", ["setpriv", *options, *program])


if __name__ == "__main__":
    main()
