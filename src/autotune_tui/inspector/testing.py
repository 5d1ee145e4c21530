"""The rule `disabled_test`: tests that are skipped, emptied or taken out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from autotune_tui.inspector.base import Change, Fact, FileChange, Finding, fresh
from autotune_tui.inspector.python import Source, is_python

_SKIPS = re.compile(
    r"^(pytest\.(mark\.(skip|skipif|xfail)|skip|xfail|importorskip|exit)|unittest\.(skip|skipIf|skipUnless|expectedFailure"
    r"|SkipTest)|\?\.skipTest|self\.skipTest|skipTest)$"
)
_IGNORES = frozenset({"collect_ignore", "collect_ignore_glob", "__test__"})
_CONFIGURATION = frozenset(
    {"pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "noxfile.py", ".coveragerc"}
)
_DESELECTS = re.compile(
    r"--deselect|--ignore|-k[ =]|-m[ =]|norecursedirs|python_files|python_functions|python_classes|testpaths|addopts|omit\s*="
)
_OTHERS = re.compile(
    r"#\[ignore|\b(?:it|test|describe|context|suite)\.(?:skip|todo|only)\b|\b(?:xit|xdescribe|xtest|fdescribe|fit)\s*\(|\bt\.Skip(?:f|Now)?\("
    r"|@(?:Disabled|Ignore)\b|\bXCTSkip\b|\bGTEST_SKIP\b|\bDISABLED_\w"
)


def is_test(path: str) -> bool:
    """Whether a path looks like a file of tests."""
    pure = PurePosixPath(path)
    folders = {part.lower() for part in pure.parts[:-1]}
    stem = pure.name.partition(".")[0]
    return bool(
        folders & {"test", "tests", "spec", "specs", "__tests__", "testing"}
        or stem.startswith("test_")
        or stem.endswith(("_test", "_spec", "Test", "Tests"))
        or stem in ("conftest", "test", "tests")
        or ".test." in pure.name
        or ".spec." in pure.name
    )


def find(change: Change) -> Iterator[Finding]:
    yield from fresh(change, "disabled_test", _skips(change.old), _skips(change.new))
    yield from _fewer(change)
    for file in change.files:
        yield from _in_text(file)


def _skips(sources: tuple[Source, ...]) -> Iterator[Fact]:
    for source in sources:
        for reference in source.references:
            if _SKIPS.match(reference.name):
                yield Fact("skip", "block", source.path, reference.line, f"skips tests: {reference.name}")
        for name, value in source.constants.items():
            if name in _IGNORES and not (isinstance(value, ast.Constant) and value.value is True):
                yield Fact(name, "block", source.path, value.lineno, f"keeps tests from being found: {name}")


def _fewer(change: Change) -> Iterator[Finding]:
    """Test cases and their assertions that are gone; cases that moved or became parameters are counted."""
    old = [source for source in change.old if is_test(source.path)]
    new = [source for source in change.new if is_test(source.path)]
    cases = sum(map(_cases, old)) - sum(map(_cases, new))
    if cases > 0:
        before = {name for source in old for name in source.functions}
        gone = sorted(before - {name for source in new for name in source.functions})
        place = next((s for s in old if not gone or gone[0] in s.functions), old[0])
        line = place.functions[gone[0]].lineno if gone and gone[0] in place.functions else 0
        yield Finding("disabled_test", "block", place.path, line, f"{cases} fewer test cases than before")
        return
    asserts = sum(map(_asserts, old)) - sum(map(_asserts, new))
    if asserts > 0:
        yield Finding("disabled_test", "block", old[0].path, 0, f"{asserts} fewer assertions in tests than before")


def _cases(source: Source) -> int:
    """Test functions, each as often as its literal parameters say."""
    total = 0
    for name, function in source.functions.items():
        if not name.rpartition(".")[2].startswith("test"):
            continue
        times = 1
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and source.name_of(decorator.func).endswith("mark.parametrize"):
                values = decorator.args[1] if len(decorator.args) > 1 else None
                times *= len(values.elts) if isinstance(values, ast.List | ast.Tuple) else 1
        total += times
    return total


def _asserts(source: Source) -> int:
    """Assertions of any style."""
    return sum(
        isinstance(node, ast.Assert)
        or (
            isinstance(node, ast.Call)
            and bool(re.search(r"(^|\.)(assert\w+|raises|warns|fail)$", source.name_of(node.func)))
        )
        for node in source.nodes
    )


def _in_text(file: FileChange) -> Iterator[Finding]:
    """Settings of test runners, and the ways of other languages."""
    name = PurePosixPath(file.path).name
    if file.new is None and is_test(file.old_path or file.path) and not is_python(file.path):
        yield Finding("disabled_test", "block", file.path, 0, "a file of tests is gone")
        return
    if name in _CONFIGURATION and not is_python(file.path):
        pattern, text = _DESELECTS, "changes which tests are run"
    elif is_python(file.path):
        return
    else:
        pattern, text = _OTHERS, "skips tests"
    before = {line.strip() for line in (file.old or "").splitlines()}
    for number, line in enumerate((file.new or "").splitlines(), 1):
        if line.strip() not in before and pattern.search(line):
            yield Finding("disabled_test", "block", file.path, number, text, line.strip())
