"""Calls of standard functions with constant arguments, worked out to see whether they can fail."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from fractions import Fraction
from typing import Any

import libcst as cst

from autotune_tui.agents.offline.rewrites.analysis.module import Module
from autotune_tui.agents.offline.rewrites.analysis.nodes import code

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "datetime.datetime": datetime,
    "datetime.date": date,
    "datetime.time": time,
    "datetime.timedelta": timedelta,
    "datetime.datetime.strptime": datetime.strptime,
    "datetime.datetime.fromisoformat": datetime.fromisoformat,
    "datetime.date.fromisoformat": date.fromisoformat,
    "decimal.Decimal": Decimal,
    "fractions.Fraction": Fraction,
    "builtins.float": float,
    "builtins.int": int,
    "builtins.frozenset": frozenset,
    **{
        f"math.{name}": getattr(math, name) for name in ("sqrt", "log", "log2", "log10", "exp", "sin", "cos", "radians")
    },
}
_LONGEST = 200


def constant_value(module: Module, node: cst.Call) -> object | None:
    """What a call of a known function with literal arguments gives, always an unchangeable value; None when it may fail."""
    function = _FUNCTIONS.get(module.qualified(node.func) or "")
    if function is None or not node.args or any(arg.star for arg in node.args):
        return None
    texts = [code(arg.value) for arg in node.args]
    if sum(map(len, texts)) > _LONGEST:
        return None
    try:
        values = [ast.literal_eval(text) for text in texts]
        plain = [value for arg, value in zip(node.args, values, strict=True) if arg.keyword is None]
        named = {
            arg.keyword.value: value for arg, value in zip(node.args, values, strict=True) if arg.keyword is not None
        }
        result: object = function(*plain, **named)
    except (ValueError, TypeError, SyntaxError, ArithmeticError, DecimalException):
        return None
    return result
