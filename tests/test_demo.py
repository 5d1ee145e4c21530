"""The bundled sample repositories: what a user finds in the new folder, and that it is a fair exercise."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autotune_tui import demo
from autotune_tui.agents.offline.knobs import find_knobs, set_knobs
from autotune_tui.agents.offline.marks import Value
from autotune_tui.config import SessionConfig, load
from autotune_tui.demo import DEMOS, Demo
from autotune_tui.errors import UsageError


def _or_skip(sample: Demo) -> object:
    lacking = demo.missing(sample)
    return pytest.param(sample, id=sample.name, marks=pytest.mark.skipif(bool(lacking), reason=f"needs: {lacking}"))


every_demo = pytest.mark.parametrize("sample", [_or_skip(sample) for sample in DEMOS])
_named = {sample.name: sample for sample in DEMOS}


def _shell(command: str, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of an autotune.toml as the engine does: in the root, through the shell."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def _installed(name: str, tmp_path: Path) -> tuple[Path, SessionConfig]:
    root = demo.install(name, tmp_path / name)
    return root, load(root / "autotune.toml")


def _checks(root: Path, config: SessionConfig) -> subprocess.CompletedProcess[str]:
    """Build where there is something to build, then the checks."""
    if config.benchmark.build:
        built = _shell(str(config.benchmark.build), root)
        assert built.returncode == 0, built.stderr
    return _shell(str(config.checks.command), root)


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


@every_demo
def test_a_demo_is_a_clean_repository_with_one_commit(sample: Demo, tmp_path: Path) -> None:
    """The user starts from `main`, one commit and nothing in `git status`, whatever git settings there are."""
    root = demo.install(sample.name, tmp_path / "new" / "folder")
    assert root == tmp_path / "new" / "folder"
    assert _git(root, "status", "--porcelain") == ""
    assert _git(root, "log", "--format=%an <%ae>%d").split(" (")[0] == "autotune-tui demo <demo@example.invalid>"
    assert _git(root, "branch", "--show-current").strip() == "main"
    data = Path(demo.__file__).parent / "repos" / sample.name
    shipped = {str(file.relative_to(data)) for file in data.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert set(_git(root, "ls-files").splitlines()) == shipped - {"gitignore"} | {".gitignore"}


@every_demo
def test_a_demos_configuration_is_valid_and_stays_within_its_minutes(sample: Demo, tmp_path: Path) -> None:
    """The committed autotune.toml is a session's configuration, filled in for this machine."""
    root, config = _installed(sample.name, tmp_path)
    assert config.agent == "offline"
    assert "{python}" not in (root / "autotune.toml").read_text("utf-8")
    assert config.budget.time is not None and config.budget.time <= 240
    assert config.checks.command and config.guards
    assert config.budget.experiments is not None and config.health.max_no_improvement >= config.budget.experiments
    assert str(config.metric.source) in {"metric_line", "wall_time"}


