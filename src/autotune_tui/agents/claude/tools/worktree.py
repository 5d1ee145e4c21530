"""The candidate worktree as the tools see it: what is in scope, and what was changed so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotune_tui.agents.base import Context
from autotune_tui.agents.claude.tools.base import Refused, inside
from autotune_tui.agents.claude.tools.process import git
from autotune_tui.scope import ScopeMatcher

_OURS = ("./autotune.toml", "./.autotune/")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Worktree:
    """What one step may look at and change."""

    context: Context
    known: frozenset[str]
    """Every file of the incumbent."""
    scope: ScopeMatcher

    @property
    def root(self) -> Path:
        return self.context.directory

    def allows(self, name: str) -> bool:
        """Whether a candidate may change the path: a file in scope, or a new one that would be."""
        return name in self.context.files or (name not in self.known and self.scope.allows(name))

    def writable(self, name: str) -> Path:
        """The path to write. Raises Refused for what is not in scope, with what is."""
        path = inside(self.root, name)
        own = path.relative_to(self.root.resolve()).as_posix()
        if self.allows(own):
            return path
        patterns = ", ".join(self.context.include)
        without = f", without {', '.join(self.context.exclude)}" if self.context.exclude else ""
        raise Refused(f"{own} may not be changed. In scope: {patterns}{without}; never what is locked.")

    async def changed(self) -> list[str]:
        """The paths that differ from the incumbent, sorted; new files included, ignored ones not."""
        changed = await self._git("diff", "--name-only", "-z", self.context.incumbent, "--")
        return sorted({*_names(changed), *await self._new()})

    async def diff(self) -> str:
        """The change so far as a unified diff, new files as added lines."""
        text = await self._git("diff", "--no-ext-diff", "--no-textconv", "--no-color", self.context.incumbent, "--")
        return text + "".join(self._added(name) for name in await self._new())

    async def _new(self) -> list[str]:
        return sorted(_names(await self._git("ls-files", "--others", "--exclude-standard", "-z")))

    def _added(self, name: str) -> str:
        path = self.root / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            return f"diff --git a/{name} b/{name}\nnew file, not shown\n"
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
        added = "".join(f"+{line}\n" for line in lines)
        return f"diff --git a/{name} b/{name}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n{added}"

    async def _git(self, *arguments: str) -> str:
        return await git(self.root, self.context.environment, *arguments)


async def open_worktree(context: Context) -> Worktree:
    """Raises AgentError when git cannot tell."""
    listed = await git(context.directory, context.environment, "ls-tree", "-r", "--name-only", "-z", context.incumbent)
    return Worktree(context, frozenset(_names(listed)), ScopeMatcher(context.include, context.exclude, _OURS))


def _names(text: str) -> list[str]:
    return [name for name in text.split("\0") if name]
