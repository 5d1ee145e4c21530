"""Each playbook in a real session that gets stuck in its way: what it does, what it finds, and what a person is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Health, Plan, Recovery, Result
from autotune_tui.model.health import recovery_words
from engine_support import git
from playbook_support import budget, explained, healths, recoveries, stuck, told, until

KNOB = """\
#!/bin/sh
echo "METRIC cost=$(sed -n 's/^SIZE = \\([0-9]*\\).*/\\1/p' src/knob.py)"
"""
LOADED = """\
#!/bin/sh
# What is marked as a bomb fails as soon as the flag is there.
if [ -e FOLDER/flag ] && grep -q bomb src/value.txt; then echo "the cache is corrupt" >&2; exit 3; fi
echo "METRIC cost=$(cut -d' ' -f1 src/value.txt)"
"""
AWAY = """\
#!/bin/sh
if [ -e FOLDER/flag ]; then echo "no such server" >&2; exit 3; fi
echo "METRIC cost=$(cat src/value.txt)"
"""


async def test_strategies_that_failed_may_not_be_used_until_the_next_keep(tmp_path: Path) -> None:
    """H2, L19: switch_strategy; who does not obey loses the experiment."""
    ours = stuck(
        tmp_path,
        """
said["strategy"] = "layout" if number == 4 else "cache"
value.write_text({1: "101", 2: "102", 3: "70", 4: "90", 5: "80"}[number])
""",
        'playbooks = ["switch_strategy", "pause"]',
        more="[budget]\nexperiments = 5",
    )
    await ours.run()
    assert ours.verdicts == [
        ("discard", "regression"), ("discard", "regression"), ("discard", "avoided"),
        ("keep", "improvement"), ("keep", "improvement"),
    ]  # fmt: skip
    assert [event.avoid for event in recoveries(ours)] == [("cache",)]
    assert told(tmp_path, 3)["guidance"]["avoid"] == ["cache"]
    assert "may not be used for now: cache" in " ".join(told(tmp_path, 3)["guidance"]["words"])
    assert told(tmp_path, 5)["guidance"]["avoid"] == []
    assert healths(ours) == ["running", "plateaued", "healing", "running", "improving", "completed"]
    rows = explained(until(ours, Recovery))
    assert rows["State"] == "healing (plateau: nothing that is tried proves a gain)"
    assert rows["Found"].startswith(
        "switch_strategy (2 experiments in a row without a keep): tried since the last keep"
    )
    assert rows["Now"] == "strategies that may not be used: cache, until the next keep or playbook"


async def test_the_scope_is_narrowed_to_what_gained_also_after_a_restart_and_widened_by_a_keep(tmp_path: Path) -> None:
    """H2: shrink_scope is told to the agent, enforced, journalled, and over with the next keep."""
    ours = stuck(
        tmp_path,
        """
