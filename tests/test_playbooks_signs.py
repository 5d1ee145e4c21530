"""Health in real sessions whose benchmark or agent misbehaves: what comes and goes, what hangs, and a search that is stuck."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune_tui.config import parse
from autotune_tui.config.agent_names import with_agent
from autotune_tui.engine import calibration, sampling
from autotune_tui.engine.recovery.diagnose import Trial, conclusion
from autotune_tui.engine.recovery.shrink_scope import gained, hot
from autotune_tui.engine.recovery.switching import following
from autotune_tui.engine.signs import unsteady
from autotune_tui.errors import ConfigError
from autotune_tui.model.events import Calibration, Health, Recovery
from autotune_tui.model.experiment import Experiment
from autotune_tui.model.profile import HotSpot, Profile
from playbook_support import explained, healths, recoveries, stuck, told, until

COMES_AND_GOES = """\
#!/bin/sh
# Once the flag is there, every third run of the incumbent fails.
case "$PWD" in *incumbent) if [ -e FOLDER/flag ]; then
  runs=$(($(cat FOLDER/runs 2>/dev/null || echo 0) + 1)); echo $runs > FOLDER/runs
  if [ $((runs % 3)) = 0 ]; then echo "connection reset" >&2; exit 7; fi
fi;; esac
echo "METRIC cost=$(cat src/value.txt)"
"""
RESTLESS = """\
#!/bin/sh
# Noise of about 0.2 %, and of about 20 % once the flag is there.
seed=$(od -An -N3 -tu4 /dev/urandom)
wide=0.002; [ -e FOLDER/flag ] && wide=0.2
awk -v seed="$seed" -v v="$(cat src/value.txt)" -v w="$wide" 'BEGIN {
  srand(seed); n = (rand() + rand() + rand() - 1.5) * 2 * w; printf "METRIC cost=%.6f\\n", v * (1 + n) }'
"""
HANGS = """\
#!/bin/sh
grep -q hang src/value.txt && exec sleep 600
echo "METRIC cost=$(cat src/value.txt)"
"""
CONFIGURED = """
goal = "x"
[metric]
[benchmark]
profile = false
command = "true"
[scope]
include = ["src/**"]
[recovery]
agents = [{names}]
"""


async def test_a_benchmark_that_fails_now_and_then_on_the_incumbent_is_called_flaky(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H1: a run that fails and then works is no one's verdict, but twice is a state of health; diagnose confirms it."""
    # A block that this machine disturbs would be taken again, and of more runs of the incumbent more fail.
    monkeypatch.setattr(sampling, "disturbed", lambda *_, **__: ())
    ours = stuck(
        tmp_path,
        "flag.touch(); value.write_text(str(100 + number))",
        'playbooks = ["diagnose", "pause"]',
        bench=COMES_AND_GOES,
        health="max_crash_streak = 2",
    )
    end = await ours.run()
    assert end.outcome == "paused"
    assert {status for status, _ in ours.verdicts} == {"discard"}
    crashing = until(ours, Health)
    assert (crashing.health, crashing.failure) == ("crashing", "flaky_benchmark")
    assert crashing.health_reason.startswith(
        "the benchmark came and went in 2 experiments: 1 run of the incumbent failed (exit"
    )
    (found,) = recoveries(ours)
    assert found.found.startswith(
        "the benchmark comes and goes by itself: the incumbent, which worked when the segment began, "
    )
    assert "of 6 runs: exit code 7" in found.found
    rows = explained(ours.state)
    assert rows["State"] == "paused (flaky_benchmark: the benchmark comes and goes)"
    assert (
        "make the benchmark steady (fixed input, no network, a quiet machine), then rebaseline; run to go on"
        in rows["You"]
    )


async def test_a_benchmark_that_has_become_restless_is_called_flaky(tmp_path: Path) -> None:
    """H1: the incumbent's own runs vary far more than when the segment was calibrated; a new segment knows the new noise."""
    ours = stuck(
        tmp_path,
        "flag.touch(); value.write_text(str(100 + number))",
        'playbooks = ["rebaseline", "pause"]',
        bench=RESTLESS,
        health="max_crash_streak = 1",
        more='[decision]\nprofile = "quick"\n[budget]\nexperiments = 4',
    )
    await ours.run()
    crashing = until(ours, Health)
    assert (crashing.health, crashing.failure) == ("crashing", "flaky_benchmark")
    assert "runs of the same code vary" in crashing.health_reason
    assert "times as much as when the segment began" in crashing.health_reason
    assert [event.playbook for event in recoveries(ours)] == ["rebaseline"]
    assert explained(until(ours, Recovery))["State"] == "healing (flaky_benchmark: the benchmark comes and goes)"
    first, second = (segment.calibration for segment in ours.state.segments)
    assert first is not None
    assert second is not None
    assert second.sigma > 5 * first.sigma  # in truth a hundred times, but of few pairs
    assert ours.state.streaks.flaky == 0


