"""The application: which session is open, which screens are shown, and what happens when something goes wrong.

What other screens may use: `app.store` (the open session), `app.root` (the repository), `app.mode`, and the methods
`open_session`, `new_session`, `show_sessions`, `show_details`, `start_engine` and `send`.
"""

from __future__ import annotations

import gc
import select
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from autotune_tui.errors import AutotuneError
from autotune_tui.journal.files import SessionFolder
from autotune_tui.model.events import Control
from autotune_tui.model.format import one_line
from autotune_tui.model.state import DEFERRED
from autotune_tui.ui.commands import BY_ID, COMMANDS, Command, Mode
from autotune_tui.ui.follower import Look
from autotune_tui.ui.settings import Settings
from autotune_tui.ui.store import Store
from autotune_tui.ui.theme import THEMES

if TYPE_CHECKING:
    from autotune_tui.ui.engine import EngineProcess
    from autotune_tui.ui.screens.loop import LoopScreen
    from autotune_tui.ui.views import Standing


_WAIT_SECONDS = 0.5
_TERMINAL_SECONDS = 1.0
HANGUP = 128 + signal.SIGHUP
"""The exit code when the terminal is gone, as a shell gives it."""


class AutotuneApp(App[int]):
    """The whole interface. Its result is the exit code."""

    TITLE = "autotune-tui"
    CSS_PATH = Path(__file__).with_name("screens") / "loop.tcss"
    """The loop's styles are parsed with all others, not once more for the first screen."""
    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Quit", id="interrupt", show=False),
        Binding("ctrl+z", "suspend_process", "Suspend", id="suspend", show=False),
    ]

    def __init__(
        self,
        store: Store | None = None,
        *,
        root: Path | None = None,
        mode: Mode = "live",
        settings: Settings | None = None,
        settings_path: Path | None = None,
    ) -> None:
        """Open `store`; without one, the sessions of the repository `root`, or the wizard when there are none."""
        super().__init__()
        self.store = store or Store()
        self.root = root
        self.mode: Mode = mode
        self.settings = settings or Settings()
        self.settings_path = settings_path
        self.crash: Exception | None = None
        """What went wrong inside the interface, for the words after it has ended."""
        self._engine: EngineProcess | None = None
        self._leave_when_stopped = False
        self._awaited: dict[str, str] = {}
        """Commands that were sent from here, by id."""
        self._waiting: Timer | None = None
        self._known = False
        """Whether the open session's journal has been read to its end once."""
        self._answered = 0
        """The journal's place up to which answers were told."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.settings.theme if self.settings.theme in self.available_themes else THEMES[0].name
        self.set_keymap(dict(self.settings.keymap))

    def get_default_screen(self) -> Screen[Any]:
        """The loop where its session is known: to paint a blank screen below it first takes a tenth of the start."""
        if self.store.path is None and self.mode != "watch":
            return super().get_default_screen()
        from autotune_tui.ui.screens.loop import LoopScreen

        return LoopScreen(self.store)

    def on_mount(self) -> None:
        self.call_after_refresh(_collect_garbage)
        if not self.is_headless:
            self.set_interval(_TERMINAL_SECONDS, self._leave_without_terminal)
        if self._has_loop:
            self._follow()
        elif self.root is not None:
            self.show_sessions()
        if self.store.path is None and self.mode == "watch":
            self._waiting = self.set_interval(_WAIT_SECONDS, self._look_for_session)

    def _leave_without_terminal(self) -> None:
        """End when the terminal is gone and nobody told us (no SIGHUP): its end of file would be read over and over."""
        if _is_gone(sys.stdin.fileno()):
            self.exit(HANGUP)

    def _look_for_session(self) -> None:
        """Watching a repository without a session: follow the first that appears."""
        from autotune_tui.journal.files import find_sessions

        found = find_sessions(self.root) if self.root is not None else []
        if found and self._waiting is not None:
            self._waiting.stop()
            self.store.attach(found[-1])

    def perform(self, id: str, screen: LoopScreen) -> None:
        """Do a command of the table on the loop screen; asks first where the table says so, or says why it cannot be."""
        from autotune_tui.ui.acting import perform

        perform(self, BY_ID[id], screen)

    def open_session(self, session: str) -> None:
        """Show the loop of this session of the repository, in place of the one that is open; starts its engine if need be."""
        if self.root is None:
            raise ValueError("no repository is open")
        folder = SessionFolder.of(self.root, session)
        self.store.stop()
        self.store = Store(folder.journal, folder)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self._follow()
        from autotune_tui.ui.screens.loop import LoopScreen

        if self._has_loop:
            self.switch_screen(LoopScreen(self.store))
        else:
            self.push_screen(LoopScreen(self.store))

    def new_session(self) -> None:
        """Show the wizard; the session that it sets up is opened."""
        from autotune_tui.ui.screens.wizard import WizardScreen

        if self.root is not None:
            self.push_screen(WizardScreen(self.root), self._set_up)

    def _set_up(self, session: str | None) -> None:
        if session:
            self.open_session(session)
        elif not self._has_loop:
            self.exit(0)

    def show_sessions(self) -> None:
        """Show the sessions of the repository; the wizard when there are none, the loop when there is one."""
        from autotune_tui.journal.files import find_sessions
        from autotune_tui.ui.screens.sessions import SessionsScreen

        if self.root is None:
            return
        found = find_sessions(self.root)
        if not found:
            self.new_session()
        elif len(found) == 1 and not self._has_loop:
            self.open_session(found[0].id)
        else:
            self.push_screen(SessionsScreen(self.root), self._chosen)

    def _chosen(self, session: str | None) -> None:
        if session:
            self.open_session(session)
        elif not self._has_loop:
            self.exit(0)

    def show_details(self, index: int, tab: str = "") -> None:
        """Show one experiment of the open session whole; `tab` is plan, diff, samples, log, profile, reflexion or time."""
        from autotune_tui.ui.screens.details import DetailsScreen

        self.push_screen(DetailsScreen(index, tab))

    @property
    def _has_loop(self) -> bool:
        """Whether the loop of a session is shown, or lies below what is shown."""
        from autotune_tui.ui.screens.loop import LoopScreen

        return any(isinstance(screen, LoopScreen) for screen in self.screen_stack)

    def _follow(self) -> None:
        """Read the open session's journal from now on."""
        self.store.subscribe(self)
        self.store.start()
        self._known = False
        self._know()

    def _know(self) -> None:
        """Once the journal has been read: from here on answers are told, and the engine is started if it is wanted."""
        if self._known or self.store.look.reading:
            return
        self._known = True
        self._answered = self.store.state.seq
        if self.mode == "live" and wants_engine(self.store.look):
            self.start_engine()

    def send(self, command: str, text: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Put a command into the open session's inbox; its answer comes back through the journal and is told."""
        from getpass import getuser

        from autotune_tui.journal.inbox import send

        if self.mode != "live" or self.store.folder is None:
            raise ValueError("only a live session takes commands")
        try:
            self._awaited[send(self.store.folder.inbox, command, by=getuser(), text=text, data=data)] = command
        except AutotuneError as error:
            self.tell(error)

    def start_engine(self) -> None:
        """Start an engine on the open session, in a process of its own."""
        from autotune_tui.ui.engine import EngineProcess

        if self.root is None or self.store.folder is None:
            raise ValueError("no session of a repository is open")
        try:
            self._engine = EngineProcess(self.root, self.store.folder)
        except AutotuneError as error:
            self.tell(error)

    def is_starting(self, store: Store) -> bool:
        """Whether an engine was started here and is not at work yet."""
        return self._engine is not None and self._engine.ended is None and store.engine is None

    def watch_engine(self) -> None:
        """Tell once why the engine that was started here has failed; the status line has room for its beginning only."""
        engine = self._engine
        if engine is not None and engine.failed and not engine.told:
            engine.told = True
            self.notify(engine.last_words(), title="The engine has failed", severity="error", timeout=15, markup=False)

    def engine_standings(self, store: Store) -> tuple[Standing, ...]:
        """What is to be said of the engine that was started here, while it lasts."""
        from autotune_tui.ui.views import Standing

        if self._engine is None or store.engine is not None:
            return ()
        if self._engine.ended is None:
            return (Standing("info", "the engine is starting"),)
        if self._engine.failed:
            return (Standing("bad", f"the engine has failed: {self._engine.last_words()}"),)
        return ()

    def leave(self) -> None:
        """End the application; while an engine works, ask what becomes of the loop."""
        if self.mode != "live" or not (self.store.engine or self.is_starting(self.store)):
            self.exit(0)
            return
        from autotune_tui.ui.screens.confirm import leaving

        if self._leave_when_stopped:
            self.exit(0)
        else:
            name = self.store.folder.id if self.store.folder else "The session"
            self.push_screen(leaving(name, self._nobody_works), self._left)

    def _nobody_works(self) -> str:
        working = self.store.engine is not None or self.is_starting(self.store)
        return "" if working else "the engine has ended; q leaves"

    def _left(self, answer: str | None) -> None:
        if answer == "leave":
            self.exit(0)
        elif answer == "stop":
            self._leave_when_stopped = True
            self.send("stop")
            self.notify("Leaves when the engine has stopped; q leaves at once.")

    def on_store_changed(self, event: Store.Changed) -> None:
        """The open session went on: tell answers, and leave once the engine has stopped if that is waited for."""
        if event.store.look.crash is not None:
            raise event.store.look.crash
        self._know()
        state = self.store.state
        for control in state.controls:
            if self._known and control.seq > self._answered:
                self._say(control)
        self._tell_questions()
        self._answered = max(self._answered, state.seq)
        if self._leave_when_stopped and self.store.engine is None:
            self.exit(0)

    def _tell_questions(self) -> None:
        """On another screen than the loop's, which shows it, say once that an agent asks something."""
        from autotune_tui.ui.screens.loop import LoopScreen

        fresh = [question for question in self.store.state.questions if question.seq > self._answered]
        if self._known and fresh and not isinstance(self.screen, LoopScreen):
            words = f"{one_line(fresh[0].agent, 30)} asks: {one_line(fresh[0].text, 120)}. The loop screen takes the answer."
            self.notify(words, severity="warning", timeout=15, markup=False)

    def _say(self, control: Control) -> None:
        if control.state == "done" and control.command not in DEFERRED:
            return  # the screen shows it
        words = f"{control.command}: {control.reason}" if control.reason else control.command
        if number := control.data.get("experiment"):
            words = words.replace(control.command, f"{control.command} of #{number}", 1)
        if control.id not in self._awaited:
            words = f"{control.by}, from elsewhere, {words}"
        good = control.accepted and control.state != "failed"
        mark = "✓" if good else "✗" if control.state else "✗ refused,"
        self.clear_notifications()  # on a small screen two of them hide the leaderboard
        self.notify(one_line(f"{mark} {words}", 200), severity="information" if good else "warning", markup=False)

    def key_of(self, command: Command) -> str:
        """How the first of the command's keys is shown; the settings may have given it another."""
        bound = next(other for other in COMMANDS if other.keys == command.keys)
        first = self.settings.keymap.get(bound.id, command.keys).partition(",")[0].strip()
        return {"slash": "/", "question_mark": "?", "enter": "⏎"}.get(first, first)

    def tell(self, error: AutotuneError) -> None:
        """Show an error that the interface goes on after."""
        text = "\n".join(part for part in (error.message, error.hint) if part)
        self.notify(text, title=error.title, severity="error", markup=False)

    def watch_theme(self, theme: str) -> None:
        """Remember the theme that was chosen, but where nothing may be written."""
        if self.settings_path is None or self.mode == "watch" or theme == self.settings.theme or not self.is_running:
            return
        from autotune_tui.ui.settings import save_theme

        try:
            save_theme(self.settings_path, theme)
        except AutotuneError as error:
            self.tell(error)
        self.settings = replace(self.settings, theme=theme)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette has on screens without commands of their own."""
        from autotune_tui.ui.palette import THEME

        if not screen.COMMANDS:
            yield SystemCommand(*THEME, self.search_themes)

    async def action_quit(self) -> None:
        self.leave()

    def action_interrupt(self) -> None:
        self.leave()

    def _handle_exception(self, error: Exception) -> None:
        """Remember what went wrong for the one place that words errors. Textual itself would print all local variables."""
        self.crash = self.crash or error
        super()._handle_exception(error)
        self._exit_renderables.clear()


def _is_gone(terminal: int) -> bool:
    """Whether the other end of the terminal has been closed."""
    poller = select.poll()
    poller.register(terminal, 0)
    return bool(poller.poll(0))


def _collect_garbage() -> None:
    """From the first frame on, and never what is there for good: modules and styles cost 30 ms at each full collection."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def wants_engine(look: Look) -> bool:
    """Whether opening a session starts its engine: when it has never run, or its engine died. Else a key does."""
    return look.engine is None and (not look.exists or (look.state.session is not None and look.state.end is None))
