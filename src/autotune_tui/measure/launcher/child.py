"""Starts a command whose use the kernel is to limit: a fork, so that limits and walls stand before the command runs."""

from __future__ import annotations

import contextlib
import os
import resource
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESET_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
"""Python ignores the first two, and whoever started the engine may have ignored the others (nohup)."""


def start(
    path: str,
    argv: list[str],
    env: dict[str, str],
    streams: Sequence[int],
    limits: Mapping[int, int],
    confine: Callable[[], None] | None,
) -> int:
    """The process id of the command, which has been started when this returns. `streams` become its 0, 1 and
    2; `limits` are by the numbers of `resource`; `confine` is called in its process before it runs.

    Raises OSError when it cannot be.
    """
    answer, answer_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _prepare(streams, limits)
            if confine is not None:
                confine()
            os.execve(path, argv, env)
        except OSError as error:
            os.write(answer_end, b"%d" % (error.errno or 0))
        finally:
            os._exit(127)
    os.close(answer_end)
    failed = os.read(answer, 16)
    os.close(answer)
    if failed:
        os.waitpid(pid, 0)
        raise OSError(int(failed), os.strerror(int(failed)), path)
    return pid


def _prepare(streams: Sequence[int], limits: Mapping[int, int]) -> None:
    os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    signal.set_wakeup_fd(-1)
    for name in RESET_SIGNALS:
        signal.signal(name, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for kind, limit in limits.items():
        most = resource.getrlimit(kind)[1]
        value = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (value, value))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
        file.write(b"1000")  # when memory runs out all the same, the kernel ends this and not the engine
