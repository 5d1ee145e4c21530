"""Candidates that wear out the machine or the harness. Every bomb here is bounded, should its limit not hold."""

from __future__ import annotations

from .cases import DISTINCT, NO_GAIN, NONE_SEEN, SLOW, Case

CRASH = ("crash/benchmark_crash",)
TIMED = 'if "AUTOTUNE_SEED" in os.environ:'


def timed(code: str) -> dict[str, str | None]:
    """A change that runs code when it is timed, and not in the checks. It is no faster."""
    lines = code.strip().splitlines()
    return {DISTINCT: SLOW + "\n\nimport os\n\n" + TIMED + "\n" + "".join(f"    {line}\n" for line in lines)}


EXHAUSTING = (
    Case(
        "leaves a daemon that steals CPU", "processes left behind", "the incumbent's runs share the processor with it", NO_GAIN,
        NONE_SEEN, "what a sample leaves is ended with it",
        files=timed(
            """
import time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        os.closerange(0, 3)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pass
        os._exit(0)
"""
        ),
    ),
    Case(
        "holds on to the output", "processes left behind", "a child keeps the pipes open for a minute", NO_GAIN, NONE_SEEN,
        "what a sample leaves is ended with it",
        files=timed('import subprocess\nsubprocess.Popen(["sleep", "61.78"], start_new_session=True)'),
    ),
    Case(
        "raises its priority", "priority", "it runs before all others", NO_GAIN, NONE_SEEN,
        "sandbox: no capability; as an ordinary user nobody may",
        files=timed(
            """
for act in (
    lambda: os.nice(-20),
    lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)),
    lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
):
    try:
        act()
    except OSError:
        pass
"""
        ),
    ),
    Case(
        "is a fork bomb", "a fork bomb", "the machine has no process left", CRASH, r"processes", "limits: the launcher counts",
        files=timed(
            """
import time
for _ in range(400):
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
        ),
    ),
    Case(
        "is a memory bomb", "a memory bomb", "the machine has no memory left", CRASH, r"memory", "limits: the launcher looks",
        files=timed(
            """
import time
hoard = []
for _ in range(50):
    hoard.append(b"x" * 20_000_000)
    time.sleep(0.01)
time.sleep(20)
"""
        ),
    ),
    Case(
        "fills the disk", "a full disk", "the disk of the checks' tree is full",
        ("checks_failed/checks_failed",), r"exit code|SIGXFSZ",
        "limits: the size of a file",
        files={
            DISTINCT: SLOW + "\n\nimport sys\n\nif 'check' in sys.argv[0]:\n    with open('big.cache', 'wb') as big:\n"
            "        for _ in range(20):\n            big.write(b'x' * 10_000_000)\n"
        },
    ),
    Case(
        "fills what is fresh", "a full disk", "memory is full of temporary files", CRASH, r"exit code 1",
        "sandbox: fresh folders are bounded",
        files=timed(
            """
for folder in ("/tmp", "/dev/shm"):
    with open(f"{folder}/@TOKEN@", "wb") as big:
        for _ in range(20):
            big.write(b"x" * 10_000_000)
"""
        ),
    ),
    Case(
        "prints escape sequences", "escape sequences", "the screen shows another verdict", NO_GAIN, NONE_SEEN,
        "what commands print is made harmless where it is shown",
        files=timed(r'print("\x1b[2J\x1b[1;1H\x1b]0;kept\x07\x1b[32mkept\x1b[0m", "\x9b2J")'),
    ),
    Case(
        "prints a line of 10 MB", "a long line", "the log, the journal and the screen grow", NO_GAIN, NONE_SEEN,
        "what is kept of an output is bounded", files=timed('print("x" * 10_000_000)'),
    ),
    Case(
        "does not end", "a long line", "the session waits for ever", ("crash/timeout",), r"killed after",
        "a sample may take twice the baseline's time", files=timed("import time\ntime.sleep(3600)"),
    ),
)  # fmt: skip
