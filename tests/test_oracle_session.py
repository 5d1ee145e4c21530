"""What the unchanged code prints, writes and returns must stay: whole sessions with an oracle (L10)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from engine_support import EXACT, Session, configure, make_repo

PRINTS = """\
#!/bin/sh
printf 'METRIC noise=%s\\n' "$(od -An -N2 -tu2 /dev/urandom)"
echo "seed $AUTOTUNE_SEED"
cat src/text.txt
mkdir -p out && cp src/text.txt out/result.txt
"""
TEXT = {"src/text.txt": "first\nsecond 1.5\n", "oracle.sh": PRINTS}

LIBRARY = '''\
"""Words."""


class Counter:
    """Counts words."""

    def __init__(self, words):
        self.words = list(words)

    def most(self):
        """The most frequent word."""
        return max(sorted(set(self.words)), key=self.words.count)


def shares(words):
    """The share of each word."""
    return {word: words.count(word) / len(words) for word in sorted(set(words))}


def drop(words, unwanted):
    """Remove a word everywhere, in place."""
    while unwanted in words:
        words.remove(unwanted)
'''
CHECKS = """\
import sys

sys.path.insert(0, "src")
from words import Counter, drop, shares

assert Counter("a b b".split()).most() == "b"
assert sum(shares("a b b c".split()).values()) == 1
for text in ("a b a", "b b", ""):
    drop(text.split(), "a")
"""


AGENT = """\
import json, os, pathlib, subprocess, sys

if "AUTOTUNE_FAILURE" in os.environ:
    sys.exit("no second attempt")
folder = pathlib.Path(sys.argv[1])
left = json.loads((folder / "changes.json").read_text())
(folder / "changes.json").write_text(json.dumps(left[1:]))
value = pathlib.Path("src/value.txt")
value.write_text(str(float(value.read_text()) / 2))
change = left[0]
if isinstance(change, str):
    subprocess.run(change, shell=True, check=True)
