"""The same few attacks with and without walls: what holds where bubblewrap is there, missing, or forbidden.

Run as a program of its own, so that it may be another user's: `python -m tests.adversarial.modes MODE` prints a JSON object.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

MODES = ("present", "absent", "blocked", "refused", "none")
"""Of bubblewrap: blocked by an error of its own, refused by the kernel, which gives no namespaces to what runs here; `none`
is the configuration's word for no sandbox at all.
"""
REFUSING = ("bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/")

FORBIDDEN = "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"


def search_path(mode: str, folder: Path) -> str:
    """A PATH on which bubblewrap is as the mode says."""
    path = os.environ.get("PATH", os.defpath)
    folder.mkdir()
    if mode == "absent":  # all programs but one
        for place in reversed(path.split(os.pathsep)):
            for program in Path(place).glob("*") if os.access(place, os.R_OK | os.X_OK) else ():
                link = folder / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
        (folder / "bwrap").unlink(missing_ok=True)
        return str(folder)
    if mode == "blocked":
        (folder / "bwrap").write_text(FORBIDDEN)
        (folder / "bwrap").chmod(0o755)
        return f"{folder}{os.pathsep}{path}"
    return path


def run(mode: str, folder: Path) -> dict[str, object]:
    """Attack once; what a test wants to know of it, as plain data."""
    from autotune_tui.model.events import Note, Session

    from .campaign import Campaign, attack
    from .campaigns import OUTSIDE

    os.environ["PATH"] = search_path(mode, folder / "bin")
    more = f'[sandbox]\nmode = "{"none" if mode == "none" else "auto"}"\n'
    done = attack(Campaign("modes", "fixed", OUTSIDE, more=more), folder / "world")
    for place in ("/tmp", "/dev/shm"):
        shutil.rmtree(Path(place, done.world.token), ignore_errors=True)
    return {
        "kind": next(event.sandbox for event in done.events if isinstance(event, Session)),
        "warnings": [event.text for event in done.events if isinstance(event, Note) and event.level == "warning"],
        "verdicts": {name: [outcome.verdict, outcome.detail] for name, outcome in done.outcomes.items()},
        "harms": [harm for outcome in done.outcomes.values() for harm in outcome.harms] + list(done.harms),
        "told": list(done.told),
    }


if __name__ == "__main__":
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as scratch:
        sys.stdout.write(json.dumps(run(sys.argv[1], Path(scratch))) + "\n")
