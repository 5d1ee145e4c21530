"""A repository is looked at, and commands, a scope and recipes are suggested (S4, S5)."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from pathspec import GitIgnoreSpec

from autotune_tui.cli import command_line
from autotune_tui.config import validate
from autotune_tui.scope import ScopeMatcher
from autotune_tui.suggest import Look, Recipe, load_recipes, look_at
from engine_support import git, make_repo


def look(files: dict[str, str], present: tuple[str, ...] = ()) -> Look:
    return look_at({path: text.count("\n") + 1 for path, text in files.items()}, lambda p: files.get(p, ""), present)


PYTEST = "[project]\ndependencies = ['pytest']\n"
NPM = json.dumps({"scripts": {"test": "vitest run", "bench": "vitest bench", "build": "vite build"}})
NO_TEST = json.dumps({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}})


@pytest.mark.parametrize(
    ("files", "kind", "commands"),
    [
        ({"bench.py": "x", "app.py": "x"}, "benchmarks", ["python3 bench.py"]),
        ({"a_bench.py": "x", "bench_b.py": "print(f'METRIC rate={r}')"}, "benchmarks",
         ["python3 bench_b.py", "python3 a_bench.py"]),
        ({"benchmarks/__init__.py": "", "benchmarks/io.py": "x"}, "benchmarks", ["python3 -m benchmarks.io"]),
        ({"bench/my run.py": "x"}, "benchmarks", ["python3 'bench/my run.py'"]),
        ({"bench/test_io.py": "def test_io(benchmark): pass"}, "benchmarks", []),
        ({"app.py": "if __name__ == '__main__':\n    go()"}, "benchmarks", ["python3 app.py"]),
        ({"src/app/__main__.py": "go()"}, "benchmarks", ["PYTHONPATH=src python3 -m app"]),
        ({"perf.c": "x", "Makefile": "all: perf\nbench: all\n\t./perf\nCC := gcc\n"}, "benchmarks", ["make bench"]),
        ({"index.js": "x", "package.json": NPM, "yarn.lock": ""}, "benchmarks", ["yarn run bench"]),
        ({"Cargo.toml": "[package]", "benches/a.rs": "x"}, "benchmarks", ["cargo bench"]),
        ({"go.mod": "module x", "a_test.go": "func BenchmarkA(b *testing.B) {}"}, "benchmarks",
         ["go test -run=^$ -bench=. -count=1 ./..."]),
        ({".github/workflows/ci.yml": "run: hyperfine -w 3 './app data'\n"}, "benchmarks", ["./app data"]),
        ({"app.py": "", "tests/test_a.py": "import unittest"}, "checks", ["python3 -m unittest -q"]),
        ({"app.py": "", "tests/test_a.py": "def test_a(): pass"}, "checks", ["python3 -m pytest -q"]),
        ({"app.py": "", "pyproject.toml": PYTEST, "tests/a.py": ""}, "checks", ["python3 -m pytest -q"]),
        ({"app.py": ""}, "checks", []),
        ({"index.js": "x", "package.json": NPM}, "checks", ["npm test"]),
        ({"index.js": "x", "package.json": NO_TEST}, "checks", []),
        ({"index.js": "x", "package.json": "{"}, "checks", []),
        ({"src/lib.rs": "x", "Cargo.toml": "[package]"}, "checks", ["cargo test -q"]),
        ({"a.c": "x", "Makefile": "test: a\n"}, "checks", ["make test"]),
        ({"a.c": "x", "Makefile": "a: a.c\n"}, "builds", ["make"]),
        ({"a.cpp": "x", "CMakeLists.txt": "project(x)"}, "builds",
         ["cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build"]),
        ({"index.ts": "x", "package.json": NPM, "pnpm-lock.yaml": ""}, "builds", ["pnpm run build"]),
    ],
)  # fmt: skip
def test_commands_are_found(files: dict[str, str], kind: str, commands: list[str]) -> None:
    assert [proposal.command for proposal in getattr(look(files), kind)] == commands


def test_a_benchmark_that_prints_its_metric_brings_its_name_along() -> None:
    (proposal,) = look({"bench.sh": 'echo "METRIC rows_per_s=$n rows/s"'}).benchmarks
    assert proposal.fields == {"metric.source": "metric_line", "metric.name": "rows_per_s"}
    assert "METRIC rows_per_s" in proposal.why


@pytest.mark.parametrize(
    ("paths", "include", "exclude"),
    [
        ("src/app/a.py tests/test_a.py docs/conf.py setup.py", "src/**", ""),
        ("app/a.py app/tests/test_a.py app/test_b.py app/vendor/x.py lib/b.py", "app/** lib/**",
         "test_*.py tests/ vendor/"),
        ("words.py test_words.py bench.py", "words.py", ""),
        ("a.py b.py c.py d.py e.py f.py g.py", "./*.py", ""),
        ("src/lib.rs benches/a.rs scripts/x.py", "src/**", ""),
        ("README.md", "", ""),
        ("[x]/a.py", r"\[x\]/**", ""),
    ],
)  # fmt: skip
def test_the_scope_is_the_source_without_tests_benchmarks_and_copies(paths: str, include: str, exclude: str) -> None:
    """L9."""
    found = look(dict.fromkeys(paths.split(), "x"))
    assert (" ".join(found.include), " ".join(found.exclude)) == (include, exclude)
    matcher = ScopeMatcher(found.include, found.exclude)
    assert not [path for path in paths.split() if matcher.allows(path) and ("test" in path or "bench" in path)]


def test_the_language_is_that_of_most_lines_and_copies_do_not_count() -> None:
    found = look({"a.py": "x\n" * 5, "b.c": "x\n" * 9, "node_modules/c.js": "x\n" * 99, "build.sh": "x\n" * 50})
    assert found.language == "C"
    assert [name for name, _ in found.languages] == ["C", "Python", "Shell"]


def test_a_virtual_environment_that_is_there_is_linked_and_used() -> None:
    found = look({"bench.py": "x", "app.py": ""}, (".venv", "data", "bench.py"))
    assert found.link == (".venv",)
    assert found.benchmarks[0].command == ".venv/bin/python bench.py"


def test_a_look_is_the_same_after_it_went_through_json() -> None:
    found = look(
        {"bench.py": "METRIC a=1", "app.py": "", "tests/test_a.py": "def test_a(): 1", "pyproject.toml": PYTEST}
    )
    assert Look.from_record(json.loads(json.dumps(found.record()))) == found


@pytest.mark.parametrize("found", load_recipes(), ids=lambda recipe: recipe.id)
def test_every_recipe_is_a_valid_configuration(found: Recipe) -> None:
    """S5: a recipe fills in fields that the schema has, with values that it takes."""
    data: dict[str, dict[str, object]] = {"scope": {"include": ["a"]}, "benchmark": {"command": "x"}}
    for name, value in found.filled(look({"bench.py": ""})).items():
        table, _, field = name.partition(".")
        data.setdefault(table, {})[field] = value
    config = validate({"goal": "x", **data}, found.id)
    assert not {"{python}", "{script}"} & set(re.findall(r"\{\w+\}", str(config.benchmark.command)))
    assert found.title and found.about.endswith(".")
    GitIgnoreSpec.from_lines(found.files)


@pytest.mark.parametrize(
    ("files", "fits"),
    [
        ({"app.py": ""}, {"python-time", "python-cpu", "python-memory"}),
        ({"a.js": "", "package.json": "{}"}, {"bundle-size", "lighthouse"}),
        ({"a.js": "", "package.json": '{"devDependencies": {"prettier": ">=3"}}'}, {"bundle-size", "lighthouse"}),
        ({"requirements.txt": "ty>=1"}, set()),
        ({"pyproject.toml": '["ty>=1", "mlflow"]'}, {"ty-errors", "mlflow"}),
        ({"query.sql": ""}, {"sqlite"}),
        ({"a.c": "", "Makefile": "all:"}, {"build-time"}),
        ({"README.md": ""}, set()),
    ],
)
def test_recipes_fit_where_what_they_are_about_is_there(files: dict[str, str], fits: set[str]) -> None:
    found = look(files)
    assert {recipe.id for recipe in load_recipes() if recipe.fits(found)} == fits


def test_a_recipe_is_filled_with_what_was_found() -> None:
    (recipe,) = [recipe for recipe in load_recipes() if recipe.id == "python-memory"]
    filled = recipe.filled(look({"benchmarks/io.py": "", "app.py": ""}, ("venv",)))
    assert filled["benchmark.command"] == "venv/bin/python benchmarks/io.py"


def test_the_command_line_says_what_it_found_and_writes_nothing(tmp_path: Path) -> None:
    repo = make_repo(tmp_path, {"app.py": "x = 1\ny = 2", "bench.bin": "a\0b\n" * 9, ".gitignore": ".venv\n"})
    (repo / ".venv").mkdir()
    (repo / "new.py").write_text("not committed")
    before = git(repo, "status", "--porcelain")
    done = CliRunner().invoke(command_line, ["init", "--suggest", "--json", str(repo)], standalone_mode=False)
    found = Look.from_record(json.loads(done.output))
    assert found.files["app.py"] == 2
    assert found.files["bench.bin"] == 0
    assert "new.py" not in found.files
    assert "new.py" in found.warning
    assert found.link == (".venv",)
    words = CliRunner().invoke(command_line, ["init", "--suggest", str(repo)], standalone_mode=False).output
    assert words.startswith("Python: 5 files, ")
    assert "benchmark   sh bench.sh  (bench.sh prints METRIC cost)" in words
    assert git(repo, "status", "--porcelain") == before
    assert not (repo / ".autotune").exists()


def test_a_look_at_no_repository_is_refused_in_words(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    done = CliRunner().invoke(command_line, ["init", "--suggest", str(tmp_path)], standalone_mode=False)
    assert "no commit yet" in str(done.exception)
