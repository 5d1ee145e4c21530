"""The rule `special_case`: answers for inputs that the benchmark or the checks are known to use."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from autotune_tui.inspector.base import Change, Fact, Finding, Severity, fresh, surplus
from autotune_tui.inspector.python import Plain, Source, fold, read

RULE = "special_case"
OFTEN = 20
"""A text that the benchmark has more often than this belongs to its format, not to one of its inputs."""
SIZE_LEAST = 24
"""From here on a length is rarely asked for exactly; fewer are often the fields of a line."""
TABLE_LEAST = 8
"""Constants from which on a collection is a table."""
MOST_COMPARED = 500
"""Constants of a table that are looked up in the benchmark."""
PRECOMPUTED = 1000
"""Constants in one collection, or 4 characters each in one text, that look like a result computed beforehand."""

_COMMON = {10**n for n in range(19)} | {1440, 3600, 86400, 604800, 44100, 48000, 0xFFFF, 0xFFFFFF}
_COMMON_FLOATS = (math.pi, math.e, math.tau, math.sqrt(2), math.log(2), 1 / 3, 2 / 3, 180 / math.pi, math.pi / 180)
_FORMAT = re.compile(
    r"%[a-zA-Z]|^(text|application|image|audio|video|multipart|font)/|^[a-z]+://$|^(utf|iso|ascii|latin|cp|windows)[-_\d]"
    r"|^__\w+__$|^[\W_]+$|^<\w+>$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w])")
_ESCAPED = re.compile(r"[^ -~]|[\\'\"]")
_DIGEST = re.compile(r"^[0-9a-f]{16,}$", re.IGNORECASE)
_DIGESTS = ("hashlib.", "zlib.crc32", "zlib.adler32", "binascii.crc32", "hash", "?.hexdigest", "?.digest")


def is_special(value: Plain) -> bool:
    """Whether the value is so particular that to share it with a benchmark is no accident."""
    if isinstance(value, int):
        number = abs(value)
        near_power = any((number + d) & (number + d - 1) == 0 for d in (-1, 0, 1))
        return number >= 1000 and number not in _COMMON and not near_power and not 1900 <= number <= 2100
    if isinstance(value, float):
        digits = repr(abs(value)).replace(".", "").partition("e")[0].strip("0")
        return len(digits) >= 4 and not any(math.isclose(abs(value), c, rel_tol=1e-4) for c in _COMMON_FLOATS)
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if "\0" in text or _FORMAT.search(text):
        return False
    if re.fullmatch(r"[A-Za-z_]+([ -][A-Za-z_]+)?", text):  # one word or two are likely to be a format's
        return len(text) >= 24
    return len(text) >= 24 or (len(text) >= 6 and bool(re.search(r"\d", text))) or len(text) >= 8


@dataclass(frozen=True)
class Known:
    """What stands in the benchmark's and the checks' texts."""

    texts: str
    numbers: Counter[float]

    def times(self, value: Plain) -> int:
        """How often the value stands there."""
        if isinstance(value, int | float):
            return self.numbers[abs(value)] if abs(value) < 1e300 else 0
        return self.texts.count(value.decode("latin-1") if isinstance(value, bytes) else value)


def known(texts: Iterable[tuple[str, str]]) -> Known:
    """From (path, text). Of Python files the constants' values are known too, whatever way they are written."""
    pieces: list[str] = []
    numbers: Counter[float] = Counter()
    for path, text in texts:
        pieces.append(text)
        for word in _NUMBER.findall(text[:1_000_000]):
            number = float(word.replace("_", ""))
            numbers[int(number) if number.is_integer() else number] += 1
        source = read(path, text)
        for value, node in source.plain if source else ():
            if isinstance(value, str) and (not isinstance(node, ast.Constant) or _ESCAPED.search(value)):
                pieces.append(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                numbers[abs(value)] += abs(value) not in numbers
    return Known("\0".join(pieces), numbers)


def find(change: Change) -> Iterator[Finding]:
    """New literals of the benchmark where they decide something or are an answer; digests; tables."""
    yield from fresh(change, RULE, _digests(change.old), _digests(change.new))
    yield from fresh(change, RULE, _tables(change.old), _tables(change.new))
    for fact in surplus(change, _literals(change.old), _literals(change.new)):
        finding = weighed(change, fact)
        if finding is not None:
            yield finding


def _literals(sources: tuple[Source, ...]) -> Iterator[Fact]:
    """Every special literal that decides something or is an answer; whether the benchmark has it is asked later."""
    for source in sources:
        for value, node, what in _decisions(source):
            if is_special(value):
                yield Fact(
                    (what, value), "warn", source.path, node.lineno, f"{what} {_show(value)}, which the benchmark has"
                )
        for size, node in _sizes(source):
            if not is_special(size):
                text = f"compares a length with {size}, which the benchmark has"
                yield Fact(("length", size), "warn", source.path, node.lineno, text)
        for value, node in _answers(source):
            if is_special(value) and len(str(value)) >= 4:
                text = f"returns {_show(value)}, which the benchmark expects"
                yield Fact(("returns", value), "warn", source.path, node.lineno, text)
        for values, node in _collections(source):
            special = tuple(value for value in values if is_special(value))[:MOST_COMPARED]
            if len(special) >= TABLE_LEAST:
                yield Fact(
                    ("table", special), "warn", source.path, node.lineno, "brings a table of the benchmark's values"
                )


def weighed(change: Change, fact: Fact) -> Finding | None:
    """The finding for a new literal, or a new table of them, that the benchmark has; None when it has it not."""
    assert isinstance(fact.key, tuple)
    what, value = fact.key
    given = _known_to(change)
    if what == "table":
        shared = sum(1 for each in value if given.times(each))
        severity: Severity | None = "block" if 2 * shared >= len(value) else None
    else:
        count = given.times(value)
        severity = None if not count else "block" if count <= OFTEN else "warn"
    if severity is None:
        return None
    return Finding(RULE, severity, fact.path, fact.line, fact.text, change.excerpt(fact.path, fact.line))


def _known_to(change: Change) -> Known:
    """What the benchmark and the checks have. Read only when a change brings a special literal, as few do."""
    material = change.material
    return _read_known(
        (*material.benchmark.items(), *material.checks.items(), *(("", text) for text in material.outputs))
    )


@lru_cache(maxsize=4)
def _read_known(texts: tuple[tuple[str, str], ...]) -> Known:
    return known(texts)


def _show(value: Plain) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:38]}…{text[0] if text[0] in chr(34) + chr(39) else ''}"


