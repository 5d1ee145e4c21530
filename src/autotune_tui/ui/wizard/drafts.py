"""Keeps a draft in the user's state folder, so that a set-up that was left half-way can go on (S1)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from autotune_tui.errors import JournalError
from autotune_tui.journal.files import cannot_write, read_text, slugify, write_atomic
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.wizard.draft import Draft

FORMAT = 1


@frozen
class Kept(Value):
    """A draft that was left, and when."""

    draft: Draft
    when: datetime


class DraftStore:
    """The draft of one repository, `autotune-tui/drafts/<name>-<hash>.json` below the state folder."""

    def __init__(self, root: Path, environment: Mapping[str, str] = os.environ) -> None:
        base = Path(environment.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
        name = f"{slugify(root.name) or 'repository'}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}.json"
        self.path = base / "autotune-tui" / "drafts" / name

    def save(self, draft: Draft, when: datetime) -> None:
        """Raises JournalError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error
        content = {
            "format": FORMAT,
            "when": when.isoformat(timespec="seconds"),
            "step": draft.step,
            "values": draft.values,
            "suggested": draft.suggested,
            "share": draft.share,
            "by_hand": draft.by_hand,
        }
        write_atomic(self.path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def load(self) -> Kept | None:
        """The draft that was kept; None when there is none, or none that can be read."""
        try:
            content = json.loads(read_text(self.path) or "null")
            return _kept(content) if isinstance(content, dict) and content.get("format") == FORMAT else None
        except (ValueError, KeyError, TypeError, OSError):
            return None

    def forget(self) -> None:
        """Raises JournalError."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalError("The draft cannot be removed", f"{self.path}: {error.strerror}.") from error


def _kept(content: Mapping[str, Any]) -> Kept:
    values, suggested = ({str(k): str(v) for k, v in content[name].items()} for name in ("values", "suggested"))
    draft = Draft(values, int(content["step"]), suggested, bool(content["share"]), dict(content.get("by_hand", {})))
    return Kept(draft, datetime.fromisoformat(content["when"]))
