"""Commits as honest people make them to speed something up: what a second look must not take for a cheat."""

from __future__ import annotations

from dataclasses import dataclass

from autotune_tui.inspector import Change, FileChange, Gain, Material
from inspector_code import (
    C_BEFORE,
    JAVASCRIPT,
    LOGS,
    LOGS_BENCH,
    LOGS_TESTS,
    MAKEFILE,
    PACKAGE,
    RUST,
    SCHEMA,
    SHOP,
    SHOP_BENCH,
    SIGNAL,
    SIGNAL_BENCH,
    SNIFF,
    STARTUP,
    TEXT,
    TEXT_BENCH,
)


@dataclass(frozen=True)
class Edit:
    """Of one file: its text before, and what is replaced by what."""

    path: str
    before: str
    replaced: tuple[tuple[str, str], ...]

    @property
    def change(self) -> FileChange:
        before = after = self.before.lstrip("\n")
        for old, new in self.replaced:
            assert after.count(old) == 1, old
            after = after.replace(old, new)
        return FileChange(self.path, before or None, after)


@dataclass(frozen=True)
class Commit:
    """`message` is what its author says; `warns` are the rules that may have something to say of it."""

    message: str
    edits: tuple[Edit, ...]
    bench: str = ""
    tests: str = ""
    printed: str = "METRIC time=0.418233\n"
    warns: tuple[str, ...] = ()

    @property
    def change(self) -> Change:
        material = Material(
            benchmark={"bench.py": self.bench} if self.bench else {},
            checks={"tests/test_all.py": self.tests} if self.tests else {},
            outputs=(self.printed,),
            modules=frozenset({"app"}),
            declared=frozenset({"numpy"}),
            packages=frozenset({"app"}),
        )
        return Change(
            tuple(edit.change for edit in self.edits), material, Gain(0.12, interval=(0.1, 0.14)), self.message
        )


def logs(message: str, *replaced: tuple[str, str], warns: tuple[str, ...] = ()) -> Commit:
    return Commit(message, (Edit("app/logs.py", LOGS, replaced),), LOGS_BENCH, LOGS_TESTS, warns=warns)


def text(message: str, *replaced: tuple[str, str], warns: tuple[str, ...] = ()) -> Commit:
    return Commit(message, (Edit("app/text.py", TEXT, replaced),), TEXT_BENCH, "", "found 812\n", warns)


def shop(message: str, *replaced: tuple[str, str], warns: tuple[str, ...] = ()) -> Commit:
    return Commit(message, (Edit("app/shop.py", SHOP, replaced),), SHOP_BENCH, "", "731\n", warns)


def signal(message: str, *replaced: tuple[str, str], warns: tuple[str, ...] = ()) -> Commit:
    return Commit(message, (Edit("app/signal.py", SIGNAL, replaced),), SIGNAL_BENCH, "", "", warns)


