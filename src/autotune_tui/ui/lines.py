"""Lines of text with styles: what fits into a width, labels with wrapped text, columns."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from autotune_tui.model.value import Value, frozen

Styled = str | tuple[str, str] | Content
"""Text, text with a style, or content."""


@frozen
class Piece(Value):
    """A part of a line. Parts of low priority go first when there is no room: to their short form, then altogether."""

    priority: int
    content: Content
    short: Content | None = None


def line(*parts: Styled) -> Content:
    """Parts put together. Markup in the text means nothing."""
    return Content.assemble(*parts)


def fit(pieces: Sequence[Piece], width: int, gap: str = "  ") -> Content:
    """The pieces side by side in `width` cells, as many and as long as there is room for. The rest is cut with an ellipsis."""
    shown: list[Content | None] = [piece.content for piece in pieces]
    by_priority = sorted(range(len(pieces)), key=lambda place: pieces[place].priority)
    for shorten in (True, False):
        for place in by_priority:
            if _length(shown, gap) <= width:
                break
            if shorten and pieces[place].short is not None:
                shown[place] = pieces[place].short
            elif not shorten and place != by_priority[-1]:
                shown[place] = None
    return Content(gap).join(content for content in shown if content is not None).truncate(max(width, 0), ellipsis=True)


def spread(left: Content, right: Content, width: int) -> Content:
    """One content at the left end, the other at the right; the right one goes when there is no room for both."""
    room = width - left.cell_length - right.cell_length
    if room < 2:
        return left.truncate(max(width, 0), ellipsis=True)
    return Content.assemble(left, " " * room, right)


def labelled(label: str, content: Content, width: int, *, label_width: int = 12, style: str = "") -> list[Content]:
    """A label at the left and the text beside it, wrapped."""
    room = max(width - label_width, 8)
    lines: list[Content] = []
    for number, part in enumerate(content.wrap(room)):
        head = (label if number == 0 else "").ljust(label_width)
        lines.append(Content.assemble((head, style), part.rstrip()))
    return lines or [Content.styled(label, style)]


def cut(lines: Sequence[Content], height: int) -> list[Content]:
    """The first `height` lines; the last of them ends with an ellipsis when there were more."""
    kept = list(lines[: max(height, 0)])
    if kept and len(lines) > height:
        kept[-1] = Content.assemble(kept[-1].rstrip(), " …")
    return kept


def _length(shown: Sequence[Content | None], gap: str) -> int:
    there = [content.cell_length for content in shown if content is not None]
    return sum(there) + len(gap) * max(len(there) - 1, 0)
