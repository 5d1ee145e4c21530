"""The lines around the steps: where one is, what there is, and the keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from textual.content import Content

from autotune_tui.ui.theme import DIM, TITLE, WARN

HELP = """\
Seven steps lead to a session. Nothing is started before you say so in
the last one, and your checkout is never written.

tab, shift+tab   the next field, the one before
down, up         the same; with proposals: the next, the one before
left, right      another choice
space            in the scope: a file or folder in or out
f5               run the command, or the preflight; again: stop it
ctrl+n, ctrl+b   the next step, the one before; no input is lost
esc              leave; the next start offers the draft

The same without this screen: autotune-tui init --suggest, check --once,
check, and init with options or with --file.
"""


def head(root: Path, place: int, titles: Sequence[str], width: int) -> Content:
    """What this is, and which step."""
    home = str(Path.home())
    where = f"~{str(root).removeprefix(home)}" if str(root).startswith(f"{home}/") else str(root)
    right = f"{place + 1} of {len(titles)}  {titles[place]} "
    name = " autotune-tui "
    room = width - len(right) - len(name) - 18
    shown = where if len(where) <= room else f"…{where[-max(room - 1, 1) :]}"
    left = Content.assemble((name, f"bold {TITLE}"), " new session in ", (shown, "bold"))
    return Content.assemble(left, " " * max(width - left.cell_length - len(right), 1), right)


def steps(titles: Sequence[str], place: int, wrong: Collection[int], width: int) -> Content:
    """All steps: ✓ behind us, ● here, ○ to come, ! where something is missing."""
    parts = []
    for number, title in enumerate(titles):
        if number == place:
            parts.append(Content.styled(f"● {title}", "bold"))
        elif number in wrong and number < place:
            parts.append(Content.styled(f"! {title}", WARN))
        else:
            parts.append(Content.styled(f"{'✓' if number < place else '○'} {title}", "" if number < place else DIM))
    gap = "   " if sum(len(title) + 2 for title in titles) + 3 * len(titles) < width else " "
    return Content.assemble(" ", Content(gap).join(parts))


def keys(*, can_run: bool, running: bool, first: bool, last: bool) -> Content:
    """The keys that matter now."""
    shown = [("f5", "stop" if running else "run")] if can_run else []
    shown.append(("ctrl+n", "to the button" if last else "next"))
    if not first:
        shown.append(("ctrl+b", "back"))
    shown += [("f1", "help"), ("esc", "quit, keeping a draft")]
    parts = [Content.assemble((key, f"bold {WARN}"), f" {words}") for key, words in shown]
    return Content.assemble(" ", Content("   ").join(parts))
