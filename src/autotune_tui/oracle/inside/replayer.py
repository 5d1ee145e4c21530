"""Makes recorded calls again, and writes what came of each as plain data; it knows nothing of what is expected.

`setup.json` of the folder has the module search path, `calls.jsonl` the calls; `results.jsonl` gets a line for each.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import importlib
import inspect
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .freeze import MOST_ITEMS, frozen


def main(folder: Path) -> None:
    """Make all calls, one after the other."""
    calls = (folder / "calls.jsonl").read_text(encoding="utf-8").splitlines()
    sys.path[:] = json.loads((folder / "setup.json").read_text(encoding="utf-8"))["path"]
    sys.argv[:] = [""]
    with (folder / "results.jsonl").open("w", encoding="utf-8") as results:
        for number, line in enumerate(calls):
            call = json.loads(line)
            results.write(json.dumps({"call": number, **_make(call["function"], call["pickle"])}) + "\n")
            results.flush()


def _make(name: str, pickled: str) -> dict[str, Any]:
    """What came of one call: how it ended, its arguments afterwards, and the file that the function is from."""
    try:
        function, origin = find(name)
    except Exception as error:  # importing runs any code
        return {"failed": f"{name} cannot be found: {type(error).__name__}: {error}"}
    try:
        args, kwargs = pickle.loads(base64.b64decode(pickled))
    except Exception as error:  # so does loading
        return {"failed": f"its arguments cannot be loaded: {type(error).__name__}: {error}"}
    shown = frozen((args, kwargs), untouched=True)
    how, value = "returned", None
    try:
        value = _awaited(function(*args, **kwargs))
    except BaseException as error:  # what the function raises is its result
        how, value = "raised", error
    return {"end": [how, frozen(value)], "after": frozen((args, kwargs)), "shown": shown, "origin": origin}


@functools.lru_cache(maxsize=1024)
def find(name: str) -> tuple[Callable[..., Any], str]:
    """A function `package.module:Class.method`, and the file of its module. Raises whatever importing it raises."""
    where, _, path = name.partition(":")
    module = importlib.import_module(where)
    found: Any = module
    for part in path.split("."):
        found = inspect.getattr_static(found, part) if isinstance(found, type) else getattr(found, part)
    if isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    return found, getattr(module, "__file__", None) or ""


def _awaited(value: Any) -> Any:
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    if inspect.isasyncgen(value):
        return asyncio.run(_collected(value))
    return value


async def _collected(values: Any) -> Any:
    items: list[Any] = []
    async for value in values:
        items.append(value)
        if len(items) == MOST_ITEMS:
            break
    return items


def start() -> None:
    """Make the calls of the folder beside our modules, which the code under test is not to find."""
    folder = Path(sys.argv[1]).parent
    for name in [name for name in sys.modules if name.partition(".")[0] == __package__]:
        del sys.modules[name]
    main(folder)