other = pathlib.Path("src/other.txt")
(value if number in (1, 5) else other).write_text({1: "90", 5: "80"}.get(number, str(number)))
""",
        'playbooks = ["shrink_scope", "pause"]',
        files={"src/other.txt": "1\n"},
        more="[budget]\nexperiments = 3",
    )
    await ours.run()
    (found,) = recoveries(ours)
    assert found.scope == ("src/value.txt",)
    assert found.found == "the scope is narrowed from 2 files to src/value.txt, which held the last gains"
    assert explained(until(ours, Recovery))["Now"].startswith("the scope is narrowed to src/value.txt, until")
    budget(ours, 6)
    await ours.run()
    assert ours.verdicts[2:] == [
        ("discard", "no_improvement"), ("discard", "out_of_scope"), ("keep", "improvement"), ("discard", "no_improvement"),
    ]  # fmt: skip
    assert "src/other.txt (outside the scope)" in ours.state.experiments[4].detail
    assert (told(tmp_path, 4)["files"], told(tmp_path, 4)["include"]) == (["src/value.txt"], ["./src/value.txt"])
    assert told(tmp_path, 6)["files"] == ["src/other.txt", "src/value.txt"]
    assert ours.state.course.usual


async def test_where_nothing_has_gained_the_scope_is_narrowed_to_what_a_real_profile_calls_hot(tmp_path: Path) -> None:
    """H2: shrink_scope without a keep."""
    ours = stuck(
        tmp_path,
        'pathlib.Path("src/cold.py").write_text(f"def cold():\\n    return {number}\\n")',
        'playbooks = ["shrink_scope", "pause"]',
        files={
            "bench.py": "from src.cold import cold\nfrom src.hot import hot\ncold()\nhot()\nprint('METRIC cost=100')\n",
            "src/cold.py": "def cold():\n    return 0\n",
            "src/hot.py": "def hot():\n    return sum(number * number % 7 for number in range(4_000_000))\n",
        },
        more="[budget]\nexperiments = 3",
    )
    benchmark = ours.config.benchmark.model_copy(update={"profile": True, "command": "python3 bench.py"})
    ours.config = ours.config.model_copy(update={"benchmark": benchmark})
    await ours.run()
    (found,) = recoveries(ours)
    assert found.scope == ("src/hot.py",)
    assert (
        found.found == "the scope is narrowed from 3 files to src/hot.py, where the profile saw 80% of the time or more"
    )
    assert ours.verdicts[2] == ("discard", "out_of_scope")
    assert told(tmp_path, 3)["files"] == ["src/hot.py"]


async def test_the_next_agent_takes_over_also_after_a_restart_and_gives_back_what_it_cannot_use(tmp_path: Path) -> None:
    """A7: switch_agent; the one that cannot work is passed over, and said."""
    ours = stuck(
        tmp_path,
        'pathlib.Path("src/note.txt").write_text(str(number))',
        'playbooks = ["switch_agent", "pause"]\nagents = ["command", "offline"]',
        bench=KNOB,
        files={"src/knob.py": "SIZE = 100  # autotune: {100, 50}\n"},
        more="[budget]\nexperiments = 1",
        health="max_no_improvement = 1",
    )
    recovery = ours.config.recovery.model_copy(update={"agents": ["command", "no-such-agent", "offline"]})
    ours.config = ours.config.model_copy(update={"recovery": recovery})
    await ours.run()
    (found,) = recoveries(ours)
    assert (found.agent, found.outcome) == ("offline", "done")
    assert found.found.startswith("offline takes over from command; no-such-agent cannot work (")
    assert explained(until(ours, Recovery))["Now"] == "offline proposes instead of the configured agent"
    budget(ours, 3)
    await ours.run()
    agents = {plan.experiment: plan.agent for plan in ours.events if isinstance(plan, Plan)}
    assert agents == {1: "command", 2: "offline", 3: "command"}
    assert ours.verdicts[1] == ("keep", "improvement")
    assert [event.outcome for event in recoveries(ours)] == ["done", "over", "done"]
    assert "switch_agent is over: nothing was left to propose with it" in recovery_words(recoveries(ours)[1])
    assert until(ours, Recovery, 2).course.usual


async def test_an_agent_that_has_nothing_else_gets_its_strategy_back(tmp_path: Path) -> None:
    """H2: a prohibition does not end a session; the offline agent obeys it as long as it can."""
    ours = stuck(
        tmp_path,
        "",
        'playbooks = ["switch_strategy", "pause"]',
        bench=KNOB,
        files={"src/knob.py": "SIZE = 50  # autotune: {50, 70, 90, 40}\n"},
        health="max_no_improvement = 1",
        agent="offline",
        more="[budget]\nexperiments = 2",
    )
    await ours.run()
    assert [event.outcome for event in recoveries(ours)] == ["done", "over"]
    assert "only what may not be used for now: knob" in recoveries(ours)[1].found
    assert [e.strategy for e in ours.state.experiments if not e.baseline] == ["knob", "knob"]


async def test_changes_that_fail_are_told_from_code_that_fails(tmp_path: Path) -> None:
    """H2: diagnose runs benchmark and checks on the incumbent; they work, so the agent is to repair its changes."""
    ours = stuck(
        tmp_path,
        'value.write_text("90" if guidance["repair"] else f"broken {number}")',
        'playbooks = ["diagnose", "pause"]',
        more='[checks]\ncommand = "! grep -q broken src/value.txt"\n[budget]\nexperiments = 4',
    )
    await ours.run()
    assert ours.verdicts == [("checks_failed", "checks_failed")] * 2 + [("keep", "improvement"), ("checks_failed",) * 2]
    assert [e.mode for e in ours.state.experiments if not e.baseline] == ["optimize", "optimize", "repair", "optimize"]
    (found,) = recoveries(ours)
    assert found.repair == "candidates"
    assert "the incumbent works in 6 runs, alone; nothing that is recorded of the machine has changed" in found.found
    assert "the changes are at fault" in found.found
    words = " ".join(told(tmp_path, 3)["guidance"]["words"])
    assert words.startswith("Repair only: mend what made the last experiments fail, and try nothing else. Found: ")
    rows = explained(until(ours, Recovery))
    assert rows["State"] == "healing (checks_failed: the changes break the checks)"
    assert rows["Now"] == "experiments only repair what fails, until the next keep or playbook"


async def test_code_that_was_kept_and_breaks_later_is_found_and_repaired(tmp_path: Path) -> None:
    """H2: the segment's first commit still works, so the keep is at fault; a repair need only be as good as that commit."""
    ours = stuck(
        tmp_path,
        """
if number > 1:
    flag.touch()
value.write_text("100 mended" if guidance["repair"] == "code" else f"{91 - number} bomb")
""",
        'playbooks = ["diagnose", "pause"]',
        bench=LOADED,
        more="[budget]\nexperiments = 4",
    )
    await ours.run()
    assert ours.verdicts == [("keep", "improvement"), *[("crash", "benchmark_crash")] * 2, ("keep", "repaired")]
    (found,) = recoveries(ours)
    first = git(ours.repo, "rev-parse", "main")
    assert (found.repair, found.base) == ("code", first)
    assert found.found.startswith("the code is at fault: the incumbent fails each time: exit code 3")
    assert f"the segment's first commit {first[:10]} works in 6 runs under the same conditions" in found.found
    assert git(ours.repo, "show", f"autotune/{ours.folder.id}:src/value.txt") == "100 mended"
    repaired = [event for event in ours.events if isinstance(event, Result)][-1]
    assert (repaired.mode, repaired.reference, repaired.effect) == ("repair", first, 0.0)
    rows = explained(until(ours, Recovery))
    assert rows["Now"] == "experiments only repair what was kept, until the next keep or playbook"


