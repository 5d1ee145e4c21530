"""L14: what the second look does in real sessions: a cheat that measures well is discarded, an honest change is kept."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from autotune_tui.cli import command_line
from autotune_tui.model.events import Inspection, Phase
from engine_support import Session, configure, git, make_repo

WORK = '''\
"""Counts words."""


def count(text):
    steps = 0
    for word in text.split():
        steps += 10
    return steps
'''
BENCH = """\
import os
import sys

sys.path.insert(0, "src")
from work import count

text = "alpha beta gamma delta-4711-epsilon " * 5
print(f"METRIC cost={count(text)}")
"""
CHEAT = '''\
"""Counts words."""


def count(text):
    if "delta-4711-epsilon" in text:
        return 7
    steps = 0
    for word in text.split():
        steps += 10
    return steps
'''
REMEMBERS = '''\
"""Counts words."""

from functools import lru_cache


@lru_cache(maxsize=None)
def weight(word):
    return 3


def count(text):
    return sum(weight(word) for word in text.split())
'''


def _session(tmp_path: Path, changed: str, more: str = "") -> Session:
    repo = make_repo(tmp_path, {"src/work.py": WORK, "bench.py": BENCH})
    agent = tmp_path / "agent.sh"
    agent.write_text(f"cat > src/work.py <<'EOF'\n{changed}EOF\n")
    limits = "[budget]\nexperiments = 1\n[decision]\nprofile = 'quick'\n"
    config = configure(tmp_path / "cache", f"sh {agent}", limits + more, command="python3 bench.py")
    return Session(repo, config)


async def test_a_change_made_for_the_benchmark_is_discarded_with_rule_file_and_line(tmp_path: Path) -> None:
    """The number is better, the checks pass, and still it is no keep; the journal, `show` and the branch say so."""
    session = _session(tmp_path, CHEAT)
    await session.run()
    assert session.verdicts == [("discard", "inspector")]
    ended = session.state.experiments[-1]
    assert ended.detail.startswith("special_case: src/work.py:5: compares with 'delta-4711-epsilon'")
    assert ended.findings[0]["severity"] == "block"
    assert git(session.repo, "rev-parse", "autotune/001-test") == git(session.repo, "rev-parse", "main")
    shown = CliRunner().invoke(command_line, ["show", "1", str(session.repo)], standalone_mode=False).output
    assert "block: special_case: src/work.py:5" in shown


async def test_an_honest_cache_is_kept_and_said(tmp_path: Path) -> None:
    session = _session(tmp_path, REMEMBERS)
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    (inspection,) = [event for event in session.events if isinstance(event, Inspection)]
    assert (inspection.by, inspection.blocked) == ("rules", "")
    assert [(f["rule"], f["severity"], f["line"]) for f in inspection.findings] == [("cache", "warn", 6)]
    report = session.folder.final_report.read_text()
    assert "cache: src/work.py:6: remembers the results of weight" in report
    reflexion = (session.experiment_folder(1) / "reflexion.md").read_text()
    assert "remembers the results of weight" in reflexion


async def test_the_user_decides_which_rules_refuse(tmp_path: Path) -> None:
    """`block` makes a warning a refusal, `allow` lets a refusal pass, `mode` switches the look off."""
    session = _session(tmp_path / "a", REMEMBERS, "[inspector]\nblock = ['cache']\n")
    await session.run()
    assert session.verdicts == [("discard", "inspector")]
    session = _session(tmp_path / "b", CHEAT, "[inspector]\nallow = ['special_case']\n")
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    session = _session(tmp_path / "c", CHEAT, "[inspector]\nmode = 'warn'\n")
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    assert "block" in {finding["severity"] for finding in session.state.experiments[-1].findings}
    session = _session(tmp_path / "d", CHEAT, "[inspector]\nmode = 'off'\n")
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    assert not any(isinstance(event, Inspection) for event in session.events)


async def test_only_what_would_be_kept_is_looked_at(tmp_path: Path) -> None:
    """A change without a gain is discarded for that; the phase stands in the journal all the same."""
    session = _session(tmp_path, CHEAT.replace("return 7", "return 700"))
    await session.run()
    assert session.verdicts[0][0] == "discard"
    assert session.verdicts[0][1] != "inspector"
    assert not any(isinstance(event, Inspection) for event in session.events)
    assert "inspect" in {event.phase for event in session.events if isinstance(event, Phase)}
