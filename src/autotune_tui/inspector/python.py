"""Python sources as the rules read them: names resolved through imports, constants folded, docstrings known.

Nothing here runs or imports the code that it reads.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Plain = str | bytes | int | float
_MOST_DIGITS = 60
"""Bits of a folded number: a product of huge constants must not cost anything."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name: `time.perf_counter` for `pc` after `from time import perf_counter as pc`.

    An attribute of what is no name is written with a question mark: `?.write_text`.
    """

    name: str
    node: ast.expr

    @property
    def line(self) -> int:
        return self.node.lineno


@dataclass(frozen=True)
class Source:
    """One module's text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def silent(self) -> frozenset[ast.AST]:
        """Constants that do nothing: docstrings and other texts that stand alone."""
        return frozenset(
            node.value for node in self.nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )

    @cached_property
    def aliases(self) -> dict[str, str]:
        """What imports bind: local name to the dotted name that it stands for."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for name in node.names:
                    found[name.asname or name.name.partition(".")[0]] = (
                        name.name if name.asname else name.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                for name in node.names:
                    found[name.asname or name.name] = f"{module}.{name.name}"
        for node in self.nodes:  # names for what was imported: `now = time.time`, `t = __import__("time")`
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                dotted = _dotted(node.value, found)
                if dotted.partition(".")[0] in found.values() or dotted.startswith("import "):
                    found.setdefault(node.targets[0].id, dotted.removeprefix("import "))
        return found

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Every use of a name, longest form only: `os.environ.get` and not also `os.environ`."""
        inner = {node.value for node in self.nodes if isinstance(node, ast.Attribute)}
        uses = (
            node
            for node in self.nodes
            if isinstance(node, ast.Attribute | ast.Name) and node not in inner and isinstance(node.ctx, ast.Load)
        )
        return tuple(Reference(self.name_of(node), node) for node in uses)

    def name_of(self, node: ast.expr) -> str:
        """The dotted name of an expression; empty when it is none."""
        return _dotted(node, self.aliases).removeprefix("import ")

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Functions and methods by qualified name, such as `Parser.read`; of several, the last."""
        return dict(_functions(self.tree, ""))

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """Names that are given a value once, anywhere in the module, and that value."""
        found: dict[str, ast.expr | None] = {}
        for node in self.nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                found[name] = None if name in found else node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                found[node.target.id] = None if node.target.id in found else node.value
        return {name: value for name, value in found.items() if value is not None}

    @cached_property
    def plain(self) -> tuple[tuple[Plain, ast.expr], ...]:
        """Every constant that does something, folded: `"AUTO" + "TUNE"` is one. Each outermost expression once."""
        inner: set[ast.AST] = set(self.silent)
        found: list[tuple[Plain, ast.expr]] = []
        for node in self.nodes:  # parents come before their children
            if node in inner or not isinstance(node, ast.expr):
                continue
            value = fold(node)
            if value is not None:
                found.append((value, node))
                inner.update(ast.walk(node))
        return tuple(found)

    def enclosing(self, node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
        """The nodes of these kinds around a node, innermost first."""
        at: ast.AST | None = self.parents.get(node)
        while at is not None:
            if isinstance(at, kinds):
                yield at
            at = self.parents.get(at)

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        found = next(self.enclosing(node, FUNCTIONS), None)
        return found if isinstance(found, FUNCTIONS) else None


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyw"))


def read(path: str, text: str) -> Source | None:
    """The source; None when it is no Python, or none that this Python can read."""
    if not is_python(path):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in somebody else's text
            source = Source(path, text, ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return source


def fold(node: ast.expr) -> Plain | None:
    """The value of a constant expression: a text, bytes or a number. None for anything else, also for flags and None.

    Of a format string the constant pieces are taken, with a NUL for what is put in.
    """
    if isinstance(node, ast.BinOp):
        return _fold_chain(node)
    return _fold(node)


def _fold_chain(node: ast.BinOp) -> Plain | None:
    """`a + b + c + ...`, from its left end. Values are kept on the nodes: else each link would be folded anew."""
    chain: list[Any] = []
    at: Any = node
    while isinstance(at, ast.BinOp) and not hasattr(at, "folded"):
        chain.append(at)
        at = at.left
    value: Plain | None = getattr(at, "folded", None) if isinstance(at, ast.BinOp) else fold(at)
    for link in reversed(chain):
        value = link.folded = _combine(value, link.op, fold(link.right))
    return value


def _fold(node: ast.expr) -> Plain | None:
    match node:
        case ast.Constant(value=str() | bytes() | int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_piece(value) for value in values)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = fold(operand)
            return -number if isinstance(number, int | float) else None
        case ast.Call(func=ast.Attribute(value=joiner, attr="join"), args=[ast.List() | ast.Tuple() as parts]):
            return _join(fold(joiner), [fold(part) for part in parts.elts])
    return None


def _piece(node: ast.expr) -> str:
    """A part of a format string; a constant that is put in plainly is as good as written there."""
    if isinstance(node, ast.FormattedValue):
        value = fold(node.value) if node.format_spec is None and node.conversion == -1 else None
        return "\0" if value is None or isinstance(value, bytes) else str(value)
    return str(node.value) if isinstance(node, ast.Constant) else "\0"


def _combine(left: Plain | None, op: ast.operator, right: Plain | None) -> Plain | None:
    if isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add):
        return left + right
    if isinstance(left, bytes) and isinstance(right, bytes) and isinstance(op, ast.Add):
        return left + right
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    try:
        return _calculate(left, op, right)
    except OverflowError:
        return None


def _calculate(left: int | float, op: ast.operator, right: int | float) -> int | float | None:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Mult):
        return left * right
    if isinstance(left, int) and isinstance(right, int) and 0 <= right <= _MOST_DIGITS:
        if isinstance(op, ast.Pow) and abs(left) <= 1000:
            return int(left**right)
        if isinstance(op, ast.LShift):
            return left << right
    return None


def _join(joiner: Plain | None, parts: list[Plain | None]) -> str | None:
    texts = [part for part in parts if isinstance(part, str)]
    return joiner.join(texts) if isinstance(joiner, str) and len(texts) == len(parts) else None


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        base = aliases.get(node.id, node.id)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
        called = _dotted(node.func, aliases)
        module = fold(node.args[0])
        is_import = called in ("__import__", "builtins.__import__", "importlib.import_module")
        base = f"import {module}" if is_import and isinstance(module, str) else "?"
    else:
        base = "?"
    if base == "?" and not names:
        return ""
    return ".".join([base, *reversed(names)])


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            name = f"{prefix}{child.name}"
            if isinstance(child, FUNCTIONS):
                yield name, child
            yield from _functions(child, f"{name}.")
        elif isinstance(child, ast.If | ast.Try | ast.With):
            yield from _functions(child, prefix)


def parameters(function: Function) -> tuple[str, ...]:
    """The names of a function's parameters, in their order."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return tuple(argument.arg for argument in every if argument is not None)


def names_in(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
