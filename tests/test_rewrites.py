"""A1: finding and applying rewrites in whole files: what is proposed, what stays as it was, and what effort it takes."""

from __future__ import annotations

import ast
import contextlib
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies

from autotune_tui.agents.offline.rewrites import REWRITES, apply, find
from rewrites_support import candidates, load, rewritten, source

_ORDERS = (Path(__file__).parent / "rewrites_orders.txt").read_text("utf-8")
_FOUND = find(_ORDERS)
_LINES = strategies.lists(
    strategies.builds(
        "{};c{};20{}-0{}-11;{}.5 {};{}".format,
        strategies.integers(0, 9),
        strategies.integers(0, 3),
        strategies.integers(22, 25),
        strategies.integers(1, 9),
        strategies.integers(0, 150),
        strategies.sampled_from(("EUR", "USD", "SEK")),
        strategies.sampled_from(("", "a", "a,b", "b,,c")),
    )
    | strategies.sampled_from(("", "# comment")),
    max_size=8,
)
_QUEUE = source("""
    def drain(jobs: list[int]) -> int:
        waiting = list(jobs)
        total = 0
        while waiting:
            total += waiting.pop(0)
        return total
""")


@cache
def _changed(key: str) -> str:
    """The file after one application."""
    return apply(_ORDERS, key)


def test_a_file_of_natural_code_has_work_for_most_rewrites() -> None:
    kinds = {candidate.rewrite for candidate in _FOUND}
    assert len(kinds) >= 13, {rewrite.name for rewrite in REWRITES} - kinds


@pytest.mark.parametrize("candidate", _FOUND, ids=lambda candidate: f"{candidate.rewrite}: {candidate.function}")
def test_each_application_is_small_and_gone_afterwards(candidate) -> None:  # type: ignore[no-untyped-def]
    """Only lines of the function and of the file's head change, and the same is not found again."""
    changed = _changed(candidate.key)
    ast.parse(changed)
    assert candidate.key not in {other.key for other in find(changed, functions={candidate.function})}
    lines = set(_ORDERS.splitlines())
    assert 1 <= sum(line not in lines for line in changed.splitlines()) <= 8
    assert [line for line in changed.splitlines() if line.startswith("#")] == _ORDERS.splitlines()[:2]


@pytest.fixture(scope="module")
def applied() -> list[dict[str, Any]]:
    """The file after each application by itself, as modules."""
    return [load(_changed(candidate.key)) for candidate in _FOUND]


@pytest.fixture(scope="module")
def all_applied() -> dict[str, Any]:
    """The file after one application after the other, until there are none left."""
    text = _ORDERS
    while found := find(text):
        for candidate in found:
            with contextlib.suppress(ValueError):  # an earlier one of this round may have changed its place
                text = apply(text, candidate.key)
    return load(text)


@given(lines=_LINES)
def test_each_application_leaves_the_behaviour_of_the_whole_file(
    applied: list[dict[str, Any]], lines: list[str]
) -> None:
    expected = load(_ORDERS)["main"](lines)
    assert [module["main"](lines) for module in applied] == [expected] * len(applied)


@given(lines=_LINES)
def test_all_applications_together_leave_the_behaviour_of_the_whole_file(
    all_applied: dict[str, Any], lines: list[str]
) -> None:
    assert all_applied["main"](lines) == load(_ORDERS)["main"](lines)


def test_candidates_say_what_why_and_what_was_checked() -> None:
    """Plans are written from these words."""
    for candidate in _FOUND:
        assert candidate.description[0].isupper() and len(candidate.description) <= 90
        assert " should improve " in candidate.hypothesis and " because " in candidate.hypothesis
        assert "Checked: " in candidate.premortem
        assert -1 < candidate.expected < 0
        assert candidate.key.startswith(f"{candidate.rewrite}:{candidate.function}:")
        assert 1 <= candidate.line <= _ORDERS.count("\n")


def test_candidates_come_by_line_and_are_the_same_every_time() -> None:
    assert [candidate.line for candidate in _FOUND] == sorted(candidate.line for candidate in _FOUND)
    assert find(_ORDERS) == _FOUND
    assert len({candidate.key for candidate in _FOUND}) == len(_FOUND)


def test_only_the_functions_asked_for_are_looked_at() -> None:
    found = find(_ORDERS, functions={"Report.render", "cheapest"})
    assert {candidate.function for candidate in found} == {"Report.render", "cheapest"}
    assert find(_ORDERS, functions=()) == []


def test_a_key_outlives_changes_of_other_lines_and_of_white_space() -> None:
    moved = "import sys\n\n\n" + _QUEUE.replace("total = 0", "total = 1").replace("def drain(jobs", "def drain( jobs")
    assert [candidate.key for candidate in find(moved)] == [candidate.key for candidate in find(_QUEUE)]


def test_a_key_that_is_not_there_is_refused() -> None:
    key = find(_QUEUE)[0].key
    with pytest.raises(ValueError, match="no candidate"):
        apply(apply(_QUEUE, key), key)
    with pytest.raises(ValueError, match="no candidate"):
        apply("def broken(:\n", key)
    with pytest.raises(ValueError, match="no candidate"):
        apply(_QUEUE, "nonsense")


