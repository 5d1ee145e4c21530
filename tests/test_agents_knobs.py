"""Marked constants in any language (A1): found where they are, and nothing but their value ever replaced."""

from __future__ import annotations

import pytest

from autotune_tui.agents.offline.knobs import find_knobs, set_knobs, spelled_like
from autotune_tui.agents.offline.marks import Value
from autotune_tui.errors import AgentError

LANGUAGES: list[tuple[str, str, str, Value, Value, str]] = [
    # file, text, name, value found, value set, text expected
    ("a.py", "N = 64  # autotune: 16..4096 log\n", "N", 64, 512, "N = 512  # autotune: 16..4096 log\n"),
    ("a.py", "N: int = 1_000  # autotune: 1..9_000", "N", 1000, 2500, "N: int = 2_500  # autotune: 1..9_000"),
    ("a.py", "USE = True  # autotune: {true, false}", "USE", True, False, "USE = False  # autotune: {true, false}"),
    ("a.py", "M = 'a'  # autotune: {\"a\", \"b\"}", "M", "a", "b", "M = 'b'  # autotune: {\"a\", \"b\"}"),
    ("a.py", "f(x, workers=4)  # autotune: 1..8", "workers", 4, 8, "f(x, workers=8)  # autotune: 1..8"),
    ("a.py", "N = 1 << 16  # autotune: 8..24", "N", 16, 20, "N = 1 << 20  # autotune: 8..24"),
    ("a.py", "N = 16 * 1024  # autotune: 1..64", "N", 16, 32, "N = 32 * 1024  # autotune: 1..64"),
    ("a.py", "R = 0.5  # 3 of 7  # autotune: 0.1..0.9", "R", 0.5, 0.25, "R = 0.25  # 3 of 7  # autotune: 0.1..0.9"),
    ("a.py", "# autotune: 1..9\nN = 3  # was 5\n", "N", 3, 7, "# autotune: 1..9\nN = 7  # was 5\n"),
    ("a.c", "#define N 64 /* autotune: 1..99 */\r\n", "N", 64, 32, "#define N 32 /* autotune: 1..99 */\r\n"),
    ("a.c", "const int N = 64u; // autotune: 1..99", "N", 64, 32, "const int N = 32u; // autotune: 1..99"),
    ("a.c", "float f = 1.5f; // autotune: 0.5..4.0", "f", 1.5, 2.0, "float f = 2.0f; // autotune: 0.5..4.0"),
    ("a.c", "int n = 0x40; // autotune: 1..999", "n", 64, 255, "int n = 0xff; // autotune: 1..999"),
    ("a.c", "int n = 0X4F; // autotune: 1..999", "n", 79, 255, "int n = 0XFF; // autotune: 1..999"),
    ("a.c", "int n = /* autotune: 1..9 */ 3;", "n", 3, 4, "int n = /* autotune: 1..9 */ 4;"),
    ("a.c", "/* autotune: 1..9 */\nint n = 3; /* 5 */", "n", 3, 4, "/* autotune: 1..9 */\nint n = 4; /* 5 */"),
    ("a.c", "for (i = 0; i < 64; i++) // autotune: 16..99", "i", 64, 32, "for (i = 0; i < 32; i++) // autotune: 16..99"),
    ("a.cpp", "auto kN = 1'000; // autotune: 1..9999", "kN", 1000, 2500, "auto kN = 2'500; // autotune: 1..9999"),
    ("a.rs", "const N: usize = 64usize; // autotune: 1..99", "N", 64, 9, "const N: usize = 9usize; // autotune: 1..99"),
    ("a.go", "n := 64 // autotune: 1..99", "n", 64, 9, "n := 9 // autotune: 1..99"),
    ("a.go", "var n int = 64 // autotune: 1..99", "n", 64, 9, "var n int = 9 // autotune: 1..99"),
    ("a.ts", "const n: number = 64; // autotune: 1..99", "n", 64, 9, "const n: number = 9; // autotune: 1..99"),
    ("a.js", "lazy: true, // autotune: {true, false}", "lazy", True, False, "lazy: false, // autotune: {true, false}"),
    ("a.java", "static final long N = 64L; // autotune: 1..99", "N", 64, 9, "static final long N = 9L; // autotune: 1..99"),
    ("a.json5", '"workers": 4, // autotune: {1, 2, 4}', "workers", 4, 2, '"workers": 2, // autotune: {1, 2, 4}'),
    ("a.json5", '"mode": "x", // autotune: {"x", "y"}', "mode", "x", "y", '"mode": "y", // autotune: {"x", "y"}'),
    ("a.sql", "PRAGMA cache_size = -2000; -- autotune: -9000..-100", "cache_size", -2000, -400,
     "PRAGMA cache_size = -400; -- autotune: -9000..-100"),
    ("a.sql", "PRAGMA journal_mode = WAL; -- autotune: {WAL, OFF}", "journal_mode", "WAL", "OFF",
     "PRAGMA journal_mode = OFF; -- autotune: {WAL, OFF}"),
    ("a.sql", "SET work_mem TO '4MB'; -- autotune: 1..64", "work_mem", 4, 32, "SET work_mem TO '32MB'; -- autotune: 1..64"),
    ("a.sql", "SET x TO on; -- autotune: {on, off}", "x", "on", "off", "SET x TO off; -- autotune: {on, off}"),
    ("a.lua", "local n = 64 -- autotune: 1..99", "n", 64, 9, "local n = 9 -- autotune: 1..99"),
    ("a.hs", "n = 64 {- autotune: 1..99 -}", "n", 64, 9, "n = 9 {- autotune: 1..99 -}"),
    ("a.ml", "let n = 64 (* autotune: 1..99 *)", "n", 64, 9, "let n = 9 (* autotune: 1..99 *)"),
    ("a.lisp", "(defparameter *n* 64) ; autotune: 1..99", "n", 64, 9, "(defparameter *n* 9) ; autotune: 1..99"),
    ("a.m", "n = 64; % autotune: 1..99", "n", 64, 9, "n = 9; % autotune: 1..99"),
    ("a.f90", "integer, parameter :: n = 64 ! autotune: 1..99", "n", 64, 9, "integer, parameter :: n = 9 ! autotune: 1..99"),
    ("a.vhd", "constant N : integer := 64; -- autotune: 1..99", "N", 64, 9, "constant N : integer := 9; -- autotune: 1..99"),
    ("a.r", "n <- 64L # autotune: 1..99", "n", 64, 9, "n <- 9L # autotune: 1..99"),
    ("a.sh", "export N=64  # autotune: 1..99", "N", 64, 9, "export N=9  # autotune: 1..99"),
    ("a.sh", "run --workers 4  # autotune: 1..8", "workers", 4, 8, "run --workers 8  # autotune: 1..8"),
    ("a.yaml", "mode: fast # autotune: {fast, slow}", "mode", "fast", "slow", "mode: slow # autotune: {fast, slow}"),
    ("a.toml", 'size = "10 MB"  # autotune: 1..99', "size", 10, 9, 'size = "9 MB"  # autotune: 1..99'),
    ("nginx.conf", "worker_connections 1024;  # autotune: 1..4096", "worker_connections", 1024, 9,
     "worker_connections 9;  # autotune: 1..4096"),
    ("a.css", "--columns: 12; /* autotune: 1..24 */", "columns", 12, 9, "--columns: 9; /* autotune: 1..24 */"),
    ("a.html", '<!-- autotune: 1..24 -->\n<x size="12">', "size", 12, 9, '<!-- autotune: 1..24 -->\n<x size="9">'),
    ("a.bat", "set N=64 & REM autotune: 1..99", "N", 64, 9, "set N=9 & REM autotune: 1..99"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "name", "value", "new", "expected"), LANGUAGES)
