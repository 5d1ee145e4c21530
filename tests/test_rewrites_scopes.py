"""The scopes that the rewrites rely on agree with the compiler's own symbol table."""

from __future__ import annotations

import collections
import symtable
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import pytest

from autotune_tui.agents.offline.rewrites.analysis.module import Function, Module
from rewrites_support import source

_FILES = (
    "textwrap",
    "heapq",
    "csv",
    "contextlib",
    "functools",
    "dataclasses",
    "json/encoder",
    "bisect",
    "shlex",
    "queue",
)
_CORNERS = source("""
    import os.path as p, sys
    from a import b as c
    x = y = 0
    class Outer:
        x = 1
        z = [x for _ in range(3) if y]
        def method(self, a, /, b=x, *rest, c, **more):
            nonlocal_like = lambda q=a: (q, b, x, unknown)
            global x
            x = [t for t in rest if (w := t)]
            del c
            return nonlocal_like, w, t
        class Inner:
            def deep(self):
                return x, self.x
    def outer(n: int) -> "str":
        total = 0
        def inner(m):
            nonlocal total
            total += m + n
            for i, (j, *k) in []:
                with open(i) as f, p as (g, h[0]):
                    k[i].j = g
            try:
                import q.r
            except ValueError as e:
                raise e from None
            return {v: u for u in total for v in u if v}, q, e
        match n:
            case [first, *others] if first:
                return others
            case {"a": 1, **remaining}:
                return remaining
            case Outer(x=found) | (Outer() as found):
                return found
            case _:
                pass
        late: int
        late2: int = 1
        async def coro():
            async for s in n:
                async with s as u:
                    yield [await a async for a in u]
        return inner, x, sum(d * e for d in n for e in d), f"{n!r:>{total}} {[g for g in late]}"
    def shadow(len):
        def use():
            return len, max
        return use
""")


_UNNAMED = ("lambda", "listcomp", "setcomp", "dictcomp", "genexpr")


def _tables(table: symtable.SymbolTable, path: tuple[str, ...] = ()) -> Iterator[tuple[str, symtable.SymbolTable]]:
    """Function tables with their dotted names, in the order of the text."""
    for child in table.get_children():
        named = child.get_name() not in _UNNAMED
        here = (*path, child.get_name()) if named else path
        if named and child.get_type() == "function":
            yield ".".join(here), child
        yield from _tables(child, here)


def _compare(function: Function, table: symtable.SymbolTable) -> int:
    """How many uses of names right in the function were compared; fails at the first that resolves otherwise."""
    variables = set(function.module.variable_of.values())
    uses = [
        (item.node.value, variable)
        for variable in variables
        for item in variable.occurrences
        if item.scope is function.scope
    ]
    uses = [
        (name, variable)
        for name, variable in uses
        if not name.startswith("__") and name not in ("True", "False", "None")
    ]
    known = set(table.get_identifiers())  # newer Pythons keep names in annotations elsewhere
    uses = [(name, variable) for name, variable in uses if name in known]
    for name, variable in uses:
        symbol, home = table.lookup(name), variable.scope
        if home is function.scope:
            assert symbol.is_local(), (function.qualname, name)
        elif home.kind in ("function", "lambda"):
            assert symbol.is_free(), (function.qualname, name)
        else:
            assert symbol.is_global(), (function.qualname, name)
    return len(uses)


def _check(text: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = symtable.symtable(text, "<text>", "exec")
    module = Module(cst.parse_module(text))
    named: dict[str, list[symtable.SymbolTable]] = collections.defaultdict(list)
    for path, table in _tables(root):
        named[path].append(table)
    functions = [(function, function.qualname.replace("<locals>.", "")) for function in module.functions]
    return sum(_compare(function, named[path].pop(0)) for function, path in functions)


@pytest.mark.parametrize("name", _FILES)
def test_names_of_the_standard_library_resolve_as_the_compiler_does(name: str) -> None:
    text = (Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text("utf-8")
    assert _check(text) > 20


def test_names_in_odd_corners_resolve_as_the_compiler_does() -> None:
    """Class bodies, comprehensions, walrus, match patterns, nonlocal, global, star targets, deletions."""
    assert _check(_CORNERS) > 60
