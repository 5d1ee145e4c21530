"""A program that speaks the Agent Client Protocol and does what a script says. Written against the protocol alone.

`python acp_agent.py script.json`: the script has one list for each start of the program, of prompts, each a list of steps.
What the client answers is appended to `replies.jsonl` beside the script.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SCRIPT = Path(sys.argv[1])
FOLDER = SCRIPT.parent


def start_number() -> int:
    counter = FOLDER / "starts"
    number = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(number + 1))
    return number


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


class Agent:
    def __init__(self) -> None:
        self.script = json.loads(SCRIPT.read_text())
        sessions = self.script["sessions"]
        self.prompts = sessions[min(start_number(), len(sessions) - 1)]
        self.requests = 0
        self.prompt = 0
        self.allowed = True
        self.terminal = ""
        self.usage: dict[str, Any] | None = None
        self.cwd = ""
        self.stop = "end_turn"

    def note(self, what: str, value: Any) -> None:
        with (FOLDER / "replies.jsonl").open("a") as file:
            file.write(json.dumps({"what": what, "value": value}) + "\n")

    def read(self) -> dict[str, Any]:
        line = sys.stdin.readline()
        if not line:
            raise SystemExit(0)
        return json.loads(line)

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self.requests += 1
        send({"id": f"a{self.requests}", "method": method, "params": {"sessionId": "s1", **params}})
        while True:
            message = self.read()
            if message.get("id") == f"a{self.requests}" and "method" not in message:
                self.note(method, message.get("result", message.get("error")))
                return message.get("result")
            self.note("meanwhile", message)

    def update(self, kind: str, /, **fields: Any) -> None:
        update = {"sessionUpdate": kind, **fields}
        send({"method": "session/update", "params": {"sessionId": "s1", "update": update}})

    def path(self, name: str) -> str:
        return name if name.startswith("/") else str(Path(self.cwd) / name)

    def step(self, step: dict[str, Any]) -> None:
        ((name, value),) = ((name, value) for name, value in step.items() if name != "if")
        if step.get("if") == "allowed" and not self.allowed:
            return
        getattr(self, f"do_{name}")(value)

    def do_say(self, text: str) -> None:
        for part in (text[:5], text[5:]):
            self.update("agent_message_chunk", content={"type": "text", "text": part})

    def do_think(self, text: str) -> None:
        self.update("agent_thought_chunk", content={"type": "text", "text": text})

    def do_plan(self, entries: list[str]) -> None:
        shown = [{"content": entry, "priority": "high", "status": "in_progress"} for entry in entries]
        self.update("plan", entries=shown)

    def do_tool(self, call: dict[str, Any]) -> None:
        self.update("tool_call", **{"toolCallId": "t1", "status": "pending", **call})

    def do_progress(self, call: dict[str, Any]) -> None:
        self.update("tool_call_update", **{"toolCallId": "t1", **call})

    def do_unknown(self, fields: dict[str, Any]) -> None:
        self.update("invented_yesterday", **fields)
        send({"id": "u1", "method": "session/invented", "params": {}})

    def do_garbage(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def do_stderr(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def do_cost(self, usd: float) -> None:
        self.update("usage_update", used=10, size=100, cost={"amount": usd, "currency": "USD"})

    def do_usage(self, usage: dict[str, int]) -> None:
        self.usage = usage

    def do_write(self, file: list[str]) -> None:
        Path(self.path(file[0])).write_text(file[1])

    def do_fs_write(self, file: list[str]) -> None:
        self.request("fs/write_text_file", {"path": self.path(file[0]), "content": file[1]})

    def do_fs_read(self, fields: dict[str, Any]) -> None:
        self.request("fs/read_text_file", {**fields, "path": self.path(fields["path"])})

    def do_ask(self, call: dict[str, Any]) -> None:
        locations = [{"path": self.path(path)} for path in call.pop("paths", [])]
        options = [
            {"optionId": "yes-always", "name": "Always", "kind": "allow_always"},
            {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
            {"optionId": "no", "name": "No", "kind": "reject_once"},
        ]
        tool = {"toolCallId": "t1", "locations": locations, **call}
        answer = self.request("session/request_permission", {"toolCall": tool, "options": options})
        self.allowed = answer["outcome"].get("optionId") == "yes"

    def do_terminal(self, fields: dict[str, Any]) -> None:
        made = self.request("terminal/create", fields)
        if made is None:
            return
        self.terminal = made["terminalId"]
        self.request("terminal/wait_for_exit", {"terminalId": self.terminal})
        self.request("terminal/output", {"terminalId": self.terminal})
        self.request("terminal/release", {"terminalId": self.terminal})

    def do_children(self, name: str) -> None:
        """A child in a session of its own, as wrappers have them, and one in ours; both ignore SIGTERM."""
        code = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
        )
        pids = [os.getpid()]
        for apart in (True, False):
            child = subprocess.Popen([sys.executable, "-c", code], start_new_session=apart, stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.readline()
            pids.append(child.pid)
        (FOLDER / f"{name}.part").write_text(" ".join(map(str, pids)))
        (FOLDER / f"{name}.part").rename(FOLDER / name)

    def do_hang(self, seconds: float) -> None:
        time.sleep(seconds)

    def do_wait(self, name: str) -> None:
        while not (FOLDER / name).exists():
            time.sleep(0.01)

    def do_crash(self, code: int) -> None:
        os._exit(code)

    def do_stop(self, reason: str) -> None:
        self.stop = reason

    def do_error(self, error: dict[str, Any]) -> None:
        raise RefusedByScript(error)

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        method, params = message["method"], message.get("params", {})
        if method in self.script.get("errors", {}):
            return {"error": self.script["errors"][method]}
        if method == "initialize":
            self.note("initialize", params)
            return {"result": {"protocolVersion": self.script.get("version", 1), "agentCapabilities": {}}}
        if method == "session/new":
            self.cwd = params["cwd"]
            self.note("cwd", self.cwd)
            return {"result": {"sessionId": "s1"}}
        if method == "session/prompt":
            self.note("prompt", params["prompt"][0]["text"])
            steps = self.prompts[min(self.prompt, len(self.prompts) - 1)]
            self.prompt += 1
            self.stop, self.usage = "end_turn", None
            try:
                for step in steps:
                    self.step(dict(step))
            except RefusedByScript as refused:
                return {"error": refused.error}
            return {"result": {"stopReason": self.stop, **({"usage": self.usage} if self.usage else {})}}
        return {"error": {"code": -32601, "message": f"no method {method}"}}

    def run(self) -> None:
        while True:
            message = self.read()
            if "method" in message and "id" in message:
                send({"id": message["id"], **self.answer(message)})
            else:
                self.note("meanwhile", message)


class RefusedByScript(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error


if __name__ == "__main__":
    Agent().run()
