"""Tools that look at files and change them."""

from __future__ import annotations

import fnmatch
import shutil
from pathlib import Path

from pydantic import Field

from autotune_tui.agents.claude.tools.base import AnyTool, Input, Refused, Tool, inside
from autotune_tui.agents.claude.tools.process import GIT, look
from autotune_tui.agents.claude.tools.worktree import Worktree

MOST_LINES = 600
MOST_FOUND = 200
LARGEST = 8 << 20


class Read(Input):
    path: str = Field(description="Relative to the worktree's root")
    start: int = Field(1, ge=1, description="First line, from 1")
    lines: int = Field(MOST_LINES, ge=1, le=MOST_LINES, description="How many lines")


class List(Input):
    pattern: str = Field("*", description="A glob pattern such as src/*.py; * also matches slashes")


class Search(Input):
    pattern: str = Field(description="An extended regular expression, or plain words", min_length=1)
    glob: str = Field("", description="Only in files that this pattern matches, such as *.py")


class Replace(Input):
    path: str = Field(description="Relative to the worktree's root")
    old: str = Field(description="Text that stands in the file exactly once, with enough around it", min_length=1)
    new: str = Field(description="What it becomes")
    everywhere: bool = Field(False, description="Replace every occurrence, not only one")


class Create(Input):
    path: str = Field(description="Relative to the worktree's root")
    text: str = Field(description="The whole file; an existing one is replaced")


class Delete(Input):
    path: str = Field(description="Relative to the worktree's root")


class Files:
    """The tools of one step on one worktree."""

    def __init__(self, worktree: Worktree) -> None:
        self._worktree = worktree

    def looking(self) -> list[AnyTool]:
        return [
            Tool("read_file", "Shows a file's lines, each after its number and a tab.", Read, self._read),
            Tool("list_files", "Lists files; those that may be changed are marked with *.", List, self._list),
            Tool("search", "Finds lines in all files of the repository.", Search, self._search),
        ]

    def changing(self) -> list[AnyTool]:
        return [
            Tool("edit_file", "Replaces a text of a file by another one, exactly.", Replace, self._replace),
            Tool("create_file", "Writes a whole file.", Create, self._create),
            Tool("delete_file", "Deletes a file.", Delete, self._delete),
        ]

    async def _read(self, given: Read) -> str:
        lines = _text(inside(self._worktree.root, given.path), given.path).splitlines()
        if given.start > max(1, len(lines)):
            raise Refused(f"{given.path} has {len(lines)} lines.")
        shown = lines[given.start - 1 : given.start - 1 + given.lines]
        text = "\n".join(f"{number}\t{line}" for number, line in enumerate(shown, given.start))
        rest = len(lines) - (given.start - 1 + len(shown))
        return (f"{text}\n[{rest} more lines]" if rest > 0 else text) or "[the file is empty]"

    async def _list(self, given: List) -> str:
        code, output, errors = await self._look([*GIT, "ls-files", "-co", "--exclude-standard", "-z"])
        if code:
            raise Refused(errors.strip()[:300])
        names = sorted({name for name in output.split("\0") if fnmatch.fnmatchcase(name, given.pattern)})
        marked = [f"{'* ' if self._worktree.allows(name) else '  '}{name}" for name in names]
        return _some(marked, 1000) or "No file matches."

    async def _search(self, given: Search) -> str:
        if rg := shutil.which("rg", path=self._worktree.context.environment.get("PATH")):
            argv = [
                rg,
                "--no-config",
                "--line-number",
                "--no-heading",
                "--color=never",
                "--max-columns=400",
                "--sort=path",
            ]
            argv += [f"--glob={given.glob}"] if given.glob else []
            argv += ["-e", given.pattern, "--", "."]
        else:
            argv = [*GIT, "grep", "-n", "-I", "-E", "--untracked", "--no-color", "-e", given.pattern, "--"]
            argv += [given.glob] if given.glob else []
        code, output, errors = await self._look(argv)
        if code not in (0, 1) and not output:
            raise Refused(errors.strip()[:300] or f"exit code {code}")
        return _some([line.removeprefix("./")[:400] for line in output.splitlines()], MOST_FOUND) or "Nothing found."

    async def _replace(self, given: Replace) -> str:
        path = self._worktree.writable(given.path)
        text, old, new = _text(path, given.path), given.old, given.new
        if "\r\n" in text and "\r\n" not in old:
            old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
        found = text.count(old)
        if not found:
            raise Refused(f"That text is not in {given.path}. Read the file again: spaces and line ends count.")
        if found > 1 and not given.everywhere:
            raise Refused(f"That text is in {given.path} {found} times. Give more of what is around it.")
        if old == new:
            raise Refused("Old and new text are the same.")
        _write(path, text.replace(old, new), given.path)
        return f"Replaced {found} time{'s' if found > 1 else ''} in {given.path}."

    async def _create(self, given: Create) -> str:
        path = self._worktree.writable(given.path)
        if path.is_dir():
            raise Refused(f"{given.path} is a folder.")
        there = path.exists()
        _write(path, given.text, given.path)
        return f"{'Replaced' if there else 'Created'} {given.path}."

    async def _delete(self, given: Delete) -> str:
        path = self._worktree.writable(given.path)
        if not path.is_file():
            raise Refused(f"{given.path} is no file.")
        path.unlink()
        return f"Deleted {given.path}."

    async def _look(self, argv: list[str]) -> tuple[int, str, str]:
        return await look(argv, self._worktree.root, self._worktree.context.environment)


def _text(path: Path, name: str) -> str:
    """The file's text; bytes that are no UTF-8 come back as they are when it is written again. Raises Refused."""
    try:
        if not path.is_file():
            raise Refused(f"There is no file {name}.")
        if path.stat().st_size > LARGEST:
            raise Refused(f"{name} has {path.stat().st_size:,} bytes, which is too much to read.")
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as problem:
        raise Refused(f"{name} cannot be read: {problem.strerror}.") from None


def _write(path: Path, text: str, name: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise Refused("The text has characters that no file can have.") from None
    except OSError as problem:
        raise Refused(f"{name} cannot be written: {problem.strerror}.") from None


def _some(lines: list[str], most: int) -> str:
    rest = len(lines) - most
    return "\n".join([*lines[:most], *([f"[{rest:,} more]"] if rest > 0 else [])])
