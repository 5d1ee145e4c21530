"""A history replayed as an agent, with real run times: the patches that helped are kept, those that did nothing are not."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from autotune_tui.config import SessionConfig, parse
from engine_support import Session, git, make_repo

LIBRARY = '''\
"""Statistics of words."""


def distinct(words):
    """How many different words there are."""
    seen = []
    for word in words:
        if word not in seen:
            seen.append(word)
    return len(seen)


def ranks(words):
    """The place of each word in the alphabet of all words."""
    alphabet = sorted(set(words))
    return [alphabet.index(word) for word in words]


def longest(words):
    """The longest word, the first one of several."""
    best = ""
    for word in words:
        if len(word) > len(best):
            best = word
    return best
'''

BENCHMARK = """\
import sys

sys.path.insert(0, "src")
from words import distinct, longest, ranks

text = [f"word-{number * number % 499}" for number in range(9_000)]
print(distinct(text), sum(ranks(text)), longest(text))
"""

CHECKS = """\
import sys

sys.path.insert(0, "src")
from words import distinct, longest, ranks

assert distinct("a b a c b".split()) == 3
assert ranks("b a c b".split()) == [1, 0, 2, 1]
assert longest("a bb cc".split()) == "bb"
"""

AGENT = """\
import json, os, pathlib, subprocess, sys
patches = sorted(pathlib.Path(sys.argv[1]).glob("*.patch"))
number = int(os.environ["AUTOTUNE_EXPERIMENT"])
if number > len(patches):
    print(json.dumps({"done": True}))
else:
    subprocess.run(["git", "apply", patches[number - 1]], check=True)
    print(json.dumps({"description": patches[number - 1].stem[3:]}))
"""

# By name: what is replaced, and by what. Each edit stands alone, so that they apply in any order.
GOOD = {
    "Remember words in a set": (
        '    seen = []\n    for word in words:\n        if word not in seen:\n            seen.append(word)\n',
        '    seen = set()\n    for word in words:\n        if word not in seen:\n            seen.add(word)\n',
    ),
    "Look places up in a dictionary": (
        "    return [alphabet.index(word) for word in words]",
        "    place = {word: number for number, word in enumerate(alphabet)}\n    return [place[word] for word in words]",
    ),
}  # fmt: skip
USELESS = {
    "Say more about the module": ('"""Statistics of words."""', '"""Statistics of words: how many, how long, where."""'),
    "Annotate types": ("def longest(words):", "def longest(words: list[str]) -> str:"),
    "Compare the other way round": ("        if len(word) > len(best):", "        if len(best) < len(word):"),
}  # fmt: skip
ORDER = ["Say more about the module", "Remember words in a set", "Annotate types",
         "Look places up in a dictionary", "Compare the other way round"]  # fmt: skip


def write_patches(repo: Path, folder: Path) -> None:
    """Each change as a patch against the repository's commit, numbered in the order of replay."""
    library = repo / "src" / "words.py"
    folder.mkdir()
    for number, name in enumerate(ORDER, start=1):
        old, new = {**GOOD, **USELESS}[name]
        assert LIBRARY.count(old) == 1
        library.write_text(LIBRARY.replace(old, new))
        # With less context than usual, since a patch must also apply after its neighbours.
        git(repo, "diff", "-U1", f"--output={folder / f'{number:02} {name}.patch'}")
    library.write_text(LIBRARY)


def configuration(tmp_path: Path, agent: list[str]) -> SessionConfig:
    """Wall time and the strict profile. The real gains are far above the threshold, so that a busy machine does no harm."""
    python = shlex.quote(sys.executable)
    return parse(
        f"""
        goal = "Count words faster"
        agent = "command"
        [metric]
        threshold = "15%"
        [benchmark]
        profile = false
        command = {json.dumps(f"{python} bench.py")}
        [scope]
        include = ["src/**"]
        [checks]
        command = {json.dumps(f"{python} checks.py")}
        [decision]
        profile = "strict"
        [workspace]
        cache = {json.dumps(str(tmp_path / "cache"))}
        [agent_command]
        command = {json.dumps(shlex.join(agent))}
        """
    )


async def test_replayed_patches_are_kept_exactly_when_they_help(tmp_path: Path) -> None:
    """D3, A4: the branch gets the speed-ups of a history and nothing else, whatever came before and after them."""
    repo = make_repo(tmp_path, {"src/words.py": LIBRARY, "bench.py": BENCHMARK, "checks.py": CHECKS})
    write_patches(repo, tmp_path / "patches")
    (tmp_path / "replay.py").write_text(AGENT)
    agent = [sys.executable, str(tmp_path / "replay.py"), str(tmp_path / "patches")]

    ours = Session(repo, configuration(tmp_path, agent))
    end = await ours.run()

    assert end.outcome == "completed"
    experiments = [experiment for experiment in ours.state.experiments if not experiment.baseline]
    assert [(e.description, e.status) for e in experiments] == [
        (name, "keep" if name in GOOD else "discard") for name in ORDER
    ], [e.detail for e in experiments]
    branch = f"autotune/{ours.folder.id}"
    assert git(repo, "log", "--reverse", "--format=%s", branch).splitlines() == ["start", *GOOD]
    expected = LIBRARY
    for replacement in GOOD.values():
        expected = expected.replace(*replacement)
    assert git(repo, "show", f"{branch}:src/words.py") == expected.strip()
    validation = ours.state.validation
    assert validation is not None
    assert validation.confirmed
    assert validation.interval[1] < -0.3
