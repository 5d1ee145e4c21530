"""The loop screen: everything about the session that runs, on one screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from autotune_tui.ui.store import Store


class LoopScreen(Screen[None]):
    """Shows one store. A replay shows its own store through a subclass."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def compose(self) -> ComposeResult:
        yield Static(id="headline")

    def on_mount(self) -> None:
        self.store.subscribe(self)
        self.store.start()
        self.show()

    def on_store_changed(self, event: Store.Changed) -> None:
        self.show()

    def show(self) -> None:
        """Bring every panel up to date with the store."""
        state = self.store.state
        self.query_one("#headline", Static).update(f"{len(state.experiments)} results, {state.health}")