def test_a_constant_is_found_and_set_in_any_language(
    path: str, text: str, name: str, value: Value, new: Value, expected: str
) -> None:
    """A1: knobs in any language's comment."""
    (knob,) = find_knobs(path, text)
    assert (knob.name, knob.value, type(knob.value)) == (name, value, type(value))
    assert knob.id == f"{path}:{name}"
    assert set_knobs(text, [knob], {knob.id: new}) == expected
    assert set_knobs(text, [knob], {knob.id: value}) == text
    assert set_knobs(text, [knob], {}) == text


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("N = 64  # autotune: 16-4096\n", 1, "neither a range"),
        ("\n\nN = 64  # autotune: 9..1\n", 3, "below the upper end"),
        ("N = n  # autotune: 1..9\n", 1, "no number where its constant should be"),
        ("N = 3  # autotune: {true, false}\n", 1, "no true or false"),
        ("N = 3  # autotune: {fast, slow}\n", 1, "no string or word of its choices"),
        ("N = f(3, 4)  # autotune: 1..9\n", 1, "2 values could be its constant"),
        ("# autotune: 1..9\n\nN = 3\n", 1, "no number"),
        ("N = 3\n# autotune: 1..9", 2, "no number"),
    ],
)
def test_a_mark_that_cannot_be_used_is_named_with_file_and_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(AgentError) as caught:
        find_knobs("src/a.py", text)
    assert caught.value.title.startswith(f"src/a.py:{line}:")
    assert problem in caught.value.title
    assert "autotune:" in caught.value.message
    assert "16..4096 log" in caught.value.hint


