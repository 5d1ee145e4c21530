"""A small repository whose benchmark is a number in a file plus noise, and agents that are shell scripts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from autotune_tui.config import SessionConfig, parse

NOISY = """\
#!/bin/sh
# The metric is the number in src/value.txt, with noise of about 1 % (sum of three uniforms).
seed=$(od -An -N4 -tu4 /dev/urandom)
awk -v seed="$seed" -v v="$(cat src/value.txt)" 'BEGIN {
  srand(seed); n = (rand() + rand() + rand() - 1.5) * 0.02; printf "METRIC cost=%.6f\\n", v * (1 + n) }'
"""

EXACT = """\
#!/bin/sh
echo "METRIC cost=$(cat src/value.txt)"
"""


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def make_repo(folder: Path, files: dict[str, str] | None = None, bench: str = NOISY) -> Path:
    """A committed repository with `src/value.txt` = 100 and a benchmark that prints it."""
    repo = folder / "repo"
    repo.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "config", "user.name", "Someone")
    git(repo, "config", "user.email", "someone@example.org")
    for name, text in {"src/value.txt": "100\n", "bench.sh": bench, **(files or {})}.items():
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (repo / "bench.sh").chmod(0o755)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "start")
    return repo


def configure(
    cache: Path, agent: str, more: str = "", command: str = "sh bench.sh", source: str = "metric_line"
) -> SessionConfig:
    """A session that lowers `cost` with a shell script as its agent; `more` is further TOML."""
    return parse(
        f"""
        goal = "Lower the cost"
        agent = "command"
        [metric]
        name = "cost"
        unit = ""
        source = "{source}"
        [benchmark]
        command = {json.dumps(command)}
        [scope]
        include = ["src/**"]
        [workspace]
        cache = {json.dumps(str(cache))}
        [agent_command]
        command = {json.dumps(agent)}
        {more}
        """
    )
