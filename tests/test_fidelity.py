"""Fidelity again (L11): a keep that could make the benchmark run something else is followed by the canary."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune_tui.engine.fidelity import touched
from autotune_tui.model.events import Canary
from engine_support import Session, configure, make_repo

BENCH = """\
#!/bin/sh
if grep -q cached src/settings.ini; then echo "METRIC cost=50"; else echo "METRIC cost=$(cat src/value.txt)"; fi
"""
ON = "[canary]\nfiles = 12\n[budget]\nexperiments = 1\n"


@pytest.mark.parametrize(
    ("paths", "diff", "words"),
    [
        (["src/a.py"], "-x = 1\n+x = 2\n", ""),
        (["src/a.py", "Makefile"], "", "the build (Makefile)"),
        (["cmake/tools.cmake"], "", "the build"),
        (["requirements-dev.txt"], "", "the build"),
        (["src/settings.toml"], "", "configuration (src/settings.toml)"),
        (
            ["src/cli.py"],
            "--- a/src/cli.py\n+++ b/src/cli.py\n+parser.add_argument('--fast')\n",
            "arguments (add_argument)",
        ),
        (["src/cli.py"], " parser.add_argument('--fast')\n+x = 1\n", ""),
        (["main.c"], "-  if (argc > 1)\n", "arguments (argc)"),
    ],
)
def test_what_a_keep_touches_decides_whether_the_canary_is_repeated(paths: list[str], diff: str, words: str) -> None:
    found = touched(paths, diff)
    assert found.startswith(words) and bool(found) == bool(words)


async def run(folder: Path, edit: str) -> tuple[Session, str]:
    repo = make_repo(folder, {"src/settings.ini": "[main]\n"}, BENCH)
    script = folder / "agent.sh"
    script.write_text(edit)
    session = Session(repo, configure(folder / "cache", f"sh {script}", ON))
    end = await session.run()
    return session, end.outcome


async def test_a_keep_of_configuration_is_followed_by_the_canary(tmp_path: Path) -> None:
    session, outcome = await run(tmp_path, "echo 60 > src/value.txt; echo 'size = 2' >> src/settings.ini")
    assert session.verdicts == [("keep", "improvement")] and outcome == "completed"
    flown = [event for event in session.events if isinstance(event, Canary)]
    assert [(event.experiment, event.status) for event in flown] == [(0, "warn"), (1, "warn")]
    assert any("changed configuration (src/settings.ini), so the canary" in note.text for note in session.state.notes)
    assert session.state.incumbent_value == 60


async def test_a_keep_of_code_alone_is_not(tmp_path: Path) -> None:
    session, outcome = await run(tmp_path, "echo 60 > src/value.txt")
    assert session.verdicts == [("keep", "improvement")] and outcome == "completed"
    assert len([event for event in session.events if isinstance(event, Canary)]) == 1


async def test_a_keep_after_which_the_code_does_not_run_any_more_pauses_the_session(tmp_path: Path) -> None:
    """The reason names the experiment and what it changed; to go on is refused until somebody says so."""
    session, outcome = await run(tmp_path, "echo 'mode = cached' >> src/settings.ini")
    assert session.verdicts == [("keep", "improvement")] and outcome == "paused"
    assert "after the keep of experiment 1, which changed configuration" in session.state.health_reason
    assert session.state.canary is not None and session.state.canary.status == "fail"
