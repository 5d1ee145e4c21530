"""What a person decides against the loop: a keep is vetoed, a discard is rescued, and both are recorded as such (D9)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotune_tui.journal import inbox
from engine_support import Session, configure, git, make_repo
from test_engine_loop import agent

SUM = """\
#!/bin/sh
echo "METRIC cost=$(cat src/*.txt | awk '{ n += $1 } END { print n }')"
"""
FILES = {"src/a.txt": "100\n", "src/b.txt": "100\n", "src/value.txt": "1\n"}

STEPS = """\
#!/bin/sh
case $AUTOTUNE_EXPERIMENT in
{steps}
*) echo '{{"done": true}}'; exit 0;;
esac
echo '{{"description": "Step '"$AUTOTUNE_EXPERIMENT"'"}}'
"""
BRANCH = "autotune/001-test"


def session(tmp_path: Path, *steps: str, more: str = "", files: dict[str, str] | None = None) -> Session:
    """Each step is what the agent does in one experiment; the metric is the sum of the numbers in src/."""
    repo = make_repo(tmp_path, {**FILES, **(files or {})}, bench=SUM)
    script = STEPS.format(steps="\n".join(f"{n}) {step};;" for n, step in enumerate(steps, 1)))
    return Session(repo, configure(tmp_path / "cache", agent(tmp_path, script), more))


def ask(ours: Session, command: str, number: int, why: str = "I know better", **data: object) -> str:
    return inbox.send(ours.folder.inbox, command, by="Ann", text=why, data={"experiment": number, **data})


def answers(ours: Session, identity: str) -> list[tuple[bool, str, str]]:
    return [(c.accepted, c.state, c.reason) for c in ours.state.controls if c.id == identity]


async def test_a_veto_takes_a_keep_back_by_a_commit_and_measures_the_branch_again(tmp_path: Path) -> None:
    """D9: no history is lost, the later keep stays, and the gain that is claimed is that of the branch as it is now."""
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 50 > src/b.txt")
    await ours.run()
    assert [status for status, _ in ours.verdicts] == ["keep", "keep"]
    before = ours.state
    assert before.validation is not None
    assert before.validation.after == 111
    tip = git(ours.repo, "rev-parse", BRANCH)

    identity = ask(ours, "veto", 1, "a.txt is needed")
    end = await ours.run()

    assert end.outcome == "completed"
    state = ours.state
    assert answers(ours, identity)[0] == (True, "", "the branch goes back before the next experiment")
    assert answers(ours, identity)[1][:2] == (True, "done")
    assert git(ours.repo, "rev-parse", f"{BRANCH}~1") == tip
    assert git(ours.repo, "show", f"{BRANCH}:src/a.txt") == "100"
    assert git(ours.repo, "show", f"{BRANCH}:src/b.txt") == "50"
    body = git(ours.repo, "log", "-1", "--format=%B", BRANCH)
    assert 'Revert "Step 1"' in body
    assert "a.txt is needed" in body
    assert git(ours.repo, "log", "-1", "--format=%(trailers:only)", BRANCH).splitlines() == [
        "Autotune-Veto: 001-test/1", "Autotune-Vetoed-By: Ann",
    ]  # fmt: skip
    first = state.experiments[1]
    assert (first.status, first.detail) == ("vetoed", "vetoed by Ann: a.txt is needed")
    assert first.veto is not None
    assert first.veto.timestamp
    assert [e.index for e in state.keeps] == [2]
    assert state.segment is not None
    assert (state.segment_number, state.segment.keeps) == (1, 1)
    assert state.validation is not None
    assert (state.validation.before, state.validation.after, state.incumbent_value) == (201, 151, 151)
    assert state.incumbent_sha == git(ours.repo, "rev-parse", BRANCH) == state.validation.to_commit


async def test_when_the_only_keep_is_vetoed_nothing_is_claimed_any_more(tmp_path: Path) -> None:
    ours = session(tmp_path, "echo 60 > src/a.txt")
    await ours.run()
    ask(ours, "veto", 1)
    await ours.run()
    state = ours.state
    assert state.validation is None
    assert (state.incumbent_value, state.baseline_value) == (201, 201)
    assert "No confirmed improvement: nothing was kept." in ours.folder.final_report.read_text()


async def test_a_veto_that_a_later_keep_builds_on_is_refused_and_names_it(tmp_path: Path) -> None:
    """Only the keeps that need the vetoed one are named; once they are vetoed, it can be."""
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 50 > src/b.txt", "echo 30 > src/a.txt")
    await ours.run()
    tip = git(ours.repo, "rev-parse", BRANCH)
    refused = ask(ours, "veto", 1)
    await ours.run()
    assert answers(ours, refused) == [(False, "", "#3 changed the same lines (src/a.txt); veto #3 first")]
    assert git(ours.repo, "rev-parse", BRANCH) == tip
    ask(ours, "veto", 3)
    await ours.run()
    first = ask(ours, "veto", 1)
    await ours.run()
    assert answers(ours, first)[-1][1] == "done"
    assert [e.index for e in ours.state.keeps] == [2]
    assert git(ours.repo, "show", f"{BRANCH}:src/a.txt") == "100"


async def test_what_cannot_be_overridden_is_refused_with_the_reason(tmp_path: Path) -> None:
    steps = ("echo 60 > src/a.txt", "echo 130 > src/b.txt", "echo 1 > bench.sh", "echo 13 > src/b.txt")
    check = "! cat src/*.txt | grep -qx 13\n"
    ours = session(tmp_path, *steps, more='[checks]\ncommand = "sh check.sh"', files={"check.sh": check})
    await ours.run()
    assert [reason for _, reason in ours.verdicts] == ["improvement", "regression", "out_of_scope", "checks_failed"]
    asked = {
        ask(ours, command, number, why): reason
        for command, number, why, reason in (
            ("veto", 1, "", "it needs a reason, which is journalled with it"),
            ("veto", 9, "so", "there is no experiment 9"),
            ("veto", 0, "so", "the baseline is no experiment"),
            ("veto", 2, "so", "#2 was not kept"),
            ("rescue", 1, "so", "#1 was kept"),
            ("rescue", 3, "so", "#3: it changed what it may not"),
            ("rescue", 4, "so", "#4 failed (checks failed); only a discard can be rescued"),
        )
    }
    await ours.run()
    assert {identity: answers(ours, identity) for identity in asked} == {
        identity: [(False, "", reason)] for identity, reason in asked.items()
    }


async def test_a_veto_after_which_the_checks_fail_is_refused(tmp_path: Path) -> None:
    check = "cat src/*.txt | tr '\\n' ' ' | grep -qv '100 50'\n"  # b needs what a has become
    more = '[checks]\ncommand = "sh check.sh"'
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 50 > src/b.txt", more=more, files={"check.sh": check})
    await ours.run()
    tip = git(ours.repo, "rev-parse", BRANCH)
    identity = ask(ours, "veto", 1)
    await ours.run()
    _accepted, failed = answers(ours, identity)
    assert failed[1] == "failed"
    assert failed[2].startswith("without #1 `sh check.sh` fails")
    assert git(ours.repo, "rev-parse", BRANCH) == tip
    assert ours.verdicts == [("keep", "improvement"), ("keep", "improvement")]


async def test_a_keep_of_an_earlier_segment_takes_a_new_baseline_with_it(tmp_path: Path) -> None:
    """The segment's own baseline has what is vetoed: no figure of it may be claimed for the branch."""
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 50 > src/b.txt", more="[budget]\nexperiments = 1")
    await ours.run()
    ours.config = ours.config.model_copy(update={"budget": ours.config.budget.model_copy(update={"experiments": 2})})
    inbox.send(ours.folder.inbox, "rebaseline", by="Ann")
    await ours.run()
    assert [e.segment for e in ours.state.experiments if not e.baseline] == [1, 2]
    ask(ours, "veto", 1)
    await ours.run()
    state = ours.state
    assert state.segment_number == 3
    assert state.baseline_value == 151
    assert [segment.validation is None for segment in state.segments] == [True, False, True]
    assert "Segment 1" not in ours.folder.final_report.read_text().partition("## Keeps")[0]


