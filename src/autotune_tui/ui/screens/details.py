"""The details screen: one experiment whole, from its plan to what was learned from it (V3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static, TabbedContent, TabPane

from autotune_tui.ui.details import subject as about
from autotune_tui.ui.details.diff_pane import DiffPane
from autotune_tui.ui.details.document_pane import DocumentPane
from autotune_tui.ui.details.log_pane import LogPane
from autotune_tui.ui.details.pane import Context, Pane
from autotune_tui.ui.details.profile_pane import ProfilePane
from autotune_tui.ui.details.samples_pane import SamplesPane
from autotune_tui.ui.details.time_pane import TimePane
from autotune_tui.ui.editor import open_in_editor
from autotune_tui.ui.lines import Piece, fit, line, spread
from autotune_tui.ui.store import Store
from autotune_tui.ui.theme import DIM
from autotune_tui.ui.widgets.keys import Key, KeysLine, KeysView

if TYPE_CHECKING:
    from autotune_tui.ui.app import AutotuneApp

_KEYS = (
    Key("n", "next", "screen.next"),
    Key("N", "previous", "screen.previous"),
    Key("c", "copy", "screen.copy"),
    Key("o", "open in editor", "screen.edit"),
    Key("esc", "back", "screen.dismiss"),
)
TABS = ("plan", "diff", "samples", "log", "profile", "reflexion", "time")
MOST_COPIED = 74_000
"""Characters that a terminal takes for its clipboard; several stop at 100,000 bytes of base64."""


class DetailsScreen(Screen[None]):
    """Shows one experiment of the session that is open; while it runs, as far as it has come."""

    CSS_PATH = "details.tcss"
    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right", "next", "next", id="details.next", tooltip="The next experiment", show=False),
        Binding("N,left", "previous", "previous", id="details.previous", tooltip="The experiment before", show=False),
        Binding(
            "c", "copy", "copy", id="details.copy", tooltip="Copy what this tab shows to the clipboard", show=False
        ),
        Binding("o", "edit", "editor", id="details.edit", tooltip="Open the file of this tab in $EDITOR", show=False),
        Binding("escape,q", "dismiss", "back", id="details.back", tooltip="Back to the loop", show=False),
        Binding("d", "tab('diff')", "diff", id="details.diff", show=False),
        Binding("l", "tab('log')", "log", id="details.log", show=False),
        *(Binding(str(n), f"tab('{name}')", name, id=f"details.tab{n}", show=False) for n, name in enumerate(TABS, 1)),
    ]

    def __init__(self, index: int, tab: str = "", store: Store | None = None) -> None:
        """Experiment `index` (0: the last baseline) of the store, by default of the application's; `tab` is one of `TABS`."""
        super().__init__()
        self._index = index
        self._tab = tab if tab in TABS else TABS[0]
        self._store = store
        self.subject: about.Subject | None = None

    @property
    def store(self) -> Store:
        return self._store or cast("AutotuneApp", self.app).store

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with TabbedContent(initial=self._tab):
            with TabPane("Plan", id="plan"):
                yield DocumentPane(
                    "plan.md",
                    "its plan",
                    "The agent's plan appears here as soon as it has written one: bottleneck, hypothesis, approaches.",
                    "It ended before it was planned. Else bottleneck, hypothesis and approaches would stand here.",
                    id="plan-text",
                )
            with TabPane("Diff", id="diff"):
                yield DiffPane()
            with TabPane("Samples", id="samples"):
                yield SamplesPane()
            with TabPane("Log", id="log"):
                yield LogPane()
            with TabPane("Profile", id="profile"):
                yield ProfilePane()
            with TabPane("Reflexion", id="reflexion"):
                yield DocumentPane(
                    "reflexion.md",
                    "what was learned",
                    "What was learned appears here after the verdict: what surprised, lessons, where to go next.",
                    "It ended without a look back. Else surprises, lessons and directions would stand here.",
                    id="reflexion-text",
                )
            with TabPane("Time", id="time"):
                yield TimePane()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.query_one(KeysLine).show(KeysView(_KEYS))
        self.store.subscribe(self)
        self.subject = about.find(self.store.state, self._index, self.store.folder)
        self.show()
        self._focus_pane()

    def on_store_changed(self, event: Store.Changed) -> None:
        if self.subject is not None:
            self._turn_to(self.subject.place)

    def on_resize(self) -> None:
        self._show_head()

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        self.show()
        if not isinstance(self.focused, type(event.tabbed_content.query_one("ContentTabs"))):
            self._focus_pane()

    def show(self) -> None:
        """Bring the head and the tab in sight up to date."""
        self._show_head()
        if self.subject is None:
            return
        store = self.store
        state = store.state
        self._pane().show(Context(self.subject, store.path, state.calibration_samples, store.now))

    def _show_head(self) -> None:
        head = self.query_one("#head", Static)
        width = max(self.size.width - 2, 0)
        subject = self.subject
        if subject is None:
            head.update(Content(f"There is no experiment {self._index} in this journal."))
            return
        number = "" if subject.ended and subject.ended.baseline else f"#{subject.number} "
        before = f"◂ {_name(subject.before)}" if subject.before is not None else ""
        after = f"{_name(subject.after)} ▸" if subject.after is not None else ""
        ways = " · ".join(way for way in (before, after) if way)
        glyph, words, colour = about.verdict(subject)
        pieces = [Piece(10, line((f"{glyph} {words}", colour)))]
        pieces += [Piece(9 - place, Content(text)) for place, text in enumerate(about.figures(subject))]
        title = line((number, "bold $text-accent"), (subject.title, "bold"))
        head.update(Content("\n").join([spread(title, line((ways, DIM)), width), fit(pieces, width, "   ")]))

    def _pane(self) -> Pane:
        active = self.query_one(TabbedContent).active
        return self.query_one(f"TabPane#{active} Pane", Pane)

    def _focus_pane(self) -> None:
        target = next((widget for widget in self._pane().query("*") if widget.focusable and widget.id != "files"), None)
        self.set_focus(target)

    def _turn_to(self, place: int) -> None:
        found = about.at(self.store.state, place, self.store.folder)
        if found is not None:
            self.subject = found
        self.show()

    def action_next(self) -> None:
        if self.subject is not None:
            self._turn_to(self.subject.place + 1)

    def action_previous(self) -> None:
        if self.subject is not None:
            self._turn_to(self.subject.place - 1)

    def action_tab(self, name: str) -> None:
        self.query_one(TabbedContent).active = name

    def action_copy(self) -> None:
        text = self._pane().copyable()
        if not text:
            self.notify("There is nothing to copy here.", severity="warning")
            return
        self.app.copy_to_clipboard(text[:MOST_COPIED])
        cut = f"; the first {MOST_COPIED:,} of {len(text):,} characters" if len(text) > MOST_COPIED else ""
        self.notify(f"Sent to the clipboard of your terminal{cut}.")

    @work(exclusive=True, group="editor")
    async def action_edit(self) -> None:
        path = self._pane().file()
        if path is None:
            self.notify("There is no file to open here.", severity="warning")
            return
        problem = await open_in_editor(self.app, path)
        if problem:
            self.notify(problem, severity="error")
        self.show()


def _name(number: int | None) -> str:
    return "baseline" if number == 0 else str(number)
