"""Rewrites of lists, sets and queues: natural code before and after, with inputs to try both on."""

from __future__ import annotations

from hypothesis.strategies import dictionaries, integers, just, lists, sampled_from

from rewrites_support import TEXTS, Case, source

CASES = (
    Case(
        "membership-to-set",
        "a list that is only searched",
        "first_letters",
        (lists(TEXTS),),
        source(r'''
    def first_letters(names: list[str]) -> dict[str, int]:
        """First letters by number, in order of appearance."""
        seen = []
        numbers: dict[str, int] = {}
        for name in names:
            letter = name[:1].lower()
            if letter in seen:
                continue  # known
            seen.append(letter)
            numbers[letter] = len(numbers)
        return numbers
'''),
        source(r'''
    def first_letters(names: list[str]) -> dict[str, int]:
        """First letters by number, in order of appearance."""
        seen = set()
        numbers: dict[str, int] = {}
        for name in names:
            letter = name[:1].lower()
            if letter in seen:
                continue  # known
            seen.add(letter)
            numbers[letter] = len(numbers)
        return numbers
'''),
    ),
    Case(
        "membership-to-set",
        "a declared list with a start, cleared and extended",
        "count_new",
        (lists(TEXTS),),
        source(r"""
    def count_new(words: list[str]) -> int:
        ignored: list[str] = ["a", "b"]
        new = 0
        for word in words:
            if word not in ignored:
                new += 1
                ignored.extend(word.split("x"))
            elif not word:
                ignored.clear()
        return new
"""),
        source(r"""
    def count_new(words: list[str]) -> int:
        ignored: set[str] = {"a", "b"}
        new = 0
        for word in words:
            if word not in ignored:
                new += 1
                ignored.update(word.split("x"))
            elif not word:
                ignored.clear()
        return new
"""),
    ),
    Case(
        "membership-to-set",
        "a list that is returned keeps its order",
        "unique",
        (lists(integers(-3, 3)),),
        source(r"""
    def unique(values: list[int]) -> list[int]:
        found: list[int] = []
        for value in values:
            if value >= 0 and value not in found:
                found.append(value)
        return found
"""),
        source(r"""
    def unique(values: list[int]) -> list[int]:
        found: list[int] = []
        found_set: set[int] = set()
        for value in values:
            if value >= 0 and value not in found_set:
                found.append(value)
                found_set.add(value)
        return found
"""),
    ),
    Case(
        "membership-to-set",
        "an argument searched by a comprehension",
        "missing",
        (
            lists(TEXTS),
            lists(TEXTS),
        ),
        source(r"""
    def missing(wanted: list[str], present: list[str]) -> list[str]:
        return [name for name in wanted if name not in present]
"""),
        source(r"""
    def missing(wanted: list[str], present: list[str]) -> list[str]:
        present_set = set(present)
        return [name for name in wanted if name not in present_set]
"""),
    ),
    Case(
        "membership-to-set",
        "a method, nested loops and ifs",
        "Index.known",
        (
            just(None),
            lists(lists(TEXTS)),
            lists(TEXTS),
        ),
        source(r"""
    class Index:
        def known(self, groups: list[list[str]], stop_words: list[str]) -> int:
            total = 0
            for group in groups:
                if group:
                    for word in group:
                        if word.strip() in stop_words or word == "":
                            total += 1
            return total
"""),
        source(r"""
    class Index:
        def known(self, groups: list[list[str]], stop_words: list[str]) -> int:
            total = 0
            stop_words_set = set(stop_words)
            for group in groups:
                if group:
                    for word in group:
                        if word.strip() in stop_words_set or word == "":
                            total += 1
            return total
"""),
    ),
    Case(
        "membership-to-set",
        "a field of an object",
        "count_stops",
        (
            lists(TEXTS),
            lists(TEXTS),
        ),
        source(r"""
    class Filter:
        def __init__(self, stop_words: list[str]) -> None:
            self.stop_words = stop_words
            self.hits = 0

        def count(self, words: list[str]) -> int:
            for word in words:
                if word in self.stop_words:
                    self.hits += 1
            return self.hits


    def count_stops(stop_words: list[str], words: list[str]) -> int:
        return Filter(stop_words).count(words)
"""),
        source(r"""
    class Filter:
        def __init__(self, stop_words: list[str]) -> None:
            self.stop_words = stop_words
            self.hits = 0

        def count(self, words: list[str]) -> int:
            stop_words_set = set(self.stop_words)
            for word in words:
                if word in stop_words_set:
                    self.hits += 1
            return self.hits


    def count_stops(stop_words: list[str], words: list[str]) -> int:
        return Filter(stop_words).count(words)
"""),
    ),
    Case(
        "membership-to-set",
        "constants of the file",
        "is_listed",
        (TEXTS,),
        source(r'''
    """Codes."""

    CODES = ["a", "b", "aa", "ab"]


    def is_listed(code: str) -> bool:
        return code in CODES
'''),
        source(r'''
    """Codes."""

    CODES = ["a", "b", "aa", "ab"]
    _CODES_SET = frozenset(CODES)


    def is_listed(code: str) -> bool:
        return code in _CODES_SET
'''),
    ),
    Case(
        "membership-to-set",
        "constants on the spot",
        "is_weekend",
        (sampled_from(["sat", "Sun", "mon", ""]),),
        source(r"""
    def is_weekend(day: str) -> bool:
        return day.lower() in (
            "sat",
            "sun",  # short
            "saturday",
            "sunday",
        )
"""),
        source(r"""
    def is_weekend(day: str) -> bool:
        return day.lower() in {
            "sat",
            "sun",  # short
            "saturday",
            "sunday",
        }
"""),
    ),
    Case(
        "list-pop0-to-deque",
        "a breadth-first search",
        "reachable",
        (
            dictionaries(integers(0, 5), lists(integers(0, 5))),
            integers(0, 5),
        ),
        source(r'''
    """Graphs."""
    from __future__ import annotations

    import math


    def reachable(graph: dict[int, list[int]], start: int) -> list[int]:
        order = []
        queue: list[int] = [start]
        while queue:
            node = queue.pop(0)  # oldest first
            if node in order:
                continue
            order.append(node)
            for other in graph.get(node, []):
                queue.append(other)
        return order
'''),
        source(r'''
    """Graphs."""
    from __future__ import annotations

    import math
    from collections import deque


    def reachable(graph: dict[int, list[int]], start: int) -> list[int]:
        order = []
        queue: deque[int] = deque([start])
        while queue:
            node = queue.popleft()  # oldest first
            if node in order:
                continue
            order.append(node)
            for other in graph.get(node, []):
                queue.append(other)
        return order
'''),
    ),
    Case(
        "list-pop0-to-deque",
        "a sliding window",
        "most_in_window",
        (
            lists(integers(0, 20)),
            integers(1, 5),
        ),
        source(r"""
    def most_in_window(times: list[int], width: int) -> int:
        recent = []
        most = 0
        for time in sorted(times):
            recent.append(time)
            while recent[0] <= time - width:
                del recent[0]
            most = max(most, len(recent))
        return most
"""),
        source(r"""
    from collections import deque


    def most_in_window(times: list[int], width: int) -> int:
        recent: deque[int] = deque()
        most = 0
        for time in sorted(times):
            recent.append(time)
            while recent[0] <= time - width:
                recent.popleft()
            most = max(most, len(recent))
        return most
"""),
    ),
    Case(
        "list-pop0-to-deque",
        "put back in front, and read at the end",
        "drain",
        (lists(integers(-2, 4)),),
        source(r"""
    import collections


    def drain(jobs: list[int]) -> list[int]:
        waiting = list(jobs)
        done = []
        for _ in range(20):
            if not waiting:
                break
            job = waiting.pop(0)
            if job > 2:
                waiting.insert(0, job - 1)
            else:
                done.append(job)
        return done + list(waiting)
"""),
        source(r"""
    import collections


    def drain(jobs: list[int]) -> list[int]:
        waiting = collections.deque(jobs)
        done = []
        for _ in range(20):
            if not waiting:
                break
            job = waiting.popleft()
            if job > 2:
                waiting.appendleft(job - 1)
            else:
                done.append(job)
        return done + list(waiting)
"""),
    ),
    Case(
        "list-add-to-append",
        "copying in every pass",
        "running_totals",
        (lists(integers()),),
        source(r"""
    def running_totals(values: list[int]) -> list[int]:
        totals: list[int] = [0]
        for value in values:
            totals = totals + [totals[-1] + value]
        return totals
"""),
        source(r"""
    def running_totals(values: list[int]) -> list[int]:
        totals: list[int] = [0]
        for value in values:
            totals.append(totals[-1] + value)
        return totals
"""),
    ),
    Case(
        "list-add-to-append",
        "extending with a display",
        "pairs",
        (lists(integers()),),
        source(r"""
    def pairs(values: list[int]) -> list[int]:
        out = []
        for value in values:
            if value > 0:
                out += [value]
            else:
                out = out + [value, -value]
        return out
"""),
        source(r"""
    def pairs(values: list[int]) -> list[int]:
        out = []
        for value in values:
            if value > 0:
                out.append(value)
            else:
                out.extend([value, -value])
        return out
"""),
    ),
)