def _decisions(source: Source) -> Iterator[tuple[Plain, ast.expr, str]]:
    """Constants that an input is compared with, by ==, in, match, startswith or a lookup in a literal dict."""
    for node in source.nodes:
        if isinstance(node, ast.Compare):
            if any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops):
                for side in (node.left, *node.comparators):
                    yield from ((value, node, "compares with") for value in _values(source, side))
        elif isinstance(node, ast.MatchValue):
            value = fold(node.value)
            if value is not None:
                yield value, node.value, "compares with"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("startswith", "endswith", "fullmatch") and node.args:
                yield from ((value, node, "compares with") for value in _values(source, node.args[0]))
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                value = fold(key) if key is not None else None
                if value is not None and key is not None:
                    yield value, key, "looks up"


def _sizes(source: Source) -> Iterator[tuple[int, ast.expr]]:
    """Numbers that a length must be, or lie closely around, in a comparison: few programs care for exactly forty of a thing."""
    for node in source.nodes:
        if not isinstance(node, ast.Compare) or not any(_is_length(source, inner) for inner in ast.walk(node)):
            continue
        values = [value for side in (node.left, *node.comparators) for value in _values(source, side)]
        numbers = sorted(abs(value) for value in values if isinstance(value, int))
        if any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops):
            yield from ((number, node) for number in numbers if number >= SIZE_LEAST)
        elif len(numbers) == 2 and numbers[1] - numbers[0] <= 3:  # 39 < len(rows) < 41
            yield from ((n, node) for n in range(numbers[0], numbers[1] + 1) if n >= SIZE_LEAST)


