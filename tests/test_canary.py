"""The canary (S8): whether benchmark or checks notice when the code in scope is broken, and why not when they do not."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui.config import SessionConfig, parse
from autotune_tui.engine import absent, blindness, breaking, preflight, seeds
from autotune_tui.engine.canary import budget
from autotune_tui.engine.findings import Line
from autotune_tui.errors import EngineError
from autotune_tui.model.events import Canary, Sample
from engine_support import EXACT, Session, configure, git, make_repo

ON = "[canary]\nfiles = 12\n"
ONCE = "[budget]\nexperiments = 1\n"


async def canary_line(repo: Path, settings: SessionConfig) -> Line:
    lines = await preflight.check(repo, settings, lambda _: None)
    return next((line for line in lines if line.title == "canary"), lines[-1])


# --- how files are broken


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("a.py", b"x = 1\n", breaking.PYTHON + b"x = 1\n"),
        ("pkg/__init__.py", b"", breaking.PYTHON),
        ("run.py", b"#!/usr/bin/python3\nx = 1\n", b"#!/usr/bin/python3\n" + breaking.PYTHON + b"x = 1\n"),
        ("a.c", b"int x;\n", breaking.OTHER + b"int x;\n"),
        ("run", b"#!/bin/sh\necho\n", b"#!/bin/sh\n" + breaking.OTHER + b"echo\n"),
        ("Makefile", b"all:\n", breaking.OTHER + b"all:\n"),
        ("index.php", b"<?php echo 1;", breaking.PHP + b"<?php echo 1;"),
        ("words.txt", b"a\nb\n", breaking.OTHER),
        ("blob.bin", b"\0\1", breaking.OTHER),
        ("README.md", b"text", None),
        ("types.pyi", b"x: int", None),
        ("empty.c", b"", None),
    ],
)
def test_a_file_is_broken_by_its_language(path: str, content: bytes, expected: bytes | None) -> None:
    assert breaking.broken(path, content) == expected


def test_hot_and_named_files_are_tried_first() -> None:
    sizes = {"big.py": 900, "data.txt": 999, "named.py": 1, "hot.py": 1, "small.py": 10}
    assert breaking.order(sizes, ["hot.py"], {"named"}) == ["hot.py", "named.py", "big.py", "small.py", "data.txt"]


# --- why nobody notices


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment in the checkout, with an empty folder for packages."""
    (tmp_path / "repo/.venv/lib/python3.11/site-packages").mkdir(parents=True)
    (tmp_path / "repo/.venv/bin").mkdir()
    (tmp_path / "repo/.venv/bin/python").symlink_to(sys.executable)
    (tmp_path / "repo/src/pkg").mkdir(parents=True)
    (tmp_path / "tree/src/pkg").mkdir(parents=True)
    (tmp_path / "tree/.venv").symlink_to(tmp_path / "repo/.venv")
    return tmp_path / "tree/.venv/bin/python"


@pytest.mark.parametrize(
    ("file", "content", "place"),
    [
        ("__editable__.pkg-0.1.pth", "{root}/src\n", "src"),
        ("_pkg.pth", "{root}/src\n", "src"),
        ("_editable_impl_pkg.pth", "{root}/src", "src"),
        ("__editable___pkg_0_1_finder.py", "MAPPING: dict[str, str] = {{'pkg': '{root}/src/pkg'}}\n", "src"),
        ("pkg.egg-link", "{root}/src\n../\n", "src"),
        ("pkg-0.1.dist-info/direct_url.json", '{{"url": "file://{root}", "dir_info": {{"editable": true}}}}', "src"),
    ],
)
def test_an_editable_install_is_recognised_by_each_installers_traces(
    python: Path, tmp_path: Path, file: str, content: str, place: str
) -> None:
    root = tmp_path / "repo"
    path = root / ".venv/lib/python3.11/site-packages" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content.format(root=root))
    (cause,) = blindness.installed(python, root, tmp_path / "tree", ["src/pkg/a.py"])
    assert "pkg is installed in editable mode" in cause.text and file in cause.text
    assert f'PYTHONPATH = "{place}"' in cause.hint


def test_what_is_installed_from_elsewhere_is_no_cause(python: Path, tmp_path: Path) -> None:
    packages = tmp_path / "repo/.venv/lib/python3.11/site-packages"
    (packages / "other.pth").write_text(f"{tmp_path}\nimport sys\n")
    (packages / "other-1.dist-info").mkdir()
    (packages / "other-1.dist-info/direct_url.json").write_text('{"url": "https://example.org/x.zip"}')
    assert list(blindness.installed(python, tmp_path / "repo", tmp_path / "tree", ["src/pkg/a.py"])) == []


