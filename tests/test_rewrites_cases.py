"""A1: what each rewrite makes of natural code, and that the code still does the same."""

from __future__ import annotations

import collections

import pytest
from hypothesis import given, strategies

from autotune_tui.agents.offline.rewrites import REWRITES
from rewrites_calls import CASES as CALLS
from rewrites_containers import CASES as CONTAINERS
from rewrites_lookups import CASES as LOOKUPS
from rewrites_loops import CASES as LOOPS
from rewrites_support import Case, load, rewritten, run

_CASES = (*CONTAINERS, *LOOKUPS, *LOOPS, *CALLS)
_each_case = pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case.rewrite}: {case.name}")


def test_every_rewrite_is_tried() -> None:
    tried = collections.Counter(case.rewrite for case in _CASES)
    assert {rewrite.name for rewrite in REWRITES} == set(tried)


@_each_case
def test_natural_code_becomes_what_one_would_write(case: Case) -> None:
    """A1: the change is exactly this, and the same is not proposed again."""
    assert rewritten(case.rewrite, case.before) == case.after


@_each_case
@given(data=strategies.data())
def test_the_result_does_the_same(case: Case, data: strategies.DataObject) -> None:
    """A1: same value of the same type or same error, and the arguments are left as before."""
    arguments = [data.draw(strategy) for strategy in case.arguments]
    before, after = load(case.before), load(case.after)
    assert run(after, case.function, arguments) == run(before, case.function, arguments)
