"""Which paths a candidate may change."""

from __future__ import annotations

import pytest

from autotune_tui.errors import ConfigError
from autotune_tui.scope import ScopeMatcher


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("src", "src/app.py", True),
        ("src", "lib/src/app.py", True),
        ("src", "source/app.py", False),
        ("src/", "src/deep/app.py", True),
        ("src/", "src", False),
        ("src/**", "src/deep/app.py", True),
        ("src/**", "lib/src/app.py", False),
        ("src/*.py", "src/app.py", True),
        ("src/*.py", "src/deep/app.py", False),
        ("*.py", "app.py", True),
        ("*.py", "src/deep/app.py", True),
        ("*.py", "app.pyc", False),
        ("**/rows.py", "src/rows.py", True),
        ("./run.py", "run.py", True),
        ("./run.py", "src/run.py", False),
        ("src/[ab].py", "src/a.py", True),
        ("src/[ab].py", "src/c.py", False),
        ("sr?/x", "src/x", True),
        ("grün/**", "grün/ü.py", True),
        ("with space/*", "with space/a b", True),
        ("a\nb/*", "a\nb/c", True),
    ],
)
def test_patterns_mean_what_they_mean_in_a_gitignore(pattern: str, path: str, allowed: bool) -> None:
    assert ScopeMatcher([pattern]).allows(path) is allowed


def test_exclude_beats_include_and_locked_beats_both() -> None:
    scope = ScopeMatcher(["src/**", "bench.py"], ["src/vendor/**"], ["bench.py", "src/golden/**"])
    assert scope.allows("src/app.py")
    assert not scope.allows("src/vendor/x.py")
    assert scope.included("bench.py") and scope.locked("bench.py") and not scope.allows("bench.py")
    assert scope.locked("src/golden/a.txt") and not scope.allows("src/golden/a.txt")


def test_a_later_pattern_takes_back() -> None:
    scope = ScopeMatcher(["src/**", "!src/keep.py"])
    assert scope.allows("src/app.py") and not scope.allows("src/keep.py")


@pytest.mark.parametrize("path", [".gitignore", "src/.gitattributes", ".gitmodules", ".git/config"])
def test_what_decides_what_git_sees_is_always_locked(path: str) -> None:
    assert not ScopeMatcher(["**", ".*", "**/.*"]).allows(path)


@pytest.mark.parametrize(
    "pattern",
    ["/etc/passwd", "/src", "!/src", "~/x", "C:/x", "C:\\x", "..", "../x", "src/../../x", "", "  ", "#x", "!"],
)
def test_patterns_that_could_only_surprise_are_refused_with_a_hint(pattern: str) -> None:
    for lists in ([pattern], []), (["src"], [pattern]):
        with pytest.raises(ConfigError) as caught:
            ScopeMatcher(*lists)
        assert caught.value.title and caught.value.message and caught.value.hint


def test_a_hash_or_dots_inside_a_name_are_fine() -> None:
    scope = ScopeMatcher(["\\#notes", "a..b", "...", "src/..x"])
    assert all(scope.allows(path) for path in ("#notes", "a..b", "...", "src/..x"))
