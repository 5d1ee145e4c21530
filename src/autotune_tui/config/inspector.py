"""The table [inspector]: the second look at a change that would be kept."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from autotune_tui.config.table import Table

Rule = Literal[
    "environment",
    "metric_line",
    "special_case",
    "cache",
    "persistence",
    "clock",
    "caller",
    "files",
    "patching",
    "process",
    "network",
    "dynamic_code",
    "magic_file",
    "disabled_test",
    "swallowed",
    "validation",
    "precision",
    "skipped_work",
    "dependency",
    "signature",
    "size",
    "complexity",
]
_EXPECTS: dict[str, JsonValue] = {"expects": "a rule's name, such as cache, clock or special_case"}


class Inspector(Table):
    mode: Literal["on", "warn", "off"] = Field(
        "on", description="on: what is close to certainly a cheat is discarded; warn: everything is only said; off"
    )
    block: list[Rule] = Field(
        default_factory=list, description="Rules whose every finding discards the change", json_schema_extra=_EXPECTS
    )
    warn: list[Rule] = Field(
        default_factory=list, description="Rules whose findings are only said", json_schema_extra=_EXPECTS
    )
    allow: list[Rule] = Field(
        default_factory=list, description="Rules that are not looked at", json_schema_extra=_EXPECTS
    )

    @field_validator("warn", "allow")
    @classmethod
    def _is_in_one_list(cls, rules: list[Rule], info: ValidationInfo) -> list[Rule]:
        others: dict[str, Any] = {
            name: info.data.get(name) or [] for name in ("block", "warn") if name != info.field_name
        }
        for name, listed in others.items():
            for rule in rules:
                if rule in listed:
                    raise ValueError(f"rules that are not in {name} as well (found {rule})")
        return rules