async def test_a_rescue_is_measured_again_on_the_code_of_now(tmp_path: Path) -> None:
    """D9: the old change, all checks, no agent; kept only when the evidence says so now."""
    ours = session(tmp_path, "echo 130 > src/b.txt", "echo 60 > src/a.txt")
    await ours.run()
    assert ours.verdicts == [("discard", "regression"), ("keep", "improvement")]
    identity = ask(ours, "rescue", 1, "b.txt needs it")
    await ours.run()
    rescued = ours.state.experiments[-1]
    assert (rescued.index, rescued.rescues, rescued.by, rescued.why) == (3, 1, "Ann", "b.txt needs it")
    assert (rescued.status, rescued.reason, rescued.metric) == ("discard", "regression", 191)
    assert rescued.description == "rescue of #1: Step 1"
    assert [name for name, _ in rescued.phases if name in ("profile", "plan", "edit", "check", "measure")] == [
        "plan", "edit", "check", "measure",
    ]  # fmt: skip
    assert answers(ours, identity)[-1][:2] == (True, "done")
    assert "as #3, discard" in answers(ours, identity)[-1][2]
    assert git(ours.repo, "show", "refs/autotune/001-test/3:src/a.txt") == "60"
    assert ours.state.streaks.no_improvement == 0, "what a person wants to see again is no failure of the search"


