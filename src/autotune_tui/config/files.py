"""Reading `autotune.toml` into a SessionConfig and writing it back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from autotune_tui.config.fields import SessionConfig
from autotune_tui.config.lines import Path as FieldPath
from autotune_tui.config.lines import locate
from autotune_tui.config.problems import problems, table_of
from autotune_tui.config.values import DURATION_FIELDS, UNLIMITED, Amount, format_duration
from autotune_tui.errors import ConfigError


def load(path: Path) -> SessionConfig:
    """The configuration in the file `path`. Raises ConfigError, which lists every problem with its line and field."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "No configuration", f"{path} does not exist.", "Write one with `autotune-tui init`."
        ) from None
    except OSError as error:
        raise ConfigError("The configuration cannot be read", f"{path}: {error.strerror}.") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "The configuration is not UTF-8", f"{path}:{line}: byte 0x{raw[error.start]:02x}.", "Save it as UTF-8."
        ) from None
    return parse(text, str(path))


def parse(text: str, file: str = "autotune.toml") -> SessionConfig:
    """The configuration in a TOML text; `file` is its name in messages. Raises ConfigError as `load` does."""
    return validate(tables(text, file), file, locate(text))


def tables(text: str, file: str = "autotune.toml") -> dict[str, Any]:
    """The tables of a TOML text, not validated. Raises ConfigError when it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, file) from None


def validate(data: Mapping[str, Any], file: str, lines: Mapping[FieldPath, int] | None = None) -> SessionConfig:
    """The configuration in parsed TOML (or the like); `file` says in messages where it came from. Raises ConfigError."""
    try:
        return SessionConfig.model_validate(data)
    except ValidationError as error:
        found = problems(error.errors(include_url=False), lines or {})
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        raise ConfigError(
            f"The configuration has {count}",
            "\n".join(problem.text(file) for problem in found),
            "The README's configuration reference lists every field.",
        ) from None


def _syntax_error(message: str, text: str, file: str) -> ConfigError:
    """tomllib puts the place into its message: "... (at line 3, column 5)" or "(at end of document)"."""
    place = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
    words = message[: place.start()] if place else message
    shown = text.splitlines()[line - 1].strip() if text.strip() else ""
    return ConfigError("The configuration is not TOML", f"{file}:{line}: {words}: {shown[:80]}")


def dump(config: SessionConfig) -> str:
    """A TOML text that `load` reads back as the same configuration.

    Only what is required or differs from its default is written, each field under its description.
    """
    import tomlkit

    document = tomlkit.document()
    _write(document, config)
    return tomlkit.dumps(document).lstrip("\n")


def _write(container: Any, model: BaseModel) -> None:
    """Writes the model's plain fields first, as TOML wants, then its tables."""
    import tomlkit

    values = {name: getattr(model, name) for name in type(model).model_fields}
    fields = {name: field for name, field in type(model).model_fields.items() if _is_told(field, values[name])}
    for name, field in fields.items():
        if not isinstance(values[name], BaseModel | dict) or isinstance(values[name], Amount):
            container.add(tomlkit.comment(field.description or ""))
            container.add(field.alias or name, _toml(name, values[name]))
    for name, field in fields.items():
        value = values[name]
        if isinstance(value, dict):
            container.add(field.alias or name, _free_table(field, value))
        elif table_of(field):
            table = tomlkit.table()
            _write(table, value)
            container.add(tomlkit.nl())
            container.add(field.alias or name, table)


def _is_told(field: FieldInfo, value: Any) -> bool:
    return field.is_required() or value != field.get_default(call_default_factory=True)


def _free_table(field: FieldInfo, values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.add(tomlkit.comment(field.description or ""))
    for name, value in values.items():
        table.add(name, _toml(name, value))
    return table


def _toml(name: str, value: Any) -> Any:
    """The value as one writes it: "1%", "10m"; enums as their text."""
    if value is None:
        return UNLIMITED
    if isinstance(value, Amount):
        return str(value) if value.relative else value.value
    if name in DURATION_FIELDS and isinstance(value, float):
        return format_duration(value)
    return str(value) if isinstance(value, str) else value
