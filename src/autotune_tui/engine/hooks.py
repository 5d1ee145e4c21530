"""Tells the user's own commands and a webhook of keeps, milestones, pauses and the end. None of it stops or delays the loop.

Hooks run outside of the sandbox, in the user's checkout, one beside the other. What fails or hangs is noted in the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from autotune_tui import __version__
from autotune_tui.agents.process import agent_environment
from autotune_tui.engine.core import text_of
from autotune_tui.measure.executors.base import argv_of, signal_name
from autotune_tui.model.events import Health, Milestone, Record, Result, Session
from autotune_tui.model.format import duration, one_line
from autotune_tui.model.state import SessionState

if TYPE_CHECKING:
    from autotune_tui.config import Command
    from autotune_tui.config.hooks import HookEvent
    from autotune_tui.engine.core import Engine

LAST_SECONDS = 15.0
"""How long the session's end waits for hooks that still run."""
GRACE = 1.0
"""Whoever waits for something that has a time limit of its own waits so much longer: a hook, a request in its thread."""
MOST_AT_ONCE = 8
"""Hooks that may run at a time; with more, those that hang would pile up."""
LOG_BYTES = 1 << 20
"""The log of what hooks print is begun anew beyond this."""
_VARIABLES = ("event", "session", "branch", "experiment", "commit", "text", "reason")


def event_of(record: Record) -> HookEvent | None:
    """What a record is to hooks; None when they are not told of it. A pause that ends the engine is a pause, not an end."""
    match record:
        case Result(status="keep", index=index) if index > 0:
            return "keep"
        case Milestone():
            return "milestone"
        case Health(health="paused"):
            return "pause"
        case Session(event="end", outcome=outcome) if outcome != "paused":
            return "end"
    return None


def payload(event: HookEvent, record: Record, state: SessionState) -> dict[str, Any]:
    """What a hook is told, as JSON: the session, how it stands, and what the event is about."""
    from autotune_tui.headless import headline, line

    config, validation = state.config, state.validation
    session = state.session
    told: dict[str, Any] = {
        "event": event,
        "text": line(record, state) or event,
        "time": record.timestamp,
        "session": session.id if session else "",
        "goal": session.goal if session else "",
        "repository": session.repo if session else "",
        "branch": session.branch if session else "",
        "health": state.health,
        "reason": "",
        "metric": {
            "name": config.metric_name,
            "unit": config.metric_unit,
            "direction": config.direction,
            "target": config.target,
            "baseline": state.baseline_value,
            "incumbent": state.incumbent_value,
        },
        "experiments": state.experiment_count,
        "keeps": len(state.keeps),
        "experiment": state.last_number,
        "commit": state.incumbent_sha,
        "gain": headline(validation, state) if validation else "",
    }
    match record:
        case Result():
            told |= {"reason": record.reason, "experiment": record.index}
            told |= {"description": record.description, "commit": record.sha, "effect": record.effect}
            told |= {"interval": record.interval, "scale": record.scale, "files": record.files}
        case Milestone():
            told |= {
                "text": f"milestone {record.number}: {told['gain']}",
                "milestone": record.number,
                "ref": record.ref,
            }
            told |= {"commit": record.commit}
        case Health():
            told |= {"reason": record.reason, "next": record.next}
        case Session():
            told |= {"reason": record.reason, "outcome": record.outcome}
    return told


