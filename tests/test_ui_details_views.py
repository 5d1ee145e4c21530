"""What the details screen shows of an experiment, as tables: no terminal is needed for it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from autotune_tui.journal.files import SessionFolder
from autotune_tui.journal.reader import load_state
from autotune_tui.journal.writer import JournalWriter
from autotune_tui.model.events import Record, Result, Sample
from autotune_tui.model.state import SessionState, fold
from autotune_tui.ui.details import diff, profile, subject
from autotune_tui.ui.details.phases import TimeView, lines, time_view
from autotune_tui.ui.details.sample_plot import bar, effect_lines, plot
from autotune_tui.ui.details.samples import Run, SamplesView, find_runs, from_journal, from_text, samples_view
from autotune_tui.ui.editor import editor_command
from journal_sessions import clock, experiment, opening, segment
from ui_session import FOLDED, PATCH, make_session, running, values


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path)


def found(state: SessionState, number: int, folder: SessionFolder | None = None) -> subject.Subject:
    about = subject.find(state, number, folder)
    assert about is not None
    return about


def test_an_experiment_is_found_by_its_number_and_knows_its_neighbours(folder: SessionFolder) -> None:
    """V3: next and previous experiment."""
    state = load_state(folder.journal)
    about = found(state, 1, folder)
    assert (about.title, about.before, about.after) == ("Compile the pattern once", 0, 2)
    assert about.folder == folder.experiments / "001-compile-the-pattern-once"
    assert subject.verdict(about)[:2] == ("●", "keep")
    assert subject.figures(about) == ("1.599 s", "−13.1 % [−13.9, −12.2]", "6 pairs", "a1b2c3d", "46.6 s")
    crash = found(state, 3, folder)
    assert (crash.before, crash.after) == (2, None)
    assert subject.verdict(crash)[:2] == ("×", "crash: agent failed")
    base = found(state, 0, folder)
    assert (base.title, base.before, base.after, base.folder) == ("baseline of segment 1", None, 1, folder.baseline)
    assert subject.find(state, 4, folder) is None
    assert subject.at(state, -1, folder) is None


def test_the_experiment_that_runs_stands_after_the_last_and_keeps_its_place_when_it_ends(tmp_path: Path) -> None:
    """V3: also of an experiment that still runs."""
    state = fold([*opening(), *experiment(1), *running(2)])
    about = found(state, 2)
    assert (about.place, about.before, about.after) == (2, 1, None)
    assert subject.verdict(about)[:2] == ("▶", "running: measure")
    assert subject.figures(about) == ("−4.0 % [−9.0, 2.0]", "4 pairs")
    ended = subject.at(fold(experiment(2)[-1:], state), 2, None)
    assert ended is not None and ended.ended is not None and ended.number == 2


def test_numbers_that_come_again_in_a_later_segment_mean_the_last_one() -> None:
    state = fold([*opening(), *experiment(1), *segment(2, baseline=1.5)])
    assert found(state, 0).title == "baseline of segment 2"
    first = subject.at(state, 0, None)
    assert first is not None and first.title == "baseline of segment 1"


def test_a_folder_that_leads_out_of_the_session_is_not_followed(folder: SessionFolder) -> None:
    records = experiment(1)
    state = fold([*opening(), *records[:-1], _with_folder(records[-1], "../../../etc")])
    assert found(state, 1, folder).folder is None


def _with_folder(record: Record, place: str) -> Record:
    from dataclasses import replace

    return replace(record, folder=place)  # type: ignore[call-arg]


def test_a_patch_is_files_and_numbered_lines() -> None:
    """V3: the diff."""
    parse, notes = diff.parse(PATCH)
    assert (parse.path, parse.added, parse.removed, parse.change) == ("src/parse.py", 3, 1, "")
    assert [(line.kind, line.old, line.new) for line in parse.lines[1:9]] == [
        ("hunk", 1, 1), ("context", 1, 1), ("context", 2, 2), ("add", None, 3), ("add", None, 4), ("context", 3, 5),
        ("context", 4, 6), ("context", 5, 7),
    ]  # fmt: skip
    assert (notes.path, notes.change, notes.added) == ("src/notes.txt", "new", 1)
    assert [line.kind for line in notes.lines] == ["file", "hunk", "add", "note", "gap"]


@pytest.mark.parametrize(
    ("header", "path", "change"),
    [
        ("diff --git a/x y.py b/x y.py\n--- a/x y.py\n+++ b/x y.py", "x y.py", ""),
        ("diff --git a/a.py b/b.py\nsimilarity index 90%\nrename from a.py\nrename to b.py", "b.py", "renamed"),
        ('diff --git "a/caf\\303\\251.py" "b/caf\\303\\251.py"\ndeleted file mode 100644', "café.py", "deleted"),
        ("diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755", "run.sh", "mode"),
        ("diff --git a/logo.png b/logo.png\nBinary files a/logo.png and b/logo.png differ", "logo.png", ""),
    ],
)
def test_names_and_kinds_of_changes_are_read_as_git_writes_them(header: str, path: str, change: str) -> None:
    (file,) = diff.parse(header + "\n")
    assert (file.path, file.change) == (path, change)


def test_lines_of_a_patch_cannot_do_anything_to_the_terminal_and_empty_ones_are_lines() -> None:
    (file,) = diff.parse("diff --git a/a.py b/a.py\n@@ -1,2 +1,2 @@\n-\x1b]0;title\x07old\r\n+\x1b[2Jnew\u202e\n \n")
    assert [line.text for line in file.lines[2:5]] == ["old", "new\ufffd", ""]
    assert diff.parse("no patch at all") == ()


def test_code_has_the_colours_of_its_language_on_both_sides() -> None:
    coloured = diff.coloured(diff.parse(PATCH)[0])
    styles = {span.style for content in coloured for span in content.spans}
    assert "$text-accent" in styles and "$text-secondary" in styles
    (plain,) = diff.parse("diff --git a/x.unknown b/x.unknown\n@@ -1 +1 @@\n-def old\n+def new\n")
    assert all(not content.spans for content in diff.coloured(plain))


def test_a_character_that_splits_lines_for_some_does_not_shift_the_colours() -> None:
    (file,) = diff.parse("diff --git a/a.py b/a.py\n@@ -1,2 +1,3 @@\n+x = 'a\u2028b'\n+def f(): pass\n return 1\n")
    contents = diff.coloured(file)
    assert [content.plain for content in contents[2:5]] == ["x = 'a\u2028b'", "def f(): pass", "return 1"]


def test_a_minified_line_is_shown_without_colours() -> None:
    (file,) = diff.parse(f"diff --git a/a.js b/a.js\n@@ -1 +1 @@\n-{'var a;' * 5000}\n+var b\n")
    assert all(not content.spans for content in diff.coloured(file))


def test_every_line_of_a_diff_fits_what_it_says_of_its_width() -> None:
    shown = diff.DiffLines(diff.parse(PATCH))
    lengths = [shown.line(y, 0).cell_length for y in range(shown.count)]
    assert max(lengths) <= shown.width
    assert shown.first_line(1) == next(y for y in range(shown.count) if "notes.txt" in shown.line(y, 0).plain)
    assert "on $success 12%" in [span.style for span in shown.line(4, 80).spans]
    assert shown.line(4, 80).cell_length == 80


def test_samples_come_from_the_artifact_or_from_the_journal(folder: SessionFolder) -> None:
    """V3: the samples of both sides in their order."""
    state = load_state(folder.journal)
    expected = tuple(values(3))
    runs, _ = find_runs(found(state, 1, folder), folder.journal)
    assert tuple((run.side, run.value) for run in runs) == expected
    (folder.experiments / "001-compile-the-pattern-once" / "result.txt").unlink()
    runs, retaken = find_runs(found(state, 1, folder), folder.journal)
    assert (tuple((run.side, run.value) for run in runs), retaken) == (expected, 0)
    assert find_runs(found(state, 3, folder), folder.journal) == ((), 0)


def test_of_blocks_that_were_taken_again_only_the_last_attempt_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "autotune.jsonl"

    def block(attempt: int, value: float, flags: tuple[str, ...] = ()) -> list[Sample]:
        sides = ("incumbent", "candidate", "candidate", "incumbent")
        return [
            Sample(experiment=1, attempt=attempt, run=run, side=side, value=value, flags=flags)
            for run, side in enumerate(sides)
        ]

    with JournalWriter(path, now=clock()) as writer:
        for sample in [*block(0, 9.0), *block(0, 5.0), *block(1, 1.0, ("steal",))]:
            writer.append(sample)
    runs, retaken = from_journal(path, 1)
    assert ([run.value for run in runs], retaken) == ([1.0] * 4, 1)
    assert all(run.disturbed for run in runs)


def test_a_result_file_of_any_content_is_read(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_bytes(b"side\tvalue\ncandidate\t1.5\nboth\t1\ncandidate\tnan\nincumbent\t\xff\n\nincumbent\t2\n")
    assert [(run.side, run.value) for run in from_text(path)] == [("candidate", 1.5), ("incumbent", 2.0)]
    assert from_text(tmp_path / "missing.txt") == ()


@pytest.mark.parametrize(("direction", "level"), [("lower", 1.5), ("higher", 3.5)])
def test_a_side_is_judged_by_its_better_half(direction: str, level: float) -> None:
    runs = tuple(Run("candidate", value) for value in (4.0, 1.0, 3.0, 2.0))
    assert SamplesView(1, runs, direction=direction).level("candidate") == level
    assert SamplesView(1, runs).level("incumbent") is None


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("blocks", [1, 3, 60])
def test_the_samples_are_drawn_within_any_width_and_height(width: int, blocks: int) -> None:
    runs = tuple(Run("candidate" if side == "candidate" else "incumbent", value) for side, value in values(blocks))
    view = SamplesView(1, runs, "time", "s", effect=-0.13, interval=(-0.15, -0.11), pairs=6)
    for height in (12, 24, 48):
        drawn = plot(view, width, height)
        assert len(drawn) <= max(height, 14)
        if width >= 80:
            assert max(line.cell_length for line in drawn[:-3]) <= width


def test_every_run_is_drawn_while_there_is_a_column_for_each() -> None:
    runs = tuple(Run("candidate" if side == "candidate" else "incumbent", value) for side, value in values(6))
    text = "\n".join(line.plain for line in plot(SamplesView(1, runs, unit="s"), 160, 40)[3:])
    assert (text.count("●"), text.count("○")) == (12, 12)


def test_values_that_are_all_the_same_are_drawn_too() -> None:
    runs = (Run("incumbent", 0.0), Run("candidate", 0.0))
    assert "○" in "".join(line.plain for line in plot(SamplesView(1, runs, scale="difference"), 80, 20))


@pytest.mark.parametrize(
    ("effect", "interval", "direction", "colour"),
    [
        (-0.13, (-0.15, -0.11), "lower", "$text-success"),
        (-0.13, (-0.15, -0.11), "higher", "$text-error"),
        (0.01, (-0.02, 0.04), "lower", ""),
    ],
)
def test_the_effect_has_a_colour_only_when_its_interval_is_on_one_side_of_nothing(
    effect: float, interval: tuple[float, float], direction: str, colour: str
) -> None:
    """V2: effect and interval beside zero."""
    view = SamplesView(1, (), direction=direction, effect=effect, interval=interval, pairs=6)
    words, scale, labels = effect_lines(view, 80)
    assert str(words.spans[1].style) == f"bold {colour}".strip()
    assert scale.plain.count("◆") == 1 and "┣" in scale.plain and "┫" in scale.plain
    assert "0" in labels.plain.split()
    zero = scale.plain.index("┃" if not colour else "│")
    assert (scale.plain.index("◆") < zero) == (effect < 0)


def test_bars_are_as_long_as_their_share_and_never_vanish() -> None:
    assert [bar(share, 10) for share in (0.0, 0.001, 0.5, 0.55, 1.0)] == ["", "╸", "━" * 5, "━" * 5 + "╸", "━" * 10]


def test_why_there_are_no_samples_is_said_by_what_kind_of_experiment_it_is(folder: SessionFolder) -> None:
    state = load_state(folder.journal)
    assert "before anything was measured" in samples_view(found(state, 3, folder), ()).empty
    going = fold(running(4, 0)[:-1], state)
    assert "appear here as they are taken" in samples_view(found(going, 4, folder), ()).empty
    alone = fold([*opening(), Result(index=1, metric=1.9, status="discard")])
    assert "one value for each experiment" in samples_view(found(alone, 1), ()).empty


def test_a_profile_is_a_tree_with_shares_of_all_samples() -> None:
    """V3: the profile."""
    view = profile.parse(FOLDED, 400)
    assert (view.samples, view.root.total) == (400, 380)
    (module,) = view.root.heaviest()
    main, generate = module.heaviest()
    assert [(call.function.name, call.total, call.alone) for call in (module, main, generate)] == [
        ("<module>", 380, 0), ("main", 320, 100), ("generate", 60, 60),
    ]  # fmt: skip
    first = view.rows[0]
    assert (first.function.name, first.function.where, first.function.ours) == ("parse_line", "src/parse.py:6", True)
    assert (first.alone, first.total) == (0.375, 0.52)
    library = next(row.function for row in view.rows if row.function.name == "match")
    assert (library.where, library.ours) == ("…/re/__init__.py:163", False)
    assert profile.samples_of("Where x spends\npy-spy, 1,400 samples in 0.80 s\n") == 1400
    assert profile.samples_of("nothing") == 0


def test_recursion_counts_a_sample_once_and_other_formats_do_no_harm() -> None:
    view = profile.parse("f (a.py:1);f (a.py:1);f (a.py:1) 10\nodd frame 5\nno count\n;; x\n7\n")
    assert [(row.function.name, row.total) for row in view.rows] == [("f", 10 / 15), ("odd frame", 5 / 15)]
    assert profile.parse("").rows == ()


def test_the_time_of_each_phase_is_shown_with_its_share(folder: SessionFolder) -> None:
    """V3: every phase with its time."""
    state = load_state(folder.journal)
    view = time_view(found(state, 1, folder), "")
    text = [line.plain.rstrip() for line in lines(view, 80)]
    assert [line.split()[0] for line in text[:8]] == [
        "sync",
        "profile",
        "plan",
        "edit",
        "scope",
        "commit",
        "check",
        "measure",
    ]
    assert "41.5 s   89.1 %  ━━━" in text[7]
    assert text[-1].split() == ["in", "all", "46.6", "s"]
    assert max(len(line) for line in text) <= 80


def test_the_phase_that_runs_is_marked_and_counted_up_to_now() -> None:
    state = fold([*opening(), *running(1)])
    view = time_view(found(state, 1), "")
    assert view.running == "measure"
    assert lines(TimeView((("sync", 1.0), ("measure", 3.0)), "measure", 4.0, ""), 80)[1].plain.startswith("▶ measure")
    assert "does not say" in time_view(found(fold([Result(index=1, metric=1.0)]), 0), "").empty


@pytest.mark.parametrize(
    ("visual", "editor", "expected"),
    [
        ("myedit --wait", "other", ["myedit", "--wait"]),
        ("missing-one", "myedit", ["myedit"]),
        ("", "'unfinished", ["vi"]),
        ("", "", ["vi"]),
    ],
)
def test_the_users_editor_is_chosen_as_other_programs_choose_it(
    tmp_path: Path, visual: str, editor: str, expected: list[str]
) -> None:
    for name in ("myedit", "vi"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    environ = {"VISUAL": visual, "EDITOR": editor, "PATH": str(tmp_path)}
    file = tmp_path / "plan.md"
    assert editor_command(file, environ) == [*expected, str(file)]
    assert editor_command(file, {"PATH": str(tmp_path / "empty")}) == []


def test_the_noise_of_the_fixture_is_what_its_words_say() -> None:
    sides = {side: [value for each, value in values(60) if each == side] for side in ("incumbent", "candidate")}
    means = {side: math.fsum(found) / len(found) for side, found in sides.items()}
    assert means["candidate"] / means["incumbent"] - 1 == pytest.approx(-0.13, abs=0.02)
