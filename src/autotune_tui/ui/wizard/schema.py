"""The fields of a form, made from the configuration's models: kind, choices, default and help have no other source.

A form holds every value as the text that was typed. `to_data` makes of it what the models validate, `to_text` is the way back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autotune_tui.config import Amount, SessionConfig, describe, format_duration
from autotune_tui.config.problems import is_optional, table_of
from autotune_tui.config.values import DURATION_FIELDS, UNLIMITED
from autotune_tui.model.value import Value, frozen
from autotune_tui.ui.wizard import words

Kind = Literal["text", "number", "whole", "choice", "flag", "words", "sentences", "pairs"]

NO_TARGET = "none"
"""What one types where there is no such value."""


@frozen
class FieldSpec(Value):
    """One field of the configuration, for a form. `name` is dotted: `metric.source`."""

    name: str
    kind: Kind
    description: str
    default: str
    """As one would type it; empty when there is none."""
    required: bool
    choices: tuple[str, ...] = ()
    duration: bool = False

    @property
    def table(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def label(self) -> str:
        """The field's name as words."""
        return self.name.rpartition(".")[2].replace("_", " ").capitalize()

    @property
    def help(self) -> str:
        """What it is, and what it is when nothing is typed."""
        default = f" (default: {self.default})" if self.default and self.kind != "choice" else ""
        return f"{self.description}{default}"


@lru_cache(maxsize=1)
def specs() -> Mapping[str, FieldSpec]:
    """All fields by name, in the models' order."""
    infos = dict(_infos(SessionConfig, ""))
    docs = {f"{doc.table}.{doc.name}".lstrip("."): doc.description for doc in describe()}
    return {name: _spec(name, infos[name], docs[name]) for name in docs if name in infos}


def _infos(model: type[BaseModel], prefix: str) -> list[tuple[str, FieldInfo]]:
    found: list[tuple[str, FieldInfo]] = []
    for own, info in model.model_fields.items():
        name = prefix + (info.alias or own)
        inner = table_of(info)
        if inner and is_optional(info):  # a whole table or none: it is written by hand
            continue
        found += _infos(inner, f"{name}.") if inner else [(name, info)]
    return found


def _spec(name: str, info: FieldInfo, description: str) -> FieldSpec:
    choices = _choices(info)
    kind = _kind(name, info.annotation, choices)
    duration = name.rpartition(".")[2] in DURATION_FIELDS
    spec = FieldSpec(name, kind, description, "", info.is_required(), choices, duration)
    if info.is_required():
        return spec
    default = to_text(spec, info.get_default(call_default_factory=True))
    return FieldSpec(name, kind, description, default, False, choices, duration)


def _choices(info: FieldInfo) -> tuple[str, ...]:
    kind: Any = info.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(member.value for member in kind)
    if get_origin(kind) is Literal:
        return tuple(get_args(kind))
    patterns = [getattr(extra, "pattern", None) for extra in info.metadata]
    either = next((m for p in patterns if p and (m := re.fullmatch(r"\^\(([\w|]+)\)\$", p))), None)
    return tuple(either[1].split("|")) if either else ()


def _kind(name: str, annotation: Any, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if annotation is bool:
        return "flag"
    if get_origin(annotation) is list:
        return "sentences" if name == "constraints" else "words"
    if get_origin(annotation) is dict:
        return "pairs"
    options = set(get_args(annotation)) or {annotation}
    if int in options:
        return "whole"
    if float in options and name.rpartition(".")[2] not in DURATION_FIELDS:
        return "number"
    return "text"


def to_data(spec: FieldSpec, text: str) -> Any:
    """What the models validate; what is no number, say, stays the text that it is, so that they refuse it in their words."""
    text = text.strip()
    match spec.kind:
        case "words":
            return words.split(text)
        case "sentences":
            return [part.strip() for part in text.split(";") if part.strip()]
        case "pairs":
            return _pairs(text)
        case "flag":
            return {"true": True, "false": False}.get(text, text)
        case "whole" | "number":
            return _number(text, int if spec.kind == "whole" else float)
        case _:
            return text


def _pairs(text: str) -> Any:
    pairs: dict[str, str] = {}
    for word in words.split(text):
        name, equals, value = word.partition("=")
        if not equals or not name:
            return text
        pairs[name] = value
    return pairs


def _number(text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text.replace(",", "").replace("_", ""))
    except ValueError:
        return text


def to_text(spec: FieldSpec, value: Any) -> str:
    """The value as one would type it."""
    if isinstance(value, Enum):
        return str(value.value)
    if value is None:
        return "" if spec.name == "metric.target" else UNLIMITED
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Amount):
        return str(value)
    if spec.duration and isinstance(value, float):
        return format_duration(value)
    match spec.kind:
        case "words":
            return words.join(value)
        case "sentences":
            return "; ".join(value)
        case "pairs":
            return words.join(f"{name}={each}" for name, each in value.items())
        case "number":
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return words.join(value) if isinstance(value, list) else str(value)
