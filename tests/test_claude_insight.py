"""What Claude can see of a program from inside (L2, L3): bytecode, machine code, a profile of its own change."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents_support import profile_of, repository
from autotune_tui.agents.claude import parts
from autotune_tui.agents.claude.tools.base import Refused, named
from autotune_tui.agents.claude.tools.commands import Commands
from autotune_tui.agents.claude.tools.inside import Insight
from autotune_tui.agents.claude.tools.worktree import Worktree, open_worktree
from autotune_tui.errors import MeasureError
from autotune_tui.model.profile import Profile
from test_claude_tools import at

PYTHON = """\
def outer():
    def parse(x):
        return x + 1
    return parse

class Rows:
    def parse(self):
        return len
"""


def commands(benchmark: str = "true", build: str = "", *, walls: bool = True) -> Commands:
    return Commands(build, "", benchmark, 60, 60, confine=(lambda tree: ("env", "--")) if walls else None)


@pytest.fixture
async def worktree(tmp_path: Path) -> Worktree:
    return await open_worktree(at(repository(tmp_path / "candidate", {"src/a.py": PYTHON}), ("src/a.py",)))


def compiled(worktree: Worktree, *argv: str) -> None:
    subprocess.run(argv, cwd=worktree.root, check=True)


async def disassemble(worktree: Worktree, path: str, function: str, given: Commands | None = None) -> str:
    return await named(Insight(worktree, given or commands()).reading())["disassemble"].call(
        {"path": path, "function": function}
    )


@pytest.mark.parametrize("walls", [True, False])
async def test_the_bytecode_of_a_python_function_is_shown_and_kept(worktree: Worktree, walls: bool) -> None:
    """L3: by its name or its qualified name; what was looked at lies beside the experiment."""
    text = await disassemble(worktree, "src/a.py", "Rows.parse", commands(walls=walls))
    assert "Rows.parse, line 7" in text and "outer.parse" not in text
    assert "LOAD_GLOBAL" in text
    both = await disassemble(worktree, "src/a.py", "parse")
    assert "outer.parse, line 2" in both and "Rows.parse, line 7" in both
    kept = (worktree.context.artifacts / "disasm-snapshot.txt").read_text()
    assert "== Rows.parse in src/a.py" in kept and "== parse in src/a.py" in kept


async def test_the_program_of_the_benchmark_makes_the_bytecode(worktree: Worktree, tmp_path: Path) -> None:
    """Another version of Python has other bytecode. Without walls nothing of the worktree is run, not even that."""
    fake = worktree.root / "venv/bin/python3"
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\necho the one of the worktree\n")
    fake.chmod(0o755)
    own = "env X=1 venv/bin/python3 bench.py"
    assert await disassemble(worktree, "src/a.py", "outer", commands(own)) == "the one of the worktree"
    assert "LOAD" in await disassemble(worktree, "src/a.py", "outer", commands(own, walls=False))


@pytest.mark.parametrize(
    ("path", "function", "words"),
    [
        ("src/a.py", "prase", "functions: Rows, Rows.parse, outer, outer.parse"),
        ("src/none.py", "x", "only after the build"),
        ("../x.py", "x", "outside the worktree"),
        ("src/broken.py", "x", "SyntaxError"),
        ("src/notes.txt", "x", "is no Python file"),
    ],
)
async def test_what_cannot_be_taken_apart_says_why(worktree: Worktree, path: str, function: str, words: str) -> None:
    (worktree.root / "src/broken.py").write_text("def :\n")
    (worktree.root / "src/notes.txt").write_text("x\n")
    with pytest.raises(Refused, match=words):
        await disassemble(worktree, path, function)


@pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("objdump")), reason="apt-get install gcc libc6-dev binutils"
)
async def test_the_machine_code_of_a_function_is_shown(worktree: Worktree) -> None:
    """L3: of a compiled program, by the function's name."""
    (worktree.root / "a.c").write_text("int twice(int x) { return 2 * x; }\nint main(void) { return twice(2); }\n")
    compiled(worktree, "cc", "-O1", "-fno-inline", "-o", "prog", "a.c")
    text = await disassemble(worktree, "prog", "twice")
    assert "<twice>:" in text and "ret" in text and "<main>:" not in text
    with pytest.raises(Refused, match=r"no code of thrice in prog.*<main>"):
        await disassemble(worktree, "prog", "thrice")


@pytest.mark.skipif(
    not (shutil.which("javac") and shutil.which("javap")), reason="apt-get install default-jdk-headless"
)
async def test_the_bytecode_of_a_java_method_is_shown(worktree: Worktree) -> None:
    """L3."""
    (worktree.root / "A.java").write_text("class A { int one() { return 1; } int two() { return 2; } }\n")
    compiled(worktree, "javac", "A.java")
    text = await disassemble(worktree, "A.class", "A.two")
    assert "int two()" in text and "iconst_2" in text and "iconst_1" not in text
    with pytest.raises(Refused, match="int one"):
        await disassemble(worktree, "A.class", "three")


async def test_a_program_that_is_not_installed_is_named(worktree: Worktree) -> None:
    (worktree.root / "prog").write_bytes(b"\x7fELFxyz")
    bare = dataclasses.replace(worktree.context, environment={"PATH": str(worktree.root)})
    with pytest.raises(Refused, match="objdump is not installed"):
        await disassemble(dataclasses.replace(worktree, context=bare), "prog", "main")


async def profiling(worktree: Worktree, profiled: Any, given: Commands) -> str:
    context = dataclasses.replace(worktree.context, profiled=profiled, profile=profile_of(("a.py", "old", 1, 0.5, 0.9)))
    tools = named(Insight(dataclasses.replace(worktree, context=context), given).running())
    return await tools["profile"].call({})


async def test_the_editor_sees_where_its_change_spends_the_time(worktree: Worktree) -> None:
    """L2: after the build, beside the incumbent's figures; a profiler that fails says so."""

    async def profiled() -> Profile:
        assert (worktree.root / "built").exists()
        return profile_of(("a.py", "new", 3, 0.75, 0.8), ("a.py", "old", 1, 0.25, 0.9))

    async def failing() -> Profile:
        raise MeasureError("The launcher cannot be started", "no memory")

    text = await profiling(worktree, profiled, commands(build="touch built"))
    assert "no evidence" in text
    assert "It has moved: most was spent in old (50%), now it is new (75%)." in text
    assert "| 90.0% | 25.0% | 50.0% | old | a.py:1 |" in text and "| 80.0% | 75.0% | 0.0% | new | a.py:3 |" in text
    with pytest.raises(Refused, match="no memory"):
        await profiling(worktree, failing, commands())
    with pytest.raises(Refused, match="The build failed"):
        await profiling(worktree, profiled, commands(build="false"))


def test_without_walls_or_a_profiler_there_is_no_such_tool(worktree: Worktree) -> None:
    context = dataclasses.replace(worktree.context, profiled=lambda: None)  # type: ignore[arg-type,return-value]
    assert Insight(worktree, commands()).running() == []
    assert Insight(dataclasses.replace(worktree, context=context), commands(walls=False)).running() == []


def test_a_profile_says_what_has_moved_since_the_last_keep() -> None:
    """L2: also that nothing has."""
    now, before = profile_of(("a.py", "f", 1, 0.6, 0.6)), profile_of(("a.py", "f", 1, 0.8, 0.8))
    assert "spent in f as before (80% before, 60% now)" in parts.profile_text(now, before)
    assert "itself before" not in parts.profile_text(now)
    assert "itself before" not in parts.profile_text(now, Profile("none", "", 0, 0, ()))
