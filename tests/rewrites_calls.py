"""Rewrites of calls of functions: natural code before and after, with inputs to try both on."""

from __future__ import annotations

from hypothesis.strategies import dictionaries, fixed_dictionaries, integers, lists, sampled_from, tuples

from rewrites_support import TEXTS, Case, source

CASES = (
    Case(
        "compile-regex",
        "a match with flags",
        "parse",
        (TEXTS,),
        source(r'''
    """Parses."""

    import re


    def parse(line: str) -> str | None:
        match = re.match(r"\s*(a+)b?", line, re.IGNORECASE | re.S)
        return match.group(1) if match else None
'''),
        source(r'''
    """Parses."""

    import re

    _PARSE_PATTERN = re.compile(r"\s*(a+)b?", re.IGNORECASE | re.S)


    def parse(line: str) -> str | None:
        match = _PARSE_PATTERN.match(line)
        return match.group(1) if match else None
'''),
    ),
    Case(
        "compile-regex",
        "a substitution with a count",
        "tidy",
        (TEXTS,),
        source(r"""
    import re

    _SPACES = r"\s+"


    class Tidy:
        pass


    def tidy(text: str) -> str:
        return re.sub(_SPACES, " ", text, count=1)
"""),
        source(r"""
    import re

    _SPACES = r"\s+"

    _TIDY_PATTERN = re.compile(_SPACES)


    class Tidy:
        pass


    def tidy(text: str) -> str:
        return _TIDY_PATTERN.sub(" ", text, count=1)
"""),
    ),
    Case(
        "compile-regex",
        "a function imported by name",
        "words",
        (TEXTS,),
        source(r"""
    from re import findall


    def words(text: str) -> list[str]:
        return findall("[a-z]+", text)
"""),
        source(r"""
    from re import findall
    import re

    _WORDS_PATTERN = re.compile("[a-z]+")


    def words(text: str) -> list[str]:
        return _WORDS_PATTERN.findall(text)
"""),
    ),
    Case(
        "compile-regex",
        "compiled in the function",
        "numbers",
        (TEXTS,),
        source(r"""
    import re


    def numbers(text: str) -> list[str]:
        pattern = re.compile("a|x", re.IGNORECASE)
        return pattern.findall(text)
"""),
        source(r"""
    import re

    _NUMBERS_PATTERN = re.compile("a|x", re.IGNORECASE)


    def numbers(text: str) -> list[str]:
        pattern = _NUMBERS_PATTERN
        return pattern.findall(text)
"""),
    ),
    Case(
        "sorted-first-to-min",
        "the least by a key",
        "cheapest",
        (lists(fixed_dictionaries({"price": integers(0, 3), "name": TEXTS})),),
        source(r"""
    def cheapest(items: list[dict[str, int]]) -> dict[str, int]:
        return sorted(items, key=lambda item: item["price"])[0]
"""),
        source(r"""
    from heapq import nsmallest


    def cheapest(items: list[dict[str, int]]) -> dict[str, int]:
        return nsmallest(1, items, key=lambda item: item["price"])[0]
"""),
    ),
    Case(
        "sorted-first-to-min",
        "the last of equals by a key",
        "latest",
        (lists(tuples(integers(0, 2), integers())),),
        source(r"""
    def latest(items: list[tuple[int, int]]) -> tuple[int, int]:
        return sorted(items, key=lambda item: item[0])[-1]
"""),
        source(r"""
    from heapq import nlargest


    def latest(items: list[tuple[int, int]]) -> tuple[int, int]:
        return nlargest(1, reversed(items), key=lambda item: item[0])[0]
"""),
    ),
    Case(
        "sorted-first-to-min",
        "the greatest, where there is one",
        "greatest",
        (lists(TEXTS),),
        source(r"""
    def greatest(names: list[str]) -> str:
        if not names:
            return ""
        return sorted(names, reverse=True)[0]
"""),
        source(r"""
    def greatest(names: list[str]) -> str:
        if not names:
            return ""
        return max(names)
"""),
    ),
    Case(
        "sorted-first-to-min",
        "the least of what is left, in a while",
        "in_order",
        (lists(integers(0, 3)),),
        source(r"""
    def in_order(values: list[int]) -> list[int]:
        out = []
        while len(values) > 0 and len(out) < 3:
            least = sorted(values)[0]
            values.remove(least)
            out.append(least)
        return out
"""),
        source(r"""
    def in_order(values: list[int]) -> list[int]:
        out = []
        while len(values) > 0 and len(out) < 3:
            least = min(values)
            values.remove(least)
            out.append(least)
        return out
"""),
    ),
    Case(
        "sorted-first-to-min",
        "a few of many",
        "top",
        (dictionaries(TEXTS, integers(0, 3)),),
        source(r"""
    def top(counts: dict[str, int]) -> list[tuple[str, int]]:
        return sorted(counts.items(), key=lambda pair: pair[1], reverse=True)[:2]
"""),
        source(r"""
    from heapq import nlargest


    def top(counts: dict[str, int]) -> list[tuple[str, int]]:
        return nlargest(2, counts.items(), key=lambda pair: pair[1])
"""),
    ),
    Case(
        "cache-recursion",
        "numbers",
        "ways",
        (
            integers(-2, 12),
            integers(-1, 4),
        ),
        source(r'''
    """Counts."""

    COINS = (1, 2, 5)


    def ways(amount: int, kinds: int) -> int:
        if amount == 0:
            return 1
        if amount < 0 or kinds <= 0:
            return 0
        return ways(amount, kinds - 1) + ways(amount - COINS[kinds - 1 if kinds < 4 else 2], kinds)
'''),
        source(r'''
    """Counts."""

    from functools import cache

    COINS = (1, 2, 5)


    @cache
    def ways(amount: int, kinds: int) -> int:
        if amount == 0:
            return 1
        if amount < 0 or kinds <= 0:
            return 0
        return ways(amount, kinds - 1) + ways(amount - COINS[kinds - 1 if kinds < 4 else 2], kinds)
'''),
    ),
    Case(
        "cache-recursion",
        "texts",
        "distance",
        (
            TEXTS,
            TEXTS,
        ),
        source(r"""
    def distance(left: str, right: str) -> int:
        if not left or not right:
            return len(left) + len(right)
        if left[0] == right[0]:
            return distance(left[1:], right[1:])
        return 1 + min(distance(left[1:], right), distance(left, right[1:]))
"""),
        source(r"""
    from functools import cache


    @cache
    def distance(left: str, right: str) -> int:
        if not left or not right:
            return len(left) + len(right)
        if left[0] == right[0]:
            return distance(left[1:], right[1:])
        return 1 + min(distance(left[1:], right), distance(left, right[1:]))
"""),
    ),
    Case(
        "cache-recursion",
        "numbers without annotations",
        "fib",
        (integers(-3, 12),),
        source(r"""
    def fib(n):
        if n < 2:
            return n
        return fib(n - 1) + fib(n - 2)
"""),
        source(r"""
    from functools import lru_cache


    @lru_cache(maxsize=None, typed=True)
    def fib(n):
        if n < 2:
            return n
        return fib(n - 1) + fib(n - 2)
"""),
    ),
    Case(
        "cache-parser",
        "a parser of one text",
        "all_days",
        (lists(sampled_from(["2024-01-02", " 2024-1-3", "x"])),),
        source(r"""
    from datetime import date, datetime


    def day(text: str) -> date:
        text = text.strip()
        if not text:
            raise ValueError("no day")
        return datetime.strptime(text, "%Y-%m-%d").date()


    def all_days(texts: list[str]) -> list[date]:
        return [day(text) for text in texts]
"""),
        source(r"""
    from datetime import date, datetime
    from functools import lru_cache


    @lru_cache(maxsize=4096)
    def day(text: str) -> date:
        text = text.strip()
        if not text:
            raise ValueError("no day")
        return datetime.strptime(text, "%Y-%m-%d").date()


    def all_days(texts: list[str]) -> list[date]:
        return [day(text) for text in texts]
"""),
    ),
    Case(
        "cache-strptime",
        "dates in a loop",
        "parse_all",
        (lists(sampled_from(["02/Jan/2024", "31/Dec/2023", ""])),),
        source(r"""
    import datetime as dt


    def parse_all(lines: list[str]) -> list[dt.datetime]:
        stamps = []
        for line in lines:
            stamps.append(dt.datetime.strptime(line, "%d/%b/%Y"))
        return stamps
"""),
        source(r"""
    import datetime as dt
    from functools import lru_cache


    @lru_cache(maxsize=4096)
    def _parse_datetime(text: str) -> dt.datetime:
        return dt.datetime.strptime(text, "%d/%b/%Y")


    def parse_all(lines: list[str]) -> list[dt.datetime]:
        stamps = []
        for line in lines:
            stamps.append(_parse_datetime(line))
        return stamps
"""),
    ),
)
