"""The rules `cache` and `persistence`: results that are remembered, within a process or beyond it.

To remember within one run is honest when the work really repeats in it, since every sample is a fresh process. It is none
when the benchmark itself calls the same function with the same input again and again to measure it: then the repetition is
the measurement's, and a remembered result is not the work.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from autotune_tui.inspector import references
from autotune_tui.inspector.base import Change, Fact, Finding, Severity, fresh
from autotune_tui.inspector.python import LOOPS, Function, Source, fold, names_in, parameters, read

_DECORATORS = frozenset({
    "functools.lru_cache", "functools.cache", "cachetools.cached", "cachetools.func.lru_cache", "joblib.memory.cache",
    "cachetools.cachedmethod", "?.cache",
})  # fmt: skip
_CONTAINERS = frozenset({
    "dict", "list", "set", "collections.defaultdict", "collections.OrderedDict", "collections.Counter",
    "collections.deque", "weakref.WeakKeyDictionary", "weakref.WeakValueDictionary", "cachetools.LRUCache",
    "cachetools.TTLCache",
})  # fmt: skip
_WRITERS = frozenset({"setdefault", "update", "append", "add", "insert", "extend", "appendleft", "__setitem__"})
_TIMERS = frozenset({
    "timeit", "repeat", "autorange", "Timer", "bench_func", "bench_time_func", "bench_async_func", "benchmark",
    "pedantic", "bench", "measure", "run_benchmark", "timed",
})  # fmt: skip
_WHOLE = "remembers the result of {name}, which the benchmark calls with the same input again and again"
_PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run/user", "~/.cache", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR")
_WRITE_METHODS = frozenset({"?.write_text", "?.write_bytes", "?.to_pickle", "?.to_parquet", "?.to_feather"})
_WRITE_CALLS = frozenset({"numpy.save", "numpy.savez", "numpy.savez_compressed", "joblib.dump", "torch.save"})
_READ_CALLS = frozenset({
    "pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "json.load", "numpy.load", "joblib.load", "torch.load",
    "os.path.exists", "os.path.isfile", "os.path.getmtime", "?.exists", "?.is_file", "?.read_bytes", "?.read_text",
})  # fmt: skip


def find_caches(change: Change) -> Iterator[Finding]:
    """Caches that outlive a call: decorators, module globals, class attributes, default arguments, function attributes."""
    repeated = frozenset[str]().union(
        *(repeated_calls(source) for path, text in change.material.benchmark.items() if (source := read(path, text)))
    )
    repeated = _closure(change.new, repeated)
    yield from fresh(change, "cache", _caches(change.old, repeated), _caches(change.new, repeated))


def repeated_calls(benchmark: Source) -> frozenset[str]:
    """Functions that a benchmark calls again and again with the same arguments: in loops, or handed to a timer."""
    found: set[str] = set()
    for node in benchmark.nodes:
        if isinstance(node, LOOPS):
            changing = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and not names_in(call) & changing and (call.args or call.keywords):
                    found.add(_last(benchmark.name_of(call.func)))
        elif isinstance(node, ast.Call) and _last(benchmark.name_of(node.func)) in _TIMERS:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                for inner in ast.walk(argument):
                    if isinstance(inner, ast.Name | ast.Attribute):
                        found.add(_last(benchmark.name_of(inner)))
                text = fold(argument)
                if isinstance(text, str) and (source := read("timed.py", text)):
                    found |= {_last(source.name_of(n.func)) for n in source.nodes if isinstance(n, ast.Call)}
    return frozenset(found - {"", "range", "print", "len", "append"})


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _closure(sources: tuple[Source, ...], names: frozenset[str]) -> frozenset[str]:
    """With the functions that those call, once and with what they were given."""
    functions = [(name, f, source) for source in sources for name, f in source.functions.items()]
    own = {_last(name) for name, _, _ in functions}
    while True:
        more = {
            called
            for name, function, source in functions
            if _last(name) in names
            for called in _handed_on(source, function)
            if called in own
        }
        if more <= names:
            return names
        names |= more


def _handed_on(source: Source, function: Function) -> Iterator[str]:
    given = set(parameters(function))
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or any(True for _ in source.enclosing(node, LOOPS)):
            continue
        if any(names_in(argument) & given for argument in node.args):
            yield _last(source.name_of(node.func))


def _caches(sources: tuple[Source, ...], repeated: frozenset[str]) -> Iterator[Fact]:
    for source in sources:
        yield from _decorated(source, repeated)
        yield from _globals(source, repeated)
        yield from _defaults(source, repeated)


def _fact(source: Source, line: int, names: set[str], text: str, repeated: frozenset[str]) -> Fact:
    whole = sorted(names & repeated)
    severity: Severity = "block" if whole else "warn"
    return Fact(("cache", bool(whole)), severity, source.path, line, _WHOLE.format(name=whole[0]) if whole else text)


def _decorated(source: Source, repeated: frozenset[str]) -> Iterator[Fact]:
    for name, function in source.functions.items():
        for decorator in function.decorator_list:
            called = source.name_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if called in _DECORATORS:
                yield _fact(source, decorator.lineno, {_last(name)}, f"remembers the results of {name}", repeated)
    for node in source.nodes:  # `fast = lru_cache(maxsize=None)(slow)`
        if isinstance(node, ast.Call) and isinstance(source.parents.get(node), ast.Assign | ast.Call | ast.Return):
            inner = node.func.func if isinstance(node.func, ast.Call) else node.func
            if source.name_of(inner) in _DECORATORS - {"?.cache"} and node.args:
                names = {_last(source.name_of(argument)) for argument in node.args}
                parent = source.parents[node]
                if isinstance(parent, ast.Assign):
                    names |= {target.id for target in parent.targets if isinstance(target, ast.Name)}
                if names - {""}:
                    yield _fact(source, node.lineno, names, "remembers the results of a function", repeated)


def _globals(source: Source, repeated: frozenset[str]) -> Iterator[Fact]:
    """Collections of a module or a class that functions fill, names that they rebind, attributes that they give functions."""
    holders: dict[str, int] = {}
    for statement in _outer(source.tree):
        value = statement.value
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if value is not None and _is_container(source, value):
            holders |= {target.id: statement.lineno for target in targets if isinstance(target, ast.Name)}
    own = {name for name in source.functions if "." not in name}
    filled: dict[str, tuple[int, set[str]]] = {}
    for name, line, writer in _writes(source):
        if name in holders or name in own or name.startswith("global "):
            _, writers = filled.setdefault(name, (holders.get(name, line), set()))
            writers.add(writer)
    for name, (line, writers) in filled.items():
        shown = name.removeprefix("global ")
        yield _fact(source, line, writers, f"{shown} keeps something from call to call", repeated)


def _outer(tree: ast.Module) -> Iterator[ast.Assign | ast.AnnAssign]:
    """The assignments of a module and of its classes, outside functions."""
    bodies: list[ast.stmt] = list(tree.body)
    while bodies:
        statement = bodies.pop()
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            yield statement
        elif isinstance(statement, ast.ClassDef | ast.If | ast.Try | ast.With):
            bodies.extend(statement.body)


def _is_container(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Dict | ast.List | ast.Set):
        return True
    return isinstance(node, ast.Call) and source.name_of(node.func) in _CONTAINERS


def _writes(source: Source) -> Iterator[tuple[str, int, str]]:
    """(what is written to, the line, the function that does): `NAME[...] =`, `NAME.append()`, `global NAME`."""
    for name, function in source.functions.items():
        local = _locals(function)
        declared: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                declared |= set(node.names)
        for node in ast.walk(function):
            target: ast.expr | None = None
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
                target = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITERS:
                target = node.func.value
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in declared:
                yield f"global {node.id}", node.lineno, _last(name)
            held = _holder(target, local)
            if held:
                yield held, getattr(node, "lineno", function.lineno), _last(name)


def _holder(target: ast.expr | None, local: set[str]) -> str:
    """The global name that a write goes to; of `cls.NAME`, `self.NAME` and `f.NAME[...]` the part that outlives the call."""
    if isinstance(target, ast.Name) and target.id not in local:
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.value.id if target.value.id not in (local | {"cls", "self"}) else target.attr
    return ""


def _locals(function: Function) -> set[str]:
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    outside = {name for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    return (stored | set(parameters(function))) - outside


def _defaults(source: Source, repeated: frozenset[str]) -> Iterator[Fact]:
    """Default arguments that the function fills."""
    for name, function in source.functions.items():
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
        mutable = {argument.arg for argument, default in pairs if _is_container(source, default)}
        for inner in ast.walk(function) if mutable else ():
            target: ast.expr | None = None
            if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
                target = inner.value
            elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _WRITERS:
                target = inner.func.value
            if isinstance(target, ast.Name) and target.id in mutable:
                text = f"the default of {target.id} keeps something from call to call"
                yield _fact(source, function.lineno, {_last(name)}, text, repeated)
                break


def find_persistence(change: Change) -> Iterator[Finding]:
    """Things remembered beyond the process: shared folders, and files that are both written and read back."""
    yield from references.find(change, "persistence")
    old, new = list(_files(change.old)), list(_files(change.new))
    begins = not any(fact.key == "write" for fact in old)
    rereads = sum(fact.key == "read" for fact in new) > sum(fact.key == "read" for fact in old)
    severity: Severity = "block" if begins or rereads else "warn"
    text = "writes a file and reads one back" if rereads else "begins to write files" if begins else "writes a file"
    yield from fresh(
        change,
        "persistence",
        (fact for fact in old if fact.key != "read"),
        (
            replace(fact, severity=severity, text=text) if fact.key == "write" else fact
            for fact in new
            if fact.key != "read"
        ),
    )


def _files(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for value, node in source.plain:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str) and (text in _PLACES or text.startswith(tuple(f"{place}/" for place in _PLACES))):
                yield Fact(
                    "place", "block", source.path, node.lineno, f"uses {text[:40]!r}, which outlives the process"
                )
        for call in source.nodes:
            if isinstance(call, ast.Call):
                kind = _kind_of(source, call)
                if kind == "database":
                    yield Fact(kind, "block", source.path, call.lineno, "keeps a database")
                elif kind:
                    yield Fact(kind, "warn", source.path, call.lineno, "")


def _kind_of(source: Source, call: ast.Call) -> str:
    """Whether a call opens a database, writes a file or reads one back."""
    name = source.name_of(call.func)
    last = f"?.{_last(name)}"
    if name == "sqlite3.connect":
        return "" if call.args and fold(call.args[0]) == ":memory:" else "database"
    if name in ("open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open") or last == "?.open":
        given = [*call.args[0 if last == "?.open" and name != "io.open" else 1 :]]
        given += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
        modes = [
            mode for mode in map(fold, given[:2]) if isinstance(mode, str) and re.fullmatch("[rwaxbt+]{1,4}", mode)
        ]
        return "write" if any(set(mode) & set("wax+") for mode in modes) else "read"
    if name == "os.open":
        flags = {_last(source.name_of(n)) for n in ast.walk(call) if isinstance(n, ast.Attribute)}
        number = fold(call.args[1]) if len(call.args) > 1 else 0
        return "write" if flags & {"O_WRONLY", "O_RDWR", "O_CREAT"} or number else "read"
    if name in _WRITE_CALLS or last in _WRITE_METHODS:
        return "write"
    return "read" if name in _READ_CALLS or last in _READ_CALLS else ""
