"""The files beside the journal: written for people and other tools, never read back by the engine."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from autotune_tui import report
from autotune_tui.engine.core import Engine
from autotune_tui.errors import AutotuneError
from autotune_tui.journal.files import write_atomic
from autotune_tui.model.health import state_file
from autotune_tui.stats.noise import mad_confidence

if TYPE_CHECKING:
    from autotune_tui.engine.experiment import Experiment

IDEAS = """\
# Ideas

One idea a line. You and the agent may both add and strike out; the agent reads them before each plan.

"""


def write(engine: Engine, path: Path, text: str) -> None:
    """Write an artifact. One that cannot be written is said in the journal; the loop needs none of them.

    Where the session's folder was taken away none is made again.
    """
    if not engine.folder.root.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, engine.redactor.text(text))
    except (OSError, AutotuneError) as error:
        engine.note(f"{path.name} was not written: {error}", "warning")


def open_folder(engine: Engine, number: int) -> Path:
    """The experiment's folder before its plan has named it, empty."""
    folder = engine.folder.experiment(number, "")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def name_folder(engine: Engine, folder: Path, number: int, description: str) -> Path:
    """Rename the folder for what is tried: `007` becomes `007-cache-rows`."""
    named = engine.folder.experiment(number, description)
    if folder == named or named.exists():  # of an attempt that was interrupted
        return folder
    return folder.rename(named)


def write_experiment(x: Experiment) -> None:
    """summary.md, reflexion.md and result.txt of an experiment that ended.

    What its agent was told of those before it goes: it is in the journal, and would be kept once more with each experiment.
    """
    state = x.engine.state
    for name in ("context.json", "history.json"):
        with contextlib.suppress(OSError):
            (x.folder / "agent" / name).unlink()
    ended = state.experiments[-1]
    write(x.engine, x.folder / "summary.md", report.summary_text(state, ended))
    write(x.engine, x.folder / "reflexion.md", report.reflexion_text(ended))
    if x.measured is not None:
        lines = (
            f"{'candidate' if is_candidate else 'incumbent'}\t{sample.value!r}"
            for order, block in zip(x.measured.blocks.candidate, x.measured.blocks.taken, strict=True)
            for is_candidate, sample in zip(order, block, strict=True)
        )
        write(x.engine, x.folder / "result.txt", "side\tvalue\n" + "\n".join(lines) + "\n")


def write_documents(engine: Engine) -> None:
    """The session's documents and `.autotune.state`, all folded from the journal."""
    state, folder = engine.state, engine.folder
    write(engine, folder.state, json.dumps(state_file(state)) + "\n")
    write(engine, folder.leaderboard, report.leaderboard(state))
    write(engine, folder.results, report.results_tsv(state))
    write(engine, folder.document, report.living_document(state))
    if learned := report.learnings(state):
        write(engine, folder.learnings, learned)


def write_final_report(engine: Engine) -> None:
    """final-report.md, with the figure that other tools would show beside ours."""
    state = engine.state
    values = [e.metric for e in state.experiments if e.metric is not None]
    best, baseline = state.incumbent_value, state.baseline_value
    theirs = mad_confidence(best - baseline, values) if best is not None and baseline is not None else None
    diffs = {
        keep.index: engine.workspace.commits.diff(keep.incumbent, keep.sha) for keep in state.keeps if keep.incumbent
    }
    write(engine, engine.folder.final_report, report.final_report(state, diffs=diffs, mad_confidence=theirs))