def _is_length(source: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("size", "shape", "__len__")
    return isinstance(node, ast.Call) and source.name_of(node.func) == "len"


def _values(source: Source, node: ast.expr, depth: int = 2) -> Iterator[Plain]:
    """The constants in one side of a comparison; a name stands for what it is given once."""
    value = fold(node)
    if value is not None:
        yield value
    if isinstance(node, ast.BinOp) and depth:  # `2 * SIZE` is made for the size
        yield from _values(source, node.left, depth)
        yield from _values(source, node.right, depth)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from _values(source, element, depth)
    elif isinstance(node, ast.Dict):
        return  # its keys are found as such
    elif isinstance(node, ast.Name) and depth and node.id in source.constants:
        yield from _values(source, source.constants[node.id], depth - 1)
    elif (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and source.name_of(node.func) in ("frozenset", "set", "tuple")
    ):
        yield from _values(source, node.args[0], depth)


def _answers(source: Source) -> Iterator[tuple[Plain, ast.expr]]:
    """Constants that a function returns, also as parts of a tuple or through a conditional expression."""
    for node in source.nodes:
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield from _returned(source, node.value)
        elif isinstance(node, ast.Lambda):
            yield from _returned(source, node.body)


def _returned(source: Source, node: ast.expr) -> Iterator[tuple[Plain, ast.expr]]:
    value = fold(node)
    if value is not None:
        yield value, node
    elif isinstance(node, ast.Tuple | ast.List):
        for element in node.elts[:50]:
            yield from _returned(source, element)
    elif isinstance(node, ast.IfExp):
        yield from _returned(source, node.body)
        yield from _returned(source, node.orelse)
    elif isinstance(node, ast.Name) and node.id in source.constants:
        value = fold(source.constants[node.id])
        if value is not None:
            yield value, node


def _digests(sources: tuple[Source, ...]) -> Iterator[Fact]:
    """Comparisons of an input's digest with a constant: the literal itself stands nowhere else."""
    for source in sources:
        for node in source.nodes:
            if not isinstance(node, ast.Compare):
                continue
            sides = (node.left, *node.comparators)
            values = [value for side in sides for value in _values(source, side)]
            computed = any(_is_digest(source, side) for side in sides)
            fingerprint = any(isinstance(value, str) and _DIGEST.match(value) for value in values)
            if values and (computed or fingerprint):
                yield Fact("digest", "block", source.path, node.lineno, "recognises an input by its digest")


def _is_digest(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Name) and node.id in source.constants:
        node = source.constants[node.id]
    calls = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return any(
        source.name_of(call.func).startswith(_DIGESTS[:4]) or source.name_of(call.func) in _DIGESTS for call in calls
    )


def _collections(source: Source) -> Iterator[tuple[list[Plain], ast.expr]]:
    """The constants of each collection that is written out."""
    for node in source.nodes:
        if isinstance(node, ast.Dict):
            elements = [*(key for key in node.keys if key is not None), *node.values]
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            elements = list(node.elts)
        else:
            continue
        if len(elements) >= TABLE_LEAST:
            yield [value for value in map(fold, elements) if value is not None], node


def _tables(sources: tuple[Source, ...]) -> Iterator[Fact]:
    """So many constants that they look computed beforehand."""
    for source in sources:
        for values, node in _collections(source):
            if len(values) >= PRECOMPUTED:
                yield Fact("blob", "warn", source.path, node.lineno, f"brings a table of {len(values)} constants")
        for value, node in source.plain:
            if isinstance(value, str | bytes) and len(value) >= 4 * PRECOMPUTED:
                yield Fact("blob", "warn", source.path, node.lineno, f"brings {len(value)} characters of data")