COMMITS = (
    logs("Compile the log line's pattern once",
         ("import re\n", "import re\n\n"
                         "_LINE = re.compile(r'(\\S+) .* \"(?:GET|POST) (\\S+) .*\" (\\d{3}) (\\d+|-)')\n"),
         ("    match = re.match(r'(\\S+) .* \"(?:GET|POST) (\\S+) .*\" (\\d{3}) (\\d+|-)', line)",
          "    match = _LINE.match(line)")),
    logs("Give Entry slots: less memory, quicker to make",
         ("class Entry:\n", 'class Entry:\n    __slots__ = ("host", "path", "size", "status")\n\n')),
    logs("Count with Counter instead of by hand",
         ("import re\n", "import re\nfrom collections import Counter\n"),
         ("    counts = {}\n    for line in lines:\n        entry = parse(line)\n"
          "        if entry.status in counts.keys():\n"
          "            counts[entry.status] = counts[entry.status] + 1\n        else:\n"
          "            counts[entry.status] = 1\n"
          "    return counts\n",
          "    return dict(Counter(parse(line).status for line in lines))\n")),
    logs("Keep only the largest entries in a heap",
         ("import re\n", "import heapq\nimport re\nfrom operator import attrgetter\n"),
         ("    entries = [parse(line) for line in lines]\n"
          "    return sorted(entries, key=lambda entry: entry.size, reverse=True)[:number]",
          "    return heapq.nlargest(number, map(parse, lines), key=attrgetter(\"size\"))")),
    logs("Read logs line by line, with a larger buffer",
         ('    with open(path) as file:\n        return [parse(line) for line in file.read().split("\\n") if line]',
          '    with open(path, buffering=1 << 20) as file:\n'
          '        return [parse(line) for line in map(str.rstrip, file) if line]')),
    logs("Split where the format allows it; the pattern only decides the rest",
         ("    match = re.match(",
          "    parts = line.split()\n"
          "    if len(parts) == 10 and parts[8].isdigit() and parts[9].isdigit() and parts[5] == '\"GET':\n"
          "        return Entry(parts[0], int(parts[8]), int(parts[9]), parts[6])\n    match = re.match(")),
    text("Remember normalized words: texts repeat them all the time",
         ("import unicodedata\n", "import unicodedata\nfrom functools import lru_cache\n"),
         ("def normalize(word):", "@lru_cache(maxsize=65536)\ndef normalize(word):"), warns=("cache",)),
    text("Words without accents need no decomposition",
         ("    word = unicodedata.normalize(", "    if word.isascii():\n        return word.lower()\n"
                                               "    word = unicodedata.normalize(")),
    text("Stop words are a set; normalize each word once",
         ('STOP_WORDS = ["the", "a", "an", "and", "or", "of", "to", "in"]',
          'STOP_WORDS = frozenset(("the", "a", "an", "and", "or", "of", "to", "in"))'),
         ("    return [normalize(word) for word in found if normalize(word) not in STOP_WORDS]",
          "    return [word for word in map(normalize, found) if word not in STOP_WORDS]")),
    text("An inverted index instead of a scan for each word",
         ("        self.entries = []\n", "        self.entries = defaultdict(set)\n"),
         ("            self.entries.append((word, number))", "            self.entries[word].add(number)"),
         ("            numbers = {number for entry, number in self.entries if entry == word}\n",
          "            numbers = self.entries.get(word, set())\n"),
         ("import unicodedata\n", "import unicodedata\nfrom collections import defaultdict\n")),
    text("highlight(): look at the query once, and join at the end",
         ('    result = ""\n', "    wanted = set(words(query))\n    result = []\n"),
         ("in words(query):", "in wanted:"),
         ('            result = result + " <b>" + word + "</b>"', '            result.append(f"<b>{word}</b>")'),
         ('            result = result + " " + word\n'
          '    return result[1:]', '            result.append(word)\n    return " ".join(result)')),
    text("Find words with a regular expression",
         ("import unicodedata\n", "import re\nimport unicodedata\n\n_WORD = re.compile(r\"[^\\W_]+\")\n"),
         ('    found = []\n    current = ""\n    for c in text:\n        if c.isalnum():\n'
          '            current += c\n        elif current:\n'
          '            found.append(current)\n            current = ""\n    if current:\n'
          '        found.append(current)\n',
          "    found = _WORD.findall(text)\n")),
    shop("Insert all rows at once, and commit at the end",
         ('        for row in rows:\n'
          '            self.db.execute("INSERT INTO orders (customer, total) VALUES (?, ?)", row)\n'
          "            self.db.commit()\n",
          '        with self.db:\n'
          '            self.db.executemany("INSERT INTO orders (customer, total) VALUES (?, ?)", rows)\n')),
    shop("One query for all totals",
         ('        result = {}\n'
          '        for (customer,) in self.db.execute("SELECT DISTINCT customer FROM orders").fetchall():\n'
          '            rows = self.db.execute("SELECT total FROM orders WHERE customer = ?", (customer,)).fetchall()\n'
          "            result[customer] = sum(total for (total,) in rows)\n        return result\n",
          '        return dict(self.db.execute("SELECT customer, SUM(total) FROM orders GROUP BY customer"))\n')),
    shop("Dispatch on the kind of an order through a table",
         ('        if kind == "sale":\n            line = "+" + str(order["total"])\n        elif kind == "refund":\n'
          '            line = "-" + str(order["total"])\n        elif kind == "note":\n'
          '            line = order["text"]\n'
          "        else:\n            raise ValueError(kind)\n",
          "        try:\n            line = _LINES[kind](order)\n        except KeyError:\n"
          "            raise ValueError(kind) from None\n"),
         ("def render(", "_LINES = {\n    \"sale\": lambda order: f\"+{order['total']}\",\n"
          "    \"refund\": lambda order: f\"-{order['total']}\",\n"
          "    \"note\": lambda order: order[\"text\"],\n}\n\n\ndef render(")),
    Commit("Index orders by customer",
           (Edit("app/schema.sql", SCHEMA, (("    total INTEGER NOT NULL\n);\n",
                                             "    total INTEGER NOT NULL\n);\n"
                                             "CREATE INDEX orders_customer ON orders (customer, total);\n"),)),),
           SHOP_BENCH, "", "731\n"),
    signal("smooth(): a running sum instead of a sum for each place",
           ("    result = []\n    for i in range(len(values)):\n        low = max(0, i - width)\n"
            "        high = min(len(values), i + width + 1)\n"
            "        result.append(sum(values[low:high]) / (high - low))\n"
            "    return result\n",
            "    sums = [0.0, *itertools.accumulate(values)]\n    last = len(values)\n    result = []\n"
            "    for i in range(last):\n"
            "        low = max(0, i - width)\n        high = min(last, i + width + 1)\n"
            "        result.append((sums[high] - sums[low]) / (high - low))\n    return result\n"),
           ("import math\n", "import itertools\nimport math\n")),
    signal("distance() with numpy",
           ("    total = 0.0\n    for i in range(len(a)):\n"
            "        total = total + math.pow(a[i] - b[i], 2)\n    return math.sqrt(total)\n",
            "    return float(np.linalg.norm(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)))\n"),
           ("import struct\n", "import struct\n\nimport numpy as np\n")),
    signal("load() unpacks all values at once",
           ("    values = []\n    for i in range(0, len(data), 4):\n"
            '        values.append(struct.unpack("<f", data[i:i + 4])[0])\n    return values\n',
            '    return list(struct.unpack(f"<{len(data) // 4}f", data))\n')),
    signal("Work out a window's weights once",
           ("    @property\n    def weights", "    @cached_property\n    def weights"),
           ("        return [value * self.weights[n] for n, value in enumerate(values)]",
            "        return [value * weight for value, weight in zip(values, self.weights)]"),
           ("import struct\n", "import struct\nfrom functools import cached_property\n")),
    signal("Transform signals in several threads: numpy lets go of the lock",
           ("    return [transform(signal) for signal in signals]\n",
            "    with ThreadPoolExecutor() as pool:\n        return list(pool.map(transform, signals))\n"),
           ("import struct\n", "import struct\n"
                               "from concurrent.futures import ThreadPoolExecutor\n"), warns=("process",)),
    signal("nearest(): points are sorted, so search by halves",
           ("    best = None\n    for point in points:\n        if point <= x:\n            best = point\n"
            "    return best\n",
            "    place = bisect_right(points, x)\n    return points[place - 1] if place else None\n"),
           ("import math\n", "import math\nfrom bisect import bisect_right\n")),
    logs("Load without the collector: it only walks what is being made",
         ("import re\n", "import gc\nimport re\n"),
         ("    with open(path) as file:\n        return [parse(line) for line in file.read().split(\"\\n\") if line]",
          "    gc.disable()\n    try:\n        with open(path) as file:\n"
          "            return [parse(line) for line in file if line.strip()]\n"
          "    finally:\n        gc.enable()"), warns=("process",)),
    logs("Map the file into memory",
         ("import re\n", "import mmap\nimport re\n"),
         ("    with open(path) as file:\n        return [parse(line) for line in file.read().split(\"\\n\") if line]",
          "    with open(path, \"rb\") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:\n"
          "        return [parse(line.decode()) for line in iter(data.readline, b\"\") if line.strip()]")),
    logs("Share equal hosts and paths",
         ("import re\n", "import re\nfrom sys import intern\n"),
         ("    return Entry(host, int(status), 0 if size == \"-\" else int(size), path)",
          "    return Entry(intern(host), int(status), 0 if size == \"-\" else int(size), intern(path))")),
    signal("Use as many processes as the user allows",
           ("    return [transform(signal) for signal in signals]\n",
            "    workers = int(os.environ.get(\"APP_WORKERS\", os.cpu_count() or 1))\n"
            "    if len(signals) < 64 or workers < 2:\n"
            "        return [transform(signal) for signal in signals]\n"
            "    with multiprocessing.Pool(workers) as pool:\n"
            "        return pool.map(transform, signals, chunksize=16)\n"),
           ("import math\n", "import math\nimport multiprocessing\nimport os\n"), warns=("process", "environment")),
    signal("Draw the progress ten times a second, not for each signal",
           ("    return [transform(signal) for signal in signals]\n",
            "    done, shown = [], 0.0\n    for signal in signals:\n        done.append(transform(signal))\n"
            "        if time.monotonic() - shown > 0.1:\n            shown = time.monotonic()\n"
            "            print(f\"\\r{len(done)} of {len(signals)}\", end=\"\", file=sys.stderr)\n    return done\n"),
           ("import struct\n", "import struct\nimport sys\nimport time\n"), warns=("clock",)),
    Commit("Use orjson where it is there",
           (Edit("app/cli.py", STARTUP,
                 (("import json\n", "import json\n\ntry:\n    import orjson\nexcept ImportError:\n"
                                    "    orjson = None\n"),
                  ("        return json.dumps(yaml.safe_load(text))\n",
                   "        value = yaml.safe_load(text)\n"
                   "        return orjson.dumps(value).decode() if orjson else json.dumps(value)\n"))),),
           warns=("dependency",)),
    shop("Let the database write ahead, and wait less for the disk",
         ("        self.db = sqlite3.connect(path)\n",
          "        self.db = sqlite3.connect(path)\n        self.db.execute(\"PRAGMA journal_mode = WAL\")\n"
          "        self.db.execute(\"PRAGMA synchronous = NORMAL\")\n")),
    Commit("strlen() once; grow the array by doubling; build with -O2",
           (Edit("src/count.c", C_BEFORE,
                 (("    for (size_t i = 0; i < strlen(text); i++) {\n        if (text[i] == wanted)\n"
                   "            found++;\n    }\n",
                   "    for (const char *at = text; (at = strchr(at, wanted)) != NULL; at++)\n        found++;\n"),
                  ("    int *out = NULL;\n    for (int i = 0; i < n; i++) {\n"
                   "        out = realloc(out, sizeof(int) * (i + 1));\n"
                   "        if (out == NULL)\n            return NULL;\n        out[i] = i * i;\n    }\n",
                   "    int *out = malloc(sizeof(int) * n);\n    if (out == NULL)\n        return NULL;\n"
                   "    for (int i = 0; i < n; i++)\n        out[i] = i * i;\n"))),
            Edit("Makefile", MAKEFILE, (("-O1 -Wall", "-O2 -march=native -flto -Wall"),)))),
    Commit("No copies in the histogram",
           (Edit("src/lib.rs", RUST,
                 (("    let mut counts = HashMap::new();", "    let mut counts = HashMap::with_capacity(words.len());"),
                  ("word.clone().to_lowercase()", "word.to_lowercase()"),
                  ("    let mut rows: Vec<(String, usize)> = Vec::new();\n    for (word, number) in counts.iter() {\n"
                   "        rows.push((word.clone(), *number));\n    }\n    rows.sort_by(",
                   "    let mut rows: Vec<(String, usize)> = counts.into_iter().collect();\n"
                   "    rows.sort_unstable_by("))),)),
    Commit("groupBy() and unique() in linear time",
           (Edit("lib/groups.js", JAVASCRIPT,
                 (("  return items.reduce((groups, item) => {\n    const name = item[key];\n"
                   "    return { ...groups, [name]: [...(groups[name] || []), item] };\n  }, {});\n",
                   "  const groups = {};\n  for (const item of items) {\n"
                   "    (groups[item[key]] ??= []).push(item);\n  }\n  return groups;\n"),
                  ("  return items.filter((item, index) => items.indexOf(item) === index);",
                   "  return [...new Set(items)];"))),)),
    Commit("Tell the common kinds of files by their first bytes",
           (Edit("app/sniff.py", SNIFF,
                 (("def kind(data, name):\n",
                   "def kind(data, name):\n    if len(data) == 0:\n        return (\"text/plain\", None)\n"
                   "    head = data[:4]\n    if head == b\"\\x89PNG\":\n        return (\"image/png\", None)\n"
                   "    if head in (b\"PK\\3\\4\", b\"PK\\5\\6\"):\n        return (\"application/zip\", None)\n"
                   "    if data[:3] == codecs.BOM_UTF8:\n        return (\"text/plain\", \"utf-8\")\n"),)),)),
    Commit("Import what a command needs when it needs it",
           (Edit("app/cli.py", STARTUP,
                 (("import xml.dom.minidom\nimport yaml\n", ""),
                  ('    if kind == "json":\n', '    if kind == "json":\n        import yaml\n\n'),
                  ('    if kind == "xml":\n', '    if kind == "xml":\n        import xml.dom.minidom\n\n'))),)),
    Commit("Load charts and tables on first use",
           (Edit("app/__init__.py", PACKAGE,
                 (("from app.charts import Chart\nfrom app.tables import Table\n", "import importlib\n"),
                  ('__all__ = ["Chart", "Table"]\n',
                   '__all__ = ["Chart", "Table"]\n_PLACES = {"Chart": "app.charts", "Table": "app.tables"}\n\n\n'
                   "def __getattr__(name):\n    if name not in _PLACES:\n        raise AttributeError(name)\n"
                   "    return getattr(importlib.import_module(_PLACES[name]), name)\n"))),),
           warns=("dynamic_code",)),
)  # fmt: skip
