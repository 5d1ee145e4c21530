"""The sandbox does for an ordinary user what it does for root, whole sessions included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USER = 54321
ALONE = ["unshare", "--mount", "--propagation", "private"]
HERE = Path(__file__).parent
FILES = ["test_sandbox.py", "test_sandbox_kinds.py", "test_sandbox_bombs.py"]
CHOSEN = "hidden or kernel or network or bomb or agent or behind"


def is_possible() -> bool:
    tools = all(shutil.which(name) for name in ("unshare", "setpriv", "mount"))
    return (
        tools
        and os.getuid() == 0
        and subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not is_possible(), reason="needs root, who may be another user: apt install util-linux mount")
def test_an_ordinary_user_is_behind_the_same_walls(tmp_path: Path) -> None:
    """The tests of the walls again, as a user who is in no list and has no right but his own."""
    folder = Path(f"/tmp/autotune-user-{os.getpid()}")
    for path in (folder, folder / "tmp", folder / "home"):
        path.mkdir()
        os.chown(path, USER, USER)
    env = {**os.environ, "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    tests = [
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        str(folder / "base"),
        "-k",
        CHOSEN,
    ]
    start = [sys.executable, "-I", "-S", str(HERE / "ordinary_user.py"), str(USER), sys.executable]
    try:
        done = subprocess.run(
            [*ALONE, *start, *tests, *(str(HERE / name) for name in FILES)],
            env=env, cwd=HERE.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert int(done.stdout.splitlines()[-1].split()[0]) >= 20, done.stdout
