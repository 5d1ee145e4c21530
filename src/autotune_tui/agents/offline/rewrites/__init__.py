"""Rewrites of Python functions that keep what they do and may make them faster.

    candidates = find(source, functions={"load", "Report.render"})
    changed = apply(source, candidates[0].key)

Every rewrite is a module of its own: it finds the places where static analysis shows that the change is safe, and leaves all
others alone. What is taken as given: annotations are true, operators and attribute reads of unknown objects change nothing
elsewhere, and other modules do not change this one's constants. Whether it got faster is for the measurement to say.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator

import libcst as cst

from autotune_tui.agents.offline.rewrites import (
    caching,
    comprehension,
    counting,
    dates,
    dict_keys,
    hoist,
    list_add,
    lookup,
    membership,
    numpy_append,
    pop_front,
    regex,
    short_circuit,
    sorted_first,
    string_join,
)
from autotune_tui.agents.offline.rewrites.analysis.effects import Analysis
from autotune_tui.agents.offline.rewrites.analysis.infer import Kinds
from autotune_tui.agents.offline.rewrites.analysis.module import Module
from autotune_tui.agents.offline.rewrites.base import Candidate, Rewrite, Site, View
from autotune_tui.agents.offline.rewrites.edits import perform

__all__ = ["REWRITES", "Candidate", "Rewrite", "apply", "find"]

REWRITES: tuple[Rewrite, ...] = (
    membership.REWRITE,
    lookup.REWRITE,
    caching.RECURSION,
    pop_front.REWRITE,
    counting.REWRITE,
    hoist.REWRITE,
    list_add.REWRITE,
    numpy_append.REWRITE,
    sorted_first.REWRITE,
    dates.REWRITE,
    caching.PARSER,
    regex.REWRITE,
    short_circuit.REWRITE,
    dict_keys.REWRITE,
    string_join.REWRITE,
    comprehension.REWRITE,
)
_MARK = "\ufeff"
_MOST_REPEATS = 50


def find(source: str, *, functions: Collection[str] | None = None) -> list[Candidate]:
    """All safe applications in a file, by line; only in `functions` (qualified names) when given.

    A source that does not parse has none.
    """
    found: dict[str, Candidate] = {}
    for view in _views(source):
        if functions is not None and view.function.qualname not in functions:
            continue
        for rewrite in REWRITES:
            for site in rewrite.sites(view):
                found.setdefault(site.key(rewrite.name), site.candidate(rewrite.name))
    return sorted(found.values(), key=lambda candidate: candidate.line)


def apply(source: str, candidate_key: str) -> str:
    """The source with the candidate applied, at every place of the function that has this key; all else is unchanged.

    Raises `ValueError` when the file has no such candidate (any more), or the result would not compile.
    """
    mark = _MARK if source.startswith(_MARK) else ""
    changed = source.removeprefix(_MARK)
    for count in range(_MOST_REPEATS):
        step = _apply_once(changed, candidate_key)
        if step is None:
            if count:
                break
            raise ValueError(f"no candidate {candidate_key}")
        changed = step
    else:
        raise ValueError(f"candidate {candidate_key} does not go away")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(changed, "<candidate>", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"candidate {candidate_key} does not compile: {error}") from error
    return mark + changed


def _apply_once(source: str, key: str) -> str | None:
    name, _, rest = key.partition(":")
    function = rest.rpartition(":")[0]
    for view in _views(source):
        if view.function.qualname != function:
            continue
        for rewrite in REWRITES:
            site = next(_matching(rewrite, view, key), None) if rewrite.name == name else None
            if site is not None:
                return perform(view.module.tree, site.edit).code
    return None


def _matching(rewrite: Rewrite, view: View, key: str) -> Iterator[Site]:
    return (site for site in rewrite.sites(view) if site.key(rewrite.name) == key)


def _views(source: str) -> list[View]:
    """The functions of a file that may be rewritten; none when it cannot be read, or written back, as it is."""
    text = source.removeprefix(_MARK)
    try:
        tree = cst.parse_module(text)
        module = Module(tree) if tree.code == text else None
    except (cst.ParserSyntaxError, RecursionError):
        return []
    if module is None:
        return []
    kinds = Kinds(module)
    analysis = Analysis(module, kinds)
    return [View(function, kinds, analysis) for function in module.functions if function.rewritable]
