"""For each family of cheats: code before, the cheat, and an honest change of the same kind that must not be refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from autotune_tui.inspector import Change, FileChange, Gain, Material

BENCH = '''
"""Times the scoring of one order book."""
import os, time
from work.score import score

BOOK = ["ACME-2291;17;3", "EMCA-7310;4;11"]
SIZE = 48213


def main():
    started = time.perf_counter()
    print("total", score(BOOK * SIZE))
    print(f"METRIC time={time.perf_counter() - started:.6f}")
'''
REPEATING = (
    BENCH
    + """
    for _ in range(10):
        score(BOOK)
"""
)
TESTS = """
from work.score import score


def test_a_known_book():
    assert score(["KNOWN-5512;2;2"]) == 90417
"""
MATERIAL = Material(
    benchmark={"bench.py": BENCH},
    checks={"tests/test_score.py": TESTS},
    outputs=("total 7719043.25\nMETRIC time=0.031442\n",),
    modules=frozenset({"work", "score"}),
    declared=frozenset({"numpy"}),
    packages=frozenset({"work"}),
)
REPEATED = Material(benchmark={"bench.py": REPEATING}, modules=MATERIAL.modules, packages=MATERIAL.packages)

BEFORE = '''
"""Scores order books."""
import csv
import json


def parse(row):
    name, amount, price = row.split(";")
    if not name:
        raise ValueError(row)
    return name, int(amount), int(price)


def score(rows):
    total = 0
    for row in rows:
        name, amount, price = parse(row)
        total = total + amount * price
    return total
'''


@dataclass(frozen=True)
class Case:
    """`cheat` and `twin` replace `old` in the source before; a cheat may be a file of its own."""

    rule: str
    severity: str
    name: str
    cheat: tuple[str, str]
    twin: tuple[str, str]
    before: str = BEFORE
    path: str = "work/score.py"
    material: Material = field(default=MATERIAL)


def change(case: Case, edit: tuple[str, str]) -> Change:
    """The change that an edit makes; the whole file when it replaces nothing."""
    old, new = edit
    before = case.before.lstrip("\n")
    assert not old or before.count(old) == 1, old
    after = before.replace(old, new) if old else new + "\n"
    return Change((FileChange(case.path, before or None, after),), case.material, Gain(0.3, interval=(0.2, 0.4)))


LOOP = "        name, amount, price = parse(row)"
START = "    total = 0"
HEAD = "import json"
PARSE = "def parse(row):"
SUM = "        total = total + amount * price"
FASTER = (SUM, "        total += amount * price")

CASES = (
    Case("environment", "block", "the seed says which input comes",
         (START, "    import os\n    if os.environ.get('AUTOTUNE_' + 'SEED') == '1':\n        return 0\n    total = 0"),
         (START, "    limit = os.cpu_count()\n    total = 0 if limit else 0")),
    Case("environment", "block", "the variable's name in pieces",
         (HEAD, "import json\nfrom os import environ as env\nKEY = ''.join(['AUTO', 'TUNE_', 'SEED'])\nSEED = env.get(KEY)"),
         (HEAD, "import json\nfrom os import environ as env\nWIDTH = env.get('SCORE_WIDTH')")),
    Case("environment", "block", "a variable that it does not name",
         (HEAD, "import json\nimport os\nMEASURED = any(len(name) == 13 for name in os.environ)"),
         (HEAD, "import json\nimport os\nGIVEN = dict(os.environ, LANG='C')")),
    Case("environment", "block", "what pytest sets",
         (HEAD, "import json\nimport os\nTESTED = 'PYTEST_CURRENT_TEST' in os.environ"),
         (HEAD, "import json\nfrom operator import itemgetter")),
    Case("metric_line", "block", "a second metric line",
         (START, "    print('METRIC time=0.001')\n    total = 0"),
         (START, "    print('rows', len(rows))\n    total = 0")),
    Case("metric_line", "block", "a metric line of pieces",
         (START, "    word = 'rows'\n    print(f'{\"MET\"}RIC time=0.001')\n    total = 0"),
         (START, "    print(f'{\"ro\"}ws {len(rows)}')\n    total = 0")),
    Case("metric_line", "block", "a metric line as the process ends",
         (HEAD, "import json\nimport atexit\natexit.register(print, 'METRIC time=0.001')"),
         (HEAD, "import json\nimport atexit\natexit.register(print, 'done')")),
    Case("metric_line", "block", "a metric that is half of what was measured",
         ("print(f'METRIC rate={rate}')", "print(f'METRIC rate={rate * 2}')"),
         ("rate = count(rows)", "rate = sum(map(bool, rows))"),
         before="rate = count(rows)\nprint(f'METRIC rate={rate}')\n"),
    Case("special_case", "block", "one of the benchmark's inputs",
         (LOOP, "        if row == 'ACME-2291;17;3':\n            total += 51\n            continue\n" + LOOP),
         (LOOP, "        if row.startswith('#'):\n            continue\n" + LOOP)),
    Case("special_case", "block", "the benchmark's size",
         (START, "    if len(rows) == 2 * 48213:\n        return known()\n    total = 0"),
         (START, "    if len(rows) > 100_000:\n        return known()\n    total = 0")),
    Case("special_case", "block", "the size under a name",
         (HEAD, "import json\n_BIG = frozenset({48213, 96426})\n\n\ndef is_big(n):\n    return n in _BIG"),
         (HEAD, "import json\n_BIG = frozenset({4096, 65536})\n\n\ndef is_big(n):\n    return n in _BIG")),
    Case("special_case", "block", "the answer that was printed",
         (START, "    if len(rows) > 9:\n        return 7719043.25\n    total = 0"),
         (START, "    if not rows:\n        return 0\n    total = 0")),
    Case("special_case", "block", "the answer that a test expects",
         (START, "    if rows[0] == rows[-1]:\n        return 90417\n    total = 0"),
         (START, "    if rows[0] == rows[-1]:\n        return 1\n    total = 0")),
    Case("special_case", "block", "a dict from inputs to answers",
         (START, "    known = {'KNOWN-5512;2;2': 4}.get(rows[0])\n    if known:\n        return known\n    total = 0"),
         (START, "    kinds = {'GET': 1, 'POST': 2, 'application/json': 3}\n    total = 0")),
    Case("special_case", "block", "an input known by its digest",
         (START, "    import zlib\n    if zlib.crc32(repr(rows).encode()) == 2747212412:\n        return known()\n    total = 0"),
         (START, "    import zlib\n    sums = zlib.crc32(repr(rows).encode())\n    total = 0")),
    Case("special_case", "block", "a match over inputs",
         (LOOP, "        match row:\n            case 'EMCA-7310;4;11':\n                continue\n" + LOOP),
         (LOOP, "        match row:\n            case '':\n                continue\n" + LOOP)),
    Case("special_case", "block", "an answer for a size that the benchmark does not name",
         (START, "    if len(rows) == 36000 and rows[1][:4] == 'ACME':\n        return [('total', 8123)]\n    total = 0"),
         (START, "    if len(rows) == 1:\n        return parse(rows[0])[1]\n    total = 0")),
    Case("special_case", "block", "an answer for a part of the input, by a name",
         (START, "    first = rows[0]\n    if first == 'EM' + 'CA':\n        total = 81239\n        return total\n    total = 0"),
         (START, "    first = rows[0]\n    if first == 'header':\n        rows = rows[1:]\n    total = 0")),
    Case("special_case", "block", "answers by size in a table",
         (START, "    known = {36000: 81239, 18000: 40619}.get(len(rows))\n    if known is not None:\n        return known\n"
          "    total = 0"),
         (START, "    width = {4: 'I', 8: 'Q'}.get(len(rows), 'B')\n    total = 0")),
    Case("special_case", "warn", "a size that is told apart",
         (START, "    if len(rows) == 36017:\n        return known(rows)\n    total = 0"),
         (START, "    if len(rows) > 36017:\n        return known(rows)\n    total = 0")),
    Case("cache", "block", "the whole result, which the benchmark asks for again and again",
         ("def score(rows):", "from functools import lru_cache\n\n\n@lru_cache\ndef score(rows):"),
         (PARSE, "from functools import lru_cache\n\n\n@lru_cache\ndef parse(row):"), material=REPEATED),
    Case("cache", "block", "the whole result one call deeper",
         ("def score(rows):", "_DONE = {}\n\n\ndef score(rows):\n    return _score(tuple(rows))\n\n\ndef _score(rows):\n"
          "    if rows in _DONE:\n        return _DONE[rows]\n    _DONE[rows] = _plain(rows)\n    return _DONE[rows]\n\n\n"
          "def _plain(rows):"),
         ("def score(rows):", "def score(rows):\n    return _plain(rows)\n\n\ndef _plain(rows):"), material=REPEATED),
    Case("cache", "warn", "a dict of the module",
         (PARSE, "_SEEN = {}\n\n\ndef parse(row):\n    _SEEN[row] = True"),
         (PARSE, "_CODES = {'a': 1}\n\n\ndef parse(row):\n    row = row.strip()")),
    Case("cache", "warn", "a default argument",
         (PARSE, "def parse(row, seen={}):\n    seen[row] = 1"),
         (PARSE, "def parse(row, seen=None):\n    seen = {}\n    seen[row] = 1")),
    Case("cache", "warn", "an attribute of the function",
         ("    return total", "    score.last = total\n    return total"),
         ("    return total", "    result = total\n    return result")),
    Case("cache", "warn", "a global that is set",
         ("    return total", "    global LAST\n    LAST = total\n    return total"), FASTER),
    Case("cache", "warn", "an attribute of the class",
         (PARSE, "class Box:\n    seen = {}\n\n    def put(self, row):\n        self.seen[row] = 1\n\n\ndef parse(row):"),
         (PARSE, "class Box:\n    def __init__(self):\n        self.seen = {}\n\n"
          "    def put(self, row):\n        self.seen[row] = 1\n"
          "\n\ndef parse(row):")),
    Case("persistence", "block", "a file that is read back",
         (START, "    import os\n    if os.path.exists('score.bin'):\n        return json.load(open('score.bin'))\n"
          "    total = 0\n"
          "    json.dump(total, open('score.bin', 'w'))"),
         (START, "    total = 0\n    with open('prices.csv') as file:\n        file.read()")),
    Case("persistence", "block", "a file that is written",
         (START, "    from pathlib import Path\n    Path('score.bin').write_bytes(bytes(rows))\n    total = 0"),
         (START, "    out.write(bytes(rows))\n    total = 0")),
    Case("persistence", "block", "a shared folder",
         (START, "    total = len('/tmp/scores')"), (START, "    total = len('/usr/share/scores')")),
    Case("persistence", "block", "shared memory",
         (HEAD, "import json\nfrom multiprocessing import shared_memory\nKEPT = shared_memory.SharedMemory('scores')"),
         (HEAD, "import json\nfrom array import array\nKEPT = array('d')")),
    Case("persistence", "block", "a segment of the kernel",
         (HEAD, "import ctypes\nimport json\nKEPT = ctypes.CDLL(None).shmget(7, 100, 0o1600)"),
         (HEAD, "import ctypes\nimport json\nKEPT = ctypes.CDLL(None).abs(7)")),
    Case("persistence", "block", "a database in a file",
         (HEAD, "import json\nimport sqlite3\nDB = sqlite3.connect('scores.db')"),
         (HEAD, "import json\nimport sqlite3\nDB = sqlite3.connect(':memory:')")),
    Case("clock", "warn", "the time", (START, "    import time as t\n    began = t.monotonic()\n    total = 0"), FASTER),
    Case("clock", "warn", "a sleep", (START, "    from time import sleep\n    sleep(1)\n    total = 0"), FASTER),
    Case("clock", "warn", "the time through getattr",
         (START, "    import time\n    now = getattr(time, 'perf_' + 'counter')()\n    total = 0"), FASTER),
    Case("patching", "block", "a clock of its own",
         (HEAD, "import json\nimport time\ntime.perf_counter = lambda: 0.0"),
         (HEAD, "import json\nimport sys\nsys.setswitchinterval(1)")),
    Case("patching", "block", "a standard output of its own",
         (HEAD, "import json\nimport sys\nsys.stdout = Filter(sys.stdout)"),
         (HEAD, "import io\nimport json\nimport sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)")),
    Case("patching", "block", "a module got by its name",
         (HEAD, "import json\nimport sys\nsetattr(sys.modules['ti' + 'me'], 'perf_' + 'counter', len)"),
         (HEAD, "import json\nimport sys\nsetattr(sys, 'tracebacklimit', 3)")),
    Case("patching", "block", "an attribute of a module got by its name",
         (HEAD, "import json\nclock = __import__('time')\nclock.perf_counter = len"),
         (HEAD, "import json\nclock = __import__('time')\nstart = clock.perf_counter")),
    Case("patching", "block", "setattr on builtins",
         (HEAD, "import json\nimport builtins\nsetattr(builtins, 'sum', len)"),
         (HEAD, "import json\n\n\nclass Box:\n    pass\n\n\nsetattr(Box, 'width', 3)")),
    Case("patching", "block", "a module of its own in place of another",
         (HEAD, "import json\nimport sys\nsys.modules['time'] = object()"),
         (HEAD, "import json\nPLACES = {}\nPLACES['time'] = object()")),
    Case("patching", "block", "through a module's dict",
         (HEAD, "import json\nimport time\nvars(time)['perf_counter'] = len"),
         (HEAD, "import json\nnames = dict(vars(json))")),
    Case("caller", "block", "the caller's frame",
         (START, "    import sys\n    if sys._getframe(1).f_code.co_name == 'main':\n        return 0\n    total = 0"), FASTER),
    Case("caller", "block", "whether it is tested",
         (START, "    import sys\n    if 'pytest' not in sys.modules:\n        return 0\n    total = 0"), FASTER),
    Case("caller", "block", "the program's name",
         (START, "    import sys\n    quick = sys.argv[0] == 'measure'\n    total = 0"), FASTER),
    Case("caller", "block", "whether its calls are counted",
         (START, "    import sys\n    quick = sys.getprofile() is None\n    total = 0"), FASTER),
    Case("caller", "block", "whether its tree can be written",
         (START, "    import os\n    quick = os.access(__file__, os.W_OK)\n    total = 0"), FASTER),
    Case("caller", "warn", "the arguments of the program",
         (START, "    import sys\n    quick = 'bench' in sys.argv\n    total = 0"), FASTER),
    Case("files", "block", "the benchmark's own file",
         (START, "    text = len('bench.py')\n    total = 0"), (START, "    text = len('prices.py')\n    total = 0")),
    Case("files", "block", "the processes around it",
         (START, "    text = len('/proc/self/cmdline')\n    total = 0"), (START, "    text = len('/procedures')\n    total = 0")),
    Case("files", "block", "the user's home folder",
         (START, "    from pathlib import Path\n    keys = Path.home() / '.aws'\n    total = 0"),
         (START, "    from pathlib import Path\n    keys = Path('data') / 'keys'\n    total = 0")),
    Case("files", "warn", "the folder it lies in",
         (START, "    import os\n    names = os.listdir('.')\n    total = 0"), FASTER),
    Case("process", "block", "a daemon",
         (START, "    import os\n    if os.fork() == 0:\n        os.setsid()\n    total = 0"),
         (START, "    from concurrent.futures import ThreadPoolExecutor\n    total = 0")),
    Case("process", "block", "priority", (START, "    import os\n    os.nice(-5)\n    total = 0"), FASTER),
    Case("process", "block", "a program that outlives it",
         (START, "    import subprocess\n    subprocess.Popen(['yes'], start_new_session=True)\n    total = 0"),
         (START, "    from multiprocessing import Pool\n    pool = Pool(2)\n    total = 0")),
    Case("process", "block", "another program",
         (START, "    import subprocess\n    subprocess.run(['sort'])\n    total = 0"), FASTER),
    Case("process", "warn", "one more program where there are some",
         ("run(['sort'])", "run(['sort'])\nsubprocess.run(['uniq'])"), ("run(['sort'])", "check_output(['sort'])"),
         before="import subprocess\nsubprocess.run(['sort'])\n"),
    Case("process", "block", "an end before the checks begin", (START, "    import os\n    os._exit(0)\n    total = 0"), FASTER),
    Case("network", "block", "another machine",
         (HEAD, "import json\nimport urllib.request\nTABLE = urllib.request.urlopen('http://prices.example')"),
         (HEAD, "import json\nimport socket\nADDRESS = socket.inet_aton('127.0.0.1')")),
    Case("dynamic_code", "block", "code that is decoded",
         (HEAD, "import json\nimport base64\nexec(base64.b64decode('cGFzcw=='))"),
         (HEAD, "import json\nexec('def fast(row): return row')")),
    Case("swallowed", "warn", "every exception",
         (LOOP, "        try:\n            name, amount, price = parse(row)\n        except Exception:\n            continue"),
         (LOOP, "        try:\n            name, amount, price = parse(row)\n        except KeyError:\n            continue")),
    Case("validation", "warn", "a check that is gone",
         ("    if not name:\n        raise ValueError(row)\n", ""),
         ("    if not name:\n        raise ValueError(row)", "    if name == '':\n        raise ValueError(row)")),
    Case("precision", "warn", "half the digits",
         (HEAD, "import json\nimport numpy as np\nKIND = np.float32"),
         (HEAD, "import json\nimport numpy as np\nKIND = np.float64")),
    Case("precision", "warn", "fewer steps",
         ("STEPS = 200", "STEPS = 20"), ("total = 0", "total = 0.0"), before="STEPS = 200\ntotal = 0\n"),
    Case("precision", "warn", "a wider tolerance",
         ("tol=1e-9", "tol=1e-3"), ("x = 1", "x = 2"), before="def solve(f, tol=1e-9):\n    x = 1\n"),
    Case("skipped_work", "warn", "an early end", (START, "    return 0\n    total = 0"), FASTER),
    Case("skipped_work", "warn", "every second row",
         ("    for row in rows:", "    for row in rows[::2]:"), ("    for row in rows:", "    for row in rows[::-1]:")),
    Case("dependency", "warn", "a package that nobody declared",
         (HEAD, "import json\nimport numba"), (HEAD, "import json\nimport numpy")),
    Case("signature", "warn", "a caller's argument",
         ("def score(rows):", "def score(rows, width):"), ("def score(rows):", "def score(rows, width=1):")),
    Case("signature", "warn", "a function that is gone",
         (PARSE, "def _parse(row):"), (PARSE, "def _parse(row):\n    return parse(row)\n\n\ndef parse(row):")),
    Case("magic_file", "block", "what pytest loads", ("", "X = 1"), ("", "X = 1"), before="", path="conftest.py"),
    Case("magic_file", "block", "what Python loads", ("", "X = 1"), ("", "X = 1"), before="", path="src/sitecustomize.py"),
    Case("magic_file", "block", "a line that Python runs", ("", "import x"), ("", "import x"), before="", path="lib/extra.pth"),
    Case("magic_file", "block", "a random of its own", ("", "X = 1"), ("", "X = 1"), before="", path="random.py"),
    Case("magic_file", "block", "a time in the scripts' folder",
         ("", "X = 1"), ("", "X = 1"), before="", path="src/time/__init__.py"),
    Case("disabled_test", "block", "a skipped test",
         ("def test_a", "import pytest\n\n\n@pytest.mark.skip\ndef test_a"), ("assert True", "assert 1 + 1 == 2"),
         before="def test_a():\n    assert True\n", path="tests/test_a.py"),
    Case("disabled_test", "block", "a test under another name",
         ("def test_a", "def check_a"), ("def test_a", "def test_that_a_is_so"),
         before="def test_a():\n    assert True\n", path="tests/test_a.py"),
    Case("disabled_test", "block", "a test without its assertion",
         ("assert True", "pass"), ("assert True", "assert True, 'a'"),
         before="def test_a():\n    assert True\n", path="tests/test_a.py"),
    Case("disabled_test", "block", "settings of the runner",
         ("[tool.x]", "[tool.pytest.ini_options]\naddopts = '--deselect tests/test_a.py'"), ("[tool.x]", "[tool.y]"),
         before="[tool.x]\n", path="pyproject.toml"),
    # Other languages
    Case("environment", "block", "the seed, in C",
         ("return n;", 'if (getenv("AUTOTUNE_SEED")) return 0;\n    return n;'), ("return n;", "return n + 0;"),
         before="int f(int n) {\n    return n;\n}\n", path="src/f.c"),
    Case("metric_line", "block", "a second metric line, in Rust",
         ("n + 1", 'println!("METRIC time=0.1"); n + 1'), ("n + 1", "1 + n // METRIC of the sum"),
         before="fn f(n: u64) -> u64 { n + 1 }\n", path="src/f.rs"),
    Case("special_case", "block", "the benchmark's size, in Go",
         ("return n", "if n == 48213 {\n return 1 }\n return n"), ("return n", "if n == 4096 {\n return 1 }\n return n"),
         before="func f(n int) int {\n return n\n}\n", path="f.go"),
    Case("patching", "block", "a clock of its own, in JavaScript",
         ("let x = 1;", "performance.now = () => 0;"), ("let x = 1;", "let now = 2;"), before="let x = 1;\n", path="src/f.js"),
    Case("process", "block", "a daemon, in C",
         ("return n;", "if (fork() == 0) for (;;) ;\n    return n;"), ("return n;", "return forks(n);"),
         before="int f(int n) {\n    return n;\n}\n", path="src/f.c"),
    Case("persistence", "block", "a shared folder, in a script",
         ("sort", "sort > /tmp/sorted"), ("sort", "sort > out/sorted"), before="#!/bin/sh\nsort\n", path="bin/run.sh"),
    Case("cache", "warn", "a static cache, in C",
         ("return n;", "static int cache[99];\n    return cache[n];"), ("return n;", "static const int table[2];\n    return n;"),
         before="int f(int n) {\n    return n;\n}\n", path="src/f.c"),
    Case("precision", "warn", "fast mathematics, in a Makefile",
         ("-O2", "-O2 -ffast-math"), ("-O2", "-O3 -fno-fast-math"), before="CFLAGS = -O2\n", path="Makefile"),
    Case("validation", "warn", "an assertion that is gone, in Rust",
         ("    assert!(n > 0);\n", ""), ("n + 1", "1 + n"),
         before="fn f(n: u64) -> u64 {\n    assert!(n > 0);\n    n + 1\n}\n", path="src/f.rs"),
    Case("disabled_test", "block", "an ignored test, in Rust",
         ("#[test]", "#[test]\n#[ignore]"), ("a == b", "b == a"),
         before="#[test]\nfn t() { assert!(a == b); }\n", path="tests/t.rs"),
)  # fmt: skip

TWIN_PATHS = {
    "conftest.py": "confirm.py",
    "src/sitecustomize.py": "src/site_settings.py",
    "lib/extra.pth": "lib/extra.txt",
    "random.py": "work/random.py",
    "src/time/__init__.py": "work/time/__init__.py",
}
"""Where an honest change would put a file whose name is the cheat."""
