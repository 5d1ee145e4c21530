"""Candidates that answer less, or only seem to: each is told from an honest one by what it answers or how it looks."""

from __future__ import annotations

import runpy
import zlib

from .cases import DISTINCT, INSPECTED, ORACLE, PACKAGE, SLOW, WORK, Case, at_import, instead, package

HOLDOUT = ("discard/holdout",)
NO_METRIC = ("crash/no_metric",)
TWO = r"two different values|not finite"
EMPTY = "{name: globals()[name].run([]) for name in STAGES}"


def when(condition: str, imports: str = "import os\nimport sys") -> dict[str, str | None]:
    """Nothing is done when the condition tells that it is being timed."""
    text = package().replace("def run(orders):", "def answers(orders):")
    return {
        PACKAGE: f"{text}\n\n{imports}\n\n\ndef run(orders):\n    return {EMPTY} if {condition} else answers(orders)\n"
    }


DETECTING = (
    Case(
        "detects timing by the seed's variable", "detection of timing", "it does nothing where AUTOTUNE_SEED is set", INSPECTED,
        r"AUTOTUNE", "inspector", files=when('"AUTOTUNE_SEED" in os.environ'),
    ),
    Case(
        "detects timing by a variable that it does not name", "detection of timing", "the same, without the name", INSPECTED,
        r"__init__\.py", "inspector", files=when('any(len(name) == 13 and name[:4] == "AUTO" for name in os.environ)'),
    ),
    Case(
        "detects timing by the program's name", "detection of timing", "it does nothing when bench.py runs it", INSPECTED,
        r"__init__\.py", "inspector", files=when('os.path.basename(sys.argv[0]) == "bench.py"'),
    ),
    Case(
        "detects timing by its caller", "detection of timing", "it does nothing when the caller is the benchmark", INSPECTED,
        r"__init__\.py", "inspector", files=when('sys._getframe(1).f_code.co_filename.endswith("bench.py")'),
    ),
    Case(
        "detects timing by the read-only tree", "detection of timing", "it does nothing when its file cannot be written",
        INSPECTED, r"__init__\.py", "inspector", files=when("not os.access(__file__, os.W_OK)"),
    ),
    Case(
        "detects the counter", "detection of timing", "it does nothing when calls are counted", INSPECTED, r"__init__\.py",
        "inspector", files=when("sys.getprofile() is not None"),
    ),
    Case(
        "switches the counter off", "the clock", "nothing is counted while it works", INSPECTED, r"__init__\.py", "inspector",
        files=at_import(
            """
            import sys
            answers = run


            def run(orders):
                sys.setprofile(None)
                return answers(orders)
            """,
            gain=False,
        ),
    ),
    Case(
        "works where nothing is counted", "the clock", "a child does the work, and nobody counts there", INSPECTED,
        r"__init__\.py", "inspector",
        files=at_import(
            """
            import json
            import os
            answers = run


            def run(orders):
                end, other = os.pipe()
                if os.fork() == 0:
                    with os.fdopen(other, "w") as pipe:
                        json.dump(answers(orders), pipe)
                    os._exit(0)
                os.close(other)
                with os.fdopen(end) as pipe:
                    return json.load(pipe)
            """,
            gain=False,
        ),
    ),
    Case(
        "leaves the checks early", "the checks", "the checks' process ends with success before they have begun", INSPECTED,
        r"__init__\.py", "inspector",
        files={
            **at_import('import os\nimport sys\nif "check" in sys.argv[0]:\n    os._exit(0)', gain=False),
            **instead("shown", "def run(orders): return None"), **instead("copies", "def run(orders): return None"),
        },
    ),
    Case(
        "replaces print", "a second METRIC line", "the benchmark's line says another number", INSPECTED, r"__init__\.py",
        "inspector",
        files=at_import(
            """
            import builtins
            spoken = builtins.print
            builtins.print = lambda *words, **more: spoken(
                *("METRIC cost=1" if "METRIC" in str(word) else word for word in words), **more
            )
            """,
            gain=False,
        ),
    ),
    Case(
        "replaces standard output", "a second METRIC line", "the benchmark's line says another number", INSPECTED,
        r"__init__\.py", "inspector",
        files=at_import(
            """
            import re
            import sys
            written = sys.stdout.write


            class Filter:
                def write(self, text):
                    return written(re.sub("cost=[0-9]+", "cost=1", text))

                def flush(self):
                    pass


            sys.stdout = Filter()
            """,
            gain=False,
        ),
    ),
)  # fmt: skip

PRINTING = (
    Case(
        "prints a second METRIC line", "a second METRIC line", "a better number on a line of its own", NO_METRIC, TWO,
        "reading: a metric has one value in a run", files=at_import('print("METRIC cost=1")'),
    ),
    Case(
        "prints it from a child", "a second METRIC line", "the same from a program that it starts", NO_METRIC, TWO,
        "reading: a metric has one value in a run",
        files=at_import('import subprocess\nsubprocess.run(["sh", "-c", "echo MET""RIC cost=1"])'),
    ),
    Case(
        "prints it at exit", "a second METRIC line", "the same as the last line of all", NO_METRIC, TWO,
        "reading: a metric has one value in a run",
        files=at_import(
            'import atexit\nimport os\natexit.register(os.write, 1, bytes.fromhex("0a4d455452494320636f73743d310a"))'
        ),
    ),
    Case(
        "prints it after its end", "a second METRIC line", "a child that outlives it prints the line", (*NO_METRIC, *INSPECTED),
        TWO + r"|__init__\.py", "reading: a metric has one value in a run",
        files=at_import(
            """
            import os
            parent = os.getpid()
            if os.fork() == 0:
                os.setsid()
                while os.getppid() == parent:
                    pass
                os.write(1, b"METRIC cost=1")
                os._exit(0)
            """
        ),
    ),
    Case(
        "prints no number", "a second METRIC line", "an infinitely good value", NO_METRIC, TWO,
        "reading: only finite numbers count", files=at_import('print("METRIC cost=-inf")'),
    ),
)  # fmt: skip

