"""Tools that look into a program: where its time goes as it is now, and what one of its functions is compiled to."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import Field

from autotune_tui.agents.claude import parts
from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool, inside
from autotune_tui.agents.claude.tools.commands import Commands, Nothing, Runner
from autotune_tui.agents.claude.tools.process import look
from autotune_tui.agents.claude.tools.worktree import Worktree
from autotune_tui.agents.text import harmless
from autotune_tui.errors import AutotuneError

SNAPSHOT = "disasm-snapshot.txt"
_PYTHON = re.compile(r"python[\d.]*")
_ELF = b"\x7fELF"
_MOST_NAMES = 1500

_BYTECODE = """
import dis, sys
path, wanted = sys.argv[1:]
with open(path, "rb") as file:
    whole = compile(file.read(), path, "exec", dont_inherit=True)
def inner(code, name):
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            full = (name + "." + const.co_name).lstrip(".")
            yield full, const
            yield from inner(const, full)
known = list(inner(whole, ""))
found = [each for each in known if each[0] == wanted or each[0].endswith("." + wanted)]
if not found:
    sys.exit("functions: " + ", ".join(sorted({name for name, _ in known if "<" not in name})))
print("Python", sys.version.split()[0])
for name, code in found:
    print("\\n%s, line %d" % (name, code.co_firstlineno))
    dis.dis(code, depth=0)
"""
"""For the interpreter that runs the program: only that one makes its bytecode. The file is compiled and not run."""


class Function(Input):
    path: str = Field(description="A Python file, a compiled program or library, or a .class file, in the worktree")
    function: str = Field(description="The function's name, such as parse or Rows.parse", min_length=1)


class Insight:
    """The tools of one step on one worktree."""

    def __init__(self, worktree: Worktree, commands: Commands) -> None:
        self._worktree, self._commands = worktree, commands

    def reading(self) -> list[AnyTool]:
        """What runs nothing of the program."""
        about = "Shows the bytecode (Python, Java) or the machine code of a function."
        return [Tool("disassemble", about, Function, self._disassemble)]

    def running(self) -> list[AnyTool]:
        if self._commands.confine is None or not self._commands.benchmark or self._worktree.context.profiled is None:
            return []
        about = "Profiles the benchmark on the worktree as it is now, beside what the incumbent's profile says."
        return [Tool("profile", about, Nothing, self._profile)]

    async def _profile(self, given: Nothing) -> str:
        context = self._worktree.context
        assert context.profiled is not None
        await Runner(self._worktree, self._commands).built()
        try:
            found = await context.profiled()
        except AutotuneError as problem:
            raise Refused(f"{problem.title}: {problem.message}") from None
        return f"One run, which is no evidence.\n{parts.profile_text(found, context.profile)}"

    async def _disassemble(self, given: Function) -> str:
        path = inside(self._worktree.root, given.path)
        if not path.is_file():
            raise Refused(f"There is no file {given.path}. What is compiled is there only after the build.")
        if path.suffix == ".py":
            said = await self._python(path, given)
        elif path.suffix == ".class":
            said = await self._java(path, given)
        elif _starts_with(path, _ELF):
            said = await self._native(path, given)
        else:
            raise Refused(f"{given.path} is no Python file, no compiled program and no .class file.")
        text = harmless(said).strip()
        with (self._worktree.context.artifacts / SNAPSHOT).open("a", encoding="utf-8") as file:
            file.write(f"== {given.function} in {given.path}\n{text}\n\n")
        return text

    async def _python(self, path: Path, given: Function) -> str:
        root, where = self._worktree.root, self._worktree.context.environment.get("PATH")
        own = self._commands.benchmark if self._commands.confine else ""  # without walls nothing of the worktree is run
        python = _interpreter(own, root, where)
        code, output, errors = await self._look([python, "-I", "-B", "-c", _BYTECODE, str(path), given.function])
        if code:
            last = errors.strip().splitlines()[-1:] or ["it cannot be compiled"]
            raise Refused(f"There is no bytecode of {given.function}. {last[0][:600]}")
        return output

    async def _java(self, path: Path, given: Function) -> str:
        output = await self._with("javap", "-c", "-p", str(path))
        name = given.function.rpartition(".")[2]
        return _paragraphs(output, lambda head: re.search(rf"\b{re.escape(name)}\(", head), given)

    async def _native(self, path: Path, given: Function) -> str:
        common = ("objdump", "-d", "-C", "--no-show-raw-insn")
        output = await self._with(*common, f"--disassemble={given.function}", str(path))
        if ">:" not in output:
            output = await self._with(*common, str(path))
        name = given.function.replace("::", ".").rpartition(".")[2]
        return _paragraphs(output, lambda head: re.search(rf"<(?:.*\W)?{re.escape(name)}\b.*>:", head), given)

    async def _with(self, program: str, *arguments: str) -> str:
        if not shutil.which(program, path=self._worktree.context.environment.get("PATH")):
            raise Refused(f"{program} is not installed here.")
        code, output, errors = await self._look([program, *arguments])
        if code and not output:
            raise Refused(errors.strip()[:300] or f"{program} failed with exit code {code}.")
        return output

    async def _look(self, argv: Sequence[str]) -> tuple[int, str, str]:
        root = self._worktree.root
        before = self._commands.confine(root) if self._commands.confine else ()
        return await look([*before, *argv], root, self._worktree.context.environment)


def _interpreter(command: str | Sequence[str], root: Path, path: str | None) -> str:
    """The Python that the benchmark names, else the one that would be found, else ours."""
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        words = []
    for word in words:
        if _PYTHON.fullmatch(Path(word).name):
            named = str(root / word) if "/" in word else shutil.which(word, path=path)
            if named and Path(named).exists():
                return named
    return shutil.which("python3", path=path) or sys.executable


def _paragraphs(text: str, wanted: Callable[[str], object], given: Function) -> str:
    """The paragraphs, one for each function, whose first line is of the wanted one. Raises Refused, with other names."""
    blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", text)]
    heads = {block: _head(block) for block in blocks}
    found = [block for block, head in heads.items() if head and wanted(head)]
    if not found:
        names = ", ".join(head.strip().rstrip(":;") for head in heads.values() if head)
        raise Refused(f"There is no code of {given.function} in {given.path}. There is: {names[:_MOST_NAMES]}")
    return "\n\n".join(found)


def _head(block: str) -> str:
    """The line that names the function: javap has the class before it, in the first paragraph."""
    lines = [line for line in block.splitlines() if re.search(r"<.*>:$|\(.*\).*;$", line)]
    return lines[0] if lines else ""


def _starts_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark
