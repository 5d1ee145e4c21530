"""The rules `patching`, `process`, `dynamic_code` and `caller`: a program that changes what runs or measures it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from autotune_tui.inspector import references
from autotune_tui.inspector.base import Change, Fact, Finding, Severity, fresh
from autotune_tui.inspector.python import Source, fold

_SETTINGS = frozenset({
    "sys.stdout", "sys.stderr", "sys.stdin", "sys.path", "sys.dont_write_bytecode", "sys.tracebacklimit",
})  # fmt: skip
"""Attributes of the standard library that are made to be set."""
_GETTERS = frozenset({"sys.modules.get", "__import__", "builtins.__import__", "importlib.import_module"})
LOADED = "replaces a part of a module that it gets by name"
_PATCHED = re.compile(r"replaces (\w+)\.")
_CODE = frozenset({"__code__", "__defaults__", "__kwdefaults__"})
_STREAMS = frozenset({"sys.stdout", "sys.stderr"})
_HARNESS_MODULES = ("pytest", "unittest", "_pytest", "timeit", "__main__", "pyperf", "hyperfine")
_ENCODED = frozenset({
    "base64.b64decode", "base64.b32decode", "base64.b85decode", "base64.a85decode", "base64.decodebytes", "bytes.fromhex",
    "codecs.decode", "zlib.decompress", "marshal.loads", "binascii.unhexlify", "lzma.decompress", "bz2.decompress",
})  # fmt: skip
_LEAVING = frozenset({"start_new_session", "preexec_fn", "process_group"})


def find_patching(change: Change) -> Iterator[Finding]:
    """Assignments to parts of other modules: of the standard library a cheat, of others something to look at."""
    yield from references.find(change, "patching")
    judges = {PurePosixPath(path).stem for path in (*change.material.benchmark, *change.material.checks)}
    for finding in fresh(change, "patching", _patches(change.old), _patches(change.new)):
        patched = _PATCHED.match(finding.text)
        judged = patched is not None and patched[1] in judges
        yield replace(finding, severity="block") if judged else finding


def _patches(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        modules = {name for name, dotted in source.aliases.items() if dotted}
        for node in source.nodes:
            for target in _targets(node):
                name = source.name_of(target)
                if name in _STREAMS and not _is_stream(source, node):
                    yield Fact(
                        "stream", "block", source.path, target.lineno, f"replaces {name} by something of its own"
                    )
                elif isinstance(target, ast.Attribute) and target.attr in _CODE:
                    yield Fact("code", "block", source.path, target.lineno, "replaces the code of a function")
                elif isinstance(target, ast.Attribute) and _is_loaded(source, target.value):
                    yield Fact("loaded", "block", source.path, target.lineno, LOADED)
                elif name and (severity := _severity(source, target, name, modules)):
                    yield Fact(name, severity, source.path, target.lineno, f"replaces {name} while it runs")
            if isinstance(node, ast.Call) and source.name_of(node.func) in ("setattr", "delattr", "builtins.setattr"):
                held = node.args[0] if node.args else None
                if held is not None and _is_loaded(source, held):
                    yield Fact("loaded", "block", source.path, node.lineno, LOADED)
                elif held is not None and isinstance(held, ast.Name) and held.id in modules:
                    attribute = fold(node.args[1]) if len(node.args) > 1 else None
                    name = f"{source.name_of(held)}.{attribute if isinstance(attribute, str) else '?'}"
                    severity = "block" if _is_standard(name) and name not in _SETTINGS else "warn"
                    yield Fact(name, severity, source.path, node.lineno, f"replaces {name} while it runs")


def _is_loaded(source: Source, node: ast.expr) -> bool:
    """Whether it is a module that is got by its name while the program runs: `sys.modules["time"]`, `__import__("time")`."""
    if isinstance(node, ast.Name):
        node = source.constants.get(node.id, node)
    if isinstance(node, ast.Subscript):
        return source.name_of(node.value) == "sys.modules"
    return isinstance(node, ast.Call) and source.name_of(node.func) in _GETTERS


def _is_stream(source: Source, node: ast.AST) -> bool:
    """Whether what is assigned is a stream of the standard library: another buffer or encoding is honest."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    made = source.name_of(value.func) if isinstance(value, ast.Call) else source.name_of(value) if value else ""
    return made.startswith(("io.TextIOWrapper", "io.open", "open", "codecs.", "os.fdopen", "sys.__std", "sys.std"))


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
    targets = [*targets, node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else targets
    for target in targets:
        if isinstance(target, ast.Attribute):
            yield target
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Attribute | ast.Name | ast.Call):
            yield from _subscripted(target)


def _subscripted(target: ast.Subscript) -> Iterator[ast.expr]:
    """`sys.modules[...]`, `time.__dict__[...]`, `vars(time)[...]`, `__builtins__[...]`."""
    held = target.value
    if isinstance(held, ast.Call) and isinstance(held.func, ast.Name) and held.func.id == "vars" and held.args:
        held = held.args[0]
        yield ast.copy_location(ast.Attribute(held, "__dict__", ast.Store()), target)
    elif (isinstance(held, ast.Attribute) and held.attr in ("modules", "__dict__")) or (
        isinstance(held, ast.Name) and held.id == "__builtins__"
    ):
        yield held


def _severity(source: Source, target: ast.expr, name: str, modules: set[str]) -> Severity | None:
    """How bad it is to set this; None when it is no part of another module."""
    if name in ("sys.modules", "__builtins__") or name.startswith(("builtins.", "__builtins__.")):
        return "block"
    base = target
    while isinstance(base, ast.Attribute):
        base = base.value
    if not isinstance(base, ast.Name) or base.id not in modules or name.startswith("os.environ"):
        return None
    if name in _SETTINGS:
        return "warn"
    return "block" if _is_standard(name) else "warn"


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def find_process(change: Change) -> Iterator[Finding]:
    """Priority, daemons, other processes."""
    yield from references.find(change, "process")
    yield from fresh(change, "process", _left_behind(change.old), _left_behind(change.new))


def _left_behind(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for node in source.nodes:
            if not isinstance(node, ast.Call):
                continue
            name = source.name_of(node.func)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if name.startswith("subprocess.") and _LEAVING & set(given):
                yield Fact("leaves", "block", source.path, node.lineno, "starts a process that outlives this one")
            elif name in ("threading.Thread", "multiprocessing.Process") and "daemon" in given:
                yield Fact("daemon", "warn", source.path, node.lineno, "starts something that nobody waits for")


def find_dynamic(change: Change) -> Iterator[Finding]:
    """Code that cannot be read here; blocked where it is made of encoded data."""
    found = list(references.find(change, "dynamic_code"))
    encoded = list(fresh(change, "dynamic_code", _encoded(change.old), _encoded(change.new)))
    if any(re.search(r": (builtins\.)?(exec|eval|compile|types\.\w+)$", finding.text) for finding in found) and encoded:
        yield from (replace(f, severity="block", text="runs code that it decodes first") for f in encoded)
    yield from found


def _encoded(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for reference in source.references:
            if reference.name in _ENCODED:
                yield Fact("encoded", "warn", source.path, reference.line, "decodes data")


def find_caller(change: Change) -> Iterator[Finding]:
    """Frames, the caller's name, the modules that a harness loads."""
    yield from references.find(change, "caller")
    yield from fresh(change, "caller", _asks_for_harness(change.old), _asks_for_harness(change.new))
    yield from fresh(change, "caller", _asks_for_name(change.old), _asks_for_name(change.new))


def _asks_for_name(sources: tuple[Source, ...]) -> Iterator[Fact]:
    """`sys.argv[0]`: the program's own name."""
    for source in sources:
        for node in source.nodes:
            if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load) or fold(node.slice) != 0:
                continue
            if source.name_of(node.value) in ("sys.argv", "sys.orig_argv"):
                yield Fact("name", "block", source.path, node.lineno, "looks at the program's name", begins=True)


def _asks_for_harness(sources: tuple[Source, ...]) -> Iterator[Fact]:
    """`"pytest" in sys.modules`, `sys.modules.get("__main__")`, `sys.modules["unittest"]`."""
    for source in sources:
        for reference in source.references:
            if not reference.name.startswith("sys.modules"):
                continue
            statement: ast.AST = next(source.enclosing(reference.node, (ast.stmt,)), reference.node)
            parts = statement.test if isinstance(statement, ast.If | ast.While) else statement
            names = {node.value for node in ast.walk(parts) if isinstance(node, ast.Constant)}
            if any(name in names for name in _HARNESS_MODULES):
                yield Fact(
                    "harness", "block", source.path, reference.line, "asks whether it is being tested or measured"
                )
