"""The kinds of values in a configuration: durations, amounts, commands, relative paths.

Each parser raises ValueError with the words for *what would do*; the file, the line and the field are added in `problems`.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_AMOUNT = re.compile(r"\+?(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)")
UNLIMITED = "unlimited"
DURATION_FIELDS = frozenset({"time", "timeout", "answer_timeout", "agent_silence", "stall"})
"""Names of fields that are seconds, and that a person writes as `10m`."""


def parse_duration(value: object) -> float:
    """Seconds of "90s", "10m", "1h30m" or a plain number of seconds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration such as 30s, 10m or 1h30m")
    if isinstance(value, str):
        text = value.replace(" ", "")
        parts = _DURATION.findall(text)
        if parts and "".join(n + u for n, u in parts) == text:
            value = sum(float(n) * _UNITS[u] for n, u in parts)
        else:
            try:
                value = float(text)
            except ValueError:
                raise ValueError("a duration such as 30s, 10m or 1h30m") from None
    if not 0 < value < float("inf"):
        raise ValueError("a duration above zero")
    return float(value)


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back as exactly `seconds`: "8h", "1h30m", "0.25s"."""
    if seconds != int(seconds) or seconds >= 1e15:
        return f"{seconds!r}s" if "e" not in repr(seconds) else repr(seconds)
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n)


class Amount(BaseModel):
    """A change that is either relative ("1%", "+5%") or absolute (0.05)."""

    model_config = ConfigDict(frozen=True)
    value: float
    relative: bool

    def __str__(self) -> str:
        number = Decimal(repr(self.value))
        return f"{_plain(number.scaleb(2))}%" if self.relative else _plain(number)


def _plain(number: Decimal) -> str:
    """Without trailing zeros, and without an exponent where that stays short."""
    number = number.normalize()
    return f"{number:f}" if -10 < number.adjusted() < 16 else str(number)


def parse_amount(value: object) -> object:
    """An `Amount` of "1%", "+5%", "0.05" or a number. Raises ValueError."""
    if isinstance(value, str):
        match = _AMOUNT.fullmatch(value.strip())
        if not match:
            raise ValueError('a percentage such as "1%", or a number in the metric\'s unit')
        # Decimal, so that "7%" is the same number as 0.07 and is written back as "7%".
        number, relative = Decimal(match[1]), match[2] == "%"
        value = Amount(value=float(number.scaleb(-2) if relative else number), relative=relative)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = Amount(value=float(value), relative=False)
    if isinstance(value, Amount) and not 0 <= value.value < math.inf:
        raise ValueError("zero or more")
    if not isinstance(value, Amount | dict):
        raise ValueError('a percentage such as "1%", or a number in the metric\'s unit')
    return value


def parse_command(value: object) -> object:
    """A shell command, or a list of arguments whose first is the program. Raises ValueError."""
    if isinstance(value, list | tuple) and value and all(isinstance(part, str) for part in value) and value[0].strip():
        parts = list(value)
    elif isinstance(value, str):
        parts = [value]
    elif value == [] or value == ():
        return ""
    else:
        raise ValueError('a shell command such as "python bench.py", or a list of arguments')
    if any("\0" in part for part in parts):
        raise ValueError("a command without NUL characters")
    return value.strip() if isinstance(value, str) else parts


def _given(command: Any) -> Any:
    if not command:
        raise ValueError('a shell command such as "python bench.py", or a list of arguments')
    return command


def relative_path(text: str) -> str:
    """A path or glob pattern that stays below the repository's root. Raises ValueError."""
    if not text.strip():
        raise ValueError("a path relative to the repository's root, such as src/**")
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", text):
        raise ValueError("a path relative to the repository's root, such as src/**, not an absolute one")
    if ".." in text.replace("\\", "/").split("/"):
        raise ValueError("a path inside the repository, without ..")
    return text


def _variable(name: str) -> str:
    if not name or "=" in name or "\0" in name:
        raise ValueError('an environment variable\'s name, without "="')
    return name


def _limit(value: object) -> object:
    """TOML has no null, so a limit is lifted by a word."""
    return None if value == UNLIMITED else value


def _optional_duration(value: object) -> float | None:
    return None if value is None or value == UNLIMITED else parse_duration(value)


def parse_moment(value: object) -> str:
    """A date and a time, from TOML or as text, with its distance from UTC; one that has none is local. Raises ValueError."""
    if value == "":
        return ""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) and ":" in value else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        raise ValueError("a date and a time such as 2026-05-01 08:00 or 2026-05-01T08:00:00Z")
    return (moment if moment.tzinfo else moment.astimezone()).isoformat(sep=" ", timespec="seconds")


Duration = Annotated[float, BeforeValidator(parse_duration)]
Moment = Annotated[str, BeforeValidator(parse_moment)]
OptionalDuration = Annotated[float | None, BeforeValidator(_optional_duration)]
Limit = BeforeValidator(_limit)
Tolerance = Annotated[Amount, BeforeValidator(parse_amount)]
Command = Annotated[str | list[str], BeforeValidator(parse_command)]
RequiredCommand = Annotated[str | list[str], BeforeValidator(parse_command), AfterValidator(_given)]
RelativePath = Annotated[str, AfterValidator(relative_path)]
VariableName = Annotated[str, AfterValidator(_variable)]
