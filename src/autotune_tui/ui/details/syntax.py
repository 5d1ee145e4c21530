"""The colours of code: few, and none that a diff or a verdict uses for good and bad."""

from __future__ import annotations

from typing import ClassVar

from pygments.token import Token  # type: ignore[import-untyped]
from textual.highlight import HighlightTheme

from autotune_tui.ui.theme import DIM

Kind = tuple[str, ...]


class Syntax(HighlightTheme):
    """Comments recede, keywords and strings stand out, names stay as they are."""

    STYLES: ClassVar[dict[Kind, str]] = {  # type: ignore[misc]
        Token.Comment: f"{DIM} italic",
        Token.Keyword: "$text-accent",
        Token.Operator.Word: "$text-accent",
        Token.Literal.String: "$text-secondary",
        Token.Literal.String.Doc: f"{DIM} italic",
        Token.Literal.Number: "$text-warning",
        Token.Name.Function: "bold",
        Token.Name.Class: "bold",
        Token.Name.Decorator: "$text-primary",
        Token.Name.Builtin: "$text-primary",
        Token.Name.Tag: "$text-primary",
    }
