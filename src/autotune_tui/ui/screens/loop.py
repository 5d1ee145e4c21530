"""The loop screen: everything about the session that runs, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from autotune_tui.ui import views
from autotune_tui.ui.board import board
from autotune_tui.ui.commands import COMMANDS, Situation, choose, shown_keys
from autotune_tui.ui.evidence import concluded, evidence
from autotune_tui.ui.follower import is_timed
from autotune_tui.ui.layout import PANELS, PanelName, kind
from autotune_tui.ui.output import output_file
from autotune_tui.ui.spoken import POLL_SECONDS, Spoken
from autotune_tui.ui.store import Store
from autotune_tui.ui.trend import trend
from autotune_tui.ui.widgets.bench import BenchPanel, BenchView
from autotune_tui.ui.widgets.evidence import EvidencePanel
from autotune_tui.ui.widgets.headline import Headline
from autotune_tui.ui.widgets.health import HealthPanel
from autotune_tui.ui.widgets.keys import Key, KeysLine, KeysView
from autotune_tui.ui.widgets.leaderboard import Leaderboard
from autotune_tui.ui.widgets.panels import Panels
from autotune_tui.ui.widgets.phases import PhasesLine
from autotune_tui.ui.widgets.plan import PlanPanel, plan
from autotune_tui.ui.widgets.status_line import StatusLine
from autotune_tui.ui.widgets.trend import TrendPanel

if TYPE_CHECKING:
    from textual.command import Provider

    from autotune_tui.ui.app import AutotuneApp

_TICK_SECONDS = 1.0
_OUTPUT_SECONDS = 0.25
_PLANNING = frozenset({"profile", "plan", "approve", "edit", "scope", "commit"})
_TRYING = frozenset({"build", "check", "oracle"})


def _bindings() -> list[BindingType]:
    keyed: dict[str, Binding] = {}
    for command in COMMANDS:
        keyed.setdefault(
            command.keys,
            Binding(
                command.keys, f"do('{command.id}')", command.label, id=command.id, show=False, tooltip=command.sentence
            ),
        )
    return list(keyed.values())


def _palette() -> type[Provider]:
    from autotune_tui.ui.palette import LoopCommands

    return LoopCommands


class LoopScreen(Screen[None]):
    """Shows one store. A replay shows its own store through a subclass."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_bindings(),
        Binding("tab", "panel(1)", "Next panel", id="panel-next", show=False),
        Binding("shift+tab", "panel(-1)", "Previous panel", id="panel-previous", show=False),
        *(Binding(str(number), f"show('{name}')", name, id=f"panel-{name}", show=False)
          for number, name in enumerate(PANELS, 1)),
        Binding("escape", "back", "Back to all panels", id="back", show=False),
    ]  # fmt: skip
    COMMANDS: ClassVar[set[Any]] = {_palette}
    AUTO_FOCUS = "#leaderboard"
    app: AutotuneApp

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.chosen: PanelName | None = None
        """The panel that the user chose for the large place; None: the one that fits what is being done."""
        self.zoomed = False
        self._spoken = Spoken()
        self._waits = False
        """Whether something new waits for the next tick."""
        self._asked: set[str] = set()
        """The questions of agents that were shown once; then they wait until somebody looks."""
        self._ended: tuple[int, int, int] | None = None
        """What the leaderboard and the trend were made from."""

    def compose(self) -> ComposeResult:
        yield Headline(id="headline")
        yield StatusLine(id="about")
        with Panels(id="panels"):
            yield EvidencePanel(id="evidence")
            yield PlanPanel(id="plan")
            yield BenchPanel(id="bench")
            yield TrendPanel(id="trend")
            yield HealthPanel(id="health")
            yield Leaderboard(id="leaderboard")
        yield StatusLine(id="status")
        yield PhasesLine(id="phases")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.store.subscribe(self)
        self._words = self.set_interval(POLL_SECONDS, self._poll_words, pause=True)
        self.show()
        self.set_interval(_TICK_SECONDS, self.tick)
        self.set_interval(_OUTPUT_SECONDS, self._poll_output)

    def on_unmount(self) -> None:
        self.store.unsubscribe(self)

    def on_store_changed(self, event: Store.Changed) -> None:
        """Paint at once, but while a sample is timed: then with the next tick, which is all the painting that is done."""
        if is_timed(self.store.state):
            self._waits = True
        elif self.is_current:
            self.show()

    def on_screen_resume(self) -> None:
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def show(self) -> None:
        """Bring every panel up to date with the store."""
        self._waits = False
        look, state = self.store.look, self.store.state
        self._show_ended()
        name = self.store.folder.id if self.store.folder else self.store.path.name if self.store.path else ""
        self.query_one(Headline).show(views.headline(state, name, views.condition(look)))
        self._show_plan()
        view = evidence(state, look.looks, look.keep_looks, look.most_pairs)
        panel = self.query_one(EvidencePanel)
        if view.purpose == "nothing" and panel.view is not None:
            view = concluded(panel.view, state)  # the last experiment's stays until the next one measures
        panel.show(view)
        doing = views.activity(state)
        path = output_file(self.store.folder, state) if self.store.folder else None
        self.query_one(BenchPanel).show(BenchView(path, doing, state.config.command, self.store.folder is None))
        self._show_clock()
        self._arrange()
        self._show_question()

    def _show_question(self) -> None:
        """Show what an agent asks, once, where it can be answered."""
        if self.app.mode != "live" or self.store.engine is None or self.app.screen is not self:
            return
        fresh = next((each for each in self.store.state.questions if each.id not in self._asked), None)
        if fresh is not None:
            from autotune_tui.ui.acting import show_question

            self._asked.add(fresh.id)
            show_question(self.app, self, fresh)

    def _show_ended(self) -> None:
        """The leaderboard and the trend change only when an experiment ends, and cost most in a long session."""
        state = self.store.state
        if self.store.look.reading:
            return
        ended = (len(state.experiments), state.segment_number, len(state.vetoes))
        if ended != self._ended or len(state.experiments) < 2:
            self._ended = ended
            self.query_one(Leaderboard).show(board(state))
            self.query_one(TrendPanel).show(trend(state))

    def _show_plan(self) -> None:
        """The plan; until there is one, what the agent says while it thinks."""
        planned = self._planned()
        (self._words.resume if planned else self._words.pause)()  # asked for so often, they would wake us at rest
        self._spoken.poll(self.store.folder, planned)
        self.query_one(PlanPanel).show(plan(self.store.state, self._spoken.lines))

    def _planned(self) -> int:
        """The number of the experiment that is being planned; 0 when none is."""
        state = self.store.state
        current = state.current
        return current.number if current and not current.plan and state.end is None else 0

    def _poll_words(self) -> None:
        """Show what the agent says while it thinks."""
        if self.is_current and self._spoken.poll(self.store.folder, self._planned()):
            self.query_one(PlanPanel).show(plan(self.store.state, self._spoken.lines))

    def tick(self) -> None:
        """Once a second: what changes with time alone, and what has waited."""
        if not self.is_current:
            return
        self.app.watch_engine()
        if self._waits:
            self.show()
        else:
            self._show_clock()
            self._show_plan()
            self._show_question()
        if is_timed(self.store.state):
            self.query_one(BenchPanel).poll()

    def _show_clock(self) -> None:
        """Bring up to date what changes with time alone."""
        store = self.store
        now = store.now if store.at_work else ""
        self.query_one(HealthPanel).show(views.health(store.state, now, views.condition(store.look)))
        self.query_one(PhasesLine).show(views.phases(store.state, now))
        self.query_one("#status", StatusLine).show(self.standings())
        self.query_one("#about", StatusLine).show(views.about(store.look, store.clock().timestamp()))
        self._show_keys()

    def standings(self) -> tuple[views.Standing, ...]:
        """What lasts: of the journal, and of the engine that this application has started."""
        place = self.store.path or (f"a session in {self.app.root}" if self.app.root else "")
        found = views.standings(self.store.look, self.store.clock().timestamp(), str(place))
        return (*self.app.engine_standings(self.store), *found)

    def situation(self) -> Situation:
        """What decides which commands can be done now."""
        store = self.store
        return Situation(
            mode=self.app.mode,
            state=store.state,
            engine=store.engine is not None,
            starting=self.app.is_starting(store),
            folder=store.folder is not None,
            repository=self.app.root is not None,
            selected=self.query_one(Leaderboard).selected,
        )

    def _show_keys(self) -> None:
        keys = tuple(
            Key(self.app.key_of(command), command.label, f"screen.do('{command.id}')")
            for command in shown_keys(self.situation())
        )
        panels = self.query_one(Panels)
        tabs = tuple((name, name == panels.chosen) for name in PANELS[:-1]) if panels.kind == "narrow" else ()
        self.query_one(KeysLine).show(KeysView(keys, tabs))

    def _poll_output(self) -> None:
        """Follow the output; while a sample is timed, the tick does."""
        panel = self.query_one(BenchPanel)
        if self.is_current and panel.display and not is_timed(self.store.state):
            panel.poll()

    def _arrange(self) -> None:
        """Give the panels their places."""
        panels = self.query_one(Panels)
        focused = self.focused.id if self.focused else None
        chosen = self.chosen or self._fitting()
        if self.zoomed and focused in PANELS:
            chosen = next(name for name in PANELS if name == focused)
        panels.arrange_as(kind(self.size.width, self.size.height), chosen, zoomed=self.zoomed)
        self._show_keys()

    def _fitting(self) -> PanelName:
        """The panel that shows what is being done."""
        state = self.store.state
        current = state.current
        if current is not None and current.number:
            return "plan" if current.phase in _PLANNING else "bench" if current.phase in _TRYING else "evidence"
        return "evidence" if views.activity(state) else "trend"

    def action_panel(self, by: int) -> None:
        """Go to the next panel; one that is not seen gets the large place."""
        focused = self.focused.id if self.focused else ""
        panels = self.query_one(Panels)
        place = next((place for place, name in enumerate(PANELS) if name == focused), None)
        if place is None or (focused == "leaderboard" and self.chosen is None and by > 0):
            name = panels.chosen
        else:
            name = PANELS[(place + by) % len(PANELS)]
        self.action_show(name)

    def action_show(self, name: PanelName) -> None:
        """Show this panel and give it the focus."""
        if name != "leaderboard":
            self.chosen = name
        self.query_one(f"#{name}").focus()
        self.call_after_refresh(self._arrange)
        self._arrange()

    def action_zoom(self) -> None:
        """Give all the room to the panel that has the focus, or give it back."""
        self.zoomed = not self.zoomed
        self._arrange()

    @property
    def filtered(self) -> str:
        """The words that the leaderboard's rows are filtered by."""
        return self.query_one(Leaderboard).filter

    def filter(self, words: str) -> None:
        self.query_one(Leaderboard).set_filter(words)

    def action_back(self) -> None:
        """From one panel to all; from a chosen panel to the one that fits; from a filter to all rows."""
        leaderboard = self.query_one(Leaderboard)
        if self.zoomed:
            self.zoomed = False
        elif leaderboard.filter:
            leaderboard.set_filter("")
        else:
            self.chosen = None
            leaderboard.focus()
        self._arrange()

    def action_do(self, id: str) -> None:
        """Do the command that a key or a click means, or say why it cannot be done."""
        command = choose(id, self.situation())
        self.app.perform(command.id, self)

    def on_leaderboard_opened(self) -> None:
        self.action_do("details")

    def on_leaderboard_selected(self) -> None:
        self._show_keys()