def test_an_installed_copy_is_recognised(python: Path, tmp_path: Path) -> None:
    (tmp_path / "repo/.venv/lib/python3.11/site-packages/pkg").mkdir()
    (cause,) = blindness.installed(python, tmp_path / "repo", tmp_path / "tree", ["src/pkg/a.py", "tool.py"])
    assert "installed as a copy" in cause.text and 'PYTHONPATH = "src"' in cause.hint


def test_a_path_of_the_checkout_is_recognised(tmp_path: Path) -> None:
    """In PYTHONPATH, in the command, and in a script that the command names; the environment's Python is no cause."""
    root, tree = tmp_path / "repo", tmp_path / "tree"
    for folder in (root, tree):
        folder.mkdir()
        (folder / "bench.py").write_text("x")
    (tree / "run.sh").write_text(f"cd {root}/src\n")
    (found,) = blindness.path_variable(f"/usr/lib:{root}/src:{tree}", root, tree)
    assert f"{root}/src" in found.text and 'PYTHONPATH = "src"' in found.hint
    (found,) = blindness.absolute_paths([f"python {root}/bench.py"], root, tree)
    assert f"names {root}/bench.py" in found.text and found.hint.startswith("Write bench.py")
    (found,) = blindness.absolute_paths([f"cd {root} && make"], root, tree)
    assert f"names {root}," in found.text
    (found,) = blindness.absolute_paths(["sh run.sh"], root, tree)
    assert "run.sh has the absolute path" in found.text
    assert list(blindness.absolute_paths([f"{root}/.venv/bin/python bench.py", "x" * 5000], root, tree)) == []


def test_a_program_that_was_built_elsewhere_is_recognised(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "app").write_text("")
    (cause,) = blindness.prebuilt([f"{tmp_path}/app"], tree, ["a.c"])
    assert cause.text.startswith("the benchmark runs")
    assert list(blindness.prebuilt([f"{tmp_path}/app"], tree, ["a.py"])) == []
    assert list(blindness.prebuilt(["./app", "cc a.c"], tree, ["a.c"])) == []


# --- fresh inputs


@pytest.mark.parametrize(
    ("outputs", "named", "kind"),
    [
        ({1: ["a 7", "a 7"], 2: ["b 9"]}, False, "follows"),
        ({1: ["took 0.52 s", "took 0.61 s"], 2: ["took 0.5 s"]}, False, "ignores"),
        ({1: ["took 12 ms"], 2: ["took 15 ms"]}, False, "ignores"),
        ({1: ["sum 3", "sum 4"], 2: ["sum 5"]}, False, "wanders"),
        ({1: ["", "\n"], 2: [""]}, False, "silent"),
        ({1: ["same"], 2: ["same"]}, True, "follows"),
    ],
)
def test_the_output_shows_whether_the_seed_is_read(outputs: dict[int, list[str]], named: bool, kind: str) -> None:
    assert seeds.kind(outputs, named=named) == kind


@pytest.mark.parametrize(
    ("bench", "status", "words"),
    [
        ('echo "METRIC cost=$(cat src/value.txt)"', "warn", "does not read AUTOTUNE_SEED"),
        ('echo "run $AUTOTUNE_SEED"; echo "METRIC cost=$(cat src/value.txt)"', "pass", "named in bench.sh"),
    ],
)
async def test_a_benchmark_that_ignores_the_seed_is_told_and_not_refused(
    tmp_path: Path, bench: str, status: str, words: str
) -> None:
    """D8: the preflight has a line with what to do; it is never a failure."""
    repo = make_repo(tmp_path, bench=f"#!/bin/sh\n{bench}\n")
    lines = await preflight.check(repo, configure(tmp_path / "cache", "true"), lambda _: None)
    line = next(line for line in lines if line.title == "fresh inputs")
    assert (line.status, bool(line.hint)) == (status, status == "warn")
    assert words in line.detail
    assert not [line for line in lines if line.status == "fail"]


# --- the canary itself


async def test_every_file_that_matters_is_noticed_and_the_code_is_whole_afterwards(tmp_path: Path) -> None:
    repo = make_repo(
        tmp_path, {"src/more.txt": "5\n"}, 'echo "METRIC cost=$(( $(cat src/value.txt) + $(cat src/more.txt) ))"'
    )
    line = await canary_line(repo, configure(tmp_path / "cache", "true", ON))
    assert (line.status, line.detail) == ("pass", "2 files in scope were broken on purpose, and the benchmark noticed")
    ours = Session(repo, configure(tmp_path / "cache", "true", ON + ONCE))
    await ours.run()
    assert ours.state.baseline_value == 105
    assert git(repo, "status", "--porcelain") == ""


