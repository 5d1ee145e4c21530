"""Fidelity again (L11): after a keep that touches arguments, configuration or build files, does the benchmark still run the
code in scope?
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from autotune_tui.engine import canary
from autotune_tui.engine.ready import prepare_both
from autotune_tui.engine.recovery import Exhausted

if TYPE_CHECKING:
    from autotune_tui.engine.core import Engine
    from autotune_tui.engine.experiment import Experiment

CONFIGURATION = frozenset(
    {".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".conf", ".config", ".env", ".properties", ".xml", ".plist"}
)
BUILD = frozenset(
    {"makefile", "gnumakefile", "cmakelists.txt", "meson.build", "meson_options.txt", "setup.py", "build.rs", "build",
     "build.bazel", "workspace", "dockerfile", "rakefile", "gemfile", "go.mod", "go.sum", "cargo.lock", "configure",
     "configure.ac"}
)  # fmt: skip
BUILD_SUFFIXES = frozenset(
    {".mk", ".cmake", ".gradle", ".kts", ".bazel", ".bzl", ".ninja", ".am", ".ac", ".sbt", ".pri", ".pro"}
)
ARGUMENTS = re.compile(
    r"\b(?:sys\.argv|argparse|add_argument|parse_args|click\.option|click\.argument|typer\.Option|optparse|getopt|docopt|environ"
    r"|getenv|process\.argv|process\.env|os\.Args|flag\.(?:Int|String|Bool|Float64|Duration)\w*|clap::|std::env|argc|argv)\b"
)


def touched(paths: Iterable[str], diff: str) -> str:
    """What of a change can make the benchmark run something else, in words; empty when nothing can."""
    for path in paths:
        pure = PurePosixPath(path)
        if pure.name.lower() in BUILD or pure.suffix.lower() in BUILD_SUFFIXES or pure.name.startswith("requirements"):
            return f"the build ({path})"
        if pure.suffix.lower() in CONFIGURATION or pure.name.startswith(".env"):
            return f"configuration ({path})"
    for line in diff.splitlines():
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---")) and (found := ARGUMENTS.search(line)):
            return f"arguments ({found[0]})"
    return ""


async def after(engine: Engine, x: Experiment) -> None:
    """The canary on the new incumbent, where the keep asks for it. Raises Exhausted when nothing notices any more."""
    if x.verdict is None or x.verdict.status != "keep" or engine.config.canary.files == 0:
        return
    last = engine.state.canary
    what = touched(x.files, engine.workspace.commits.diff(x.incumbent, x.commit))
    if not what or (last is not None and last.accepted):
        return
    log = engine.folder.baseline / "canary.log"
    await prepare_both(engine, x.commit, log)
    outcome = await canary.fly(engine, x.commit, log)
    await engine.place("candidate", x.commit)
    if outcome is None:
        engine.note(
            f"experiment {x.number} changed {what}, and the benchmark does not work after it", "warning", x.number
        )
        return
    engine.note(f"experiment {x.number} changed {what}, so the canary was repeated", experiment=x.number)
    canary.record(engine, outcome, x.commit, experiment=x.number)
    if outcome.status == "fail":
        raise Exhausted(
            f"after the keep of experiment {x.number}, which changed {what}: {outcome.text}. {outcome.hint} {canary.ACCEPT}"
        )
