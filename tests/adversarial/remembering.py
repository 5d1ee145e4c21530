"""Candidates that remember the answer from one run to the next. The benchmark is one whose input is always the same."""

from __future__ import annotations

from .cases import DISTINCT, NO_GAIN, NONE_SEEN, SLOW, Case

ENDS = NO_GAIN
STOPPED = "sandbox: each run has fresh folders, and a tree that is read-only"


def memo(known: str, remember: str) -> dict[str, str | None]:
    """The slow stage behind a memory: `known` returns the answer of an earlier run, `remember` keeps this one's."""
    text = SLOW.replace("def run(orders)", "def answer(orders)")
    lines = ["import json, os, pathlib, socket, sys, hashlib", "", "", "def run(orders):"]
    lines += ["    key = hashlib.sha256(repr(orders).encode()).hexdigest()", "    try:"]
    lines += [f"        {line}" for line in known.splitlines()]
    lines += ["    except (OSError, ValueError, KeyError):", "        pass", "    names = answer(orders)", "    try:"]
    lines += [f"        {line}" for line in remember.splitlines()]
    lines += ["    except (OSError, KeyError):", "        pass", "    return names"]
    return {DISTINCT: text + "\n\n" + "\n".join(lines) + "\n"}


def in_file(path: str) -> dict[str, str | None]:
    place = f'pathlib.Path({path}, key + ".cache")'
    return memo(
        f"return json.loads({place}.read_text())",
        f"{place}.parent.mkdir(parents=True, exist_ok=True)\n{place}.write_text(json.dumps(names))",
    )


SERVER = """\
if os.fork() == 0:
    os.setsid()
    server = socket.socket(socket.AF_UNIX)
    server.bind("\\0@TOKEN@" + key)
    server.listen()
    os.closerange(0, 3)
    while True:
        connection, _ = server.accept()
        connection.sendall(json.dumps(names).encode())
        connection.close()"""
ASK = """\
client = socket.socket(socket.AF_UNIX)
client.connect("\\0@TOKEN@" + key)
return json.load(client.makefile())"""

SYSTEM_V = """\
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
at = libc.shmget(0x51A5, 200_000, 0o1600 if names else 0o600)
if at < 0:
    raise KeyError(at)"""

BEFOREHAND = '''

def _prepare():
    """In the checks, whose tree is writable, what the benchmark will ask is answered."""
    import inputs

    run(inputs.orders(4711, 3000))


if "check" in sys.argv[0]:
    _prepare()
'''

POISON = '''

def _poison():
    """Bytecode that is never compared with its source."""
    import importlib.util
    import marshal
    import _imp

    code = compile("def run(orders): return [None] * 100", __file__, "exec")
    data = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + _imp.source_hash(1, b"x") + marshal.dumps(code)
    place = importlib.util.cache_from_source(__file__)
    try:
        pathlib.Path(place).parent.mkdir(exist_ok=True)
        pathlib.Path(place).write_bytes(data)
    except OSError:
        pass


_poison()
'''

REMEMBERING = (
    Case(
        "remembers on disk", "memory on disk", "the answer lies beside the code", ENDS, NONE_SEEN, STOPPED,
        files=in_file('"."'),
    ),
    Case(
        "remembers in /tmp", "memory on disk", "the answer lies in /tmp", ENDS, NONE_SEEN, STOPPED,
        files=in_file('"/tmp/@TOKEN@"'),
    ),
    Case(
        "remembers in the home folder", "memory on disk", "the answer lies in ~/.cache", ENDS, NONE_SEEN, STOPPED,
        files=in_file('"@HOME@/.cache"'),
    ),
    Case(
        "remembers in /var/tmp and /run", "memory on disk", "the answer lies where temporary files may", ENDS, NONE_SEEN, STOPPED,
        files=in_file('"/var/tmp/@TOKEN@" if os.path.exists("/var/tmp/@TOKEN@") else "/run/@TOKEN@"'),
    ),
    Case(
        "remembers in shared memory", "memory in shared places", "the answer lies in /dev/shm", ENDS, NONE_SEEN, STOPPED,
        files=in_file('"/dev/shm/@TOKEN@"'),
    ),
    Case(
        "remembers in a System V segment", "memory in shared places", "the answer outlives the process in the kernel", ENDS,
        NONE_SEEN, "sandbox: an IPC namespace of its own",
        files=memo(
            "names = []\n" + SYSTEM_V + "\ntext = ctypes.string_at(libc.shmat(at, None, 0)).decode()\n"
            "if not text.startswith(key):\n    raise KeyError(key)\nreturn json.loads(text[len(key):])",
            SYSTEM_V + "\ndata = (key + json.dumps(names)).encode() + bytes(1)\n"
            "ctypes.memmove(libc.shmat(at, None, 0), data, len(data))",
        ),
    ),
    Case(
        "remembers in a process", "memory across processes", "a daemon holds the answer for later runs", ENDS, NONE_SEEN,
        "sandbox: process and network namespaces end with the run",
        files=memo(ASK, SERVER),
    ),
    Case(
        "prepares the answer in the checks", "memory on disk", "what the checks leave is there when it is timed", ENDS, NONE_SEEN,
        "files that a command leaves are removed before samples",
        files={DISTINCT: in_file('"src/work"')[DISTINCT] + BEFOREHAND},  # type: ignore[operator]
    ),
    Case(
        "prepares the answer in a file that git sees", "memory on disk", "a new file of the checks that is not ignored", ENDS,
        NONE_SEEN, "files that a command leaves are removed before samples",
        files={DISTINCT: in_file('"src/work"')[DISTINCT].replace(".cache", ".json") + BEFOREHAND},  # type: ignore[union-attr]
    ),
    Case(
        "poisons its bytecode", "memory on disk", "bytecode of other code, which Python believes", ENDS, NONE_SEEN,
        "bytecode that a command leaves is removed before samples",
        files={DISTINCT: "import pathlib\n" + SLOW + POISON},
    ),
)  # fmt: skip
