"""Small questions about code whose answers tell something about kinds."""

from __future__ import annotations

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.kinds import UNKNOWN, Kind, join
from autotune_tui.agents.offline.rewrites.analysis.module import Module
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable

CONTAINERS = ("list", "set", "dict", "deque")
"""Kinds whose items may change."""
_ORDER = (cst.LessThan, cst.LessThanEqual, cst.GreaterThan, cst.GreaterThanEqual)


def ordered_with_number(module: Module, variable: Variable) -> bool:
    """Whether a branch depends on `x < 2` or the like, so that x is a number of some type (no array, no text)."""
    for name in variable.loads:
        comparison = module.parents[name]
        if not isinstance(comparison, cst.Comparison) or comparison.left is not name:
            continue
        target = comparison.comparisons[0]
        branch = module.parents[comparison]
        number = isinstance(target.comparator, cst.Integer) and isinstance(target.operator, _ORDER)
        if number and isinstance(branch, (cst.If, cst.While, cst.IfExp)) and branch.test is comparison:
            return True
    return False


def opened(kind: Kind) -> Kind:
    """What is in a container: containers in it may be filled through other names, so their items are unknown."""
    return join(
        Kind(option.name, tuple(UNKNOWN for _ in option.args)) if option.name in CONTAINERS else option
        for option in kind.options
    )


def text_mode(node: cst.Call) -> bool:
    """Whether an `open(..)` gives text for sure."""
    modes = [arg.value for i, arg in enumerate(node.args) if (arg.keyword.value == "mode" if arg.keyword else i == 1)]
    return all(isinstance(mode, cst.SimpleString) and "b" not in str(mode.evaluated_value) for mode in modes)


def always_leaves(block: cst.BaseSuite) -> bool:
    """Whether the end of a block is never reached (it returns or raises)."""
    last = block.body[-1] if block.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    if isinstance(last, cst.If):
        other = last.orelse
        while isinstance(other, cst.If):
            if not always_leaves(other.body):
                return False
            other = other.orelse
        return other is not None and always_leaves(last.body) and always_leaves(other.body)
    return isinstance(last, (cst.Return, cst.Raise))
