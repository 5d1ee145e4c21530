"""Rules that are a table: names of the standard library and of known packages that a change should not begin to use.

A name ending in `.*` stands for all that begins so; `?.name` is an attribute of anything. What counts is the number of uses
in a group, over the whole change: code that was moved, renamed or that swaps `time.time` for `time.perf_counter` is nothing
new. What blocks does so only where the changed files had nothing of its group before; else it warns.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autotune_tui.inspector.base import Change, Fact, Finding, Severity, fresh
from autotune_tui.inspector.python import Source


@dataclass(frozen=True, slots=True)
class Row:
    rule: str
    severity: Severity
    text: str
    names: str


TABLE = (
    Row(
        "clock", "warn", "asks for the time",
        "time time.time time.time_ns time.perf_counter time.perf_counter_ns time.monotonic time.monotonic_ns"
        " time.process_time time.process_time_ns time.thread_time time.thread_time_ns time.clock_gettime"
        " time.clock_gettime_ns time.ctime datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today"
        " datetime.date.today timeit.default_timer os.times resource.getrusage",
    ),
    Row("clock", "warn", "sleeps", "time.sleep"),
    Row(
        "caller", "block", "looks at who calls it",
        "inspect.stack inspect.currentframe inspect.getouterframes inspect.getframeinfo sys._getframe"
        " sys._getframemodulename sys._current_frames traceback.extract_stack traceback.format_stack"
        " traceback.walk_stack traceback.print_stack __main__ __main__.*",
    ),
    Row("caller", "block", "looks at what watches its calls, or watches them", "sys.setprofile sys.settrace sys.getprofile"
        " sys.gettrace sys.monitoring.* threading.settrace threading.setprofile sys.addaudithook"),
    Row("caller", "block", "asks what it may write", "os.access os.statvfs"),
    Row("caller", "warn", "looks at how it was started", "sys.argv sys.orig_argv os.getppid psutil.Process"),
    Row("caller", "warn", "looks at the modules that are loaded", "sys.modules sys.modules.*"),
    Row(
        "files", "warn", "looks at the file system",
        "os.listdir os.scandir os.walk os.stat os.getcwd os.path.getmtime os.path.getsize glob.glob glob.iglob"
        " pathlib.Path.cwd ?.rglob ?.iterdir __file__",
    ),
    Row("files", "block", "looks at the user's home folder", "pathlib.Path.home os.path.expanduser ?.expanduser"),
    Row(
        "persistence", "block", "keeps things outside the process",
        "shelve.open shelve.* dbm.* multiprocessing.shared_memory.* joblib.Memory diskcache.* tempfile.gettempdir"
        " tempfile.gettempprefix tempfile.tempdir posix_ipc.* sysv_ipc.* redis.* pymemcache.* memcache.* cachetools_ext.*"
        " os.mkfifo os.memfd_create os.setxattr ?.shmget ?.shmat ?.shm_open ?.msgget ?.semget",
    ),
    Row(
        "process", "block", "changes its priority, its processors or other processes",
        "os.nice os.setpriority os.sched_setaffinity os.sched_setscheduler os.sched_setparam os.kill os.killpg"
        " os.pidfd_open signal.pidfd_send_signal psutil.process_iter ?.cpu_affinity ?.ionice",
    ),
    Row("process", "block", "leaves the process that is measured", "os.fork os.forkpty os.setsid os.setpgid os.setpgrp"
        " pty.fork pty.spawn os.posix_spawn os.posix_spawnp daemon.* multiprocessing.util.spawnv_passfds"),
    Row(
        "process", "block", "begins to start other programs",
        "subprocess.* os.system os.popen os.spawnl os.spawnlp os.spawnv os.spawnvp os.execv os.execvp os.execve"
        " os.execl os.execlp asyncio.create_subprocess_exec asyncio.create_subprocess_shell",
    ),
    Row("process", "warn", "changes how the process works", "gc.disable gc.freeze resource.setrlimit signal.signal"
        " signal.setitimer signal.alarm sys.setrecursionlimit"),
    Row("process", "block", "ends the process before its end", "os._exit os.abort"),
    Row("process", "warn", "does something as the process ends", "atexit.register atexit.* threading._register_atexit"),
    Row("process", "info", "works in parallel", "multiprocessing.* concurrent.futures.* threading.Thread"),
    Row(
        "network", "block", "begins to use the network",
        "socket.socket socket.create_connection socket.create_server socket.getaddrinfo socket.gethostbyname"
        " socketserver.* urllib.request.* http.client.* http.server.* ftplib.* smtplib.* poplib.* imaplib.*"
        " xmlrpc.client.* asyncio.open_connection requests requests.* httpx httpx.* aiohttp aiohttp.* urllib3.*"
        " websockets.* paramiko.* websocket.*",
    ),
    Row(
        "dynamic_code", "warn", "runs code or bytes that cannot be read here",
        "eval exec compile builtins.eval builtins.exec builtins.compile types.CodeType types.FunctionType ctypes.* cffi.*"
        " marshal.loads marshal.load code.* __import__ importlib.import_module runpy.* pickle.loads",
    ),
    Row("patching", "block", "replaces parts of other modules while it runs", "unittest.mock.patch unittest.mock.patch.*"
        " mock.patch mock.patch.*"),
    Row("patching", "warn", "sends output elsewhere", "contextlib.redirect_stdout contextlib.redirect_stderr"),
    Row(
        "precision", "warn", "computes with less precision",
        "numpy.float32 numpy.float16 numpy.half numpy.single torch.float16 torch.half torch.bfloat16 torch.float32"
        " jax.numpy.float32 jax.numpy.float16 jax.numpy.bfloat16 ?.half ?.bfloat16",
    ),
    Row("precision", "warn", "rounds", "round builtins.round numpy.round numpy.around ?.quantize"),
    Row("patching", "block", "moves the streams of the process", "os.dup os.dup2"),
    Row("caller", "block", "looks through all objects of the program", "gc.get_objects gc.get_referrers gc.get_referents"),
    Row("skipped_work", "block", "ends the program", "sys.exit quit exit SystemExit builtins.SystemExit"),
)  # fmt: skip


def _index() -> tuple[dict[str, Row], dict[str, Row]]:
    """Rows by exact name, and by what a name begins with."""
    exact: dict[str, Row] = {}
    beginning: dict[str, Row] = {}
    for row in TABLE:
        for name in row.names.split():
            if name.endswith(".*"):
                beginning[name.removesuffix("*")] = row
            else:
                exact[name] = row
    return exact, beginning


_EXACT, _BEGINNING = _index()


def row_of(name: str) -> Row | None:
    """The row that a dotted name falls under; an attribute of the object that a row names counts as the object."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        if (row := _EXACT.get(head)) is not None and (length > 1 or len(parts) == 1):
            return row
        if (row := _BEGINNING.get(f"{head}.")) is not None and length < len(parts):
            return row
    return _EXACT.get(f"?.{parts[-1]}") if len(parts) > 1 else None


