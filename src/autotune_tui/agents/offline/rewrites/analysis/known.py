"""What is known about built-in and standard functions: what they give, and whether calling them is noticed elsewhere."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence

from autotune_tui.agents.offline.rewrites.analysis import kinds
from autotune_tui.agents.offline.rewrites.analysis.kinds import (
    BOOL,
    BYTES,
    FLOAT,
    INT,
    NONE,
    STR,
    UNKNOWN,
    Kind,
    item_of,
    join,
    of,
)
from autotune_tui.agents.offline.rewrites.analysis.nodes import words

Results = Callable[[Sequence[Kind]], Kind]


def _always(kind: Kind) -> Results:
    return lambda _: kind


def _first(values: Sequence[Kind]) -> Kind:
    return values[0] if values else UNKNOWN


def _items(values: Sequence[Kind]) -> Kind:
    return item_of(values[0]) if values else kinds.NOTHING


def _total(values: Sequence[Kind]) -> Kind:
    if len(values) != 1:
        return UNKNOWN
    item = _items(values)
    return INT if item.is_a("int", "bool") else join((INT, FLOAT)) if item.is_a("int", "bool", "float") else UNKNOWN


def _least(values: Sequence[Kind]) -> Kind:
    return _items(values) if len(values) == 1 else join(values) if values else UNKNOWN


def _dict(values: Sequence[Kind]) -> Kind:
    if not values:
        return of("dict", kinds.NOTHING, kinds.NOTHING)
    if values[0].name == "dict":
        return values[0]
    pair = _items(values)
    return of("dict", *pair.args) if pair.name == "tuple" and len(pair.args) == 2 else of("dict", UNKNOWN, UNKNOWN)


def _round(values: Sequence[Kind]) -> Kind:
    numbers = values and values[0].is_a("int", "float")
    return UNKNOWN if not numbers else INT if len(values) == 1 else values[0]


BUILTIN_RESULTS: dict[str, Results] = {
    **{name: _always(STR) for name in ("str", "repr", "chr", "format", "hex", "bin", "oct", "input", "ascii")},
    **{name: _always(INT) for name in ("int", "len", "ord", "hash", "id")},
    **{name: _always(BOOL) for name in ("bool", "any", "all", "isinstance", "issubclass", "callable", "hasattr")},
    **{name: lambda values, name=name: of(name, _items(values)) for name in ("list", "set", "frozenset")},  # type: ignore[misc]
    "float": _always(FLOAT),
    "bytes": _always(BYTES),
    "range": _always(of("range")),
    "open": _always(of("file")),
    "print": _always(NONE),
    "tuple": lambda values: of("tuple*", _items(values)),
    "sorted": lambda values: of("list", _items(values)),
    "reversed": lambda values: of("iter", _items(values)),
    "iter": lambda values: of("iter", _items(values) if len(values) == 1 else UNKNOWN),
    "enumerate": lambda values: of("iter", of("tuple", INT, _items(values))),
    "zip": lambda values: of("iter", of("tuple", *map(item_of, values))),
    "dict": _dict,
    "sum": _total,
    "min": _least,
    "max": _least,
    "abs": lambda values: values[0] if values and values[0].is_a("int", "float") else UNKNOWN,
    "round": _round,
    "filter": lambda values: of("iter", item_of(values[1]) if len(values) == 2 else UNKNOWN),
}

_ROW = of("dict", join((STR, NONE)), join((STR, NONE)))
FUNCTION_RESULTS: dict[str, Kind] = {
    **{
        f"math.{name}": FLOAT
        for name in words("sqrt sin cos tan exp log log2 log10 hypot pow fabs radians degrees atan atan2")
    },
    **{f"math.{name}": INT for name in ("floor", "ceil", "gcd", "isqrt", "comb", "factorial")},
    "csv.DictReader": of("iter", _ROW),
    "csv.reader": of("iter", of("list", STR)),
    "datetime.datetime": of("datetime"),
    "datetime.date": of("date"),
    "datetime.timedelta": of("timedelta"),
    **{f"datetime.datetime.{name}": of("datetime") for name in ("strptime", "fromisoformat", "now", "fromtimestamp")},
    "datetime.date.fromisoformat": of("date"),
    "decimal.Decimal": of("Decimal"),
    "fractions.Fraction": of("Fraction"),
    "pathlib.Path": of("Path"),
    "collections.defaultdict": of("dict", UNKNOWN, UNKNOWN),
    "collections.Counter": of("dict", UNKNOWN, INT),
    "collections.OrderedDict": of("dict", UNKNOWN, UNKNOWN),
    "collections.deque": of("deque", UNKNOWN),
    "json.dumps": STR,
    "logging.getLogger": of("logger"),
    "os.path.join": STR,
    "os.path.basename": STR,
    "os.path.dirname": STR,
    "os.fspath": STR,
    "re.compile": of("pattern"),
    "time.perf_counter": FLOAT,
    "time.time": FLOAT,
    **{
        f"numpy.{name}": kinds.ARRAY
        for name in ("array", "zeros", "ones", "empty", "full", "arange", "linspace", "append")
    },
}

_STR_TO_STR = words(
    "lower upper strip lstrip rstrip title capitalize casefold swapcase replace join format zfill ljust "
    "rjust center expandtabs translate removeprefix removesuffix"
)
_STR_TO_BOOL = words(
    "startswith endswith isdigit isalpha isalnum isspace isupper islower istitle isnumeric isdecimal "
    "isidentifier isascii"
)

METHOD_RESULTS: dict[tuple[str, str], Callable[[Kind], Kind]] = {
    **{("str", name): lambda _: STR for name in _STR_TO_STR},
    **{("str", name): lambda _: BOOL for name in _STR_TO_BOOL},
    **{("str", name): lambda _: INT for name in ("find", "rfind", "index", "rindex", "count")},
    **{("str", name): lambda _: of("list", STR) for name in ("split", "rsplit", "splitlines")},
    **{("str", name): lambda _: of("tuple", STR, STR, STR) for name in ("partition", "rpartition")},
    ("str", "encode"): lambda _: BYTES,
    ("bytes", "decode"): lambda _: STR,
    ("bytes", "hex"): lambda _: STR,
    ("file", "read"): lambda _: STR,
    ("file", "readline"): lambda _: STR,
    ("file", "readlines"): lambda _: of("list", STR),
    ("Path", "read_text"): lambda _: STR,
    ("datetime", "date"): lambda _: of("date"),
    ("datetime", "isoformat"): lambda _: STR,
    ("datetime", "strftime"): lambda _: STR,
    ("datetime", "timestamp"): lambda _: FLOAT,
    ("date", "isoformat"): lambda _: STR,
    ("date", "strftime"): lambda _: STR,
    ("timedelta", "total_seconds"): lambda _: FLOAT,
    ("list", "copy"): lambda kind: kind,
    ("list", "pop"): item_of,
    ("list", "count"): lambda _: INT,
    ("list", "index"): lambda _: INT,
    ("deque", "popleft"): item_of,
    ("deque", "pop"): item_of,
    ("set", "pop"): item_of,
    ("dict", "copy"): lambda kind: kind,
    ("dict", "keys"): lambda kind: of("view", item_of(kind)),
    ("dict", "values"): lambda kind: of("view", kind.args[1]),
    ("dict", "items"): lambda kind: of("view", of("tuple", item_of(kind), kind.args[1])),
    **{("set", name): lambda kind: kind for name in ("copy", "difference", "intersection")},
}

PURE_BUILTINS = words(
    "abs all any ascii bin bool bytes callable chr complex dict divmod enumerate filter float format "
    "frozenset hash hex int isinstance issubclass len list map max min oct ord pow range repr reversed "
    "round set slice sorted str sum tuple type zip"
)
QUIET_BUILTINS = words("print open input id iter hasattr")
"""Noticed outside of the program or dependent on more than the arguments, but no container is changed."""

_PURE_MODULES = words("math cmath statistics fractions unicodedata textwrap colorsys")
_PURE_FUNCTIONS = words(
    "re.match re.search re.fullmatch re.findall re.finditer re.split re.escape re.compile "
    "datetime.datetime.strptime datetime.datetime.fromisoformat datetime.date.fromisoformat "
    "datetime.datetime datetime.date datetime.timedelta datetime.time decimal.Decimal hashlib.sha256 "
    "hashlib.md5 hashlib.sha1 binascii.crc32 zlib.crc32 zlib.adler32 bisect.bisect bisect.bisect_left "
    "bisect.bisect_right json.dumps json.loads collections.Counter collections.deque "
    "collections.OrderedDict base64.b64encode base64.b64decode heapq.nsmallest heapq.nlargest "
    "urllib.parse.urlparse urllib.parse.urlsplit urllib.parse.quote urllib.parse.unquote "
    "operator.itemgetter operator.attrgetter itertools.chain itertools.product itertools.permutations "
    "itertools.combinations itertools.islice itertools.count itertools.repeat itertools.zip_longest "
    "itertools.pairwise ipaddress.ip_address os.path.join os.path.basename os.path.dirname "
    "os.path.splitext time.strptime"
)
_QUIET_FUNCTIONS = words(
    "time.time time.perf_counter time.monotonic datetime.datetime.now datetime.date.today random.random "
    "random.randint random.choice random.uniform random.randrange collections.defaultdict os.path.exists "
    "os.path.isfile"
)
_PURE_NUMPY = words(
    "array asarray zeros ones empty full arange linspace sqrt exp log abs sum mean median std var dot "
    "matmul where maximum minimum clip round float64 float32 int64 int32 append concatenate sort argsort "
    "unique cumsum ravel isnan"
)

CALLING_KEYWORDS = words("key default cls object_hook object_pairs_hook parse_float parse_int func")
"""Keyword arguments of known functions that are functions to call."""
CALLS_FIRST = frozenset(["map", "filter"])
"""Pure built-ins that call their first argument."""

PURE_METHODS: dict[str, frozenset[str]] = {
    "list": frozenset(["index", "count", "copy"]),
    "dict": words("get keys values items copy"),
    "set": words("copy union intersection difference symmetric_difference issubset issuperset isdisjoint"),
    "deque": frozenset(["index", "count", "copy"]),
    "pattern": words("match search fullmatch findall finditer split"),
}
VALUE_KINDS = words(
    "str bytes int float bool none tuple tuple* frozenset range date datetime time timedelta Decimal Fraction"
)
"""Kinds whose methods never change anything."""
CHANGING_METHODS = words(
    "append extend insert pop remove clear sort reverse add discard update setdefault popitem appendleft "
    "extendleft popleft rotate"
)
READING_NAMES = words(
    "lower upper strip lstrip rstrip title capitalize casefold startswith endswith splitlines isdigit "
    "isalpha isalnum zfill split rsplit partition rpartition join encode decode format items keys values "
    "get isoformat strftime timestamp total_seconds date group groups"
)
"""Methods of unknown values that by their name only read, as far as containers elsewhere go."""


def is_pure(name: str) -> bool:
    """Whether a function (by its full name) depends on its arguments alone and changes nothing."""
    module, _, function = name.rpartition(".")
    if module == "builtins":
        meant = getattr(builtins, function, None)
        return function in PURE_BUILTINS or (isinstance(meant, type) and issubclass(meant, BaseException))
    return module in _PURE_MODULES or name in _PURE_FUNCTIONS or (module == "numpy" and function in _PURE_NUMPY)


def is_quiet(name: str) -> bool:
    """Whether calling it changes no container of the program."""
    module, _, function = name.rpartition(".")
    known = module == "builtins" and function in QUIET_BUILTINS
    return known or name in _QUIET_FUNCTIONS or is_pure(name)