def test_two_marks_on_one_line_are_refused() -> None:
    with pytest.raises(AgentError, match="second mark"):
        find_knobs("a.c", "a = 1; /* autotune: 1..4 */ b = 2; /* autotune: 1..4 */")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", '"""Mark it like so: # autotune: anything."""\n'),
        ("a.py", 'HELP = "# autotune: 16..4096"\n'),
        ("a.py", "HELP = '''\n# autotune: 16..4096\nN = 3\n'''\n"),
        ("a.js", 'const help = "// autotune: nonsense";'),
        ("README.md", "Write `N = 64  # autotune: 16..4096` and\n# autotune: nonsense\n"),
        ("a.py", "# An autotune: mark would stand here\n"),
        ("a.py", "N = 64  # no mark\n"),
    ],
)
def test_text_about_marks_is_no_mark(path: str, text: str) -> None:
    assert find_knobs(path, text) == ()


def test_only_the_values_are_replaced_in_a_file_with_several_knobs_and_any_bytes() -> None:
    text = "é\udcff\r\nA = 8  # autotune: 1..99\r\n\tB='x' # autotune: {'x', 'y'}\r\n\r\nA = 9 # autotune: 1..99"
    knobs = find_knobs("a.conf", text)
    assert [knob.id for knob in knobs] == ["a.conf:A", "a.conf:B", "a.conf:A#2"]
    assert [knob.line for knob in knobs] == [2, 3, 5]
    changed = set_knobs(text, knobs, {"a.conf:A#2": 10, "a.conf:A": 1234, "a.conf:B": "y"})
    assert (
        changed
        == "é\udcff\r\nA = 1234  # autotune: 1..99\r\n\tB='y' # autotune: {'x', 'y'}\r\n\r\nA = 10 # autotune: 1..99"
    )


def test_python_that_does_not_tokenize_is_searched_line_by_line() -> None:
    (knob,) = find_knobs("a.py", "def (:\nN = 64  # autotune: 16..4096\n'''")
    assert knob.value == 64


@pytest.mark.parametrize(
    ("literal", "value", "spelled"),
    [
        ("64", 128, "128"),
        ("64", 1.5, "1.5"),
        ("1.0", 2, "2.0"),
        ("1e-3", 0.25, "0.25"),
        ("0b100", 6, "0b110"),
        ("0o17", 8, "0o10"),
        ("TRUE", False, "FALSE"),
        ("true", False, "false"),
        ("-5", 7, "7"),
        ("5", -7, "-7"),
    ],
)
def test_a_value_is_spelled_in_the_manner_of_the_old_one(literal: str, value: Value, spelled: str) -> None:
    assert spelled_like(literal, value) == spelled
