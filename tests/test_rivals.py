"""Several agents propose for one experiment at the same time; what they hand in is measured one after another (M2)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from autotune_tui.config import parse
from autotune_tui.engine.run import run_session
from autotune_tui.errors import ConfigError
from autotune_tui.journal.inbox import send
from autotune_tui.journal.reader import load_state
from autotune_tui.model.events import Phase, Plan, Proposal, Record, Result, Sample, Usage
from autotune_tui.model.state import SessionState, fold
from claude_support import configured, finish, nothing_left, plan, reflection, replace, role_of
from claude_support import said as asked_of
from engine_support import EXACT, Session, configure, git, make_repo, snapshot
from faults.scripted import Scene, Victims
from messages_server import KEY, Say, serve
from processes import alive
from test_acp import DONE, PLANNED, Scripted, says

AGENT = """\
#!/bin/sh
# In the first experiment it sets the value; then it has nothing left.
number=$(sed -n 's/.*"experiment": *\\([0-9]*\\).*/\\1/p' | head -1)
[ "$number" = 1 ] || {{ echo '{{"done": true}}'; exit; }}
{body}
echo '{{"description": "Set the value", "done": true}}'
"""

BENCH = """\
#!/bin/sh
awk -v v="$(cat src/value.txt)" -v k="$(sed -n 's/^KNOB = \\([0-9]*\\).*/\\1/p' src/knob.py)" \\
    'BEGIN { printf "METRIC cost=%.6f\\n", v * k }'
"""
KNOB = "KNOB = 8  # autotune: {1, 8}\n"


def with_rivals(
    folder: Path, body: str, more: str = "", files: dict[str, str] | None = None, bench: str = BENCH
) -> Session:
    """A session of a shell script with the offline agent as its rival, which knows one thing to try: KNOB = 1."""
    script = folder / "agent.sh"
    script.write_text(AGENT.format(body=body))
    script.chmod(0o755)
    repo = make_repo(folder, {"src/knob.py": KNOB} if files is None else files, bench)
    config = configure(folder / "cache", str(script), more)
    return Session(repo, config.model_copy(update={"rivals": ["offline"]}))


def plans(ours: Session) -> list[tuple[int, str, int]]:
    return [(event.experiment, event.agent, event.beside) for event in ours.events if isinstance(event, Plan)]


def phases(ours: Session, experiment: int) -> list[str]:
    found = [event for event in ours.events if isinstance(event, Phase) and event.experiment == experiment]
    return [event.phase for event in found if event.state == "start"]


async def test_two_agents_propose_at_once_and_what_fits_together_is_kept_together(tmp_path: Path) -> None:
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt")
    before = snapshot(ours.repo)
    end = await ours.run()
    assert end.outcome == "completed", end
    assert ours.verdicts[:2] == [("keep", "improvement"), ("keep", "improvement")]
    assert dict.fromkeys(plans(ours)) == dict.fromkeys([(1, "command", 0), (2, "offline", 1)])
    assert phases(ours, 1)[:7] == ["sync", "invite", "plan", "edit", "scope", "commit", "rivals"]
    assert phases(ours, 2)[:3] == ["sync", "plan", "edit"], "it is not asked again"
    tip = ours.state.incumbent_sha
    assert git(ours.repo, "show", f"{tip}:src/value.txt") == "50"
    assert git(ours.repo, "show", f"{tip}:src/knob.py").startswith("KNOB = 1 ")
    first = next(event for event in ours.events if isinstance(event, Proposal))
    assert first.incumbent == ours.state.segments[0].config.baseline_commit, (
        "it was made beside the other, not after it"
    )
    assert not ours.state.proposals
    assert snapshot(ours.repo) == before
    assert git(ours.repo, "worktree", "list").count("\n") == 0
    assert not list((tmp_path / "cache").rglob("rival-*"))


@pytest.mark.parametrize("command", ["skip", "stop"])
async def test_nothing_of_a_rival_outlives_what_ends_its_experiment(tmp_path: Path, command: str) -> None:
    """It hangs with a child of its own, while the session's agent, the offline one here, has long finished."""
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    ours = with_rivals(tmp_path, f'sleep 1000 & echo "$$ $!" > "{pids}"; wait')
    ours.config = ours.config.model_copy(update={"agent": "offline", "rivals": ["command"]})
    waiting = asyncio.Event()

    def heard(event: Record) -> None:
        ours.events.append(event)
        if isinstance(event, Phase) and (event.phase, event.state) == ("rivals", "start"):
            if event.experiment == 1:
                waiting.set()
            else:
                send(ours.folder.inbox, "stop", by="a test")

    running = asyncio.create_task(run_session(ours.repo, ours.folder.id, ours.config, on_event=heard))
    async with asyncio.timeout(60):
        begun = (await asyncio.to_thread(pids.read_text)).split()
        await waiting.wait()
        send(ours.folder.inbox, command, by="a test")
        await running
    assert len(begun) == 2 and not alive(map(int, begun))
    assert ours.verdicts == ([("discard", "skipped")] if command == "skip" else [])
    assert not list((tmp_path / "cache").rglob("rival-*"))