def test_equal_places_in_one_function_change_together() -> None:
    """They have one key, so that it is gone after one application."""
    text = source("""
        import re

        def both(left: str, right: str) -> bool:
            return bool(re.match("a+", left)) or left == right or bool(re.match("a+", left))
    """)
    assert "re.match" not in rewritten("compile-regex", text)


@pytest.mark.parametrize(
    "text", ["", "def broken(:\n", "x = (\n", "\0", "print 'old'\n", "\tx = 1", "class A:\n  def f(self):\n return 1\n"]
)
def test_what_does_not_parse_has_no_candidates(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_ends_stay(ending: str) -> None:
    text = (
        _QUEUE
        + source("""
        def names(rows: list[dict[str, str]], wanted: list[str]) -> int:
            found = 0
            for name in wanted:
                for row in rows:
                    if row["name"] == name:
                        found += 1
            return found
    """)
    ).replace("\n", ending)
    found = find(text)
    assert found
    for candidate in found:
        changed = apply(text, candidate.key)
        assert set(re.findall(r"\r?\n|\r", changed)) == {ending}
        ast.parse(changed)


def test_tabs_stay() -> None:
    text = source("""
        def names(rows: list[dict[str, str]], wanted: list[str]) -> int:
            found = 0
            for name in wanted:
                for row in rows:
                    if row["name"] == name:
                        found += 1
            return found
    """).replace("    ", "\t")
    changed = rewritten("nested-lookup-to-dict", text)
    assert "\n\tfor row in rows:\n\t\trows_by_name.setdefault" in changed
    assert "    " not in changed


def test_a_byte_order_mark_and_letters_of_all_kinds_stay() -> None:
    text = "\ufeff# Überschrift\n" + _QUEUE.replace("waiting", "größe").replace("total", "总数")
    changed = rewritten("list-pop0-to-deque", text)
    assert changed.startswith("\ufeff# Überschrift\n")
    assert "größe = deque(jobs)" in changed and "总数 += größe.popleft()" in changed


def test_an_unfinished_last_line_stays_unfinished() -> None:
    text = _QUEUE.rstrip("\n")
    assert not rewritten("list-pop0-to-deque", text).endswith("\n")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "from collections import deque\n\n\ndef"),
        ('"""Doc."""\n\n\n', '"""Doc."""\n\nfrom collections import deque\n\n\ndef'),
        (
            "from __future__ import annotations\n\n\n",
            "from __future__ import annotations\n\nfrom collections import deque\n\n\ndef",
        ),
        ("import math\nimport sys\n\n\n", "import math\nimport sys\nfrom collections import deque\n\n\ndef"),
        ("from collections import deque\n\n\n", "from collections import deque\n\n\ndef"),
        (
            "from collections import deque as line\nfrom collections import deque\n\n\n",
            "from collections import deque\n\n\ndef",
        ),
        (
            "#!/usr/bin/python\n# licence\n\nX = 1\n\n\n",
            "#!/usr/bin/python\n# licence\n\nfrom collections import deque\n\nX = 1\n",
        ),
    ],
)
def test_an_import_is_added_once_and_where_it_belongs(head: str, expected: str) -> None:
    changed = rewritten("list-pop0-to-deque", head + _QUEUE)
    assert expected in changed
    assert changed.count("import deque\n") == 1


def test_a_module_that_is_imported_already_is_used() -> None:
    assert "waiting = collections.deque(jobs)" in rewritten("list-pop0-to-deque", "import collections\n\n\n" + _QUEUE)


def test_new_names_are_not_taken() -> None:
    text = source("""
        present_set = 1

        def missing(wanted: list[str], present: list[str]) -> list[str]:
            return [name for name in wanted if name not in present]
    """)
    assert "present_set_2 = set(present)" in rewritten("membership-to-set", text)


def test_a_decorator_of_the_file_or_the_standard_library_does_not_stop_rewrites() -> None:
    known = "import functools\n\n\n@functools.wraps(print)\n" + _QUEUE
    assert candidates("list-pop0-to-deque", known)
    assert not candidates("list-pop0-to-deque", "from jit import compiled\n\n\n@compiled\n" + _QUEUE)


def test_the_effort_grows_with_the_file_and_not_with_its_square() -> None:
    """In calls of functions, which no other program on the machine changes."""
    part = _ORDERS.partition("class FormatError")[2].partition("\n\n\n")[2]

    def effort(copies: int) -> float:
        """Calls per line."""
        text = _ORDERS + "".join("\n\n" + part.replace("def ", f"def v{number}_") for number in range(copies))
        calls = 0

        def count(*_event: object) -> None:
            nonlocal calls
            calls += 1

        sys.setprofile(count)
        try:
            assert len(find(text)) > 8 * copies
        finally:
            sys.setprofile(None)
        return calls / text.count("\n")

    find(_ORDERS)  # what is read once and kept
    assert effort(6) < 1.5 * effort(1)
