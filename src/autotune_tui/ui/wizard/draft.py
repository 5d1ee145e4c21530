"""What was typed so far, and the configuration that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from pydantic import ValidationError

from autotune_tui.config import Metric, SessionConfig, dump, tables
from autotune_tui.config.problems import problems
from autotune_tui.ui.wizard.schema import NO_TARGET, specs, to_data, to_text

READ_BY = {
    "metric.pattern": ("regex",),
    "metric.path": ("json",),
    "metric.line": ("line",),
    "metric.file": ("regex", "json", "line"),
}
"""Fields that only some sources have; with another source they are kept here and left out of the configuration."""
KEEPS_EMPTY = frozenset(("metric.unit",))
"""Fields that may be empty although their default is not."""
PAIRS = "NAME=VALUE, with blanks between several"


@dataclass
class Draft:
    """The texts of all fields by dotted name; a field that is not there, or empty, has its default."""

    values: dict[str, str] = field(default_factory=dict)
    step: int = 0
    suggested: dict[str, str] = field(default_factory=dict)
    """What was filled in without being typed, as it was then."""
    share: bool = False
    """Whether the configuration is also written to the repository's root."""
    by_hand: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Tables in tables, such as `holdout.metric`, which no form shows: as they stood in the file that was taken over."""

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def shown(self, name: str) -> str:
        """What stands in the form's field."""
        return self.values.get(name, specs()[name].default if name in KEEPS_EMPTY else "")

    def value(self, name: str) -> str:
        """The text that counts: what was typed, else the default."""
        return self.text(name).strip() if self._is_given(name) else specs()[name].default

    def suggest(self, values: Mapping[str, str]) -> None:
        """Fill in fields that nothing was typed into."""
        for name, text in values.items():
            if (text or name in KEEPS_EMPTY) and not self.text(name).strip():
                self.values[name] = self.suggested[name] = text

    def take(self, values: Mapping[str, str]) -> None:
        """Fill in fields, whatever is in them."""
        self.values.update(values)
        self.suggested.update(values)

    def copy(self, config: SessionConfig) -> None:
        """Fill in all that a configuration says, also that it has no target."""
        self.take({"metric.target": NO_TARGET, **texts_of(config)})
        self.by_hand = tables_by_hand(config)

    def origin(self, name: str) -> str:
        """Where a field's value comes from: you, suggested or default."""
        if not self._is_given(name):
            return "default"
        return "suggested" if self.suggested.get(name) == self.text(name) else "you"

    @property
    def no_target(self) -> bool:
        return self.text("metric.target").strip().lower() == NO_TARGET

    def data(self) -> dict[str, Any]:
        """The tables of autotune.toml."""
        data: dict[str, Any] = {}
        source = self.value("metric.source")
        for name, spec in specs().items():
            table, _, last = name.rpartition(".")
            fields = data.setdefault(table, {}) if table and (spec.required or self._is_given(name)) else data
            left_out = source not in READ_BY.get(name, (source,)) or (name == "metric.target" and self.no_target)
            if self._is_given(name) and not left_out:
                fields[last] = to_data(spec, self.text(name))
        if self.no_target:  # said together with a limit, as `init` wants it (S2)
            limits = data.setdefault("budget", {})
            limits.setdefault("experiments", int(specs()["budget.experiments"].default))
        for name, fields in self.by_hand.items():
            table, _, last = name.rpartition(".")
            data.setdefault(table, {})[last] = fields
        return data

    def problems(self) -> dict[str, str]:
        """What is wrong, in words, by the name of the field; empty when nothing is."""
        data = self.data()
        found = {
            name: PAIRS
            for name, spec in specs().items()
            if spec.kind == "pairs" and isinstance(to_data(spec, self.text(name)), str)
        }
        target = self.text("metric.target").strip()
        if not target or isinstance(data.get("metric", {}).get("target"), str):
            found["metric.target"] = not_a_target(target)
        for field_name, words in _refusals(data).items():
            found.setdefault(field_name, words)
        return found

    def metric(self) -> Metric | None:
        """The metric as far as it says how to read a number, None while that is not right."""
        fields = self.data().get("metric", {})
        try:
            return Metric.model_validate(
                {name: value for name, value in fields.items() if name not in ("target", "threshold")}
            )
        except ValidationError:
            return None

    @property
    def target(self) -> float | None:
        """The target, if it is a number."""
        target = self.data().get("metric", {}).get("target")
        return target if isinstance(target, float) else None

    def config(self) -> SessionConfig:
        """The configuration. Raises pydantic's ValidationError while there are problems."""
        return SessionConfig.model_validate(self.data())

    def toml(self) -> str:
        """What was typed, as a file that `init --file` and `check --file` take."""
        return tomlkit.dumps(self.data())

    def trial_toml(self) -> str:
        """What it takes to run the benchmark once: the clock stands in for a metric that is not right yet."""
        data = self.data()
        kept: dict[str, Any] = {name: data[name] for name in ("benchmark", "workspace") if name in data}
        if (metric := self.metric()) is not None:
            kept["metric"] = metric.model_dump(mode="json", exclude_defaults=True)
        return tomlkit.dumps({"goal": "a trial", "agent": "manual", "scope": {"include": ["**"]}, **kept})

    def _is_given(self, name: str) -> bool:
        return bool(self.text(name).strip()) or (name in KEEPS_EMPTY and name in self.values)


def _refusals(data: Mapping[str, Any]) -> dict[str, str]:
    try:
        SessionConfig.model_validate(data)
    except ValidationError as error:
        found = problems(error.errors(include_url=False), {})
        return {_field_of(problem.field): problem.words.rpartition("wanted: ")[2] for problem in reversed(found)}
    return {}


def not_a_target(text: str) -> str:
    """The refusal of success criteria that are no number (S2)."""
    wanted = f"the number at which you would stop, or {NO_TARGET}"
    return f'"{text if len(text) <= 20 else text[:19] + "…"}" is no target: {wanted}' if text else wanted


def _field_of(path: str) -> str:
    """The field that a problem's path is about: `scope.include[0]` is about `scope.include`."""
    names = [name for name in specs() if path == name or path.startswith((f"{name}.", f"{name}["))]
    return max(names, key=len, default=path)


def texts_of(config: SessionConfig) -> dict[str, str]:
    """The texts of a configuration's fields that are not as by default."""
    texts: dict[str, str] = {}
    for name, spec in specs().items():
        value: Any = config
        for part in name.split("."):
            fields = type(value).model_fields.items()  # some names are words of Python, hence aliases: copy, pass
            value = getattr(value, next((field for field, info in fields if info.alias == part), part))
        text = to_text(spec, value)
        if text != spec.default:
            texts[name] = text
    return texts


def tables_by_hand(config: SessionConfig) -> dict[str, dict[str, Any]]:
    """The tables in tables of a configuration that are no field of the form."""
    return {
        f"{table}.{name}": value
        for table, fields in tables(dump(config)).items()
        if isinstance(fields, dict)
        for name, value in fields.items()
        if isinstance(value, dict) and f"{table}.{name}" not in specs()
    }


def about(names: Iterable[str], found: Mapping[str, str]) -> dict[str, str]:
    """The problems of these fields and tables."""
    wanted = tuple(names)
    return {
        field: words
        for field, words in found.items()
        if any(field == name or field.startswith(f"{name}.") for name in wanted)
    }
