"""Where something could be computed once: the statement around a loop, and whether things stay the same in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.effects import Effects
from autotune_tui.agents.offline.rewrites.analysis.kinds import Kind
from autotune_tui.agents.offline.rewrites.analysis.nodes import Loop, block_of, climb, contains, loops_around
from autotune_tui.agents.offline.rewrites.analysis.scopes import Variable
from autotune_tui.agents.offline.rewrites.base import View

_CONSUMERS = ("sum", "any", "all", "min", "max", "sorted", "list", "tuple", "set", "frozenset", "dict", "next", "len")


def loops_of(view: View, node: cst.CSTNode) -> list[Loop]:
    """Loops of the function around `node`, innermost first; none when a generator expression may run it later."""
    if any(isinstance(up, (cst.Lambda, cst.ClassDef)) for up in _inside_function(view, node)):
        return []
    loops = loops_around(node, view.module.parents)
    return loops if all(not isinstance(loop, cst.GeneratorExp) or consumed(view, loop) for loop in loops) else []


def _inside_function(view: View, node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    for _, up in climb(node, view.module.parents):
        if up is view.function.node:
            return
        yield up


def consumed(view: View, node: cst.GeneratorExp) -> bool:
    """Whether a generator expression is used up right where it stands."""
    arg = view.module.parents[node]
    call = view.module.parents[arg]
    if not isinstance(arg, cst.Arg) or not isinstance(call, cst.Call):
        return False
    joins = isinstance(call.func, cst.Attribute) and call.func.attr.value == "join"
    return joins or view.module.is_builtin(call.func, *_CONSUMERS)


def region_of(view: View, loop: Loop) -> cst.BaseStatement | None:
    """The statement in a block of the function that holds the loop; None where nothing can be put before it."""
    found = block_of(loop, view.module.parents)
    return found[0] if found and contains(view.function.node.body, found[1], view.module.parents) else None


def widest(
    view: View, node: cst.CSTNode, holds: Callable[[cst.BaseStatement, Effects], bool]
) -> cst.BaseStatement | None:
    """The largest statement with a loop around `node` for which `holds(statement, its effects)`."""
    best = None
    for loop in loops_of(view, node):
        region = region_of(view, loop)
        if region is None or not holds(region, view.analysis.of(region)):
            break
        best = region
    return best


def guarded(view: View, statement: cst.CSTNode) -> bool:
    """Whether an exception in `statement` could be handled in the same function: it is inside a try or a with (of no file)."""
    for up in _inside_function(view, statement):
        files = isinstance(up, cst.With) and all(view.kinds.of(item.item).name == "file" for item in up.items)
        if isinstance(up, (cst.Try, cst.TryStar, cst.With)) and not files:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Source:
    """Something to read that has a name: a variable, or a plain field of the object in one (`self.rows`)."""

    root: Variable
    attribute: str
    kind: Kind

    @property
    def name(self) -> str:
        """A name to build those of local variables from."""
        return (self.attribute or self.root.name).lower().lstrip("_")

    @property
    def text(self) -> str:
        return f"{self.root.name}.{self.attribute}" if self.attribute else self.root.name

    def stays(self, view: View, region: cst.CSTNode, effects: Effects) -> bool:
        """Whether it is there before `region` and the same all the while."""
        if self.root.scope.kind == "comprehension" or not view.module.bound_before(self.root, region):
            return False
        if not self.attribute:
            return view.analysis.keeps(self.root, effects)
        touched = effects.unknown or self.root in effects.rebound or self.attribute in effects.attributes
        return not touched and not self.kind.is_a("dict") and view.analysis.only_private(effects)


def source_of(view: View, node: cst.BaseExpression) -> Source | None:
    """The source that an expression is, if it is one."""
    root = node.value if isinstance(node, cst.Attribute) else node
    variable = view.module.variable_of.get(root) if isinstance(root, cst.Name) else None
    if variable is None or not isinstance(root, cst.Name):
        return None
    if not isinstance(node, cst.Attribute):
        return Source(variable, "", view.kinds.of_variable(variable))
    plain = view.kinds.field_is_plain(view.kinds.of(root), node.attr.value, item=False)
    return Source(variable, node.attr.value, view.kinds.of(node)) if plain else None


def leaks(view: View, variable: Variable, loop: cst.For) -> bool:
    """Whether the value that a loop leaves in its variable may be read outside of it."""
    parents = view.module.parents
    if variable.captured or variable.deleted or variable.nodes("parameter", "augment"):
        return True
    if variable.scope is not view.function.scope:
        return True
    for name in variable.loads:
        if contains(loop.body, name, parents):
            continue
        own = [up for child, up in climb(name, parents) if isinstance(up, cst.For) and child is up.body]
        if not any(variable in targets(view, other.target) and not contains(other, loop, parents) for other in own):
            return True
    return False


def targets(view: View, node: cst.CSTNode) -> list[Variable]:
    """Variables bound by the target of a loop, in order."""
    if isinstance(node, cst.Name):
        return [view.module.variable_of[node]]
    if isinstance(node, (cst.Tuple, cst.List)):
        return [variable for element in node.elements for variable in targets(view, element.value)]
    return []
