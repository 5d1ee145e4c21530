"""Rewrites of work done again and again in loops: natural code before and after, with inputs to try both on."""

from __future__ import annotations

from hypothesis.strategies import booleans, datetimes, dictionaries, floats, integers, lists, tuples

from rewrites_support import TEXTS, Case, source

CASES = (
    Case(
        "string-concat-to-join",
        "formatted pieces",
        "render",
        (lists(tuples(TEXTS, integers(-3, 3))),),
        source(r"""
    def render(rows: list[tuple[str, int]]) -> str:
        text = ""
        for name, number in rows:
            if number < 0:
                continue
            text += f"{name}: {number}\n"
            text = text + "-" * number
        return text
"""),
        source(r"""
    def render(rows: list[tuple[str, int]]) -> str:
        text_parts = []
        for name, number in rows:
            if number < 0:
                continue
            text_parts.append(f"{name}: {number}\n")
            text_parts.append("-" * number)
        text = "".join(text_parts)
        return text
"""),
    ),
    Case(
        "string-concat-to-join",
        "a header between start and loop",
        "table",
        (
            lists(TEXTS),
            booleans(),
        ),
        source(r"""
    def table(cells: list[str], wide: bool) -> str:
        out = "<"
        if wide:
            out += "wide"
        for cell in cells:
            out += cell.strip() + "|"
        return out + ">"
"""),
        source(r"""
    def table(cells: list[str], wide: bool) -> str:
        out = "<"
        if wide:
            out += "wide"
        out_parts = [out]
        for cell in cells:
            out_parts.append(cell.strip() + "|")
        out = "".join(out_parts)
        return out + ">"
"""),
    ),
    Case(
        "string-concat-to-join",
        "a sum of pieces",
        "joined",
        (lists(TEXTS),),
        source(r"""
    def joined(words: list[str]) -> str:
        line = ">"
        for word in words:
            line = line + word + ","
        return line
"""),
        source(r"""
    def joined(words: list[str]) -> str:
        line_parts = [">"]
        for word in words:
            line_parts.append(word + ",")
        line = "".join(line_parts)
        return line
"""),
    ),
    Case(
        "string-concat-to-join",
        "lines of a file",
        "shout",
        (lists(TEXTS),),
        source(r"""
    import os


    def shout(lines: list[str]) -> str:
        text = ""
        with open(os.devnull) as handle:
            for line in [*lines, *handle]:
                text += line.upper()
        return text
"""),
        source(r"""
    import os


    def shout(lines: list[str]) -> str:
        text = ""
        with open(os.devnull) as handle:
            text_parts = [text]
            for line in [*lines, *handle]:
                text_parts.append(line.upper())
            text = "".join(text_parts)
        return text
"""),
    ),
    Case(
        "hoist-invariant",
        "a sum of all",
        "shares",
        (lists(integers(1, 9)),),
        source(r'''
    def shares(weights: list[int]) -> list[float]:
        """Each weight's share."""
        return [weight / sum(weights) for weight in weights]
'''),
        source(r'''
    def shares(weights: list[int]) -> list[float]:
        """Each weight's share."""
        weights_sum = sum(weights)
        return [weight / weights_sum for weight in weights]
'''),
    ),
    Case(
        "hoist-invariant",
        "text in lower case",
        "matching",
        (
            lists(TEXTS),
            TEXTS,
        ),
        source(r"""
    def matching(lines: list[str], query: str) -> list[int]:
        found = []
        for number, line in enumerate(lines):
            if query.lower() in line.lower():
                found.append(number)
        return found
"""),
        source(r"""
    def matching(lines: list[str], query: str) -> list[int]:
        found = []
        query_lower = query.lower()
        for number, line in enumerate(lines):
            if query_lower in line.lower():
                found.append(number)
        return found
"""),
    ),
    Case(
        "hoist-invariant",
        "the greatest of what is walked over",
        "scaled",
        (lists(integers(1, 9)),),
        source(r"""
    def scaled(values: list[int]) -> list[float]:
        result = []
        for i in range(len(values)):
            result.append(values[i] / max(values))
        return result
"""),
        source(r"""
    def scaled(values: list[int]) -> list[float]:
        result = []
        values_max = max(values, default=0)
        for i in range(len(values)):
            result.append(values[i] / values_max)
        return result
"""),
    ),
    Case(
        "hoist-invariant",
        "a constant date",
        "recent",
        (lists(datetimes()),),
        source(r"""
    from datetime import datetime


    def recent(stamps: list[datetime]) -> int:
        count = 0
        for stamp in stamps:
            if stamp >= datetime(2024, 1, 1):
                count += 1
        return count
"""),
        source(r"""
    from datetime import datetime


    def recent(stamps: list[datetime]) -> int:
        count = 0
        datetime_value = datetime(2024, 1, 1)
        for stamp in stamps:
            if stamp >= datetime_value:
                count += 1
        return count
"""),
    ),
    Case(
        "hoist-invariant",
        "a set made for every test",
        "common",
        (
            lists(integers(0, 5)),
            lists(integers(0, 5)),
        ),
        source(r"""
    def common(left: list[int], right: list[int]) -> int:
        count = 0
        for value in left:
            if value in set(right):
                count += 1
        return count
"""),
        source(r"""
    def common(left: list[int], right: list[int]) -> int:
        count = 0
        right_set = set(right)
        for value in left:
            if value in right_set:
                count += 1
        return count
"""),
    ),
    Case(
        "hoist-invariant",
        "a length in the test of a while",
        "compact",
        (lists(integers(0, 5)),),
        source(r"""
    def compact(values: list[int]) -> list[int]:
        i = 0
        out: list[int] = []
        while i < len(values):
            out.append(values[i])
            i += 2
        return out
"""),
        source(r"""
    def compact(values: list[int]) -> list[int]:
        i = 0
        out: list[int] = []
        values_len = len(values)
        while i < values_len:
            out.append(values[i])
            i += 2
        return out
"""),
    ),
    Case(
        "append-loop-to-comprehension",
        "a filter with continue",
        "evens",
        (lists(integers()),),
        source(r"""
    def evens(values: list[int]) -> list[int]:
        # Halves of the even ones.
        halves: list[int] = []
        for value in values:
            if value % 2:
                continue  # odd
            halves.append(value // 2)
        return halves
"""),
        source(r"""
    def evens(values: list[int]) -> list[int]:
        # Halves of the even ones.
        # odd
        halves: list[int] = [value // 2 for value in values if not value % 2]
        return halves
"""),
    ),
    Case(
        "append-loop-to-comprehension",
        "nested loops",
        "cells",
        (lists(lists(integers())),),
        source(r"""
    def cells(rows: list[list[int]]) -> list[tuple[int, int]]:
        found = []
        for number, row in enumerate(rows):
            for cell in row:
                if cell > 0 or number == 0:
                    found.append((number, cell))
        return found
"""),
        source(r"""
    def cells(rows: list[list[int]]) -> list[tuple[int, int]]:
        found = [
            (number, cell)
            for number, row in enumerate(rows)
            for cell in row
            if cell > 0 or number == 0
        ]
        return found
"""),
    ),
    Case(
        "append-loop-to-comprehension",
        "a set",
        "initials",
        (lists(TEXTS),),
        source(r"""
    def initials(names: list[str]) -> set[str]:
        letters = set()
        for name in names:
            letters.add(name[:1].upper() if name else "?")
        return letters
"""),
        source(r"""
    def initials(names: list[str]) -> set[str]:
        letters = {name[:1].upper() if name else "?" for name in names}
        return letters
"""),
    ),
    Case(
        "any-all-to-generator",
        "any over a comparison",
        "has_negative",
        (lists(integers()),),
        source(r"""
    def has_negative(values: list[int]) -> bool:
        return any([value < 0 for value in values])
"""),
        source(r"""
    def has_negative(values: list[int]) -> bool:
        return any(value < 0 for value in values)
"""),
    ),
    Case(
        "any-all-to-generator",
        "all over a helper of the file",
        "all_short",
        (dictionaries(TEXTS, TEXTS),),
        source(r"""
    def short(text: str) -> bool:
        return len(text.strip()) < 2


    def all_short(texts: dict[str, str]) -> bool:
        return all([short(key) and short(value) for key, value in texts.items()],)
"""),
        source(r"""
    def short(text: str) -> bool:
        return len(text.strip()) < 2


    def all_short(texts: dict[str, str]) -> bool:
        return all((short(key) and short(value) for key, value in texts.items()),)
"""),
    ),
    Case(
        "np-append-to-list",
        "an array that grows",
        "halves",
        (lists(floats(allow_nan=False)),),
        source(r"""
    import numpy as np


    def halves(values: list[float]) -> list[float]:
        found = np.array([])
        for value in values:
            if value > 0:
                found = np.append(found, value * 0.5)
        return [str(found.dtype), *found.tolist()]
"""),
        source(r"""
    import numpy as np


    def halves(values: list[float]) -> list[float]:
        found_parts = []
        for value in values:
            if value > 0:
                found_parts.append(value * 0.5)
        found = np.array(found_parts, dtype=float)
        return [str(found.dtype), *found.tolist()]
"""),
    ),
)
