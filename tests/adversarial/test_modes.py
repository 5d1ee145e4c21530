"""What holds as root and as an ordinary user, with bubblewrap there, missing, forbidden, and with no walls at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from .modes import MODES, REFUSING

NOBODY = 65534
MODULE = "tests.adversarial.modes"
ROOT = Path(__file__).parents[2]
SITES = [path for path in sys.path if path.endswith("site-packages")]


@cache
def command(user: str) -> tuple[tuple[str, ...], str]:
    """How a Python of ours is started as that user, or why it cannot be."""
    if user == "this user":
        return (sys.executable,), ""
    if os.getuid() != 0:
        return (), "an ordinary user runs these tests already"
    if shutil.which("setpriv") is None:
        return (), "setpriv is needed: apt install util-linux"
    for python in (sys.executable, "/usr/bin/python3", f"/usr/bin/python3.{sys.version_info.minor}"):
        words = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", python)
        asked = [
            *words,
            "-c",
            "import os, sys; os.stat(sys.executable); import pydantic, git, numpy, psutil, pytest, autotune_tui.engine.run",
        ]
        if subprocess.run(asked, env=environment(), cwd="/", capture_output=True, check=False).returncode == 0:
            return words, ""
    return (), "no Python that nobody may read has what is needed: apt install python3, of this version"


def environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), *SITES]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": "/nonexistent",
    }


@pytest.mark.parametrize("user", ["this user", "an ordinary user"])
@pytest.mark.parametrize("mode", MODES)
def test_attacks_fail_in_every_mode(mode: str, user: str) -> None:
    """Nothing is kept; with walls, of whatever kind, nothing is changed, told or reached; without them it is said."""
    words, reason = command(user)
    if not words:
        pytest.skip(reason)
    if mode in ("present", "refused") and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt install bubblewrap")
    if mode == "refused":
        words = (*words[:-1], *REFUSING, words[-1])
        if subprocess.run([*words, "-c", ""], cwd="/", capture_output=True, check=False).returncode:
            pytest.skip("this user may make no namespace, so the kernel cannot be told to refuse the next: see blocked")
    done = subprocess.run(
        [*words, "-m", MODULE, mode], cwd="/", env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["verdicts"]
    assert not [name for name, (verdict, _) in found["verdicts"].items() if verdict.startswith("keep")]
    if mode == "present":
        assert found["kind"] in ("bubblewrap", "landlock")  # where namespaces are forbidden
    if mode == "none":
        assert found["kind"] == "none"
    else:
        assert found["kind"] != "bubblewrap" or mode == "present"
    if found["kind"] == "none":
        assert any(text.startswith("no sandbox: ") for text in found["warnings"])
    else:
        assert found["harms"] == []
        assert found["told"] == []
