"""What every test gets: surroundings of its own, so that neither the machine's settings nor a test leave traces."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine is no place for deadlines on single examples.
settings.register_profile("shared", deadline=None, max_examples=60)
settings.load_profile("shared")

LONG = (
    "test_wizard.py",
    "test_modes.py",
    "test_engine_loop.py",
    "test_twins.py",
    "test_engine_control.py",
    "test_ui_pty.py",
    "test_faults.py",
    "test_wizard_snapshots.py",
    "test_claude_session.py",
    "test_override.py",
    "test_resume.py",
    "test_oracle_packages.py",
    "test_engine_replay.py",
    "test_remembering.py",
    "test_cheating.py",
    "test_holdout.py",
    "test_inspector_session.py",
)
"""Files that take the longest, from the longest on."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They begin first, so that no worker is alone with one of them at the end."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings of the user's git, a home and cache that go away again, and the Python that runs the tests as `python3`.

    Where `python3` is a version manager's shim, to choose the version each time takes longer than what most commands do.
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        patch.delenv("NO_COLOR", raising=False)
        for name in (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_BASE_URL",
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_CONFIG_GLOBAL",
            "XDG_CONFIG_HOME",
        ):
            patch.delenv(name, raising=False)
        yield