def find(change: Change, rule: str) -> Iterator[Finding]:
    """New uses of names that the table has under this rule."""
    yield from fresh(change, rule, _facts(change.old, rule), _facts(change.new, rule))


def _facts(sources: tuple[Source, ...], rule: str) -> Iterator[Fact]:
    for source in sources:
        own = {name.partition(".")[0] for name in source.functions} | set(source.constants)
        for reference in source.references:
            row = row_of(reference.name)
            if row is None or row.rule != rule or reference.name in own or _is_harmless(source, reference.node):
                continue
            text = f"{row.text}: {reference.name.replace('?.', '.')}"
            yield Fact((row.text,), row.severity, source.path, reference.line, text, begins=True)


def _is_harmless(source: Source, node: ast.expr) -> bool:
    """Names in annotations, in what an exception handler catches, and bare modules handed to nobody do nothing."""
    child: ast.AST = node
    at = source.parents.get(child)
    while at is not None and isinstance(at, ast.expr | ast.arg | ast.keyword):
        if isinstance(at, ast.arg):
            return child is at.annotation
        if isinstance(at, ast.Call) and source.name_of(at.func) in ("isinstance", "issubclass"):
            return child is not at.func
        child, at = at, source.parents.get(at)
    if isinstance(at, ast.ExceptHandler):
        return child is at.type
    if isinstance(at, ast.AnnAssign):
        return child is at.annotation
    return isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef) and child is at.returns