async def test_candidates_that_hang_are_called_a_stall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """H1, H6: what does not come to an end is a failure with a name of its own."""
    monkeypatch.setattr(calibration, "TIMEOUT_FLOOR", 0.5)
    ours = stuck(
        tmp_path, 'value.write_text(f"hang {number}")', 'playbooks = ["pause"]', bench=HANGS,
        health="max_crash_streak = 2",
    )  # fmt: skip
    end = await ours.run()
    assert ours.verdicts == [("crash", "timeout")] * 2
    assert (end.outcome, end.reason) == ("paused", "2 failures in a row")
    rows = explained(ours.state)
    assert rows["State"] == "paused (stall: something does not come to an end)"
    assert rows["You"].startswith("see with show N what hangs, or allow it more time")


async def test_checks_that_hang_are_a_stall_too(tmp_path: Path) -> None:
    """H1: the verdict is what it was, the state of health has the name; an agent without an answer is not asked again."""
    ours = stuck(
        tmp_path,
        'value.write_text("hang")\nif context["failure"]: sys.exit(3)',
        'playbooks = ["pause"]',
        health="max_crash_streak = 1",
        more='[checks]\ncommand = "! grep -q hang src/value.txt || sleep 600"\ntimeout = "3s"',
    )
    await ours.run()
    assert ours.verdicts == [("checks_failed", "checks_failed")]
    assert ours.state.failure == "stall"


async def test_a_search_that_is_stuck_is_told_the_way_out_and_healthy_ones_say_so(tmp_path: Path) -> None:
    """L19, L20, H1: after three of a kind another kind is asked for, after five without a keep the protocol begins."""
    ours = stuck(
        tmp_path,
        """
said["strategy"] = "cache" if number < 8 else "layout"
value.write_text({1: "90", 8: "80"}.get(number, str(100 + number)))
""",
        'playbooks = ["pause"]',
        health="max_no_improvement = 20",
        more="[budget]\nexperiments = 8",
    )
    await ours.run()
    guidance = {number: told(tmp_path, number)["guidance"] for number in range(1, 9)}
    assert [number for number in guidance if guidance[number]["tired"]] == [5, 6, 7, 8]
    assert [number for number in guidance if guidance[number]["stuck"]] == [7, 8]
    protocol = guidance[7]["stuck"]
    assert (protocol["experiments"], protocol["step"], guidance[8]["stuck"]["step"]) == (5, "read", "combine")
    assert [win["index"] for win in protocol["wins"]] == [1]
    assert protocol["failed"] == [["cache", 5]]
    assert any(
        words.startswith("Above all: read the goal, the files in scope and the log") for words in guidance[7]["words"]
    )
    assert healths(ours) == ["running", "improving", "running", "improving", "completed"]
    rows = explained(ours.state)
    assert (rows["State"], rows["Why"]) == ("completed", "all 8 experiments are done")
    assert rows["You"].startswith("read final-report.md; merge or delete")


SIGMA = Calibration(pairs=10, sigma=0.01, scale="log")


@pytest.mark.parametrize(
    ("values", "known", "said"),
    [
        ([1, 2, 1, 2, 1, 2], SIGMA, True),
        ([1, 2, 1, 2, 1], SIGMA, False),
        ([1.0, 1.01, 0.99, 1.0, 1.01, 1.0], SIGMA, False),
        ([1.0, 1.0, 1.0, 9.0, 1.0, 1.0], SIGMA, False),
        ([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], Calibration(pairs=10, sigma=0.05), False),
        ([1.0, 1.01, 1.0, 1.01, 1.0, 1.01], Calibration(pairs=10, sigma=0.0001), False),
        ([1, 9, 1, 9, 1, 9], Calibration(pairs=10, sigma=1.0, scale="difference"), True),
        ([-1, 0, -1, 0, -1, 0], SIGMA, False),
        ([1, 2, 1, 2, 1, 2], Calibration(pairs=2, sigma=0.0, exact=True), False),
    ],
)
def test_restless_runs_are_told_from_noise_drift_and_one_bad_run(
    values: list[float], known: Calibration, said: bool
) -> None:
    assert bool(unsteady(values, known)) is said


@pytest.mark.parametrize("calibrated", [2, 6, 10])
def test_ordinary_noise_is_hardly_ever_called_flaky(calibrated: int) -> None:
    """Sessions of honest noise, by their pairs of calibration: of two thousand experiments fewer than one in a hundred."""
    random = np.random.default_rng(7)
    called = 0
    for _ in range(2000):
        pairs = np.exp(random.normal(0, 0.02, (calibrated, 2)))
        sigma = float(1.4826 * np.median(np.abs(np.log(pairs[:, 0] / pairs[:, 1]))))
        runs = np.exp(random.normal(0, 0.02, 6))
        called += bool(unsteady([float(run) for run in runs], Calibration(pairs=calibrated, sigma=sigma)))
    assert called < 20


