"""Finding the line of a field in a TOML text, however it is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from autotune_tui.config.lines import Path, locate

ODD = """\
# a comment with [brackets] = "x"
 goal   =   "a # b"  # c
name = '''
goal = "not here"
[metric]
'''   # after

  [ metric ]   # spaces
"unit" = 's'
'direction'="lower"
threshold = "1\\"%"

[benchmark.env]
A = "1"
[scope]
include = [ # first
  "a", "b",

  # between
  'c]',
  [ "nested", { x = 1 } ],
]
exclude = []
[guards]
"peak.rss" = 1
a.b . c = 2
inline = { d = 1, e.f = { g = [1, 2] } }
date = 1979-05-27 07:32:00
text = \"\"\"
x = 1\\\"\"\"
\"\"\"\"
last = 1
[[list]]
x = 1
[[list]]
x = 2
"""

PLACES: list[tuple[Path, int]] = [
    (("goal",), 2), (("name",), 3), (("metric",), 8), (("metric", "unit"), 9), (("metric", "direction"), 10),
    (("metric", "threshold"), 11), (("benchmark", "env"), 13), (("benchmark", "env", "A"), 14), (("scope",), 15),
    (("scope", "include"), 16), (("scope", "include", 0), 17), (("scope", "include", 1), 17), (("scope", "include", 2), 20),
    (("scope", "include", 3), 21), (("scope", "include", 3, 1, "x"), 21), (("scope", "exclude"), 23),
    (("guards", "peak.rss"), 25), (("guards", "a", "b", "c"), 26), (("guards", "a"), 26), (("guards", "inline", "d"), 27),
    (("guards", "inline", "e", "f", "g", 1), 27), (("guards", "date"), 28), (("guards", "text"), 29),
    (("guards", "last"), 32), (("list", 0, "x"), 34), (("list", 1), 35), (("list", 1, "x"), 36),
]  # fmt: skip


@pytest.mark.parametrize(("path", "line"), PLACES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_field_is_found_however_it_is_written(path: Path, line: int, end: str) -> None:
    tomllib.loads(ODD)
    assert locate(ODD.replace("\n", end))[path] == line


def test_what_looks_like_a_field_inside_a_string_is_none() -> None:
    assert set(locate(ODD)) >= {path for path, _ in PLACES}
    assert ("guards", "x") not in locate(ODD)


def paths(value: Any, path: Path = ()) -> set[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for path in [path] if path}.union(*(paths(inner, (*path, key)) for key, inner in items))


keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
leaves = st.one_of(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])), st.integers(-9, 9), st.booleans())
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@given(st.dictionaries(keys, values, max_size=4))
def test_every_key_of_any_document_is_found(data: dict[str, Any]) -> None:
    text = tomlkit.dumps(data)
    lines = locate(text)
    assert paths(tomllib.loads(text)) == set(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
