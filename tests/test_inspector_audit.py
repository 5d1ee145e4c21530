"""L17: after a keep, settings that lost their last use and values that no longer agree are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autotune_tui.inspector import Change, FileChange
from autotune_tui.inspector.audit import Line, notes, role_of, spellings, words
from engine_support import Session, configure, make_repo

LOADER = """\
import os

CHUNK = 128  # autotune: 64..65536 log
LIMIT = 10


def load(path, settings, options):
    size = settings["batch_size"]
    with open(path) as file:
        while block := file.read(CHUNK * size):
            if options.fast_mode:
                yield block[:LIMIT]
"""
WHOLE = """\
CHUNK = 128  # autotune: 64..65536 log
LIMIT = 10


def load(path, settings, options):
    with open(path) as file:
        yield file.read()[:LIMIT]
"""


def _audit(before: str, after: str, others: dict[str, str] | None = None, path: str = "pkg/load.py") -> tuple[str, ...]:
    """The notes on one changed file in a repository with other files, searched as git does it."""
    change = Change((FileChange(path, before, after),))
    asked = [form for word in words(change) for form in spellings(word)]
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in asked) or r"(?!)")
    lines = [
        Line(name, number, line)
        for name, text in {path: after, **(others or {})}.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    return notes(change, lines)


def test_settings_whose_last_use_went_away_are_named_where_they_stand() -> None:
    others = {
        "settings.toml": "[load]\nbatch_size = 16\nlimit = 10\n",
        "pkg/main.py": 'parser.add_argument("--fast-mode", action="store_true")\nprint(CHUNKS)\n',
        "README.md": "Set `batch_size` in settings.toml.\n",
        "tests/test_load.py": "assert CHUNK == 128\n",
    }
    assert set(_audit(LOADER, WHOLE, others)) == {
        "the marked setting CHUNK has no use any more (pkg/load.py:1)",
        "the setting batch_size has no use any more (settings.toml:2)",
        "the setting fast_mode has no use any more (pkg/main.py:1)",
    }


@pytest.mark.parametrize(
    "use",
    [
        "from pkg.load import CHUNK\nsize = CHUNK * 2\n",
        'print(settings["batch_size"], options.fast_mode, CHUNK)\n',
        "if options.fast_mode and load.CHUNK: go(batch_size=3)\n",
    ],
)
def test_a_use_anywhere_else_is_enough(use: str) -> None:
    said = _audit(LOADER, WHOLE, {"settings.toml": "batch_size = 16\n", "pkg/other.py": use})
    assert not any(word in note for note in said for word in re.findall(r"CHUNK|batch_size|fast_mode", use))


def test_a_use_that_moved_within_the_file_is_no_loss() -> None:
    assert _audit(LOADER, LOADER.replace("CHUNK * size", "size * CHUNK")) == ()
    assert _audit(LOADER, f"{LOADER}\n\ndef more():\n    return CHUNK\n") == ()


def test_names_that_were_never_settings_are_not_spoken_of() -> None:
    """A local name that is gone, a function, an import: nothing defines them any more."""
    before = "import os\n\n\ndef f(rows):\n    seen = os.getpid()\n    return rows[seen]\n"
    assert (
        _audit(before, "def f(rows):\n    return rows[0]\n", {"pkg/b.py": "def g():\n    seen = 3\n    return 1\n"})
        == ()
    )


@pytest.mark.parametrize(
    ("path", "before", "after", "others", "expected"),
    [
        ("pkg/a.py", "BLOCK = 128\nf(BLOCK)\n", "BLOCK = 4096\nf(BLOCK)\n", {"app.toml": "block = 128\n"},
         "BLOCK is 4096 now (pkg/a.py:1), but app.toml:1 still says 128"),
        ("pkg/a.py", "BLOCK = 128\n", "BLOCK = 4096\n", {"README.md": "`BLOCK` is 128 by default.\n"},
         "BLOCK is 4096 now (pkg/a.py:1), but README.md:1 still says 128"),
        ("src/t.c", "#define TILE 4\n", "#define TILE 32\n", {"src/u.c": "#define TILE 4\n"},
         "TILE is 32 now (src/t.c:1), but src/u.c:1 still says 4"),
        ("Makefile", "LEVEL = O1\n", "LEVEL = O3\n", {"build.sh": "LEVEL=O1 make\n"},
         "LEVEL is O3 now (Makefile:1), but build.sh:1 still says O1"),
        ("pkg/a.py", "BLOCK = 128\n", "BLOCK = 4096\n", {"app.toml": "block = 4096\nblocks = 128\n"}, None),
        ("pkg/a.py", "BLOCK = 12\n", "BLOCK = 13\n", {"README.md": "BLOCK since 2012\n"}, None),
    ],
)  # fmt: skip
def test_values_that_no_longer_agree_are_named(
    path: str, before: str, after: str, others: dict[str, str], expected: str | None
) -> None:
    said = [note for note in _audit(before, after, others, path) if "still says" in note]
    assert said == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("path", "text", "role"),
    [
        ("a.py", "WIDTH = 3", "definition"),
        ("a.py", "WIDTH: int = 3", "definition"),
        ("a.py", "    WIDTH: int = 3", "definition"),
        ("a.py", "    WIDTH = 3", "mention"),
        ("a.py", "WIDTH = WIDTH + 1", "use"),
        ("a.py", "if WIDTH == 3:", "use"),
        ("a.py", "from b import WIDTH", "mention"),
        ("a.py", '    "WIDTH",', "mention"),
        ("a.py", "# WIDTH is wide", "mention"),
        ("a.py", "x = 3  # not WIDTH", "mention"),
        ("a.py", "f(x, WIDTH=3)", "use"),
        ("a.c", "#define WIDTH 3", "definition"),
        ("a.c", "static const int WIDTH = 3;", "definition"),
        ("a.c", "int a[WIDTH];", "use"),
        ("a.c", "// WIDTH", "mention"),
        ("a.js", "export const WIDTH = 3;", "definition"),
        ("Makefile", "WIDTH ?= 3", "definition"),
        ("Makefile", "\tcc -DW=$(WIDTH)", "use"),
        ("a.toml", "WIDTH = 3", "definition"),
        ("a.json", '"WIDTH": 3,', "definition"),
        ("a.yaml", "run: ${WIDTH}", "use"),
        ("a.yaml", "run: WIDTH", "mention"),
        ("README.md", "WIDTH = 3", "mention"),
        ("tests/test_a.py", "assert WIDTH", "mention"),
    ],
)
def test_what_a_line_does_with_a_name(path: str, text: str, role: str) -> None:
    assert role_of(path, text, "WIDTH") == role


async def test_a_keep_that_leaves_a_setting_behind_is_told_in_a_real_session(tmp_path: Path) -> None:
    """The note is a warning of the experiment; the keep stands."""
    before = "STEP = 25\nvalue = 100\nfor turn in range(4):\n    value += STEP - STEP\n"
    bench = "import sys\nsys.path.insert(0, 'src')\nfrom work import value\nprint(f'METRIC cost={value}')\n"
    repo = make_repo(tmp_path, {"src/work.py": before, "bench.py": bench, "settings.toml": "step = 25\n"})
    agent = tmp_path / "agent.sh"
    agent.write_text("cat > src/work.py <<'EOF'\nSTEP = 25\nvalue = 100 - 30\nEOF\n")
    limits = "[budget]\nexperiments = 1\n[decision]\nprofile = 'quick'\n"
    session = Session(repo, configure(tmp_path / "cache", f"sh {agent}", limits, command="python3 bench.py"))
    await session.run()
    assert session.verdicts == [("keep", "improvement")]
    assert "the setting STEP has no use any more (settings.toml:1, src/work.py:1)" in session.warnings
