"""A piece of text that is only drawn again when it has become another."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Text(Static):
    """Static text. `fixed` says that its size does not depend on what it holds, so that nothing else has to move."""

    def __init__(
        self, text: str = "", *, id: str | None = None, classes: str | None = None, fixed: bool = False
    ) -> None:
        super().__init__(text, id=id, classes=classes, markup=False)
        self._fixed = fixed
        self._shown = Content(text)

    def show(self, text: Content | str) -> None:
        """Show another text, if it is another."""
        content = text if isinstance(text, Content) else Content(text)
        if (content.plain, content.spans) != (self._shown.plain, self._shown.spans):
            self._shown = content
            self.update(content, layout=not self._fixed)
