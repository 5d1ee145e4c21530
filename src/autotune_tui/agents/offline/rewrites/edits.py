"""Applying one rewrite's changes to a tree: replaced nodes, statements before, after and gone, imports, constants."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

_Line = cst.SimpleStatementLine | cst.BaseCompoundStatement
Transform = Callable[[Any], cst.CSTNode]


@dataclass(slots=True)
class Edit:
    """Changes to one tree. Statements are source text; they take the file's line ends and indentation."""

    change: dict[cst.CSTNode, Transform] = field(default_factory=dict)
    """Node -> function from the node as it is by then (its children already changed) to what stands there instead."""
    before: dict[cst.CSTNode, list[str]] = field(default_factory=dict)
    after: dict[cst.CSTNode, list[str]] = field(default_factory=dict)
    remove: set[cst.CSTNode] = field(default_factory=set)
    imports: list[str] = field(default_factory=list)
    constants: list[tuple[str, cst.CSTNode | None]] = field(default_factory=list)
    """Lines for the top of the file, each behind a statement of it or (None) behind the imports."""

    def replace(self, node: cst.CSTNode, text: str) -> None:
        """Put the expression `text` in the place of `node`."""
        self.change[node] = lambda _: cst.parse_expression(text)

    def insert_before(self, statement: cst.CSTNode, *lines: str) -> None:
        self.before.setdefault(statement, []).extend(lines)

    def insert_after(self, statement: cst.CSTNode, *lines: str) -> None:
        self.after.setdefault(statement, []).extend(lines)

    def need(self, import_line: str) -> None:
        if import_line:
            self.imports.append(import_line)


def perform(tree: cst.Module, edit: Edit) -> cst.Module:
    """The tree with all changes of `edit` made."""
    body = list(tree.body)
    for text, anchor in reversed(edit.constants):
        place = body.index(anchor) + 1 if anchor in body else after_imports(body)  # type: ignore[arg-type]
        _insert(tree, body, place, text)
    for text in edit.imports:
        _insert(tree, body, after_imports(body), text)
    performer = _Performer(tree, edit)
    changed = tree.with_changes(body=body).visit(performer)
    assert isinstance(changed, cst.Module)
    return changed


def _insert(tree: cst.Module, body: list[_Line], place: int, text: str) -> None:
    """Put a line or a function in at `place`, with the usual blank lines around it."""
    added = _statement(tree, text)
    if place > 0:
        added = added.with_changes(leading_lines=_blank(_distance(body[place - 1], added)))
    if place < len(body) and not any(line.comment is None for line in body[place].leading_lines):
        lines = [*_blank(_distance(added, body[place])), *body[place].leading_lines]
        body[place] = body[place].with_changes(leading_lines=lines)
    body.insert(place, added)


def _distance(above: cst.CSTNode, below: cst.CSTNode) -> int:
    """How many blank lines stand between two statements at the top of a file."""
    if isinstance(above, (cst.FunctionDef, cst.ClassDef)) or isinstance(below, (cst.FunctionDef, cst.ClassDef)):
        return 2
    return 0 if _is_import(above) and _is_import(below) and not (_is_future(above) or _is_future(below)) else 1


def _blank(count: int) -> list[cst.EmptyLine]:
    return [cst.EmptyLine(indent=False)] * count


def _statement(tree: cst.Module, text: str) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
    """The statement as the file would write it: `text` has plain line ends and four spaces."""
    own = re.sub(r"\r?\n(    )?", lambda found: tree.default_newline + (tree.default_indent if found[1] else ""), text)
    return cst.parse_statement(own, config=tree.config_for_parsing)


def _prologue(body: Sequence[cst.BaseStatement | cst.SimpleStatementLine]) -> int:
    """How many leading statements are the docstring and `from __future__` imports."""
    count = 0
    for index, statement in enumerate(body):
        small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        docstring = index == 0 and isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)
        if not docstring and not _is_future(statement):
            break
        count += 1
    return count


def _is_future(statement: cst.CSTNode) -> bool:
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return (
        isinstance(small, cst.ImportFrom) and isinstance(small.module, cst.Name) and small.module.value == "__future__"
    )


def after_imports(body: Sequence[cst.BaseStatement | cst.SimpleStatementLine]) -> int:
    """The index behind the import lines at the top of a file."""
    place = _prologue(body)
    while place < len(body) and _is_import(body[place]):
        place += 1
    return place


def behind(tree: cst.Module, needed: Sequence[cst.BaseStatement]) -> cst.BaseStatement | None:
    """The statement behind which a constant that needs `needed` must stand; None when behind the imports will do."""
    body = list(tree.body)
    leading = body[: after_imports(body)]
    later = [number for number, statement in enumerate(body) if statement in needed and statement not in leading]
    if not later:
        return None
    place = later[-1]
    while _is_import(body[place]) and place + 1 < len(body) and _is_import(body[place + 1]):
        place += 1
    return body[place]


def _is_import(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and all(
        isinstance(small, (cst.Import, cst.ImportFrom)) for small in statement.body
    )


class _Performer(cst.CSTTransformer):
    def __init__(self, tree: cst.Module, edit: Edit) -> None:
        super().__init__()
        self._tree = tree
        self._edit = edit

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        edit = self._edit
        updated: Any = super().on_leave(original_node, updated_node)
        if original_node in edit.change:
            updated = edit.change[original_node](updated)
        if original_node in edit.remove:
            return cst.RemoveFromParent()
        if original_node not in edit.before and original_node not in edit.after:
            return updated
        first = [_statement(self._tree, text) for text in edit.before.get(original_node, ())]
        if first:
            lines = list(updated.leading_lines)
            blank = next((i for i, line in enumerate(lines) if line.comment is not None), len(lines))
            first[0] = first[0].with_changes(leading_lines=lines[:blank])
            updated = updated.with_changes(leading_lines=lines[blank:])
        last = [_statement(self._tree, text) for text in edit.after.get(original_node, ())]
        return cst.FlattenSentinel([*first, updated, *last])
