"""The reference of all configuration fields, made from the models; it stands in the README.

`python -m autotune_tui.config README.md` writes it there anew, between its two marks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autotune_tui.config.fields import SessionConfig
from autotune_tui.config.problems import is_optional, table_of
from autotune_tui.config.values import DURATION_FIELDS, Amount, format_duration

START = "<!-- configuration reference: made by `python -m autotune_tui.config README.md` -->"
END = "<!-- end of the configuration reference -->"


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One field, for a person. `table` is empty for the fields at the top."""

    table: str
    name: str
    default: str
    """As one would write it in TOML; "required" when there is none."""
    description: str


def describe() -> tuple[FieldDoc, ...]:
    """Every field in the order of the models, the top ones first."""
    return tuple(_describe(SessionConfig, ""))


def _describe(model: type[BaseModel], table: str) -> Iterator[FieldDoc]:
    fields = [(field.alias or name, name, field) for name, field in model.model_fields.items()]
    for shown, name, field in fields:
        if not table_of(field) or is_optional(field):
            yield FieldDoc(table, shown, _default(name, field), _description(field))
    for shown, _, field in fields:
        if (inner := table_of(field)) and not is_optional(field):
            yield from _describe(inner, f"{table}.{shown}" if table else shown)


def _default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, Amount):
        return json.dumps(str(value)) if value.relative else str(value)
    if name in DURATION_FIELDS:
        return json.dumps(format_duration(value))
    return json.dumps(value.value if isinstance(value, Enum) else value)


def _description(field: FieldInfo) -> str:
    words = field.description or ""
    kind: Any = field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        words += f": {', '.join(member.value for member in kind)}"
    return words


def markdown() -> str:
    """The reference as Markdown: a table of fields for the top and for each TOML table."""
    parts: list[str] = []
    fields = describe()
    for table in dict.fromkeys(field.table for field in fields):
        parts.append(f"\n**`[{table}]`**\n" if table else "\n**At the top**\n")
        parts.append("| field | default | what it is |\n| --- | --- | --- |")
        for field in fields:
            if field.table == table:
                description = field.description.replace("|", "\\|")
                parts.append(f"| `{field.name}` | `{field.default}` | {description} |")
    return "\n".join(parts).strip()


def with_reference(readme: str) -> str:
    """The README's text with the reference between the marks made anew."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{markdown()}\n\n{END}{after}"
