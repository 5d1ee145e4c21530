"""The real runs that the pictures are made of: a demo that finds something, and a session that gets stuck."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autotune_tui.journal.files import SessionFolder, find_sessions

COMMAND = (sys.executable, "-m", "autotune_tui")

_PAGE = '''\
"""Renders a page; the template server answers slowly."""

import random
import time

DELAY = 0.05


def render() -> None:
    time.sleep(DELAY + random.expovariate(1 / 0.002))
'''

_BENCH = """\
import os, random, time

random.seed(int(os.environ["AUTOTUNE_SEED"]))
from page import render

start = time.perf_counter()
print("rendering 1 page")
render()
print(f"METRIC render={time.perf_counter() - start:.6f}")
"""

_AGENT = '''\
"""Tries its ideas one after the other; only the first of them helps."""

import json
import pathlib
import sys

IDEAS = (
    ("Ask the template server once per page", "render", "the connection is opened twice", None),
    ("Bind the template to a local name", "render", "global lookups repeat", "TEMPLATE = None"),
    ("Keep the parsed header", "render", "the header is parsed for each page", "HEADER = {}"),
    ("Join the parts at the end", "render", "strings are built piece by piece", "PARTS: list[str] = []"),
    ("Read the settings lazily", "render", "settings are read before they are needed", "SETTINGS = None"),
    ("Share one buffer between pages", "render", "a buffer is made for each page", "BUFFER = bytearray(4096)"),
    ("Sort the blocks beforehand", "render", "blocks are sorted for each page", "ORDER = (2, 0, 1)"),
)
number = json.load(sys.stdin)["experiment"]
title, target, because, line = IDEAS[(number - 1) % len(IDEAS)]
page = pathlib.Path("page.py")
text = page.read_text()
if line is None:
    text = text.replace("DELAY = 0.05", f"DELAY = {0.042 if number == 1 else 0.0501}")
else:
    text = text.replace("\\n\\n\\ndef", f"\\n{line}  # {number}\\n\\n\\ndef")
page.write_text(text)
print("Looked at where a page spends its time: waiting for the template server.")
print(json.dumps({"description": title, "target": f"page.py:{target}",
                  "hypothesis": f"It should improve render because {because}"}))
'''

_CONFIG = f"""\
name = "render-page"
goal = "Render a page in 30 ms"
agent = "command"

[metric]
name = "render"
unit = "s"
direction = "lower"
source = "metric_line"
target = 0.03

[benchmark]
command = "{sys.executable} bench.py"

[scope]
include = ["page.py"]

[agent_command]
command = "{sys.executable} agent.py"

[budget]
experiments = 40
time = "10m"

[health]
max_no_improvement = 3
"""


def demo(work: Path) -> SessionFolder:
    """The access-log sample, optimised by the offline agent: some four minutes, once."""
    root = work / "logs"
    if not root.is_dir():
        _run("demo", "logs", "--into", str(root))
    return find_sessions(root)[-1]


def stuck(work: Path) -> SessionFolder:
    """A session whose agent runs out of good ideas: one keep, plateaus, both playbooks, a pause. A minute or two, once."""
    root = work / "page"
    if not root.is_dir():
        root.mkdir(parents=True)
        for name, text in (("page.py", _PAGE), ("bench.py", _BENCH), ("agent.py", _AGENT), ("autotune.toml", _CONFIG)):
            (root / name).write_text(text)
        for arguments in (
            ("init", "-q"),
            ("add", "."),
            ("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "A page"),
        ):
            subprocess.run(("git", "-C", str(root), *arguments), check=True)
        _run("run", str(root))
    return find_sessions(root)[-1]


def _run(*arguments: str) -> None:
    """A session without a screen; it may end as it likes, paused as well as completed."""
    done = subprocess.run(
        (*COMMAND, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
