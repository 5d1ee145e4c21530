"""The application: which session is open, which screens are shown, and what happens when something goes wrong.

What other screens may use: `app.store` (the open session), `app.root` (the repository), `app.mode`, and the methods
`open_session`, `new_session`, `show_sessions`, `show_details` and `send`.
"""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from autotune_tui.journal.files import SessionFolder
from autotune_tui.ui.commands import Mode
from autotune_tui.ui.store import Store
from autotune_tui.ui.theme import DARK, THEMES


class AutotuneApp(App[int]):
    """The whole interface. Its result is the exit code."""

    TITLE = "autotune-tui"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, store: Store | None = None, *, root: Path | None = None, mode: Mode = "live") -> None:
        """Open `store`; without one, the session of the repository `root` (asks when several, sets up when none)."""
        super().__init__()
        self.store = store or Store()
        self.root = root
        self.mode: Mode = mode
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name

    def on_mount(self) -> None:
        if self.store.path is not None:
            self._show_loop(self.store)
        elif self.root is not None:
            self.show_sessions()

    def open_session(self, session: str) -> None:
        """Show the loop of this session of the repository, in place of the one that is open."""
        if self.root is None:
            raise ValueError("no repository is open")
        folder = SessionFolder.of(self.root, session)
        self.store.stop()
        self.store = Store(folder.journal, folder)
        self._show_loop(self.store)

    def new_session(self) -> None:
        """Show the wizard; the session that it sets up is opened."""
        from autotune_tui.ui.screens.wizard import WizardScreen

        if self.root is not None:
            self.push_screen(WizardScreen(self.root), self._set_up)

    def _set_up(self, session: str | None) -> None:
        if session:
            self.open_session(session)

    def show_sessions(self) -> None:
        """Show the sessions of the repository."""
        from autotune_tui.ui.screens.sessions import SessionsScreen

        if self.root is not None:
            self.push_screen(SessionsScreen(self.root))

    def show_details(self, index: int, tab: str = "") -> None:
        """Show one experiment of the open session whole; `tab` is plan, diff, samples, log, profile, reflexion or time."""
        from autotune_tui.ui.screens.details import DetailsScreen

        self.push_screen(DetailsScreen(index, tab))

    def _show_loop(self, store: Store) -> None:
        from autotune_tui.ui.screens.loop import LoopScreen

        self.push_screen(LoopScreen(store))