else:
    path = pathlib.Path("src/words.py")
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
"""


async def outcomes(folder: Path, table: str, changes: Sequence[str | tuple[str, str]]) -> tuple[Session, list[str]]:
    """What becomes of candidates that halve the cost and each make a change beside it: `improvement`, or the reason and where."""
    (folder / "agent.py").write_text(AGENT)
    (folder / "changes.json").write_text(json.dumps(changes))
    config = configure(
        folder / "cache",
        f"{sys.executable} {folder / 'agent.py'} {folder}",
        f"[budget]\nexperiments = {len(changes)}\n[oracle]\n{table}\n[health]\nmax_no_improvement = 99\nmax_crash_streak = 99",
    )
    session = Session(folder / "repo", config)
    await session.run()
    ended = [e for e in session.state.experiments if not e.baseline]
    return session, [e.reason if e.status == "keep" else f"{e.reason}: {e.detail}" for e in ended]


def changed(*words: str) -> re.Pattern[str]:
    return re.compile("output_changed: .*" + ".*".join(map(re.escape, words)), re.DOTALL)


def assert_like(found: list[str], expected: Sequence[str | re.Pattern[str]]) -> None:
    for got, wanted in zip(found, expected, strict=True):
        assert got == wanted if isinstance(wanted, str) else wanted.match(got), (wanted, got)


async def test_a_change_of_what_is_printed_is_discarded(tmp_path: Path) -> None:
    """The reason says where, what was expected and what came; a number written otherwise is another text (L10)."""
    make_repo(tmp_path, TEXT, EXACT)
    session, found = await outcomes(
        tmp_path,
        'command = "sh oracle.sh"',
        ["sed -i s/second/2nd/ src/text.txt", "sed -i s/1.5/1.50/ src/text.txt", "rm src/text.txt", "true"],
    )
    assert_like(
        found,
        [
            changed("output, line 3: expected 'second 1.5', got '2nd 1.5'"),
            changed("got 'second 1.50'"),
            changed("`sh oracle.sh` failed: exit code 1"),
            "improvement",
        ],
    )
    assert [note.text for note in session.state.notes if "gave the same twice" in note.text]


async def test_numbers_may_differ_as_far_as_is_allowed_in_files_too(tmp_path: Path) -> None:
    make_repo(tmp_path, TEXT, EXACT)
    _, found = await outcomes(
        tmp_path,
        'command = "sh oracle.sh > /dev/null"\nfiles = ["out/result.txt"]\ncompare = "text"\ntolerance = "1%"',
        [
            "sed -i s/1.5/1.50/ src/text.txt",
            "sed -i s/1.50/1.51/ src/text.txt",
            "sed -i s/1.51/1.52/ src/text.txt",  # within 1 % of the incumbent, but not of where the segment began
            "echo more >> src/text.txt",
        ],
    )
    assert_like(
        found,
        [
            "improvement",
            "improvement",
            changed("out/result.txt, line 2"),
            changed("out/result.txt, line 3", "got 'more'"),
        ],
    )


async def test_recorded_calls_must_give_the_same_on_a_candidate(tmp_path: Path) -> None:
    """Results, exceptions and arguments that a function changes; a call without a result has failed (L10)."""
    make_repo(tmp_path, {"src/words.py": LIBRARY, "checks.py": CHECKS}, EXACT)
    changes = {
        ("sorted(set(self.words))", "set(sorted(self.words))"): "improvement",
        ("/ len(words)", "/ (len(words) + 1e-12)"): "improvement",
        ("key=self.words.count", "key=len, default=0"): changed("words:Counter.most: most(", "expected 'b', got 'a'"),
        ("+ 1e-12", "+ 1e-3"): changed(" result['a']: expected 0.25, got 0.2499"),
        ("while unwanted in words", "if unwanted in words"): changed(" argument 1 afterwards: expected 1 items, got 2"),
        ("def drop(words, unwanted)", "def drop(words)"): changed("got the exception TypeError"),
        ("def shares", "def share"): changed("words:shares cannot be found: AttributeError"),
        ("def shares", "import os, sys; 'checks.py' in sys.argv or os._exit(0)\n\n\ndef shares"): changed(
            "got none: the process ended before"
        ),
    }
    session, found = await outcomes(
        tmp_path,
        'functions = ["words:Counter.most", "words:Counter.__init__", "words:shares", "words:drop"]\n'
        f'record = "{sys.executable} checks.py"',
        list(changes),
    )
    assert_like(found, list(changes.values()))
    notes = [note.text for note in session.state.notes]
    assert any(note.startswith("oracle: 6 recorded calls will be made again: ") for note in notes), notes


REWORKING = """\
if test -n "$AUTOTUNE_FAILURE"; then
    grep -q 'expected .first., got .1st.' "$AUTOTUNE_FAILURE" && sed -i s/1st/first/ src/text.txt
else
    echo 50 > src/value.txt; sed -i s/first/1st/ src/text.txt
fi
"""


async def test_the_agent_may_mend_what_it_has_changed(tmp_path: Path) -> None:
    """It gets the difference in words."""
    make_repo(tmp_path, TEXT, EXACT)
    (tmp_path / "agent.sh").write_text(REWORKING)
    config = configure(
        tmp_path / "cache",
        f"sh {tmp_path / 'agent.sh'}",
        '[budget]\nexperiments = 1\n[oracle]\ncommand = "sh oracle.sh"',
    )
    session = Session(tmp_path / "repo", config)
    await session.run()
    assert session.verdicts == [("keep", "improvement")], session.state.experiments[-1].detail


async def test_a_session_that_goes_on_captures_what_is_expected_again(tmp_path: Path) -> None:
    make_repo(tmp_path, TEXT, EXACT)
    await outcomes(tmp_path, 'command = "sh oracle.sh"', ["true"])
    _, found = await outcomes(tmp_path, 'command = "sh oracle.sh"', ["echo more >> src/text.txt", "not reached"])
    assert_like(found, ["improvement", changed("output, line 4: expected the end after line 3")])


async def test_an_oracle_that_changes_by_itself_is_no_candidates_fault(tmp_path: Path) -> None:
    """The incumbent is asked again before a candidate is blamed."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "news.txt").write_text("old\n")
    make_repo(tmp_path, {"oracle.sh": f"d={data}; cat $d/news.txt"}, EXACT)
    table = f'command = "sh oracle.sh"\n[sandbox]\nread = ["{data}"]'
    _, found = await outcomes(tmp_path, table, [f"echo new > {data / 'news.txt'}"])
    assert found[0].startswith("incumbent_failed: the oracle gives something else on the incumbent too: output, line 1")