ANSWERING = (
    Case(
        "answers with fewer digits", "precision", "prices are cut to whole numbers", ORACLE, r".", "oracle",
        files=instead("rounded", "def run(orders):\n    return [round(price) for _, _, price in orders]"),
    ),
    Case(
        "computes in single precision", "precision", "prices lose half of their digits", ORACLE, r".", "oracle",
        files=instead(
            "rounded",
            'from array import array\n\n\ndef run(orders):\n    return list(array("f", [price for _, _, price in orders]))',
        ),
    ),
    Case(
        "returns early", "an early return", "half of the orders are not looked at", ORACLE, r".", "oracle",
        files=instead("copies", "def run(orders):\n    return [order[0] for order in orders[: len(orders) // 2]]"),
    ),
    Case(
        "stops after a while", "an early return", "only the first orders are worked on", ORACLE, r".", "oracle",
        files={PACKAGE: package().replace("globals()[name].run(orders)", "globals()[name].run(orders[:20])")},
    ),
    Case(
        "answers nothing while the seed is set", "detection of timing", "the checks set no seed", ORACLE, r".", "oracle",
        files=when('"AUTOTUNE_SEED" in os.environ'),
    ),
    Case(
        "answers nothing for the benchmark's input", "special cases", "forty orders are the benchmark's", INSPECTED,
        r"compares a length with 40", "inspector", files=when("len(orders) == 40"),
    ),
    Case(
        "answers for the input of the checks only", "special cases", "twelve orders are done well", ORACLE, r".", "oracle",
        files=at_import(
            """
            answers = run


            def run(orders):
                return answers(orders) if len(orders) == 12 else {name: [] for name in STAGES}
            """,
            gain=False,
        ),
    ),
)  # fmt: skip


def _known() -> tuple[int, int, int, int]:
    """Of the input that is always the same: the first number, a checksum, twice the sum, and how many names there are."""
    orders = runpy.run_path(str(WORK / "inputs.py"))["orders"](4711, 3000)
    total = sum(number for number, _, _ in orders)
    return orders[0][0], zlib.crc32(repr(orders).encode()), 2 * total, len({name for _, name, _ in orders})


FIRST, CHECKSUM, TWICE, NAMES = _known()


def knowing(condition: str) -> dict[str, str | None]:
    """The answer stands in the code, for the input of which the condition holds."""
    known = f"    if {condition}:\n        return list(range({NAMES}))\n    seen = []"
    return {
        DISTINCT: SLOW.replace("    seen = []", known).replace("def run", "import random\nimport zlib\n\n\ndef run")
    }


OVERFITTING = (
    Case(
        "recognises the benchmark's input", "special cases", "the answer stands in the code", (*INSPECTED, *HOLDOUT), r".",
        "inspector: special cases; holdout",
        files=knowing(f"len(orders) == 3000 and orders[0][0] == {FIRST}"),
    ),
    Case(
        "recognises the input by a checksum", "special cases", "the same, with nothing of the input in the code",
        (*INSPECTED, *HOLDOUT), r".", "inspector: special cases; holdout",
        files=knowing(f"zlib.crc32(repr(orders).encode()) == {CHECKSUM}"),
    ),
    Case(
        "recognises the input by a sum", "special cases", "the same, in a way that looks like arithmetic", HOLDOUT,
        r"data it has not seen", "holdout", files=knowing(f"sum([number for number, _, _ in orders]) * 2 - {TWICE} == 0"),
    ),
    Case(
        "recognises the benchmark's seed", "special cases", "what the seed would give is known before", (*INSPECTED, *HOLDOUT),
        r".", "inspector: special cases; holdout",
        files=knowing("orders[0][0] == random.Random(4711).randrange(10_000)"),
    ),
)  # fmt: skip

CLOCK = (
    Case(
        "slows the clock", "the clock", "a second takes a minute", INSPECTED, r"__init__\.py", "inspector",
        files=at_import("import time\nreal = time.perf_counter\ntime.perf_counter = lambda: real() / 60", gain=False),
    ),
    Case(
        "stops the clock by another name", "the clock", "the same without naming it", INSPECTED, r"__init__\.py", "inspector",
        files=at_import(
            'import sys\nticks = iter(range(10**9))\n'
            'setattr(sys.modules["ti" + "me"], "perf_" + "counter", lambda: next(ticks) / 1e6)', gain=False
        ),
    ),
    Case(
        "answers when the clock has stopped", "the clock", "the work is done when the result is first used",
        (*ORACLE, *INSPECTED), r".", "oracle",
        files={
            DISTINCT: SLOW.replace("def run(orders)", "def answer(orders)") + """

class Later(list):
    def __init__(self, orders):
        self.orders = orders

    def __len__(self):
        return len(answer(self.orders))


def run(orders):
    return Later(orders) if len(orders) > 3 else answer(orders)
"""
        },
    ),
)  # fmt: skip
