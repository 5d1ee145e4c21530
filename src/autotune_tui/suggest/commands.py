"""Commands that a repository seems to have: benchmarks, checks and builds, each with the reason why it is proposed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from autotune_tui.suggest.areas import area_of, language_of
from autotune_tui.suggest.proposal import Proposal

_MANIFESTS = (
    "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "noxfile.py", "requirements.txt",
    "requirements-dev.txt", "package.json", "Cargo.toml", "go.mod", "CMakeLists.txt", "Makefile", "makefile", "GNUmakefile",
    "Justfile", "justfile", "pom.xml", "build.gradle", "build.gradle.kts",
)  # fmt: skip
_MAKEFILES = ("Makefile", "makefile", "GNUmakefile")
_TARGET = re.compile(r"^([A-Za-z][\w.-]*)\s*:(?!=)", re.MULTILINE)
_METRIC = re.compile(r"\bMETRIC\s+([\w.\-/]+)\s*=")
_MAIN = re.compile(r"^if __name__ == ['\"]__main__['\"]", re.MULTILINE)
_BENCH_WORDS = ("bench", "benchmark", "benchmarks", "perf")
_MOST_SCRIPTS = 12
"""Scripts that are opened to see what they print; more would make a look at a large repository slow."""
_MOST = 6
"""Proposals of one kind: as many as a person looks through."""
_NO_TEST = "no test specified"
"""What npm writes into a new package."""


@dataclass(frozen=True)
class Facts:
    """What the detectors look at."""

    files: Mapping[str, int]
    read: Callable[[str], str]
    language: str
    python: str

    @cached_property
    def manifests(self) -> str:
        return "\n".join(self.read(name) for name in _MANIFESTS if name in self.files)

    @cached_property
    def targets(self) -> frozenset[str]:
        """The targets of the makefile."""
        text = next((self.read(name) for name in _MAKEFILES if name in self.files), "")
        return frozenset(_TARGET.findall(text))

    @cached_property
    def scripts(self) -> Mapping[str, str]:
        """The scripts of package.json."""
        try:
            package: Any = json.loads(self.read("package.json") or "{}")
        except ValueError:
            return {}
        scripts = package.get("scripts") if isinstance(package, dict) else None
        return {k: v for k, v in scripts.items() if isinstance(v, str)} if isinstance(scripts, dict) else {}

    @cached_property
    def runner(self) -> str:
        """What runs the scripts of package.json."""
        for lock, name in (
            ("pnpm-lock.yaml", "pnpm"),
            ("yarn.lock", "yarn"),
            ("bun.lock", "bun"),
            ("bun.lockb", "bun"),
        ):
            if lock in self.files:
                return name
        return "npm"


def benchmarks(facts: Facts) -> tuple[Proposal, ...]:
    """Best first: what says METRIC itself, then benchmark scripts and targets, then whole programs."""
    found = [*_bench_scripts(facts), *_bench_tools(facts), *_programs(facts)]
    return _first(sorted(found, key=lambda proposal: "metric.source" not in proposal.fields))


def checks(facts: Facts) -> tuple[Proposal, ...]:
    return _first([*_python_checks(facts), *_other_checks(facts)])


def builds(facts: Facts) -> tuple[Proposal, ...]:
    files, found = facts.files, []
    if "Cargo.toml" in files:
        found.append(Proposal("cargo build --release", "Cargo.toml"))
    if "go.mod" in files:
        found.append(Proposal("go build ./...", "go.mod"))
    if "CMakeLists.txt" in files:
        found.append(Proposal("cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build", "CMakeLists.txt"))
    if "build" in facts.scripts:
        found.append(Proposal(f"{facts.runner} run build", "package.json"))
    if facts.targets and facts.language in ("C", "C++"):
        found.append(Proposal("make", "Makefile"))
    elif "build" in facts.targets:
        found.append(Proposal("make build", "Makefile"))
    if "pom.xml" in files:
        found.append(Proposal("mvn -q -DskipTests package", "pom.xml"))
    if "gradlew" in files:
        found.append(Proposal("./gradlew assemble", "gradlew"))
    return _first(found)


def _first(found: list[Proposal]) -> tuple[Proposal, ...]:
    """Each command once, at most `_MOST`."""
    return tuple({proposal.command: proposal for proposal in reversed(found)}.values())[::-1][:_MOST]


def _bench_scripts(facts: Facts) -> Iterator[Proposal]:
    scripts = [path for path in facts.files if area_of(path) == "benchmark" and _is_script(path)]
    for path in sorted(scripts, key=lambda path: (path.count("/"), path))[:_MOST_SCRIPTS]:
        text = facts.read(path)
        if language_of(path) == "Python" and re.search(r"^def test_|@pytest", text, re.MULTILINE):
            continue
        printed = _METRIC.search(text)
        name = printed[1] if printed else ""
        fields = {"metric.source": "metric_line", "metric.name": name} if printed else {}
        why = f"{path} prints METRIC {name}" if printed else path
        yield Proposal(_run(facts, path), why, fields)


_RUN = {"Python": "", "Shell": "sh", "JavaScript": "node", "Ruby": "ruby", "PHP": "php", "Lua": "lua", "Julia": "julia"}
"""What runs a script of the language; Python is found in the repository."""


def _is_script(path: str) -> bool:
    return language_of(path) in _RUN and not PurePosixPath(path).name.startswith("__")


def _run(facts: Facts, path: str) -> str:
    language = language_of(path)
    if language != "Python":
        return f"{_RUN[language]} {shlex.quote(path)}"
    folder = str(PurePosixPath(path).parent)
    if f"{folder}/__init__.py" in facts.files:
        return f"{facts.python} -m {path.removesuffix('.py').replace('/', '.')}"
    return f"{facts.python} {shlex.quote(path)}"


def _bench_tools(facts: Facts) -> Iterator[Proposal]:
    for name in _BENCH_WORDS:
        if name in facts.targets:
            yield Proposal(f"make {name}", "Makefile")
        if name in facts.scripts:
            yield Proposal(f"{facts.runner} run {name}", "package.json")
    if "Cargo.toml" in facts.files and any(path.startswith("benches/") for path in facts.files):
        yield Proposal("cargo bench", "benches/")
    if "go.mod" in facts.files and any(
        "func Benchmark" in facts.read(path) for path in _some(facts, lambda path: path.endswith("_test.go"))
    ):
        fields = {
            "metric.source": "regex",
            "metric.pattern": r"Benchmark\S+\s+\d+\s+([0-9.]+) ns/op",
            "metric.unit": "ns",
        }
        yield Proposal("go test -run=^$ -bench=. -count=1 ./...", "func Benchmark in a test", fields)
    for path in _some(facts, lambda path: path.startswith(".github/workflows/")):
        if quoted := re.search(r"hyperfine[^\n]*?(['\"])([^'\"\n]+)\1", facts.read(path)):
            yield Proposal(quoted[2], f"hyperfine in {path}")


def _some(facts: Facts, wanted: Callable[[str], bool]) -> list[str]:
    return [path for path in facts.files if wanted(path)][:_MOST_SCRIPTS]


def _programs(facts: Facts) -> Iterator[Proposal]:
    """Whole programs: their time is a metric, too."""
    if facts.language != "Python":
        return
    for path in facts.files:
        if path.endswith("/__main__.py") and area_of(path) == "source" and path.count("/") <= 2:
            package = path.removeprefix("src/").removesuffix("/__main__.py").replace("/", ".")
            prefix = "PYTHONPATH=src " if path.startswith("src/") else ""
            yield Proposal(f"{prefix}{facts.python} -m {package}", "the package as a program")
    for path in _some(facts, lambda path: "/" not in path and path.endswith(".py") and area_of(path) == "source"):
        if _MAIN.search(facts.read(path)):
            yield Proposal(f"{facts.python} {shlex.quote(path)}", f"{path} as a program")


def _python_checks(facts: Facts) -> Iterator[Proposal]:
    tests = [path for path in facts.files if area_of(path) == "test" and path.endswith(".py")]
    if not tests:
        return
    has_pytest = re.search(r"\bpytest\b", facts.manifests) or any(path.endswith("conftest.py") for path in tests)
    plain = any(re.search(r"^def test_", facts.read(path), re.MULTILINE) for path in tests[:_MOST_SCRIPTS])
    counted = f"{len(tests)} test file{'s' * (len(tests) != 1)}"
    if has_pytest or plain:
        yield Proposal(f"{facts.python} -m pytest -q", counted)
    else:
        yield Proposal(f"{facts.python} -m unittest -q", counted)
    if "[tool.mypy]" in facts.manifests:
        yield Proposal(f"{facts.python} -m pytest -q && {facts.python} -m mypy .", "mypy in pyproject.toml")


def _other_checks(facts: Facts) -> Iterator[Proposal]:
    files = facts.files
    if _NO_TEST not in (test := facts.scripts.get("test", _NO_TEST)):
        yield Proposal(f"{facts.runner} test", f"package.json: {test[:40]}")
    if "Cargo.toml" in files:
        yield Proposal("cargo test -q", "Cargo.toml")
    if "go.mod" in files:
        yield Proposal("go test ./...", "go.mod")
    if "CMakeLists.txt" in files and "enable_testing" in facts.manifests:
        yield Proposal("ctest --test-dir build --output-on-failure", "enable_testing in CMakeLists.txt")
    for target in ("test", "check"):
        if target in facts.targets:
            yield Proposal(f"make {target}", "Makefile")
    if "pom.xml" in files:
        yield Proposal("mvn -q test", "pom.xml")
    if "gradlew" in files:
        yield Proposal("./gradlew test", "gradlew")