async def test_a_file_that_nothing_runs_is_named(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"src/idle.py": "x = 1\n", "src/README.md": "never\n"}, EXACT)
    line = await canary_line(repo, configure(tmp_path / "cache", "true", ON))
    assert line.status == "warn"
    assert "not exercised: src/idle.py" in line.detail and "README" not in line.detail
    assert "exclude" in line.hint


async def test_what_only_the_checks_notice_is_said(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, bench='echo "METRIC cost=7"')
    more = '[checks]\ncommand = "grep -qx 100 src/value.txt"\n'
    line = await canary_line(repo, configure(tmp_path / "cache", "true", ON + more))
    assert line.status == "warn"
    assert "only the checks notice" in line.detail


async def test_a_benchmark_that_hides_failures_is_no_benchmark(tmp_path: Path) -> None:
    """Broken code that ends early would be the fastest of all: the time of such a run is not taken for a notice."""
    repo = make_repo(tmp_path, {"src/work.sh": "sleep 0.05\n"}, "sh src/work.sh 2>/dev/null; true\n")
    config = configure(tmp_path / "cache", "true", ON, source="wall_time")
    line = await canary_line(repo, config)
    assert line.status == "fail"
    assert "an error that it hides" in line.hint


async def test_the_time_is_bounded(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {f"src/idle{n}.py": "x = 1\n" for n in range(5)}, EXACT)
    few = await canary_line(repo, configure(tmp_path / "cache", "true", "[canary]\nfiles = 2\n"))
    assert "2 files of 6 in scope" in few.detail
    settings = configure(tmp_path / "cache", "true")
    assert budget(settings, 0.1) == 20  # a decision takes at most 80 runs
    assert budget(settings, 10) == 80


BUILT = {
    "src/prog.sh": 'echo "METRIC cost=100"\n',
    "build.sh": "mkdir -p out && sh -n src/prog.sh && cp src/prog.sh out/prog\n",
    ".gitignore": "out/\n",
}


async def test_a_build_that_fails_is_no_notice_when_the_benchmark_runs_something_else(tmp_path: Path) -> None:
    """A product that was made before does not hide the failed build; one that lies elsewhere is found out."""
    repo = make_repo(tmp_path, BUILT, "sh out/prog\n")
    config = configure(tmp_path / "cache", "true", ON)
    benchmark = config.benchmark.model_copy(update={"build": "sh build.sh"})
    config = config.model_copy(
        update={"benchmark": benchmark, "scope": config.scope.model_copy(update={"include": ["src/*.sh"]})}
    )
    assert (await canary_line(repo, config)).status == "pass"
    elsewhere = repo / "elsewhere"  # below the checkout, as that is what a sandbox shows
    elsewhere.write_text(BUILT["src/prog.sh"])
    git(repo, "config", "core.excludesFile", str(tmp_path / "ignored"))
    (tmp_path / "ignored").write_text("elsewhere\n")
    other = config.model_copy(update={"benchmark": benchmark.model_copy(update={"command": f"sh {elsewhere}"})})
    line = await canary_line(repo, other)
    assert line.status == "fail" and "does not notice" in line.detail


# --- the editable install, from the finding to the fix


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with an environment of its own, into which pip has installed its package in editable mode, without a network."""
    folder = tmp_path_factory.mktemp("editable")
    files = {
        "src/counting/__init__.py": "def count(n):\n    return sum(1 for _ in range(n))\n",
        "bench.py": "import os\nfrom counting import count\nseed = int(os.environ['AUTOTUNE_SEED'])\n"
        "print(count(1000 + seed % 7))\nprint('METRIC cost=100')\n",
        "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "counting"\nversion = "0.1"\n',
        ".gitignore": ".venv/\n__pycache__/\n",
    }
    repo = make_repo(folder, files)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(repo / ".venv")], check=True)
    backend = importlib.util.find_spec("hatchling")
    assert backend is not None and backend.origin is not None
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PYTHONPATH": str(Path(backend.origin).parent.parent)}
    pip = [sys.executable, "-m", "pip", "--python", str(repo / ".venv/bin/python"), "--disable-pip-version-check"]
    install = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(repo)]
    subprocess.run([*pip, *install], env=environment, check=True)
    return repo


def of_editable(repo: Path, cache: Path, more: str = "", environment: str = "") -> SessionConfig:
    return parse(f"""
        goal = "Lower the cost"
        agent = "command"
        agent_command.command = "true"
        workspace = {{ link = [".venv"], cache = "{cache}" }}
        metric = {{ name = "cost", unit = "", source = "metric_line" }}
        scope.include = ["src/**/*.py"]
        budget.experiments = 1
        benchmark = {{ command = ".venv/bin/python bench.py"{environment} }}
        {more}
    """)


FIX = re.compile(r"(\w+ = (?:\[[^\]]*\]|\{[^}]*\})) in \[(\w+)\]")
"""What a hint says to write, and into which table."""


def with_fix(text: str, hint: str) -> str:
    """The configuration with what a hint says in the place where it says so, to the letter."""
    found = FIX.search(hint)
    assert found, hint
    table = f"[{found[2]}]\n"
    return text.replace(table, f"{table}{found[1]}\n")


async def test_the_preflight_on_an_editable_install_says_what_is_wrong_and_its_fix_works(
    editable: Path, tmp_path: Path
) -> None:
    """S7, S8: whoever does what it says, twice and to the letter, has a session that can be trusted."""
    text = f"""\