@every_demo
def test_a_demo_works_and_its_seed_varies_the_data(sample: Demo, tmp_path: Path) -> None:
    """Checks pass, the benchmark gives its metric, and both sides of a pair see the same data (D8); no trace of it in git."""
    root, config = _installed(sample.name, tmp_path)
    checked = _checks(root, config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    first, same, other = (_shell(str(config.benchmark.command), root, AUTOTUNE_SEED=seed) for seed in "778")
    assert first.returncode == 0, first.stderr
    if config.metric.source == "metric_line":
        assert re.search(rf"^METRIC {config.metric.name}=\d+\.\d+$", first.stdout, re.MULTILINE)
    assert first.stdout.splitlines()[0] == same.stdout.splitlines()[0] != other.stdout.splitlines()[0]
    assert _git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize(("name", "entry"), [("logs", "build"), ("numeric", "watch")])
def test_the_benchmark_spends_its_time_in_the_code_in_scope(name: str, entry: str, tmp_path: Path) -> None:
    """A gain in scope shows in the metric: generating the data is a small part of the benchmark."""
    root, _ = _installed(name, tmp_path)
    measure = (
        "import cProfile, pstats, bench\n"
        "profile = cProfile.Profile()\n"
        "profile.runcall(bench.main)\n"
        "rows = pstats.Stats(profile).stats.items()\n"
        f"print('SHARE', max(row[3] for (_, _, name), row in rows if name == '{entry}')"
        " / max(row[3] for _, row in rows))"
    )
    run = subprocess.run([sys.executable, "-c", measure], cwd=root, capture_output=True, text=True, check=True)
    assert float(run.stdout.split("SHARE")[1]) > 0.75


TRAPS = [
    ("logs", "weblog/traffic.py", "PERCENTILES", "sampled"),
    ("numeric", "vibration/features.py", "DTYPE", "float32"),
    ("native", "Makefile", "MATH", "fast-math"),
]


@pytest.mark.parametrize(("name", "file", "knob", "value"), TRAPS)
def test_a_tempting_setting_breaks_the_checks(name: str, file: str, knob: str, value: str, tmp_path: Path) -> None:
    """Each sample has a setting that is faster and wrong; a session that kept it would have a hole in its checks."""
    if demo.missing(_named[name]):
        pytest.skip(f"needs: {demo.missing(_named[name])}")
    root, config = _installed(name, tmp_path)
    text = (root / file).read_text("utf-8")
    (chosen,) = [found for found in find_knobs(file, text) if found.name == knob]
    (root / file).write_text(set_knobs(text, [chosen], {chosen.id: value}), "utf-8")
    assert _checks(root, config).returncode != 0


KNOBS: dict[str, dict[str, tuple[Value, Value]]] = {
    "logs": {"BLOCK": (64, 65536)},
    "numeric": {"BLOCK": (1, 4096), "METHOD": ("direct", "cumulative")},
    "native": {"LEVEL": ("Os", "O3"), "TILE": (2, 256), "TABLE_BITS": (6, 18), "SHORT_RUN": (4, 1024)},
}


@every_demo
def test_all_other_settings_are_right_at_both_ends(sample: Demo, tmp_path: Path) -> None:
    """A1: the marks are found by the offline agent, and only the trap among them changes what is computed."""
    root, config = _installed(sample.name, tmp_path)
    texts = {file: (root / file).read_text("utf-8") for file in _git(root, "ls-files").splitlines()}
    knobs = [knob for file, text in texts.items() for knob in find_knobs(file, text)]
    traps = {knob for name, _, knob, _ in TRAPS if name == sample.name}
    assert {knob.name for knob in knobs} == KNOBS[sample.name].keys() | traps
    for end in (0, 1):
        for file, text in texts.items():
            mine = [knob for knob in knobs if knob.path == file and knob.name not in traps]
            values = {knob.id: KNOBS[sample.name][knob.name][end] for knob in mine}
            (root / file).write_text(set_knobs(text, mine, values), "utf-8")
        checked = _checks(root, config)
        assert checked.returncode == 0, checked.stdout + checked.stderr


WRONG_REWRITES = [
    pytest.param(
        "logs",
        "weblog/billing.py",
        "        for account in accounts:\n",
        "        for account in reversed(accounts):\n",
        id="the last of two equal keys wins, as in a dict comprehension",
    ),
    pytest.param(
        "logs",
        "weblog/billing.py",
        "        for account in accounts:\n",
        "        for account in [{a.key: a for a in accounts}[key]]:\n",
        id="a key that no account has is an error",
    ),
    pytest.param(
        "logs",
        "weblog/clean.py",
        "    seen: list[str] = []\n",
        "    return list({entry.retry_key: entry for entry in entries}.values())\n    seen: list[str] = []\n",
        id="the last of each key stays",
    ),
    pytest.param(
        "logs",
        "weblog/traffic.py",
        "    slow: list[tuple[str, int]] = []\n",
        "    slow: list[tuple[str, int]] = []\n    average = sum(latencies) / len(latencies)\n",
        id="a mean of nothing is taken before the loop that would not run",
    ),
    pytest.param(
        "logs",
        "weblog/traffic.py",
        "key=lambda item: (-item[1], item[0]))[:limit]",
        "key=lambda item: -item[1])[:limit]",
        id="equal counts in the order of a set",
    ),
    pytest.param(
        "logs", "weblog/capacity.py", "sorted(free_at)[0]", "free_at[0]", id="any worker instead of the first free"
    ),
    pytest.param("logs", "weblog/parse.py", "(rest + block)", "block", id="a line is cut where a block ends"),
    pytest.param(
        "numeric",
        "vibration/features.py",
        "(squares * squares).mean(axis=1)",
        "(windows**4).mean(axis=1) - level**4",
        id="a moment that cancels out",
    ),
    pytest.param("numeric", "vibration/smooth.py", "width - 1 - before", "before", id="a window one too wide"),
    pytest.param(
        "native", "src/ticks.c", "<= spare[right].time", "< spare[right].time", id="a sort that is not stable"
    ),
    pytest.param("native", "src/total.c", "return sum + lost;", "return sum;", id="a sum without its compensation"),
]


@pytest.mark.parametrize(("name", "file", "old", "new"), WRONG_REWRITES)
def test_a_wrong_rewrite_breaks_the_checks(name: str, file: str, old: str, new: str, tmp_path: Path) -> None:
    """Rewrites that look right and are not: the sample's own tests say so."""
    if demo.missing(_named[name]):
        pytest.skip(f"needs: {demo.missing(_named[name])}")
    root, config = _installed(name, tmp_path)
    _replace(root / file, old, new)
    assert _checks(root, config).returncode != 0


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Nothing of the user's is overwritten, be it a folder or a file."""
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    for place in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(UsageError, match="already"):
            demo.install("logs", place)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text("utf-8") == "mine"


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    """`mkdir try; autotune-tui demo --into try` works."""
    assert (demo.install("logs", tmp_path) / "autotune.toml").is_file()


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean native"):
        demo.install("nativ", tmp_path / "new")
    with pytest.raises(UsageError, match="logs, numeric, native"):
        demo.install("rocket", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_compiler_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a C compiler the native demo says what to type, and writes nothing."""
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "cc" else which(program))
    monkeypatch.setattr(sys, "platform", "linux")
    assert demo.missing(_named["native"]).startswith("sudo apt-get install gcc")
    assert demo.missing(_named["logs"]) == ""
    with pytest.raises(UsageError, match="apt-get install gcc"):
        demo.install("native", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_users_git_settings_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing, hooks, line-end conversion and a repository named in the environment stay out of it."""
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[commit]\n gpgsign = true\n[core]\n autocrlf = true\n hooksPath = /nowhere\n[init]\n defaultBranch = trunk\n",
        "utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    root = demo.install("logs", tmp_path / "new")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    assert _git(root, "status", "--porcelain") == "" and not (tmp_path / "other").exists()


@pytest.mark.parametrize("folder", ["with space", 'a "quoted" one', "it's", "back\\slash", "größe"])
def test_an_interpreter_anywhere_is_found(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's path survives the shell's and TOML's quoting."""
    interpreter = tmp_path / folder / "python"
    interpreter.parent.mkdir()
    interpreter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', "utf-8")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    root, config = _installed("logs", tmp_path)
    assert shlex.split(str(config.checks.command))[0] == str(interpreter)
    assert _shell(str(config.checks.command), root).returncode == 0


def test_the_wheel_carries_the_demos_whole(tmp_path: Path) -> None:
    """What pip installs has every file of every demo, also those that are not Python."""
    project = Path(demo.__file__).parents[3]
    if not (project / "pyproject.toml").is_file():
        pytest.skip("needs a checkout of the project")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(next(tmp_path.glob("*.whl")))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    here = Path(demo.__file__).parent
    for sample in DEMOS:
        files = [file for file in (here / "repos" / sample.name).rglob("*") if file.is_file() and file.suffix != ".pyc"]
        assert len(files) >= 8
        assert all(file.relative_to(here.parents[1]).as_posix() in listed for file in files)
    assert "__pycache__" not in listed