class Hooks:
    """Listens to an engine's records while it works: `async with Hooks(engine): ...`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings = engine.config.hooks
        self._show: Callable[[Record], None] = engine.on_event
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._engine.on_event = self._hear
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait a bounded time for what still runs, then give it up."""
        if self._running:
            running = set(self._running)
            await asyncio.wait(running, timeout=min(LAST_SECONDS, self._settings.timeout + GRACE))
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        self._engine.on_event = self._show

    def _hear(self, record: Record) -> None:
        self._show(record)
        event = event_of(record)
        if event is None:
            return
        command, webhook = getattr(self._settings, event), self._settings.webhook
        told = event in self._settings.webhook_events and webhook
        if not command and not told:
            return
        facts = self._engine.redactor.deep(payload(event, record, self._engine.state))
        if command:
            self._start(event, self._run(event, command, facts))
        if told:
            self._start(event, self._post(event, webhook, facts))

    def _start(self, event: str, work: Any) -> None:
        if len(self._running) >= MOST_AT_ONCE:
            work.close()
            self._fail(event, f"{MOST_AT_ONCE} hooks are running already")
            return
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _fail(self, event: str, why: str) -> None:
        self._engine.note(f"the hook for {event} failed: {one_line(why, 200)}", "warning")

    async def _run(self, event: str, command: Command, facts: Mapping[str, Any]) -> None:
        """Run a command to its end, its processes gone afterwards. Its failure is noted."""
        try:
            why = await self._command(command, facts)
        except OSError as error:
            why = f"`{text_of(command)}` cannot be started: {error.strerror or error}"
        if why:
            self._fail(event, why)

    async def _command(self, command: Command, facts: Mapping[str, Any]) -> str:
        """Why it failed, in words; empty when it did not. Files, not pipes: what it leaves running holds nobody up."""
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as said:
            told.write(json.dumps(facts).encode())
            told.seek(0)
            process = await asyncio.create_subprocess_exec(
                *argv_of(command), stdin=told, stdout=said, stderr=said,
                cwd=self._engine.workspace.root, env=environment(facts), start_new_session=True,
            )  # fmt: skip
            why = await self._end(process)
            said.seek(max(0, said.tell() - LOG_BYTES))
            output = said.read().decode(errors="replace").strip()
        self._log(facts["event"], output)
        code = process.returncode or 0
        if not why and code:
            how = f"exit code {code}" if code > 0 else f"it was ended by {signal_name(-code)}"
            why = f"{how}{f': {output.splitlines()[-1]}' if output else ''}"
        return f"`{text_of(command)}`: {why}" if why else ""

    async def _end(self, process: asyncio.subprocess.Process) -> str:
        """Wait for its end; why it was ended before, if it was."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                await process.wait()
            return ""
        except TimeoutError:
            why = f"it took longer than {duration(self._settings.timeout)} and was given up"
        except asyncio.CancelledError:
            why = "it still ran at the session's end and was given up"
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return why

    def _log(self, event: str, output: str) -> None:
        """Keep what a hook has printed, in hooks.log beside the journal."""
        path = self._engine.folder.root / "hooks.log"
        with contextlib.suppress(OSError):  # the loop needs none of it
            fresh = not path.exists() or path.stat().st_size > LOG_BYTES
            if output:
                with path.open("w" if fresh else "a", encoding="utf-8") as file:
                    file.write(self._engine.redactor.text(f"[{event}]\n{output}\n"))

    async def _post(self, event: str, webhook: str, facts: Mapping[str, Any]) -> None:
        """Tell the webhook, in a thread that nobody has to wait for. Its failure is noted, without the address's secrets."""
        address = os.environ.get(webhook[1:], "") if webhook.startswith("$") else webhook
        if not address.startswith(("http://", "https://")):
            self._fail(event, f"{webhook} holds no http(s) address")
            return
        loop, seconds = asyncio.get_running_loop(), self._settings.timeout
        answer: asyncio.Future[str] = loop.create_future()

        def take(why: str) -> None:
            if not answer.done():
                answer.set_result(why)

        def work() -> None:
            why = post(address, json.dumps(facts).encode(), seconds + GRACE)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(take, why)

        threading.Thread(target=work, name="webhook", daemon=True).start()
        host = urllib.parse.urlsplit(address).hostname or "the webhook"
        try:
            async with asyncio.timeout(seconds):
                why = await answer
        except TimeoutError:
            why = f"no answer within {duration(seconds)}"
        except asyncio.CancelledError:
            why = "no answer before the session's end"
        if why:
            self._fail(event, f"{host}: {why}")


def environment(facts: Mapping[str, Any]) -> dict[str, str]:
    """The user's own environment, without what would point git elsewhere, and the facts that fit on a line."""
    return agent_environment({f"AUTOTUNE_{name.upper()}": str(facts[name]).replace("\0", "") for name in _VARIABLES})


def post(address: str, data: bytes, seconds: float) -> str:
    """POST JSON; why it failed, in words that do not hold the address, or empty."""
    headers = {"Content-Type": "application/json", "User-Agent": f"autotune-tui/{__version__}"}
    try:
        request = urllib.request.Request(address, data=data, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=seconds):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError) as error:  # a reset connection; an address that is none
        return type(error).__name__ if isinstance(error, ValueError) else str(error)
