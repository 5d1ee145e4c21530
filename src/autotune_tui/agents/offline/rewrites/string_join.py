"""string-concat-to-join: text that a loop adds to piece by piece is collected in a list and joined once."""

from __future__ import annotations

from collections.abc import Iterator

from autotune_tui.agents.offline.rewrites.accumulators import accumulators
from autotune_tui.agents.offline.rewrites.analysis.kinds import STR
from autotune_tui.agents.offline.rewrites.analysis.nodes import code
from autotune_tui.agents.offline.rewrites.base import Rewrite, Site, View


def sites(view: View) -> Iterator[Site]:
    for item in accumulators(view):
        pieces = [addition.piece for addition in item.additions]
        if view.kinds.of_variable(item.variable) != STR or any(view.kinds.of(piece) != STR for piece in pieces):
            continue
        name = item.variable.name
        parts = view.module.fresh(f"{name}_parts")
        first = "" if item.value is None else code(item.value)
        yield Site(
            function=view.function,
            node=item.loop,
            identity=f"{name} += {code(pieces[0])}",
            description=f"Join the pieces of {name} once in {view.label}",
            hypothesis=f"One join should improve {view.label} because {name} += may copy all of the text again and again",
            premortem="CPython often extends a string in place, so that the gain is small, and the list of pieces needs memory."
            " Checked: every piece is text; the loop reads the variable nowhere; no try or with can see it half done.",
            expected=-0.1,
            edit=item.edit(parts, "" if first in ('""', "''") else first, f'"".join({parts})'),
        )


REWRITE = Rewrite("string-concat-to-join", sites)