goal = "Lower the cost"
[benchmark]
profile = false
command = ".venv/bin/python bench.py"
[metric]
source = "metric_line"
name = "cost"
unit = ""
[scope]
include = ["src/**/*.py"]
[workspace]
cache = "{tmp_path}/cache"
"""
    first = (await preflight.check(editable, parse(text), lambda _: None))[-1]
    assert first.status == "fail" and ".venv/bin/python: not found" in first.detail, first
    assert 'link = [".venv"] in [workspace]' in first.hint
    text = with_fix(text, first.hint)
    second = await canary_line(editable, parse(text))
    assert second.status == "fail"
    assert (
        "counting is installed in editable mode: _editable_impl_counting.pth points at src in the che" in second.detail
    )
    text = with_fix(text, second.hint)
    assert 'env = { PYTHONPATH = "src" }' in text
    lines = await preflight.check(editable, parse(text), lambda _: None)
    found = {line.title: line for line in lines}
    assert found["canary"].status == "pass", found["canary"]
    assert not [line for line in lines if line.status == "fail"]
    assert found["fresh inputs"].status == "pass"


def test_what_a_command_misses_in_a_worktree_is_named_with_the_line_that_brings_it_in(tmp_path: Path) -> None:
    """S7: the topmost path that git does not have; nothing that is there, or that nobody has."""
    root, tree = tmp_path / "repo", tmp_path / "tree"
    for path in ("data/days/1.csv", "src/a.py", ".venv/bin/python", "notes.txt"):
        for folder in (root, tree) if path == "src/a.py" else (root,):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
    output = f"FileNotFoundError: '{tree}/data/days/1.csv' in src/a.py, no/such.txt, data, {root}/notes.txt"
    found = absent.missing(".venv/bin/python src/a.py", output, root, tree)
    assert found == [".venv", "data"]
    assert 'link = ["old", ".venv", "data"] in [workspace], or commit them' in absent.advice(found, ["old"])
    assert absent.advice([], ["old"]) == ""


async def test_a_session_does_not_start_when_nothing_notices_but_for_an_explicit_word(
    editable: Path, tmp_path: Path
) -> None:
    """S8: what, why and what to do; accepted once, it is neither asked nor tried again."""
    refused = Session(editable, of_editable(editable, tmp_path / "cache"), "001-refused")
    with pytest.raises(EngineError) as error:
        await refused.run()
    assert error.value.title == "The benchmark does not run the code in scope"
    assert "editable mode" in error.value.message
    assert "PYTHONPATH" in error.value.hint and "--accept-canary" in error.value.hint
    assert not [e for e in refused.events if isinstance(e, Sample)]
    accepted = Session(editable, of_editable(editable, tmp_path / "cache", "canary.accept = true"), "002-accepted")
    await accepted.run()
    assert accepted.state.canary is not None and accepted.state.canary.accepted
    assert any("(accepted)" in text for text in accepted.warnings)
    again = Session(editable, of_editable(editable, tmp_path / "cache"), "002-accepted")
    again.config = again.config.model_copy(update={"budget": again.config.budget.model_copy(update={"experiments": 2})})
    await again.run()
    assert not [e for e in again.events if isinstance(e, Canary)]
    for session in ("001-refused", "002-accepted"):
        git(editable, "branch", "-D", f"autotune/{session}")
    shutil.rmtree(editable / ".autotune")


def test_the_command_line_accepts_it(editable: Path, tmp_path: Path) -> None:
    """`run` ends with an error and words; with --accept-canary it starts."""
    from autotune_tui.config import dump

    (editable / "autotune.toml").write_text(dump(of_editable(editable, tmp_path / "cache")))
    command = [sys.executable, "-m", "autotune_tui", "run", "--headless", "--new", str(editable)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1, shlex.join(command)
    assert "The benchmark does not run the code in scope" in refused.stderr
    assert "PYTHONPATH" in refused.stderr and "Traceback" not in refused.stderr
    accepted = subprocess.run([*command, "--accept-canary"], capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stderr