async def test_a_rescue_without_a_gain_is_kept_by_hand_when_asked_for_and_never_called_a_gain(tmp_path: Path) -> None:
    ours = session(tmp_path, "echo 100.2 > src/b.txt; echo 99.8 > src/a.txt")
    await ours.run()
    assert ours.verdicts[0][0] == "discard"
    ask(ours, "rescue", 1, "reads better")
    await ours.run()
    assert ours.verdicts[1][0] == "discard"
    ask(ours, "rescue", 1, "reads better", keep=True)
    await ours.run()
    kept = ours.state.experiments[-1]
    assert (kept.status, kept.reason) == ("keep", "by_hand")
    assert "no proven gain" in kept.detail
    trailers = git(ours.repo, "log", "-1", "--format=%(trailers:only)", BRANCH)
    assert "Autotune-Rescue: 001-test/1" in trailers
    assert "Autotune-Kept-By: Ann, without a proven gain" in trailers
    assert "No confirmed improvement" in ours.folder.final_report.read_text()
    again = ask(ours, "rescue", 1)
    await ours.run()
    assert answers(ours, again) == [(False, "", "#3 rescued it already, and was kept")]


async def test_a_rescue_that_is_worse_is_not_kept_by_hand_either(tmp_path: Path) -> None:
    ours = session(tmp_path, "echo 130 > src/b.txt")
    await ours.run()
    ask(ours, "rescue", 1, keep=True)
    await ours.run()
    assert ours.verdicts[-1] == ("discard", "regression")


async def test_a_rescue_that_does_not_fit_any_more_is_refused(tmp_path: Path) -> None:
    ours = session(tmp_path, "echo 130 > src/a.txt", "echo 60 > src/a.txt")
    await ours.run()
    identity = ask(ours, "rescue", 1)
    await ours.run()
    reason = "#1 does not fit on the code of now: src/a.txt has changed in the same lines"
    assert answers(ours, identity) == [(False, "", reason)]


async def test_a_vetoed_keep_is_not_tried_again_and_a_rescue_takes_the_veto_back(tmp_path: Path) -> None:
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 60 > src/a.txt", more="[budget]\nexperiments = 1")
    await ours.run()
    ask(ours, "veto", 1)
    ours.config = ours.config.model_copy(update={"budget": ours.config.budget.model_copy(update={"experiments": 2})})
    await ours.run()
    assert ours.verdicts == [("vetoed", "vetoed"), ("discard", "duplicate")]
    ask(ours, "rescue", 1, "I was wrong")
    await ours.run()
    assert ours.verdicts[-1] == ("keep", "improvement")
    assert ours.state.incumbent_value == 161


@pytest.mark.parametrize("moment", ["asked", "intent", "moved", "done"])
async def test_a_veto_that_was_cut_off_is_finished_once(tmp_path: Path, moment: str) -> None:
    """H4: at whatever point the engine dies, the next one brings journal and branch into agreement."""
    ours = session(tmp_path, "echo 60 > src/a.txt", "echo 50 > src/b.txt")
    await ours.run()
    tip = git(ours.repo, "rev-parse", BRANCH)
    identity = ask(ours, "veto", 1)
    await ours.run()
    lines = ours.folder.journal.read_text().splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    asked = next(n for n, record in enumerate(records) if record.get("id") == identity)
    intent = next(n for n, record in enumerate(records) if record["type"] == "veto")
    last = {"asked": asked, "intent": intent, "moved": intent, "done": intent + 1}[moment]
    ours.folder.journal.write_text("".join(lines[: last + 1]))
    moved = git(ours.repo, "rev-parse", BRANCH)
    if moment in ("asked", "intent"):
        git(ours.repo, "update-ref", f"refs/heads/{BRANCH}", tip)
    await ours.run()
    state = ours.state
    assert git(ours.repo, "rev-parse", f"{BRANCH}~1") == tip
    assert moment == "asked" or git(ours.repo, "rev-parse", BRANCH) == moved
    assert [e.status for e in state.experiments if not e.baseline] == ["vetoed", "keep"]
    assert state.validation is not None
    assert state.validation.after == 151
    assert (state.pending, state.veto) == ([], None)
