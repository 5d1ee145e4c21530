"""Lines that the agent adds to files of the session which people write, too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from autotune_tui.agents.text import one_line

IDEAS = "autotune.ideas.md"
HANDOFF = "HANDOFF.md"
LONGEST = 300


def add(file: Path, texts: Iterable[str], experiment: int, title: str = "") -> None:
    """One line for each text at the end of the file, but for those that stand there already. A file that cannot be
    written is passed over: the experiment's own files have the same words.
    """
    with contextlib.suppress(OSError):
        known = (
            file.read_text(encoding="utf-8", errors="replace") if file.exists() else f"# {title}\n\n" if title else ""
        )
        new = [text for text in (one_line(each, LONGEST).strip() for each in texts) if text and text not in known]
        if not new:
            return
        with file.open("a", encoding="utf-8") as end:
            if not file.stat().st_size:
                end.write(known)
            end.write("" if known.endswith("\n") or not known else "\n")
            end.writelines(f"- {text} (seen in #{experiment})\n" for text in new)
