"""A patch as files and lines, and its lines with the colours of their language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from textual.content import Content

from autotune_tui.model.value import Value, frozen
from autotune_tui.text import harmless
from autotune_tui.ui.theme import DIM

Kind = Literal["file", "hunk", "context", "add", "remove", "note", "gap"]
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$")
_TINT = {"add": "on $success 12%", "remove": "on $error 12%"}
_SIGN = {"add": "+", "remove": "-"}
_SIGN_STYLE = {"add": "bold $text-success", "remove": "bold $text-error"}
_LONGEST = 2000
"""Characters of a line beyond which it is shown without colours: minified code would take seconds."""


@frozen
class DiffLine(Value):
    """A line of a patch. `old` and `new` are its numbers on the two sides."""

    kind: Kind
    text: str
    old: int | None = None
    new: int | None = None


@frozen
class FileDiff(Value):
    """What a patch does to one file."""

    path: str
    lines: tuple[DiffLine, ...]
    """The first is the heading."""
    added: int
    removed: int
    change: str = ""
    """new, deleted, renamed, mode; empty for an edit."""


def parse(patch: str) -> tuple[FileDiff, ...]:
    """The files of a patch as git writes it; text that is no patch gives none."""
    files: list[FileDiff] = []
    current: _File | None = None
    for line in harmless(patch).split("\n"):
        if line.startswith("diff --git "):
            if current is not None:
                files.append(current.done())
            current = _File(_path(line))
        elif current is not None:
            current.take(line)
    if current is not None:
        files.append(current.done())
    return tuple(files)


@dataclass(slots=True)
class _File:
    """One file while its part of the patch is read."""

    path: str
    change: str = ""
    lines: list[DiffLine] = field(default_factory=list)
    old: int = 0
    new: int = 0
    in_hunk: bool = False

    def take(self, line: str) -> None:
        hunk = _HUNK.match(line)
        if hunk:
            self.old, self.new, self.in_hunk = int(hunk[1]), int(hunk[2]), True
            self.lines.append(DiffLine("hunk", hunk[3], self.old, self.new))
        elif not self.in_hunk:
            self._header(line)
        elif line.startswith("+"):
            self.lines.append(DiffLine("add", line[1:], None, self.new))
            self.new += 1
        elif line.startswith("-"):
            self.lines.append(DiffLine("remove", line[1:], self.old, None))
            self.old += 1
        elif line.startswith(" "):
            self.lines.append(DiffLine("context", line[1:], self.old, self.new))
            self.old, self.new = self.old + 1, self.new + 1
        elif line.startswith("\\"):
            self.lines.append(DiffLine("note", line.removeprefix("\\ ").lower()))

    def _header(self, line: str) -> None:
        for start, change in (("new file", "new"), ("deleted file", "deleted"), ("rename to ", "renamed")):
            if line.startswith(start):
                self.change = change
                if change == "renamed":
                    self.path = _unquoted(line.removeprefix(start))
        if line.startswith("old mode"):
            self.change = self.change or "mode"
        if line.startswith(("Binary files", "GIT binary patch")):
            self.lines.append(DiffLine("note", "a binary file"))

    def done(self) -> FileDiff:
        added = sum(line.kind == "add" for line in self.lines)
        removed = sum(line.kind == "remove" for line in self.lines)
        heading = DiffLine("file", self.path)
        return FileDiff(self.path, (heading, *self.lines, DiffLine("gap", "")), added, removed, self.change)


def _path(line: str) -> str:
    """The path of "diff --git a/x b/x", which may be quoted and may hold blanks."""
    names = line.removeprefix("diff --git ")
    if names.endswith('"'):
        return _unquoted(names[names.rindex(' "') + 1 :]).removeprefix("b/")
    half = (len(names) - 1) // 2
    return (
        names[half + 1 :].removeprefix("b/")
        if names[:half][2:] == names[half + 1 :][2:]
        else names.rpartition(" b/")[2]
    )


def _unquoted(name: str) -> str:
    """A path that git has quoted, with its bytes as octal numbers, as it is."""
    if not (name.startswith('"') and name.endswith('"')):
        return name
    text = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name[1:-1])
    return re.sub(r"\\(.)", r"\1", text).encode("latin-1", "replace").decode("utf-8", "replace")


class DiffLines:
    """The lines of all files of a patch, for a `LineView`. The colours of a file are worked out when it comes into sight."""

    def __init__(self, files: tuple[FileDiff, ...]) -> None:
        self.files = files
        self._lines = [(place, number) for place, file in enumerate(files) for number in range(len(file.lines))]
        self._coloured: dict[int, list[Content]] = {}
        highest = max((max(line.old or 0, line.new or 0) for file in files for line in file.lines), default=0)
        self._digits = len(str(highest))
        self.count = len(self._lines)
        longest = max((len(line.text.expandtabs(4)) for file in files for line in file.lines), default=0)
        self.width = longest + 2 * self._digits + 5

    def first_line(self, place: int) -> int:
        """Where the file begins."""
        return sum(len(file.lines) for file in self.files[:place])

    def file_at(self, y: int) -> int:
        return self._lines[y][0] if 0 <= y < self.count else 0

    def line(self, y: int, width: int) -> Content:
        place, number = self._lines[y]
        line = self.files[place].lines[number]
        if line.kind == "file":
            return self._heading(self.files[place], width)
        if line.kind == "gap":
            return Content.empty()
        if line.kind == "hunk":
            return Content.assemble((f"{'':>{2 * self._digits + 3}}⋯ ", DIM), (line.text, DIM))
        if line.kind == "note":
            return Content.assemble((f"{'':>{2 * self._digits + 5}}{line.text}", f"italic {DIM}"))
        numbers = f" {_blank(line.old):>{self._digits}} {_blank(line.new):>{self._digits}} "
        content = Content.assemble(
            (numbers, DIM),
            (f"{_SIGN.get(line.kind, ' ')} ", _SIGN_STYLE.get(line.kind, "")),
            self._code(place)[number],
        )
        tint = _TINT.get(line.kind)
        return content.pad_right(max(width - content.cell_length, 0)).stylize_before(tint) if tint else content

    def _heading(self, file: FileDiff, width: int) -> Content:
        counts = Content.assemble((f"+{file.added}", "$text-success"), " ", (f"-{file.removed}", "$text-error"))
        words = Content.assemble(
            ("▌ ", "$text-accent"), (file.path, "bold"), f"  {file.change}  " if file.change else "  "
        )
        heading = words + counts
        return heading.pad_right(max(width - heading.cell_length, 0)).stylize_before("on $panel")

    def _code(self, place: int) -> list[Content]:
        if place not in self._coloured:
            self._coloured[place] = coloured(self.files[place])
        return self._coloured[place]


def coloured(file: FileDiff) -> list[Content]:
    """The text of each line in the colours of the file's language; each side is coloured as a whole."""
    plain = [Content(line.text.expandtabs(4)) for line in file.lines]
    if any(len(content) > _LONGEST for content in plain):
        return plain
    for side in ("remove", "add"):
        numbers = [n for n, line in enumerate(file.lines) if line.kind in ("context", side)]
        code = "\n".join(plain[n].plain for n in numbers)
        for number, content in zip(numbers, _highlighted(code, file.path), strict=False):
            if content.plain == plain[number].plain:  # else the lexer has split the lines in another way
                plain[number] = content
    return plain


def _highlighted(code: str, path: str) -> list[Content]:
    """The lines of the code in colours; none for a language that is not known by its file's name."""
    from pygments.lexers import find_lexer_class_for_filename  # type: ignore[import-untyped]
    from textual.highlight import highlight

    from autotune_tui.ui.details.syntax import Syntax

    lexer = find_lexer_class_for_filename(path)
    if lexer is None or not lexer.aliases:
        return []
    return highlight(code, language=lexer.aliases[0], theme=Syntax, tab_size=4).split("\n")


def _blank(number: int | None) -> str:
    return "" if number is None else str(number)
