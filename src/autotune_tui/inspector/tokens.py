"""A smaller set of the rules for other languages, by their tokens: C and its kin, Rust, Go, JavaScript, Ruby, shell, make.

Also for Python files that this Python cannot read. Comments are taken off first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from autotune_tui.inspector import literals
from autotune_tui.inspector.base import Change, Fact, FileChange, Finding, Severity, fresh, surplus
from autotune_tui.inspector.literals import is_special
from autotune_tui.inspector.python import is_python, read

_MARKS = {
    "//": "c h cc cpp cxx hpp hh cu m mm rs go js mjs cjs ts tsx jsx java kt kts scala swift cs zig d dart v glsl wgsl metal"
    " proto css scss php",
    "#": "sh bash zsh rb pl r jl ex exs mk cmake nim awk tcl py pyx pxd pyw",
    "--": "sql lua hs adb ads",
}
"""How a comment begins, and the endings of the files in which it does."""
_LANGUAGES = {f".{ending}": mark for mark, endings in _MARKS.items() for ending in endings.split()}
_NAMES = frozenset(
    {"Makefile", "makefile", "GNUmakefile", "CMakeLists.txt", "Dockerfile", "Rakefile", "justfile", "Justfile"}
)


@dataclass(frozen=True, slots=True)
class Row:
    rule: str
    severity: Severity
    text: str
    pattern: re.Pattern[str]


def _row(rule: str, severity: Severity, text: str, pattern: str) -> Row:
    return Row(rule, severity, text, re.compile(pattern))


TABLE = (
    _row("environment", "block", "looks at what the measurement sets",
         r"AUTOTUNE_\w*|\.autotune\b|PYTEST_CURRENT_TEST|LD_PRELOAD|PYTHONSTARTUP"),
    _row("environment", "warn", "reads the environment",
         r"\b(?:secure_)?getenv\s*\(|\bstd::env::vars?\b|\benv::vars?\s*\(|\bos\.(?:Getenv|LookupEnv|Environ)\b"
         r"|\bprocess\.env\b|\bSystem\.getenv\b|\bENV\["),
    _row("metric_line", "block", "writes a line that is read as the metric",
         r"[\"'`](?:[^\"'`]*\\n)?\s*METRIC\b|\becho\s+METRIC\b"),
    _row("clock", "warn", "asks for the time",
         r"\bclock_gettime\b|\bgettimeofday\b|\b(?:std::)?chrono::\w*clock|\bInstant::now\b"
         r"|\bSystemTime::now\b|\btime\.(?:Now|Since)\b"
         r"|\bperformance\.now\b|\bDate\.now\b|\bnew Date\(\)|\bprocess\.hrtime\b"
         r"|\bSystem\.(?:nanoTime|currentTimeMillis)\b|\b__?rdtscp?\b"
         r"|\bmach_absolute_time\b|\bQueryPerformanceCounter\b|\bclock\s*\(\s*\)|\bProcess\.clock_gettime\b"),
    _row("clock", "warn", "sleeps",
         r"\b(?:u|nano)?sleep\s*\(|\bthread::sleep\b|\btime\.Sleep\b|\bThread\.sleep\b|\bsleep_for\b|^\s*sleep\s+\d"),
    _row("caller", "block", "looks at who calls it",
         r"\b__builtin_return_address\b|\bbacktrace\s*\(|\bruntime\.Callers?\b|\bdladdr\s*\("),
    _row("caller", "warn", "looks at how it was started",
         r"\bgetppid\b|\bos\.Args\b|\benv::args\b|\bprocess\.argv\b|\bprogram_invocation"),
    _row("files", "block", "names what tells about the harness", r"[\"'`/\s=](?:/proc/|/sys/|\.git/)"),
    _row("persistence", "block", "keeps things outside the process",
         r"[\"'`=\s>](?:/tmp|/var/tmp|/dev/shm)\b|\bshm_open\b|\bshmget\b|\bmkfifo\b|\blocalStorage\b"
         r"|\bsessionStorage\b|\btemp_dir\s*\(|\bos\.TempDir\b"
         r"|\bos\.tmpdir\s*\(|\btmpnam\b|\bmkstemp\b"),
    _row("persistence", "warn", "writes a file",
         r"\bfopen\s*\([^,]+,\s*\"[wa]|\bwriteFile(?:Sync)?\b|\bfs::write\b|\bFile::create\b"
         r"|\bos\.(?:WriteFile|Create)\b|\bofstream\b|\bFileWriter\b"
         r"|\bMAP_SHARED\b|\bFile\.write\b"),
    _row("cache", "warn", "keeps something from call to call",
         r"\blazy_static!|\bOnce(?:Cell|Lock)\b|\bLazy(?:Lock|Cell)?\s*[:<]|\bstatic\s+mut\b"
         r"|\bthread_local!?\b|\bsync\.(?:Map|Once|Pool)\b"
         r""
         r"|\bstatic\s+(?!const\b|inline\b|constexpr\b)[^;={(]{0,80}(?:cache|memo|last|prev|seen)\w*\s*(?:\[|=|;|\{)"
         r"|^(?:const|let|var)\s+\w+\s*=\s*new\s+(?:Weak)?Map\b|\$\w*(?:cache|memo)\w*\s*="),
    _row("process", "block", "changes its priority, its processors or other processes",
         r"\bsetpriority\s*\(|(?<![.\w])nice\s*\(|\bsched_set(?:affinity|scheduler|param)\b"
         r"|\bpthread_setaffinity\w*\b|\bptrace\s*\(|(?<![.\w])kill\s*\("
         r"|\bsyscall\.(?:Setpriority|Kill)\b|\b(?:re)?nice\s+-|\btaskset\b|\bchrt\b|\bSetPriorityClass\b"),
    _row("process", "block", "leaves the process that is measured",
         r"\bv?fork\s*\(\s*\)|\bdaemon\s*\(|\bsetsid\b|\bnohup\b|\bdisown\b|\bposix_spawnp?\s*\(|\bSetsid\b"),
    _row("process", "block", "begins to start other programs",
         r"\bsystem\s*\(|\bpopen\s*\(|\bexec(?:l|v|ve|vp|lp)\s*\(|\bCommand::new\b|\bexec\.Command\b"
         r"|\bchild_process\b|\bProcessBuilder\b"),
    _row("process", "warn", "does something as the process ends",
         r"\batexit\s*\(|\bon_exit\s*\(|\b_exit\s*\(|\bprocess\.on\(\s*['\"]exit|\btrap\s+.*\bEXIT\b"),
    _row("network", "block", "begins to use the network",
         r"\bsocket\s*\(|\bgetaddrinfo\b|\bTcpStream\b|\bUdpSocket\b|\breqwest\b|\bnet\.Dial\b"
         r"|\bhttp\.(?:Get|Post|Client)\b|\bfetch\s*\(\s*['\"`]http"
         r"|\bXMLHttpRequest\b|\bWebSocket\b|\bcurl\s+|\bwget\s+"
         r"|\brequire\(['\"](?:node:)?(?:net|http|https|dgram)['\"]\)"),
    _row("dynamic_code", "warn", "runs code that cannot be read here",
         r"\bdlopen\s*\(|(?<!\.)\beval\s*\(|\bnew\s+Function\s*\(|\b__asm__\b|\basm\s+volatile\b"
         r"|\binclude_bytes!|\bvm\.runIn|^\s*eval\s|\bbase64\s+-d"),
    _row("patching", "block", "replaces what others call",
         r"\b(?:Date\.now|performance\.now|process\.hrtime|console\.log|Math\.random|process\.stdout\.write)\s*=[^=]"
         r"|\bObject\.defineProperty\(\s*(?:Date|performance|process|global|globalThis|console)\b"
         r"|\b(?:Array|Object|String|Map|Set|Promise|Function|Date|Number|RegExp)\.prototype\.\w+\s*=[^=]"
         r"|\b__wrap_\w+|-Wl,--wrap|\bdlsym\s*\(\s*RTLD_NEXT"),
    _row("precision", "warn", "computes with less precision",
         r"-f(?!no-)(?:\w*-)?fast-math\b|-Ofast\b|-funsafe-math-optimizations\b|-freciprocal-math\b"
         r"|\bffast_math\b|\bfast_math\b|\b__fp16\b|\b_Float16\b"
         r"|\bFloat32Array\b|\bf16\b|\bfast(?:Math)?=(?:true|yes)\b|\b#pragma\s+STDC\s+FP_CONTRACT\s+ON"),
    _row("swallowed", "warn", "swallows every exception",
         r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}|\bcatch\s*(?:\(\s*\w+\s*\))?\s*\{\s*\}"
         r"|\brescue\s*(?:=>\s*\w+)?\s*$|\|\|\s*true\s*$"),
)  # fmt: skip

_QUOTED = r"(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"
_COMMENTS = {
    "//": re.compile(rf"{_QUOTED}|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|//[^\n]*"),
    "#": re.compile(
        r"(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')"
        r"|(?:^|(?<=\s))#(?!\[|!|(?:include|define|pragma|if|ifdef|ifndef|endif|else)\b)[^\n]*",
        re.MULTILINE,
    ),
    "--": re.compile(rf"{_QUOTED}|--[^\n]*"),
}
_PIECE, _OVERLAP = 500, 60

_BEGIN = frozenset({"caller", "files", "persistence", "process", "network"})
"""Rules that block only where the changed files had nothing of the kind before."""

_VALIDATION = re.compile(
    r"\b(?:static_|debug_)?assert(?:_eq|_ne)?!?\s*\(|\bthrow\s|\bpanic!?\s*\(|\bunwrap\(\)"
    r"|\babort\s*\(|\braise\s|\bif err != nil\b"
)
_EQUAL = re.compile(
    r"(?:[=!]==?|\bcase\b|\bstr(?:n?case)?n?cmp\s*\([^,]{1,80},|\bmemcmp\s*\([^,]{1,80},|\.equals\(|=~)\s*\(?\s*"
    r"(?P<right>-?\d[\d_']*(?:\.\d+)?|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.){4,}')"
    r"|(?P<left>\b\d[\d_']*(?:\.\d+)?|\"(?:[^\"\\]|\\.)*\")[uUlL]*\s*(?:[=!]==?|=>)"
)


def language(path: str) -> str:
    """How comments begin in a file: `//`, `#` or `--`; empty for files that are no code."""
    pure = PurePosixPath(path)
    if pure.name in _NAMES or (not pure.suffix and pure.name.islower() and "." not in pure.name):
        return "#"  # a program without an ending is a script
    return _LANGUAGES.get(pure.suffix, "")


def find(change: Change, rule: str) -> Iterator[Finding]:
    """What the rule has to say of files that are read by tokens."""
    readable = {source.path for source in change.new}
    texts = [
        file for file in change.files if language(file.path) and not (is_python(file.path) and file.path in readable)
    ]
    if not texts:
        return
    for finding in fresh(change, rule, _facts(texts, rule, new=False), _facts(texts, rule, new=True)):
        if (finding.path, finding.line) not in change.knobs:
            yield finding
    if rule == "special_case":
        for fact in surplus(change, _special(texts, new=False), _special(texts, new=True)):
            weighed = literals.weighed(change, fact)
            if weighed is not None:
                yield weighed
    elif rule == "validation":
        yield from _validation(texts)


def lines_of(file: FileChange, *, new: bool) -> list[str]:
    """The lines of one side without comments, numbered as in the file. What stands in quotes is no comment."""
    text, mark = (file.new if new else file.old) or "", language(file.path)
    return _COMMENTS[mark].sub(lambda found: found["text"] or "\n" * found[0].count("\n"), text).split("\n")


def _pieces(line: str) -> Iterator[str]:
    """A long line in overlapping pieces, since the patterns' time grows with more than a line's length."""
    for start in range(0, max(len(line), 1), _PIECE - _OVERLAP):
        yield line[start : start + _PIECE]


def _facts(files: list[FileChange], rule: str, *, new: bool) -> Iterator[Fact]:
    rows = [row for row in TABLE if row.rule == rule]
    for file in files if rows else ():
        for number, line in enumerate(lines_of(file, new=new), 1):
            for row in rows:
                for found in (match for piece in _pieces(line) for match in row.pattern.finditer(piece)):
                    word = found[0].strip(" \"'`(=>")[:40]
                    key = word if row.severity == "block" and rule in ("metric_line", "patching") else row.text
                    yield Fact(key, row.severity, file.path, number, f"{row.text}: {word}", rule in _BEGIN)


def _special(files: list[FileChange], *, new: bool) -> Iterator[Fact]:
    """Comparisons with special literals; whether the benchmark or the checks have them is asked later."""
    for file in files:
        for number, line in enumerate(lines_of(file, new=new), 1):
            for found in (match for piece in _pieces(line) for match in _EQUAL.finditer(piece)):
                value = _value(found["right"] or found["left"])
                if value is not None and is_special(value):
                    text = f"compares with {str(value)[:40]!r}, which the benchmark has"
                    yield Fact(("compares with", value), "warn", file.path, number, text)


def _value(word: str) -> str | int | float | None:
    if word[0] in "\"'":
        return word[1:-1]
    number = word.replace("_", "").replace("'", "")
    try:
        return float(number) if "." in number else int(number)
    except ValueError:
        return None


def _validation(files: list[FileChange]) -> Iterator[Finding]:
    """One finding for each file that checks less than before."""
    for file in files:
        before = [(n, line) for n, line in enumerate(lines_of(file, new=False), 1) if _VALIDATION.search(line)]
        after = {line.strip() for line in lines_of(file, new=True)}
        gone = [(number, line) for number, line in before if line.strip() not in after]
        number_now = sum(bool(_VALIDATION.search(line)) for line in lines_of(file, new=True))
        if gone and number_now < len(before):
            number, line = gone[0]
            text = f"checks less than before (line {number} of the old text)"
            yield Finding("validation", "warn", file.old_path or file.path, number, text, line.strip())


def unreadable(change: Change) -> Iterator[Finding]:
    """Code that cannot be looked at: too long, no text, or Python that this Python cannot read."""
    for file in change.files:
        if file.unread and language(file.path):
            yield Finding("dynamic_code", "block", file.path, 0, "is too long to be looked at, or no text")
        elif file.new is not None and is_python(file.path) and read(file.path, file.new) is None:
            yield Finding(
                "dynamic_code", "warn", file.path, 0, "cannot be read as Python, so only its words were looked at"
            )
