"""The area of the panels: puts each where the layout says, and hides the others."""

from __future__ import annotations

from typing import cast

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from autotune_tui.ui.layout import PANELS, Kind, PanelName, places


class _PanelLayout(Layout):
    """Asks `layout.places`."""

    name = "panels"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        found = cast("Panels", parent).places(size)
        return [
            WidgetPlacement(found[name], Offset(0, 0), Spacing(), child)
            for child in children
            if (name := cast(PanelName, child.id)) in found
        ]


class Panels(Widget):
    """Holds the six panels."""

    DEFAULT_CSS = "Panels { overflow: hidden; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.kind: Kind = "narrow"
        self.chosen: PanelName = "evidence"
        self.zoomed = False
        self._panels_layout = _PanelLayout()

    @property
    def layout(self) -> Layout:
        return self._panels_layout

    def places(self, size: Size) -> dict[PanelName, Region]:
        """The regions of the panels that are shown."""
        found = places(self.kind, size.width, size.height, self.chosen, zoomed=self.zoomed)
        return {name: Region(place.x, place.y, place.width, place.height) for name, place in found.items()}

    def arrange_as(self, kind: Kind, chosen: PanelName, *, zoomed: bool) -> None:
        """Use this layout from now on."""
        if (kind, chosen, zoomed) == (self.kind, self.chosen, self.zoomed) and self.is_arranged:
            return
        self.kind, self.chosen, self.zoomed, self.is_arranged = kind, chosen, zoomed, True
        shown = places(kind, 100, 40, chosen, zoomed=zoomed)
        for name in PANELS:
            panel = self.query_one(f"#{name}")
            panel.display = name in shown
        self.refresh(layout=True)

    is_arranged = False
    """Whether a layout was chosen yet."""
