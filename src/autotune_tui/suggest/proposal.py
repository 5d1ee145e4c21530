"""One suggested command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Proposal:
    """A command, why it is proposed, and other fields that go with it (dotted name to text)."""

    command: str
    why: str
    fields: Mapping[str, str] = field(default_factory=dict)
