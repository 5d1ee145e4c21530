"""The environment that commands get, and a description of the machine that a baseline was measured on."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotune_tui.measure.python import interpreter
from autotune_tui.redaction import is_secret

DROPPED = frozenset(
    ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT",
     "PYTHONPROFILEIMPORTTIME")
)  # fmt: skip
ALLOWED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|HOSTTYPE|OSTYPE|MAKEFLAGS|VIRTUAL_ENV|CONDA_(?:PREFIX|DEFAULT_ENV)"
    r"|(?:JAVA|JDK|GRADLE|MAVEN|M2|CARGO|RUSTUP|PYENV|NVM|VOLTA|DENO|BUN|GRAALVM|SPARK|HADOOP|ANDROID|CUDA|ROCM|HF|TORCH)_"
    r"(?:HOME|ROOT|DIR|INSTALL|PATH|VISIBLE_DEVICES)|CUDA_\w+|HIP_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES|GO(?:PATH|ROOT|CACHE|MODCACHE|TOOLCHAIN)"
    r"|XDG_(?:CACHE|CONFIG|DATA)_HOME|SSL_CERT_(?:FILE|DIR)|PKG_CONFIG_PATH|CPATH|LIBRARY_PATH|C_INCLUDE_PATH|CPLUS_INCLUDE_PATH"
    r"|DYLD_(?:FALLBACK_)?LIBRARY_PATH|CMAKE_\w+|DOTNET_ROOT|SDKROOT|DEVELOPER_DIR"
)
"""Variables that commands get beside SPEED_VARIABLES: where tools are, and the language. No name that holds a secret."""
FIXED = {"GIT_OPTIONAL_LOCKS": "0", "PYTHONHASHSEED": "0", "TERM": "dumb"}
SPEED_VARIABLES = re.compile(
    r"PYTHON\w+|LD_PRELOAD|LD_LIBRARY_PATH|MALLOC_\w+|(?:OMP|MKL|OPENBLAS|NUMEXPR|VECLIB|NUMBA|POLARS|RAYON)_\w+"
    r"|GOMAXPROCS|GOGC|GOFLAGS|GOAMD64|NODE_OPTIONS|JAVA_TOOL_OPTIONS|JAVA_OPTS|CC|CXX|C(?:XX)?FLAGS|LDFLAGS|RUSTFLAGS"
    r"|LC_ALL|LC_CTYPE|LANG|TZ"
)
"""Variables that change how fast programs run, or what they do."""
TOOL_SIGNS = {"Cargo.toml": "rustc", "go.mod": "go", "package.json": "node", "pom.xml": "java", "build.gradle": "java"}
C_SIGNS = ("Makefile", "CMakeLists.txt", "meson.build", "setup.py", "*.c", "*.cpp", "src/*.c", "src/*.cpp")
TOOL_SECONDS = 1.0


def command_environment(
    extra: Mapping[str, str], base: Mapping[str, str] | None = None, passed: Collection[str] = ()
) -> dict[str, str]:
    """The whole environment of benchmark, build and check commands: what is known to be needed of `base` (default: ours), the
    variables named in `passed`, and `extra`.

    All else is left out: a secret may have any name, and whatever differs from one terminal to the next moves the stack and
    so the timing. Of what is known, Python's switches that slow or change its start are dropped. String hashes
    are fixed, as both sides of a pair would else differ by the order of their sets; a benchmark that wants more than one
    order sets PYTHONHASHSEED itself.
    """
    source = os.environ if base is None else base
    kept = {name: value for name, value in source.items() if name in passed or _is_kept(name)}
    return kept | FIXED | dict(extra)


def _is_kept(name: str) -> bool:
    known = ALLOWED.fullmatch(name) or SPEED_VARIABLES.fullmatch(name)
    return bool(known) and name not in DROPPED and not is_secret(name)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a measurement was taken under."""

    facts: Mapping[str, str]
    """What stays the same until someone changes it, by name; packages are named `package NAME`."""
    now: Mapping[str, str]
    """What changes by itself, such as the load; not part of `hash`."""

    @property
    def hash(self) -> str:
        """16 hexadecimal digits that are the same for the same facts."""
        return hashlib.sha256(repr(sorted(self.facts.items())).encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The artifact `env-snapshot.txt`; `parse` reads it."""
        lines = [f"{name}: {value}" for name, value in self.facts.items()]
        return "\n".join(
            [*lines, "", "# at that time", *(f"# {name}: {value}" for name, value in self.now.items()), ""]
        )


def parse(text: str) -> Snapshot:
    """The snapshot (without what changes by itself) that was written as `text`."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return Snapshot(dict(line.split(": ", 1) for line in lines if ": " in line), {})


def snapshot(cwd: Path, argv: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Snapshot:
    """The machine, and what can be told of the tools that a command in `cwd` uses. Takes some 0.1 s."""
    env = command_environment({}) if env is None else env
    python = interpreter(argv, cwd, env) if argv else None
    facts = _machine() | _tools(cwd, python, env)
    facts |= {f"variable {name}": value for name, value in sorted(env.items()) if SPEED_VARIABLES.fullmatch(name)}
    return Snapshot(facts | (_packages(python) if python else {}), _now())


def difference(old: Snapshot, new: Snapshot) -> list[str]:
    """What has changed, a sentence each; empty when measurements under both can be compared."""
    changes = []
    for name in sorted({*old.facts, *new.facts}, key=lambda name: (name.startswith("package "), name)):
        before, after = old.facts.get(name), new.facts.get(name)
        if before is None:
            changes.append(f"{name} is new: {after}")
        elif after is None:
            changes.append(f"{name} is gone; it was {before}")
        elif before != after:
            changes.append(f"{name} was {before} and is now {after}")
    return changes


def _machine() -> dict[str, str]:
    uname = os.uname()
    cpus = "/sys/devices/system/cpu"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "system": _field("/etc/os-release", r'PRETTY_NAME="?([^"\n]*)') or platform.platform(),
        "kernel": f"{uname.sysname} {uname.release}",
        "processor": _field("/proc/cpuinfo", r"model name\s*:\s*(.*)") or platform.processor() or uname.machine,
        "cores": f"{os.cpu_count()}, {usable} usable",
        "processor limit": _field("/sys/fs/cgroup/cpu.max", r"(\d+ \d+)"),
        "frequency governor": _field(f"{cpus}/cpu0/cpufreq/scaling_governor", r"(.*)"),
        "turbo": _field(f"{cpus}/intel_pstate/no_turbo", r"(\d)").translate({48: "on", 49: "off"})
        or _field(f"{cpus}/cpufreq/boost", r"(\d)").translate({48: "off", 49: "on"}),
        "memory": _memory("MemTotal"),
        "swap": _memory("SwapTotal"),
        "huge pages": _field("/sys/kernel/mm/transparent_hugepage/enabled", r"\[(\w+)\]"),
        "address randomisation": _field("/proc/sys/kernel/randomize_va_space", r"(\d)"),
    }
    return {name: value for name, value in facts.items() if value}


def _now() -> dict[str, str]:
    facts = {
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "free memory": _memory("MemAvailable"),
        "frequency": _field("/proc/cpuinfo", r"cpu MHz\s*:\s*(.*)") + " MHz",
    }
    return {name: value for name, value in facts.items() if value.strip("MHz ")}


def _memory(name: str) -> str:
    kib = _field("/proc/meminfo", rf"{name}:\s*(\d+)")
    return f"{int(kib) / 2**20:.1f} GiB" if kib else ""


def _field(path: str, pattern: str) -> str:
    """The first group of the first match in a system file; empty where there is no such file or match."""
    try:
        with Path(path).open(errors="replace") as file:
            match = re.search(pattern, file.read(65536))
    except OSError:
        return ""
    return match[1].strip() if match else ""


def _tools(cwd: Path, python: Path | None, env: Mapping[str, str]) -> dict[str, str]:
    """Versions of the interpreter and of the compilers that the files in `cwd` call for, all asked at once."""
    commands = {"python": [str(python), "-VV"]} if python else {}
    names = {tool for sign, tool in TOOL_SIGNS.items() if (cwd / sign).exists()}
    if any(next(cwd.glob(sign), None) for sign in C_SIGNS):
        names.add("cc")
    for name in sorted(names):
        if path := shutil.which(name, path=env.get("PATH", os.defpath)):
            commands[name] = [path, "version" if name == "go" else "--version"]
    asked = {
        name: subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(env), cwd=cwd
        )
        for name, command in commands.items()
    }
    return {name: answer for name, process in asked.items() if (answer := _answer(process))}


def _answer(process: subprocess.Popen[bytes]) -> str:
    """The first line of what a tool says of its version; empty when it fails or does not answer in time."""
    try:
        output, _ = process.communicate(timeout=TOOL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return ""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[0].strip() if lines and process.returncode == 0 else ""


def _packages(python: Path) -> dict[str, str]:
    """Installed distributions, from the names of their metadata folders: asking Python would take ten times as long."""
    prefix = python.absolute().parent.parent
    folders = sorted(prefix.glob("lib/python3*/site-packages")) or sorted(prefix.glob("lib/python3*/dist-packages"))
    names = sorted(
        path.name.removesuffix(".dist-info")
        for folder in folders
        for path in folder.glob("*.dist-info")
        if path.is_dir()
    )
    return {f"package {name}": version for name, _, version in (entry.partition("-") for entry in names)}
