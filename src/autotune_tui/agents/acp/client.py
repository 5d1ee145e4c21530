"""Our side of the protocol: what an agent asks of us while it works, bounded to the worktree and the scope."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp import RequestError, schema
from pydantic import ValidationError

from autotune_tui.agents.acp import permissions
from autotune_tui.agents.acp.speech import Speech
from autotune_tui.agents.acp.terminals import Terminals, argv_of, signal_name
from autotune_tui.agents.base import Context, Option, Question
from autotune_tui.agents.claude.tools.base import Refused, inside
from autotune_tui.agents.claude.tools.worktree import Worktree
from autotune_tui.agents.text import harmless, one_line
from autotune_tui.config.agent_acp import AgentAcp
from autotune_tui.errors import AgentError

LARGEST = 4 << 20
"""Bytes of a file that is read or written for an agent."""
MOST_DETAILS = 12
"""Lines of what a question is about."""
FITTING = frozenset(
    {
        "fs/read_text_file", "fs/write_text_file", "session/request_permission", "terminal/create", "terminal/output",
        "terminal/release", "terminal/wait_for_exit", "terminal/kill",
    }
)  # fmt: skip
"""Requests that are understood."""
REFUSE, ALLOW = Option("deny", "Deny"), Option("allow", "Allow")


def fits(method: str, params: Any) -> bool:
    """Whether a message is one that we understand; of notifications, the package would print a traceback."""
    if method != "session/update":
        return method in FITTING
    try:
        schema.SessionNotification.model_validate(params)
    except ValidationError:
        return False
    return True


@dataclass
class Call:
    """One prompt under way: where it works, who is told, and who is asked."""

    context: Context
    worktree: Worktree
    speech: Speech
    asking: int = 0
    """Questions that wait for a person."""
    cost: float | None = None
    """Dollars of the conversation so far, when the agent says."""
    titles: dict[str, str] = field(default_factory=dict)
    """Of tool calls, by id."""


class Client:
    """Handles the agent's requests. Outside of a call there is nothing that it may ask for."""

    def __init__(self, settings: AgentAcp, terminals: Terminals | None) -> None:
        self._settings, self.terminals = settings, terminals
        self.call: Call | None = None

    def on_connect(self, conn: Any) -> None:
        """Nothing is asked of the agent from here."""

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        call = self.call
        if call is None:
            return
        speech = call.speech
        match update:
            case schema.AgentMessageChunk(content=schema.TextContentBlock(text=text)):
                speech.says(text)
            case schema.AgentThoughtChunk(content=schema.TextContentBlock(text=text)):
                speech.thinks(text)
            case schema.ToolCallStart():
                call.titles[update.tool_call_id] = update.title
                speech.tool(update.title)
                self._show_changes(call, update.content)
            case schema.ToolCallProgress():
                self._progress(call, update)
            case schema.AgentPlanUpdate():
                marks = {"completed": "x", "in_progress": ">"}
                for entry in update.entries:
                    speech.line(f"[{marks.get(entry.status, ' ')}] {one_line(entry.content, 300)}")
            case schema.UsageUpdate(cost=schema.Cost(amount=amount, currency="USD")):
                call.cost = amount

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> schema.RequestPermissionResponse:
        call = self._working()
        title = one_line(tool_call.title or call.titles.get(tool_call.tool_call_id, "") or "use a tool", 300)
        judgement = permissions.judge(
            tool_call.kind or "other",
            _paths(tool_call),
            self._settings,
            in_worktree=lambda path: self._own(call, path) is not None,
            in_scope=lambda path: (own := self._own(call, path)) is not None and call.worktree.allows(own),
        )
        verdict = judgement.verdict
        if verdict == "ask":
            verdict = "allow" if await self._asked(call, title, tool_call) else "deny"
        if verdict == "deny":
            call.speech.notice(f"denied: {title}{f' ({judgement.why})' if judgement.why else ''}")
        wanted = permissions.ALLOWING if verdict == "allow" else permissions.REFUSING
        chosen = permissions.choose([(option.option_id, option.kind) for option in options], wanted)
        outcome: schema.AllowedOutcome | schema.DeniedOutcome = (
            schema.AllowedOutcome(outcome="selected", option_id=chosen)
            if chosen
            else schema.DeniedOutcome(outcome="cancelled")
        )
        return schema.RequestPermissionResponse(outcome=outcome)

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> schema.ReadTextFileResponse:
        call = self._working()
        with _refusals():
            file = inside(call.worktree.root, path)
            if not file.is_file():
                raise RequestError.resource_not_found(path)
            with file.open("rb") as opened:
                text = opened.read(LARGEST).decode("utf-8", "replace")
        if line is not None or limit is not None:
            lines = text.splitlines(keepends=True)
            first = max((line or 1) - 1, 0)
            text = "".join(lines[first : first + limit if limit is not None else None])
        return schema.ReadTextFileResponse(content=text)

    async def write_text_file(self, session_id: str, path: str, content: str, **_: Any) -> schema.WriteTextFileResponse:
        call = self._working()
        with _refusals():
            data = content.encode("utf-8", "replace")
            if len(data) > LARGEST:
                raise Refused(f"{path} would be larger than {LARGEST >> 20} MiB.")
            file = call.worktree.writable(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        call.speech.line(f"wrote {file.relative_to(call.worktree.root.resolve())}")
        return schema.WriteTextFileResponse()

    async def create_terminal(
        self, session_id: str, command: str, args: list[str] | None = None, env: list[Any] | None = None,
        cwd: str | None = None, output_byte_limit: int | None = None, **_: Any,
    ) -> schema.CreateTerminalResponse:  # fmt: skip
        call, terminals = self._working(), self._terminals()
        given = {variable.name: variable.value for variable in env or ()}
        with _refusals():
            folder = inside(call.worktree.root, cwd or ".")
            if terminals.full:
                raise Refused("Too many commands are running: release some.")
            argv = argv_of(command, args)
            call.speech.line(f"$ {one_line(' '.join([command, *(args or ())]), 300)}")
            id = await terminals.start(
                argv, call.context.directory, folder, {**call.context.environment, **given}, output_byte_limit
            )
        return schema.CreateTerminalResponse(terminal_id=id)

    async def terminal_output(self, session_id: str, terminal_id: str, **_: Any) -> schema.TerminalOutputResponse:
        with _refusals():
            terminal = self._terminals()[terminal_id]
        status = None
        if terminal.exit is not None:
            status = schema.TerminalExitStatus(**_ending(terminal.exit))
        return schema.TerminalOutputResponse(output=terminal.text, truncated=terminal.truncated, exit_status=status)

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> schema.WaitForTerminalExitResponse:
        with _refusals():
            terminal = await self._terminals().wait(terminal_id)
        return schema.WaitForTerminalExitResponse(**_ending(terminal.exit))

    async def kill_terminal(self, session_id: str, terminal_id: str, **_: Any) -> schema.KillTerminalResponse:
        with _refusals():
            await self._terminals().kill(terminal_id)
        return schema.KillTerminalResponse()

    async def release_terminal(self, session_id: str, terminal_id: str, **_: Any) -> schema.ReleaseTerminalResponse:
        with _refusals():
            await self._terminals().release(terminal_id)
        return schema.ReleaseTerminalResponse()

    async def _asked(self, call: Call, title: str, tool_call: Any) -> bool:
        """Whether a person allows it."""
        call.asking += 1
        question = Question(
            title, (REFUSE, ALLOW), self._settings.answer_timeout, details="\n".join(_details(tool_call, MOST_DETAILS))
        )
        try:
            return await call.context.ask(question) == ALLOW.id
        finally:
            call.asking -= 1
            call.speech.line(f"asked: {title}")

    def _progress(self, call: Call, update: Any) -> None:
        """A call that goes on; some agents say only then what it is about."""
        title = update.title or call.titles.get(update.tool_call_id, "a tool")
        if title != call.titles.get(update.tool_call_id):
            call.titles[update.tool_call_id] = title
            call.speech.tool(title)
        if update.status == "failed":
            why = next(iter(_words(update.content)), "")
            call.speech.line(f"failed: {one_line(title, 300)}{f': {one_line(why, 300)}' if why else ''}")
        self._show_changes(call, update.content)
        call.speech.stirs()

    def _show_changes(self, call: Call, content: Sequence[Any] | None) -> None:
        for part in content or ():
            if isinstance(part, schema.FileEditToolCallContent):
                call.speech.line(_change(part, self._own(call, part.path) or part.path))

    def _own(self, call: Call, path: str) -> str | None:
        """The path relative to the worktree, None outside of it."""
        try:
            return inside(call.worktree.root, path).relative_to(call.worktree.root.resolve()).as_posix()
        except Refused:
            return None

    def _working(self) -> Call:
        if self.call is None:
            raise RequestError.invalid_request({"details": "no prompt is being answered"})
        return self.call

    def _terminals(self) -> Terminals:
        if self.terminals is None:
            raise RequestError.method_not_found("terminal")
        return self.terminals


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What is refused, or cannot be done, in the protocol's words: the agent reads it and may try another way."""
    try:
        yield
    except Refused as refused:
        raise RequestError.invalid_params({"details": str(refused)}) from None
    except KeyError as unknown:
        raise RequestError.invalid_params({"details": f"there is no terminal {unknown}"}) from None
    except AgentError as error:
        raise RequestError.internal_error({"details": f"{error.title}: {error.message}"}) from None
    except OSError as error:
        raise RequestError.internal_error({"details": error.strerror or str(error)}) from None


def _ending(exit: int | None) -> dict[str, Any]:
    return {"exit_code": exit if exit is not None and exit >= 0 else None, "signal": signal_name(exit)}


def _paths(tool_call: Any) -> list[str]:
    """The files that a tool call names."""
    named = [location.path for location in tool_call.locations or ()]
    changed = [part.path for part in tool_call.content or () if isinstance(part, schema.FileEditToolCallContent)]
    return list(dict.fromkeys([*named, *changed]))


def _details(tool_call: Any, most: int) -> list[str]:
    """What a person should see before deciding: the command, the files, the change."""
    lines = []
    raw = tool_call.raw_input
    if isinstance(raw, dict):
        command = raw.get("command") or raw.get("cmd")
        if isinstance(command, list):
            command = " ".join(map(str, command))
        lines += str(command).splitlines() if command else json.dumps(raw, ensure_ascii=False)[:600].splitlines()
    lines += [Path(path).name for path in _paths(tool_call)]
    for part in tool_call.content or ():
        if isinstance(part, schema.FileEditToolCallContent):
            lines += [f"- {line}" for line in (part.old_text or "").splitlines()]
            lines += [f"+ {line}" for line in part.new_text.splitlines()]
    lines += _words(tool_call.content)
    shown = [one_line(harmless(line), 200) for line in lines if line.strip()]
    return shown if len(shown) <= most else [*shown[: most - 1], f"… and {len(shown) - most + 1} more lines"]


def _words(content: Sequence[Any] | None) -> list[str]:
    """The lines of text in what a tool call shows, without fences."""
    lines: list[str] = []
    for part in content or ():
        if isinstance(part, schema.ContentToolCallContent) and isinstance(part.content, schema.TextContentBlock):
            lines += part.content.text.splitlines()
    return [line for line in lines if line.strip() and not line.startswith("```")]


def _change(part: Any, name: str) -> str:
    """How many lines a change takes away and adds, as far as the agent shows it."""
    old, new = (part.old_text or "").splitlines(), part.new_text.splitlines()
    return f"{name}: {len(old)} lines become {len(new)}"
