"""Starts the recorder in every Python that the recording command starts, then the `sitecustomize` that is hidden by this."""

import contextlib
import importlib
import os
import sys

# pathlib would change which modules the program finds imported.
_here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]  # noqa: PTH100
if "AUTOTUNE_CALLS" in os.environ:
    sys.path.insert(0, _here)
    importlib.import_module("autotune_calls.recorder").install(os.environ["AUTOTUNE_CALLS"])
    sys.path.remove(_here)
_this = sys.modules.pop("sitecustomize", None)
with contextlib.suppress(ImportError):
    importlib.import_module("sitecustomize")
if _this is not None:
    sys.modules.setdefault("sitecustomize", _this)
