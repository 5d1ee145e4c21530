"""What is wrong with a configuration, in words: the line, the field, what was found and what would do."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from autotune_tui.config.fields import SessionConfig, Table
from autotune_tui.config.lines import Path

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `line` is None when the field is missing and so is its table."""

    line: int | None
    field: str
    words: str

    def text(self, file: str) -> str:
        return f"{file}{f':{self.line}' if self.line else ''}: {self.field}: {self.words}"


def problems(errors: list[ErrorDetails], lines: Mapping[Path, int]) -> list[Problem]:
    """Pydantic's errors as problems, in the file's order; those without a line come last."""
    found: dict[Path, Problem] = {}
    for error in errors:
        path = _path(error)
        found.setdefault(path, Problem(_line(path, lines), dotted(path), _words(error, path)))
    return sorted(found.values(), key=lambda problem: (problem.line is None, problem.line or 0))


def dotted(path: Path) -> str:
    """A path as one writes it: scope.include[0]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]+", part) else json.dumps(part, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def _path(error: ErrorDetails) -> Path:
    inside = error.get("ctx", {}).get("at")
    path = tuple(part for part in error["loc"] if part != "[key]")
    return (*path, inside) if inside else path


def _line(path: Path, lines: Mapping[Path, int]) -> int | None:
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _words(error: ErrorDetails, path: Path) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind in ("missing", "missing_inside"):
        return f"missing; wanted: {_expected(error, path)}"
    return f"found {_found(error['input'])}; wanted: {_expected(error, path)}"


def _found(value: Any) -> str:
    """The value as TOML or JSON would show it, on one line, cut when long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _expected(error: ErrorDetails, path: Path) -> str:
    context, kind = error.get("ctx", {}), error["type"]
    if "expects" in context:
        return str(context["expects"])
    if kind == "value_error":
        return str(context["error"])
    field = _field(path)
    extra = field.json_schema_extra if field else None
    if isinstance(extra, dict) and "expects" in extra:
        return str(extra["expects"])
    if kind == "missing":
        return (field.description or "").rstrip(".") if field and field.description else "a table"
    if kind in _BY_KIND:
        return _BY_KIND[kind].format(**context)
    return str(error["msg"]).removeprefix("Input should be ")


_BY_KIND = {
    "string_type": "a text in quotes",
    "string_pattern_mismatch": "a name of letters, digits and . _ - /",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "too_short": "at least one",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a whole number, {ge} or more",
    "enum": "{expected}",
    "literal_error": "{expected}",
}


def _unknown(path: Path) -> str:
    name, table = str(path[-1]), _model(path[:-1])
    own = list(table_fields(table)) if table else []
    prefix = f"{dotted(path[:-1])}." if path[:-1] else ""
    near = difflib.get_close_matches(name, own, n=1, cutoff=0.6)
    if near:
        return f"unknown field; did you mean {prefix}{near[0]}?"
    last_names = {known: known.rpartition(".")[2] for known in every_field()}
    like = difflib.get_close_matches(name, last_names.values(), n=1, cutoff=0.8)
    elsewhere = [known for known, last in last_names.items() if last in like]
    if elsewhere:
        return f"unknown field; did you mean {' or '.join(elsewhere)}?"
    return f"unknown field; known here: {', '.join(own)}"


def table_fields(model: type[BaseModel]) -> Iterator[str]:
    """The names of a table's fields as they stand in a file."""
    for name, field in model.model_fields.items():
        yield field.alias or name


def every_field(model: type[BaseModel] = SessionConfig, prefix: str = "") -> Iterator[str]:
    """All fields, dotted, tables before their fields."""
    for name, field in model.model_fields.items():
        dotted_name = prefix + (field.alias or name)
        yield dotted_name
        if (inner := table_of(field)) and not is_optional(field):
            yield from every_field(inner, f"{dotted_name}.")


def table_of(field: FieldInfo) -> type[Table] | None:
    """The model of a field that is a table, also of one that may be missing; else None."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    kind = kinds[0] if len(kinds) == 1 and is_optional(field) else field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Table) else None


def is_optional(field: FieldInfo) -> bool:
    """Whether a field is a table, or none unless it is given."""
    return type(None) in get_args(field.annotation)


def _model(path: Path) -> type[Table] | None:
    """The model that stands at `path`, None when that is no table of ours."""
    if not path:
        return SessionConfig
    field = _field(path)
    return table_of(field) if field else None


def _field(path: Path) -> FieldInfo | None:
    """The field at `path`; for an element of a list or a free-form table, the field that holds it."""
    model: type[BaseModel] = SessionConfig
    field: FieldInfo | None = None
    for part in path:
        inner = next((f for name, f in model.model_fields.items() if part == (f.alias or name)), None)
        if inner is None:
            return field
        field = inner
        table = table_of(field)
        if table is None:
            return field
        model = table
    return field
