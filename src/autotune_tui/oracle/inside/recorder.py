"""Records calls of named functions while a command runs: arguments, result or exception, and arguments afterwards.

`AUTOTUNE_CALLS` names a folder with `settings.json`; each process appends lines to a file of its own there, so that nothing
is lost when one ends abruptly.
"""

from __future__ import annotations

import atexit
import base64
import functools
import hashlib
import importlib.abc
import inspect
import json
import os
import pickle
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .choice import Function, Way
from .freeze import frozen

TOO_LARGE = ["too large"]


class Recorder:
    """The recorder of one process."""

    def __init__(self, folder: Path) -> None:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        self.functions = {name: Function(name, settings["calls"]) for name in settings["functions"]}
        self._folder = folder
        self._left = settings["size"]
        self._lock = threading.RLock()
        self._own = threading.local()
        self._file: Any = None
        self._process = 0
        self._header = ""

    @property
    def active(self) -> set[str]:
        """The functions that are being called or recorded in this thread: of a recursion only the outermost call counts."""
        if not hasattr(self._own, "active"):
            self._own.active = set()
        active: set[str] = self._own.active
        return active

    def begin(self, function: Function, args: Any, kwargs: Any) -> dict[str, Any] | None:
        """The call's record so far; None when it is not kept."""
        with self._lock:
            if not function.is_looked_at():
                return None
            outer = set(self.active)
            self.active.update(self.functions)  # what pickling calls is no call of the program
            try:
                pickled = pickle.dumps((args, kwargs), 4)
            except Exception as error:  # any class may refuse in its own way
                self.leave_out(function, f"cannot be pickled ({type(error).__name__})")
                return None
            finally:
                self.active.intersection_update(outer)
            digest = hashlib.blake2b(pickled, digest_size=16).digest()
            if digest in function.digests:
                return None
            function.digests.add(digest)
            return {"function": function.name, "pickle": base64.b64encode(pickled).decode()}

    def end(self, function: Function, record: dict[str, Any], how: str, value: Any, arguments: Any, way: Any) -> None:
        """Keep a call that ended, if its way is one of which more are wanted: it returned or raised `value`."""
        with self._lock:
            slot = record["slot"] = function.place(way)
            if slot is None:
                return
            record["end"] = [how, self._frozen(value)]
            record["after"] = self._frozen(arguments)
            if TOO_LARGE in (record["end"][1], record["after"]):
                self.leave_out(function, "are too large")
                return
            line = json.dumps(record)
            left = self._left + function.sizes.get(slot, 0)  # a call whose place is taken no longer counts
            if len(line) > left:
                self.leave_out(function, "go beyond the limit of bytes")
                return
            self._left = left - len(line)
            function.sizes[slot] = len(line)
            self._write(line, self._figures(function))

    def leave_out(self, function: Function, why: str) -> None:
        """Count a call that cannot be recorded. Each first one is written at once, the rest with what follows."""
        function.left_out[why] = function.left_out.get(why, 0) + 1
        if function.left_out[why] == 1:
            self._write(self._figures(function))

    def finish(self) -> None:
        with self._lock:
            self._write(*(self._figures(function) for function in self.functions.values() if function.seen))

    def _frozen(self, value: Any) -> Any:
        outer = set(self.active)
        self.active.update(self.functions)
        try:
            return frozen(value, untouched=True)
        finally:
            self.active.intersection_update(outer)

    def _figures(self, function: Function) -> str:
        return json.dumps({"function": function.name, "seen": function.seen, "left_out": function.left_out})

    def _write(self, *lines: str) -> None:
        if self._process != os.getpid():  # a fork has its own file
            self._process, self._header = os.getpid(), ""
            self._file = (self._folder / f"calls-{self._process}.jsonl").open("a", encoding="utf-8")
        header = json.dumps({"python": sys.executable, "path": sys.path})
        if header != self._header:
            self._header = header
            self._file.write(header + "\n")
        self._file.write("".join(line + "\n" for line in lines))
        self._file.flush()

    def wrap(self, module: Any) -> None:
        """Put the recording functions in the place of the module's own."""
        for name in self.functions:
            where, _, path = name.partition(":")
            if where == module.__name__:
                *outer, last = path.split(".")
                try:
                    parent = functools.reduce(getattr, outer, module)
                    found = inspect.getattr_static(parent, last)
                    kind = type(found) if isinstance(found, (classmethod, staticmethod)) else None
                    recording = self._recording(self.functions[name], found.__func__ if kind else found)
                    setattr(parent, last, kind(recording) if kind else recording)
                except (AttributeError, TypeError) as error:
                    self.leave_out(self.functions[name], f"cannot be reached ({error})")

    def _recording(self, function: Function, original: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(original) or isinstance(original, type):
            raise TypeError(f"it is a {type(original).__name__}, not a function")

        new = functools.partial(_Call, self, function)
        if not inspect.iscoroutinefunction(original):  # it would be watched while others run
            function.watch(original)

        def made(*args: Any, **kwargs: Any) -> Any:
            with new(args, kwargs) as call:
                call.value = original(*args, **kwargs)
            return call.value

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with new(args, kwargs) as call:
                call.value = await original(*args, **kwargs)
            return call.value

        mine = awaited if inspect.iscoroutinefunction(original) else made
        # doctest, for one, takes for a module's own only what has its globals.
        space = getattr(original, "__globals__", mine.__globals__)
        recording = types.FunctionType(mine.__code__, space, mine.__name__, None, mine.__closure__)
        functools.update_wrapper(recording, original)
        for attribute in set(dir(original)) - set(dir(recording)):  # such as cache_clear
            setattr(recording, attribute, getattr(original, attribute))
        return recording


class _Call:
    """One call of a function that is recorded."""

    def __init__(self, recorder: Recorder, function: Function, args: Any, kwargs: Any) -> None:
        self.recorder = recorder
        self.function = function
        self.arguments = (args, kwargs)
        self.value: Any = None
        self.record: dict[str, Any] | None = None
        self.outermost = function.name not in recorder.active
        self.way = Way(function.code)

    def __enter__(self) -> _Call:
        if self.outermost:
            self.record = self.recorder.begin(self.function, *self.arguments)
            self.recorder.active.add(self.function.name)
            if self.record is not None:
                self.way.begin()
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.way.end()
        if self.outermost:
            self.recorder.active.discard(self.function.name)
        if self.record is not None:
            how, value = ("returned", self.value) if error is None else ("raised", error)
            way = self.way.of(how, value, self.arguments)
            self.recorder.end(self.function, self.record, how, value, self.arguments, way)


class Finder(importlib.abc.MetaPathFinder):
    """Lets the others find a module, and wraps its functions as soon as it has run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._wanted = {name.partition(":")[0] for name in recorder.functions}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self._wanted:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None and not isinstance(spec.loader, type):
            run = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                self._recorder.wrap(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install(folder: str) -> None:
    """Record from now on, in this process and those that it forks."""
    recorder = Recorder(Path(folder))
    sys.meta_path.insert(0, Finder(recorder))
    atexit.register(recorder.finish)
