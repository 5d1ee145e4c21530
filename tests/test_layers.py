"""Imports go down only, and what must start fast pulls in nothing heavy."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("pydantic", "optuna", "libcst", "rich", "anthropic", "textual", "scipy", "watchfiles", "psutil")
SCREENS = tuple(name for name in HEAVY if name not in ("pydantic",))


def loaded_by(module: str) -> set[str]:
    """The top-level names in `sys.modules` of a fresh process that has imported the module."""
    script = f"import sys, {module}; print('\\n'.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_import_contracts_hold() -> None:
    script = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("autotune_tui.journal.reader", (*HEAVY, "numpy", "click")),
        ("autotune_tui.journal.writer", (*HEAVY, "numpy", "click")),
        ("autotune_tui.journal.files", (*HEAVY, "numpy", "click")),
        ("autotune_tui.journal.inbox", (*HEAVY, "numpy", "click")),
        ("autotune_tui.journal.lock", (*HEAVY, "numpy", "click")),
        ("autotune_tui.journal.follow", tuple(name for name in HEAVY if name != "watchfiles")),
        ("autotune_tui.model.state", (*HEAVY, "numpy", "click")),
        ("autotune_tui.model.health", (*HEAVY, "numpy", "click")),
        ("autotune_tui.model.leaderboard", (*HEAVY, "numpy", "click")),
        ("autotune_tui.report", (*HEAVY, "numpy", "click")),
        ("autotune_tui.stats", HEAVY),
        ("autotune_tui.config", SCREENS),
        ("autotune_tui.workspace", SCREENS),
        ("autotune_tui.cli", (*HEAVY, "numpy")),
        ("autotune_tui.agents.offline.agent", ("anthropic", "httpx2", "acp", "textual", "rich")),
        ("autotune_tui.agents.acp.agent", ("acp", "anthropic", "httpx2", "optuna", "libcst", "textual", "rich")),
        ("autotune_tui.agents.recipes", ("acp", "anthropic", "httpx2", "optuna", "libcst", "textual", "rich")),
        ("autotune_tui.agent_programs", (*HEAVY, "numpy", "click")),
        ("autotune_tui.agents.claude.agent", ("anthropic", "httpx2", "optuna", "libcst", "textual", "rich")),
    ],
)
def test_importing_one_layer_does_not_pull_in_another_ones_weight(module: str, never: tuple[str, ...]) -> None:
    assert loaded_by(module) & set(never) == set()


def test_a_list_of_what_is_heavy_names_packages_that_exist_or_are_meant_to() -> None:
    later = {"anthropic", "textual", "scipy"}
    assert {name for name in HEAVY if importlib.util.find_spec(name) is None} <= later