async def test_a_worktree_that_hangs_while_it_is_set_up_can_be_skipped(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt", '[sandbox]\nmode = "none"\n[budget]\nexperiments = 2\n')
    hangs = f"case $PWD in *rival-1) sleep 1000 & echo $! > '{pids}'; wait;; esac"
    benchmark = ours.config.benchmark.model_copy(update={"setup": hangs})
    ours.config = ours.config.model_copy(update={"benchmark": benchmark})
    async with asyncio.timeout(60):
        running = asyncio.create_task(ours.run())
        begun = (await asyncio.to_thread(pids.read_text)).split()
        send(ours.folder.inbox, "skip", by="a test")
        await running
    assert not alive(map(int, begun))
    assert phases(ours, 1) == ["sync", "invite", "reflect"]
    assert ours.verdicts[0] == ("discard", "skipped")


BOTH = {"src/knob.py": "VALUE = 100\n" + KNOB}
ONE_FILE = """\
#!/bin/sh
awk -v v="$(sed -n 's/^VALUE = //p' src/knob.py)" -v k="$(sed -n 's/^KNOB = \\([0-9]*\\).*/\\1/p' src/knob.py)" \\
    'BEGIN { printf "METRIC cost=%.6f\\n", v * k }'
"""


@pytest.mark.parametrize(
    ("value", "second", "best"), [(50, "keep", "VALUE = 100\nKNOB = 1 "), (2, "discard", "VALUE = 2")]
)
async def test_of_two_that_do_not_fit_together_the_better_is_kept(
    tmp_path: Path, value: int, second: str, best: str
) -> None:
    """The rival's change is next to the other's: it is measured in its place, against it."""
    ours = with_rivals(tmp_path, f"sed -i 's/^VALUE = .*/VALUE = {value}/' src/knob.py", files=BOTH, bench=ONE_FILE)
    await ours.run()
    assert [status for status, _ in ours.verdicts[:2]] == ["keep", second]
    assert git(ours.repo, "show", f"{ours.state.incumbent_sha}:src/knob.py").startswith(best)
    assert any("is tried in the place of #1" in note.text for note in ours.state.notes)
    if second == "keep":
        assert "In the place of #1" in git(ours.repo, "log", "-1", "--format=%b", ours.state.experiments[2].sha)


async def test_they_are_at_work_at_the_same_time(tmp_path: Path) -> None:
    """The session's agent waits for what the rival's folder shows while it works: alone it would never end."""
    seen = tmp_path / "seen"
    body = f"""until grep -rqs "KNOB = 1 " "{tmp_path}/cache" --include=knob.py; do sleep 0.05; done
find "{tmp_path}/cache" -name knob.py | xargs grep -l "KNOB = 1 " > "{seen}"
echo 50 > src/value.txt"""
    ours = with_rivals(tmp_path, body, '[sandbox]\nmode = "none"\n')
    async with asyncio.timeout(60):
        await ours.run()
    assert "/rival-1/src/knob.py" in seen.read_text()
    assert ours.verdicts[0] == ("keep", "improvement")


async def test_a_rival_has_its_turn_where_the_sessions_own_agent_has_nothing(tmp_path: Path) -> None:
    ours = with_rivals(tmp_path, ":")
    end = await ours.run()
    assert plans(ours)[-1] == (1, "offline", 1), "no number is used up by an experiment that was none"
    assert ours.verdicts == [("keep", "improvement")]
    assert end.outcome == "completed"


async def test_a_rival_that_has_nothing_costs_no_experiment(tmp_path: Path) -> None:
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt", files={}, bench=EXACT)
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert any(note.text.startswith("offline has nothing to propose") for note in ours.state.notes)


async def test_nobody_is_asked_for_what_the_budget_leaves_no_experiment_for(tmp_path: Path) -> None:
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt", "[budget]\nexperiments = 1\n")
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert not [event for event in ours.events if isinstance(event, Proposal)]


async def test_a_rival_that_cannot_work_is_said_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its failures are not the session's: they count as no crash."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt", files={}, bench=EXACT)
    ours.config = ours.config.model_copy(update={"rivals": ["claude@low"]})
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert any(
        "claude@low could not propose beside command: The Claude agent has no key" in text for text in ours.warnings
    )
    assert any(text.endswith("it is not asked any more") for text in ours.warnings)


async def test_a_change_out_of_scope_is_not_taken_over(tmp_path: Path) -> None:
    """Here the scope leaves the rival's file out: what it hands in is none, and nothing of it is measured."""
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt")
    ours.config = ours.config.model_copy(
        update={"scope": ours.config.scope.model_copy(update={"include": ["src/value.txt"]})}
    )
    await ours.run()
    assert ours.verdicts == [("keep", "improvement")]
    assert not [event for event in ours.events if isinstance(event, Proposal)]


async def test_what_setup_leaves_in_a_rivals_worktree_is_no_change_of_its(tmp_path: Path) -> None:
    ours = with_rivals(tmp_path, "echo 50 > src/value.txt")
    benchmark = ours.config.benchmark.model_copy(update={"setup": "pwd > src/made.txt; date >> .gitignore"})
    ours.config = ours.config.model_copy(update={"benchmark": benchmark})
    await ours.run()
    assert ours.verdicts[:2] == [("keep", "improvement"), ("keep", "improvement")]
    for proposed in (event for event in ours.events if isinstance(event, Proposal)):
        assert git(ours.repo, "diff", "--name-only", proposed.incumbent, proposed.commit) == "src/knob.py"
    assert phases(ours, 3)[:2] == ["sync", "invite"]
    assert len([*ours.folder.root.rglob("setup.log")]) == 1, "it is set up once, not each time that it is invited"


@pytest.mark.parametrize(
    ("agent", "rivals"),
    [
        ("offline", ["offline"]),
        ("command", ["offline", "offline"]),
        ("offline", ["manual"]),
        ("offline", ["claude@huge"]),
    ],
)
def test_rivals_that_make_no_sense_are_refused(agent: str, rivals: list[str]) -> None:
    text = f"""
        goal = "g"
        agent = {json.dumps(agent)}
        rivals = {json.dumps(rivals)}
        [benchmark]
        command = "true"
        [scope]
        include = ["src/**"]
        [budget]
        experiments = 1
        [agent_command]
        command = "true"
    """
    with pytest.raises(ConfigError, match="rivals"):
        parse(text)


def test_a_proposal_waits_until_its_experiment_has_ended() -> None:
    records: list[Record] = [
        Proposal(experiment=1, agent="offline", commit="a"),
        Proposal(experiment=1, agent="claude@low", commit="b"),
        Result(index=1, status="discard"),
        Plan(experiment=2, agent="offline", beside=1),
    ]

    def waiting(state: SessionState) -> list[str]:
        return [proposal.agent for proposal in state.proposals]

    assert waiting(fold(records)) == ["offline", "claude@low"]
    assert waiting(fold([*records, Result(index=2, status="discard")])) == ["claude@low"]


async def test_one_model_at_two_efforts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each plans at its effort and with its share of the budget, and reflects on what became of its own proposal."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    values = {"high": "50", "low": "25", "medium": "50"}
    asked: list[tuple[str, str]] = []
    planned: set[str] = set()
    others: list[tuple[str, bool]] = []

    def answer(request: dict[str, Any]) -> Say:
        role, effort = role_of(request), request["output_config"]["effort"]
        asked.append((role, effort))
        if role == "planner":
            others.append((effort, "propose for the same code: claude@low." in asked_of(request)))
        if role == "planner" and effort not in planned:
            planned.add(effort)
            return Say([plan(f"Write {values[effort]}")])
        if role == "planner":
            return Say([nothing_left()])
        if role == "reflector":
            return Say([reflection()])
        return Say([replace("src/value.txt", "100", values[effort]), finish(f"Write {values[effort]}")])

    async with serve(answer) as server:
        more, said = "[budget]\ntokens = 100_000\n", "shell = false\nsecond_ranking = false\ninspect = false\n"
        config = configured(tmp_path / "cache", server.url, more, said).model_copy(update={"rivals": ["claude@low"]})
        ours = Session(make_repo(tmp_path, bench=EXACT), config)
        await ours.run()
    assert asked.count(("planner", "high")) == asked.count(("planner", "low")) == 2
    assert sorted(others[:2]) == [("high", True), ("low", False)], "each is told who else is at work"
    assert {("editor", "low"), ("editor", "medium")} <= {*asked}
    assert ours.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    assert git(ours.repo, "show", "autotune/001-test:src/value.txt") == "25"
    assert {event.agent for event in ours.events if isinstance(event, Usage)} == {"claude", "claude@low"}
    reflected = [event for event in ours.events if isinstance(event, Usage) and event.role == "reflector"]
    assert [(event.experiment, event.agent) for event in reflected] == [(1, "claude"), (2, "claude@low")]
    transcript = ours.experiment_folder(2) / "transcript.jsonl"
    assert "Write 25" in transcript.read_text(), "what was said before the experiment is in its folder"
    left = [path.name for path in (ours.folder.root / "rivals").iterdir()]
    assert left == ["003-claude@low"], "what it said when it had nothing left was paid for, too"
    assert KEY not in "".join(
        path.read_text(errors="replace") for path in ours.folder.root.rglob("*") if path.is_file()
    )


async def test_an_acp_rival_is_sent_away_before_anything_is_measured_and_comes_back_for_a_rework(
    tmp_path: Path,
) -> None:
    """Its process lives in the rival's worktree while it proposes, in the candidate's when its change has failed."""
    planned = says({**PLANNED, "description": "Halve the value"})
    scripted = Scripted(
        tmp_path / "script",
        [[planned], [{"fs_write": ["src/value.txt", "70\n"]}, says(DONE)]],
        [[{"fs_write": ["src/value.txt", "50\n"]}, says({"description": "Halve it, and no less"})]],
        [[says({"done": True, "notes": "nothing is left"})]],
    )
    ours, at_work = with_acp_rival(tmp_path, scripted, {"src/knob.py": KNOB})
    await ours.run()
    assert ours.verdicts == [("keep", "improvement"), ("keep", "improvement")]
    assert [Path(place).name for place in scripted.replies("cwd")][:2] == ["rival-1", "candidate"]
    assert ours.state.keeps[1].description == "Halve it, and no less"
    assert at_work and not any(at_work)


async def test_an_acp_rival_whose_rework_fails_does_not_live_on_while_the_next_is_measured(tmp_path: Path) -> None:
    planned = says({**PLANNED, "description": "Halve the value"})
    again = [{"fs_write": ["src/value.txt", "70\n"]}, {"fs_write": ["src/more.txt", "1\n"]}, says(DONE)]
    scripted = Scripted(
        tmp_path / "script",
        [[planned], [{"fs_write": ["src/value.txt", "70\n"]}, says(DONE)]],
        [again],
        [[says({"done": True, "notes": "nothing is left"})]],
    )
    ours, at_work = with_acp_rival(tmp_path, scripted, {"src/knob.py": "KNOB = 8  # autotune: {1, 8, 4}\n"})
    await ours.run()
    assert ours.verdicts[1] == ("checks_failed", "checks_failed")
    assert ours.verdicts[2][1] != "no_proposal" and ours.state.experiments[3].pairs > 0
    assert not any(at_work)


def with_acp_rival(folder: Path, scripted: Scripted, files: dict[str, str]) -> tuple[Session, list[bool]]:
    """The offline agent with an ACP agent as its rival, and whether that was there at each sample of an experiment."""
    check = {**files, "check.sh": "echo not 70; test $(cat src/value.txt) != 70\n"}
    ours = with_rivals(folder, "", '[checks]\ncommand = "sh check.sh"\n', files=check)
    acp = ours.config.agent_acp.model_copy(update={"command": scripted.command})
    ours.config = ours.config.model_copy(update={"agent": "offline", "rivals": ["acp"], "agent_acp": acp})
    at_work: list[bool] = []

    class Heard(list[Record]):
        def append(self, event: Record) -> None:
            super().append(event)
            if isinstance(event, Sample) and event.purpose == "experiment":
                script = str(scripted.folder / "script.json")
                at_work.append(any(script in child.cmdline() for child in psutil.Process().children(recursive=True)))

    ours.events = Heard()
    return ours, at_work


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    with Victims() as victims:
        yield victims


def scene(folder: Path, victims: Victims) -> Scene:
    """Experiment 1 is the shell script's, 2 the rival's, 3 the script's again."""
    repo = make_repo(folder / "template", {"src/knob.py": KNOB}, BENCH)
    made = Scene(folder / "scene", repo, victims, most=3)
    made.folder.config.write_text(f'rivals = ["offline"]\n{made.folder.config.read_text()}')
    return made


@pytest.mark.parametrize(
    ("text", "at", "asked"),
    [
        ('"phase":"edit","state":"start"', 1, {1: 1, 3: 2}),
        ('"type":"proposal"', 1, {1: 1, 3: 2}),
        ('"phase":"rivals","state":"end"', 1, {1: 1, 3: 2}),
        ('"to_commit"', 1, {1: 1, 3: 2}),
        ('"beside":1', 1, {1: 1, 3: 2}),
        ('"phase":"edit","state":"start"', 2, {1: 1, 3: 2}),
        ('"type":"candidate"', 2, {1: 1, 3: 2}),
        ('"phase":"measure","state":"start"', 2, {1: 1, 3: 2}),
        ('"to_commit"', 2, {1: 1, 3: 2}),
    ],
)
def test_a_proposal_outlives_the_engine(
    tmp_path: Path, victims: Victims, text: str, at: int, asked: dict[int, int]
) -> None:
    """Killed at any moment, nothing that was handed in is asked for again, tried twice, or lost."""
    ours = scene(tmp_path, victims)
    ours.killed_after(text, at)
    done = ours.engine()
    assert done.code == 0, done.err
    ended = [e for e in load_state(ours.folder.journal).experiments if not e.baseline]
    assert [(e.index, e.status, e.strategy == "knob") for e in ended] == [
        (1, "keep", False), (2, "keep", True), (3, "keep", False),
    ]  # fmt: skip
    assert ours.calls == asked  # the third is reworked once
    assert ours.problems() == []


def test_a_proposal_whose_commit_is_gone_is_tried_once(tmp_path: Path, victims: Victims) -> None:
    ours = scene(tmp_path, victims)
    ours.killed_after('"phase":"rivals","state":"end"')
    commit = load_state(ours.folder.journal).proposals[0].commit
    ours.folder.journal.write_text(ours.folder.journal.read_text().replace(commit, "0" * 40))
    done = ours.engine()
    assert done.code == 0, done.err
    ended = [e for e in load_state(ours.folder.journal).experiments if not e.baseline]
    assert [(e.status, e.reason) for e in ended][1] == ("crash", "sync_failed")
    assert len(ended) == 3 and not load_state(ours.folder.journal).proposals