async def test_a_machine_that_broke_is_told_from_code_and_pauses_the_session(tmp_path: Path) -> None:
    """H2: the incumbent is the segment's first commit, which worked: no experiment can help, a person can."""
    ours = stuck(
        tmp_path,
        "flag.touch(); value.write_text(str(number))",
        'playbooks = ["reset_worktree", "diagnose", "pause"]',
        bench=AWAY,
        health="max_crash_streak = 1",
    )
    end = await ours.run()
    assert end.outcome == "paused"
    assert end.reason.startswith(
        "the machine is at fault, not the code: the incumbent, which worked when the segment began"
    )
    assert "fails each time: exit code 3" in end.reason
    assert [event.playbook for event in recoveries(ours)] == ["reset_worktree", "diagnose"]
    assert "worktrees rebuilt, but the benchmark fails on the incumbent: exit code 3" in recoveries(ours)[0].found
    rows = explained(ours.state)
    assert rows["State"] == "paused (benchmark_crash: the changes do not run)"
    assert rows["Tried"] == "reset_worktree, diagnose since the last keep; left: pause"
    assert rows["Next"] == "nothing: no engine is at work"
    assert rows["You"].startswith(
        "see with show N what failed, and run the benchmark by hand in a clean clone; run to go on"
    )


async def test_a_playbook_with_nothing_to_do_is_passed_over_and_not_counted(tmp_path: Path) -> None:
    """H2: the order is the configuration's, the budget is for what was really tried; then the session pauses."""
    ours = stuck(
        tmp_path,
        "value.write_text(str(100 + number))",
        'playbooks = ["reset_worktree", "diagnose", "switch_agent", "rebaseline", "pause"]\nmax_attempts = 1',
        health="max_no_improvement = 1",
    )
    end = await ours.run()
    assert end.outcome == "paused"
    assert [(event.playbook, event.outcome) for event in recoveries(ours)] == [
        ("reset_worktree", "nothing"), ("diagnose", "nothing"), ("switch_agent", "nothing"), ("rebaseline", "done"),
    ]  # fmt: skip
    assert len(ours.state.segments) == 2
    assert len(ours.verdicts) == 2
    rows = explained(ours.state)
    assert rows["State"] == "paused (plateau: nothing that is tried proves a gain)"
    assert rows["Why"] == (
        "1 experiment in a row without a keep after reset_worktree, diagnose, switch_agent, rebaseline"
    )
    assert "recovery attempts 1 of 1" in rows["Count"]


async def test_a_playbook_that_was_interrupted_is_done_after_the_restart(tmp_path: Path) -> None:
    """H2, H4: what was begun and of which no record tells the end is done before the next experiment."""
    ours = stuck(
        tmp_path, "value.write_text(str(100 + number))", 'playbooks = ["rebaseline", "pause"]',
        more="[budget]\nexperiments = 1",
    )  # fmt: skip
    await ours.run()
    begun = Health(health="healing", recovery="rebaseline", reason="tired", heals=1, failure="plateau", experiment=1)
    with JournalWriter(ours.folder.journal, now=lambda: datetime.now(UTC)) as journal:
        journal.append(begun)
    ours.events.clear()
    budget(ours, 2)
    await ours.run()
    (done,) = recoveries(ours)
    assert (done.playbook, done.why, done.outcome) == ("rebaseline", "tired", "done")
    assert len(ours.state.segments) == 2
    assert ours.state.tried_playbooks == ("rebaseline",)