WORKS, FAILS, SOME = Trial(6), Trial(2, 2, "exit code 3"), Trial(6, 2, "exit code 7")
RESTLESS_TRIAL = Trial(6, unsteady="runs of the same code vary 9 times as much as when the segment began")


@pytest.mark.parametrize(
    ("now", "before", "repair", "pauses", "words"),
    [
        (WORKS, None, "candidates", False, "the changes are at fault; the last one: no metric"),
        (FAILS, WORKS, "code", False, "the code is at fault: the incumbent fails each time: exit code 3"),
        (SOME, WORKS, "code", False, "the incumbent fails in 2 of 6 runs: exit code 7"),
        (FAILS, FAILS, "", True, "the machine is at fault, not the code"),
        (FAILS, None, "", True, "changed since the baseline: python was 3.11 and is now 3.12"),
        (SOME, SOME, "", True, "the benchmark comes and goes by itself"),
        (RESTLESS_TRIAL, None, "", False, "a new segment would know the new noise"),
        (
            RESTLESS_TRIAL,
            RESTLESS_TRIAL,
            "",
            False,
            "which worked when the segment began, runs of the same code vary 9 times",
        ),
        (RESTLESS_TRIAL, WORKS, "code", False, "so a keep since then broke it"),
    ],
)
def test_what_is_at_fault_follows_from_what_works_where(
    now: Trial, before: Trial | None, repair: str, pauses: bool, words: str
) -> None:
    found = conclusion(now, before, ["python was 3.11 and is now 3.12"], "no metric", "f" * 40)
    assert (found.repair, bool(found.pause), found.base) == (repair, pauses, "f" * 40 if repair == "code" else "")
    assert words in found.text


def test_the_narrowed_scope_is_what_gained_lately_or_what_is_hot() -> None:
    def keep(*files: str) -> Experiment:
        return Experiment(1, 1, "keep", files=files)

    files = ("a.py", "b.py", "c.py", "d.py")
    assert gained([keep("a.py"), keep("b.py"), keep("gone.py", "c.py"), keep("b.py")], files) == ("b.py", "c.py")
    assert gained([], files) == ()
    spots = [("a.py", 0.05), ("b.py", 0.6), ("lib.py", 0.2), ("c.py", 0.1), ("b.py", 0.1)]
    profile = Profile("t", "c", 1.0, 9, tuple(HotSpot(name, "f", 1, share, share) for name, share in spots), folded="")
    assert hot(profile, files) == ("b.py",)
    assert hot(profile, ("a.py", "c.py")) == ("a.py", "c.py")
    assert hot(None, files) == ()


@pytest.mark.parametrize(
    ("configured", "now", "order"),
    [
        (["a", "b", "c"], "b", ["c", "a"]),
        (["a", "b"], "x", ["a", "b"]),
        (["a", "a", "b"], "a", ["b"]),
        (["a"], "a", []),
    ],
)
def test_agents_take_over_one_after_the_other(configured: list[str], now: str, order: list[str]) -> None:
    assert following(configured, now) == order


@pytest.mark.parametrize(
    ("name", "agent", "program"),
    [
        ("offline", "offline", ("", "")),
        ("acp:gemini", "acp", ("gemini", "")),
        ("command:codex", "command", ("", "codex")),
    ],
)
def test_who_takes_over_is_named_as_in_the_configuration(name: str, agent: str, program: tuple[str, str]) -> None:
    """A7: the same words as in `agent`; what is no agent is refused when the configuration is read."""
    config = parse(CONFIGURED.format(names=f'"{name}"'))
    chosen = with_agent(config, config.recovery.agents[0])
    assert (chosen.agent, (chosen.agent_acp.name, chosen.agent_command.recipe)) == (agent, program)
    with pytest.raises(ConfigError, match=r"recovery\.agents"):
        parse(CONFIGURED.format(names='"offlne"'))
    with pytest.raises(ConfigError, match="no agent 'acp:nobody'"):
        with_agent(config, "acp:nobody")


async def test_an_incumbent_that_never_works_any_more_does_not_come_and_go(tmp_path: Path) -> None:
    """H1: only the candidate works, so there is nothing to compare it with; that is a crash, and it is found out why."""
    ours = stuck(
        tmp_path,
        "flag.touch(); value.write_text(str(100 + number))",
        'playbooks = ["diagnose", "pause"]',
        bench=COMES_AND_GOES.replace("% 3)) = 0", "% 1)) = 0"),
        health="max_crash_streak = 1",
    )
    end = await ours.run()
    assert ours.verdicts == [("crash", "incumbent_failed")]
    assert ours.state.failure == "benchmark_crash"
    assert end.reason.startswith("the machine is at fault, not the code")
