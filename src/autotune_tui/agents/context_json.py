"""The context of an experiment as JSON, for agents that are programs of their own.

The object that a command reads on its standard input (and in the file `AUTOTUNE_CONTEXT`). Keys are stable: later versions
only add.

    version           1
    experiment        number of this experiment, from 1
    goal, constraints what is to become better, and rules for it, in words
    metric, unit, direction     the primary metric; `direction` is lower or higher
    benchmark         the benchmark's command, as text
    include, exclude  the scope as patterns; `files`: the paths that they mean, relative to the directory
    directory         the candidate worktree, at the incumbent's commit: edit here
    artifacts         a folder for transcripts and the like
    incumbent         commit of the best code so far
    baseline_value, incumbent_value, target     numbers in the metric's unit, or null
    profile           null, or {tool, commit, seconds, samples, note, hot_spots}: a list, most `total_share` first, of
                      {file, function, line, self_share, total_share}
    history           a list of {index, status, reason, description, strategy, key, effect, interval, hypothesis,
                      observation, next, data}; `effect` is the relative change of the metric (-0.13: it fell by 13 %)
    ideas             the backlog, Markdown
    health            running, improving, plateaued, crashing, healing
    beside            the names of other agents that propose at the same time, for the same code
    guidance          what the course of the session asks of this experiment: {avoid, tired, scope, repair, findings, stuck,
                      words}: strategies that may not be used, the one that should rest, the only files that may be changed (when
                      the scope is narrowed), what is only to be mended (candidates, code or nothing), what was found out, null
                      or {experiments, step, wins, near, failed} when nothing was kept for long (step: read, combine, opposite
                      or simplify), and all of it as a list of sentences
    plan              {description, hypothesis, target, strategy, key, ...} as it was approved
    failure           null; for a rework {phase, reason, output, attempt}

The benchmark's environment is not among it (it is the environment of the command itself, and does not belong on disk), nor
the profile's folded stacks (they are in the file `AUTOTUNE_PROFILE`).

Files, named in the command's environment: AUTOTUNE_CONTEXT (this object), AUTOTUNE_PLAN, AUTOTUNE_PROFILE (with `folded`; null
without a profile), AUTOTUNE_HISTORY (each the JSON of its key), AUTOTUNE_IDEAS (Markdown), and for a rework AUTOTUNE_FAILURE.
AUTOTUNE_EXPERIMENT is the number.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from autotune_tui.agents.base import Context, Failure, PastExperiment, Plan
from autotune_tui.model import guidance

VERSION = 1
_AS_THEY_ARE = (
    "experiment", "goal", "constraints", "metric", "unit", "direction", "benchmark", "include", "exclude", "files", "incumbent",
    "baseline_value", "incumbent_value", "target", "ideas", "health", "beside",
)  # fmt: skip
_OF_THE_PAST = tuple(field.name for field in fields(PastExperiment))


def context_json(context: Context, plan: Plan, failure: Failure | None = None) -> dict[str, Any]:
    """The object described above."""
    profile = asdict(context.profile) if context.profile else None
    if profile is not None:
        del profile["folded"]
    return {
        "version": VERSION,
        **{name: getattr(context, name) for name in _AS_THEY_ARE},
        "guidance": {**asdict(context.guidance), "words": guidance.words(context.guidance)},
        "directory": str(context.directory),
        "artifacts": str(context.artifacts),
        "profile": profile,
        "history": [{name: getattr(past, name) for name in _OF_THE_PAST} for past in context.history],
        "plan": asdict(plan),
        "failure": asdict(failure) if failure else None,
    }


def write_files(folder: Path, context: Context, plan: Plan, failure: Failure | None = None) -> dict[str, str]:
    """Write the files described above into a folder; returns the environment variables that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    document = context_json(context, plan, failure)
    texts = {
        "context.json": dump(document),
        "plan.json": dump(document["plan"]),
        "profile.json": dump(asdict(context.profile) if context.profile else None),
        "history.json": dump(document["history"]),
        "ideas.md": context.ideas,
    }
    if failure is not None:
        texts["failure.json"] = dump(document["failure"])
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    named = {f"AUTOTUNE_{name.partition('.')[0].upper()}": str(folder / name) for name in texts}
    return {**named, "AUTOTUNE_EXPERIMENT": str(context.experiment)}


def dump(value: Any) -> str:
    """JSON that people can read, too: a line for each field, and for each item of a list of objects. File names that are no
    UTF-8 are escaped.
    """
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {_field(each)}" for key, each in value.items()) + "\n}\n"
    return _field(value) + "\n"


def _field(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n " + ",\n ".join(json.dumps(each, default=str) for each in value) + "\n]"
    return json.dumps(value, default=str)
