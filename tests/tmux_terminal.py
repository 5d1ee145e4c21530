"""A real terminal for tests, and a session that never ends in it by itself."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path

from engine_support import make_repo

PATIENCE = 60.0
"""Seconds for anything to appear, on a machine that others use as well."""
BENCH = """\
#!/bin/sh
# Works for a moment; the metric is the number in src/value.txt, with noise of about 1 %.
echo "working on $(cat src/value.txt)"
sleep 0.05
seed=$(od -An -N3 -tu4 /dev/urandom)  # three bytes: awk takes all seeds above 2^31 for one
awk -v seed="$seed" -v v="$(cat src/value.txt)" 'BEGIN {
  srand(seed); n = (rand() + rand() + rand() - 1.5) * 0.02; printf "METRIC cost=%.6f\\n", v * (1 + n) }'
"""
AGENT = """\
#!/bin/sh
# Every third idea is good, the others do nothing.
value=$(cat src/value.txt)
[ $((AUTOTUNE_EXPERIMENT % 3)) = 1 ] && value=$(echo "$value" | awk '{ print $1 * 0.9 }') || value="${value}0"
case $value in *.*) ;; *) value="$value.0" ;; esac
echo "$value" > src/value.txt
echo "{\\"description\\": \\"Idea $AUTOTUNE_EXPERIMENT\\", \\"hypothesis\\": \\"A lower number should cost less\\"}"
"""


class Terminal:
    """A shell in a terminal of tmux, which interprets what is written to it as a terminal on a desk does."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux.socket"), "-f", "/dev/null"]
        home = {name: str(folder / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
        environment = {**os.environ, **home, "PS1": "$ ", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._run(
            "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "sh",
            env={name: value for name, value in environment.items() if name not in ("TMUX", "COLUMNS", "LINES")},
        )  # fmt: skip
        pipe = folder / "output"
        os.mkfifo(pipe)
        self._output = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._run("pipe-pane", f"exec cat > {shlex.quote(str(pipe))}")

    def _run(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run([*self._tmux, *arguments], check=True, capture_output=True, text=True, env=env)
        return done.stdout

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def until(self, *texts: str, without: str = "") -> str:
        """The screen, once all these texts are on it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            screen = self.screen()
            if all(text in screen for text in texts) and not (without and without in screen):
                return screen
            assert time.monotonic() < deadline, f"{texts} did not appear:\n{screen}"
            if select.select([self._output], [], [], 0.5)[0]:  # until something is written
                os.read(self._output, 1 << 20)

    def press_until(self, key: str, text: str) -> None:
        """Press a key, and again after a while: a screen that has just come back may not listen yet."""
        for patience in (15.0, PATIENCE):
            self.press(key)
            deadline = time.monotonic() + patience
            while text not in self.screen() and time.monotonic() < deadline:
                if select.select([self._output], [], [], 0.5)[0]:
                    os.read(self._output, 1 << 20)
            if text in self.screen():
                return
        raise AssertionError(f"{text} did not appear:\n{self.screen()}")

    def child(self) -> int:
        """The process that the shell waits for."""
        shell = self._run("list-panes", "-F", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        """As when its window is closed: everything in it gets SIGHUP."""
        if self._output >= 0:
            self._run("kill-server")
            os.close(self._output)
            self._output = -1


def repository(folder: Path) -> Path:
    """A repository whose number can be lowered again and again, and beside it the agent that does."""
    made = make_repo(folder, {"Makefile": "test:\n\tgrep -q . src/value.txt\n"}, BENCH)
    (folder / "agent.sh").write_text(AGENT)
    (folder / "agent.sh").chmod(0o755)
    return made
