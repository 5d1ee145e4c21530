"""The journal's records as dataclasses.

`to_record` and `from_record` turn a record into the JSON object of one journal line and back. `config` and `result` are
shared with the `autotune` tool and keep its exact field names (hence the camel case inside their nested objects); every
other type is ours. Reading never fails on content: an unknown type becomes `Unknown`, unknown fields are passed over, and a
field of the wrong type (a word for a number, NaN, a pair of three) is as if it were not there. So a record that was read
holds what its annotations say.

Writing leaves out fields that carry nothing (None, empty text, empty collections, and those of `_USUAL`) while they have the
value that reading restores, which keeps the journal small; what `config` and `result` share with the `autotune` tool is
always written.

Conventions: `effect` and `interval` are relative changes of the metric in its own direction (-0.13: it fell by 13 %), or
absolute differences when `scale` is "difference". Times are seconds, sizes bytes, timestamps RFC 3339 in UTC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, dataclass_transform

from autotune_tui.model.fields import READERS, WRONG

FORMAT_VERSION = 1
T = TypeVar("T", bound="Record")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def _record(cls: type[T]) -> type[T]:
    """A dataclass that nobody changes, which is mypy's to see. To forbid it while running too, and to generate for each
    class what the base class can do for all, takes a tenth of the time until the first screen."""
    made = dataclass(init=False, repr=False, eq=False)(cls)
    made.mappings = tuple(f.name for f in dataclasses.fields(made) if f.default_factory is not dataclasses.MISSING)
    return made


@_record
class Record:
    """One line of the journal. The writer sets `seq` and `timestamp`."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    mappings: ClassVar[tuple[str, ...]]
    """The fields that are an empty mapping by default."""

    type: ClassVar[str] = ""
    seq: int = 0
    timestamp: str = ""

    def __init__(self, **values: Any) -> None:
        """A field that is not given reads as its class's default."""
        if unknown := values.keys() - self.__dataclass_fields__.keys():
            raise TypeError(f"{type(self).__name__} has no {min(unknown)}")
        self.__dict__ = {name: {} for name in self.mappings} | values

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in dataclasses.fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        said = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self))
        return f"{type(self).__name__}({said})"


@_record
class Session(Record):
    """An engine begins to work on the session (`event` start) or leaves it (`end`)."""

    type: ClassVar[str] = "session"
    event: str = "start"
    version: int = FORMAT_VERSION
    id: str = ""
    goal: str = ""
    repo: str = ""
    branch: str = ""
    base_commit: str = ""
    agent: str = ""
    tool: str = ""
    engine: Mapping[str, Any] = field(default_factory=dict)
    """Identity of the engine process: pid, started (clock ticks since boot), boot_id, host."""
    sandbox: str = ""
    """What confines commands: bubblewrap or none; empty where none was recorded."""
    budget: Mapping[str, Any] = field(default_factory=dict)
    """The limits that this engine heeds, as in `Config`: they may be changed within a segment."""
    environment: str = ""
    """Hash of the environment snapshot at the start."""
    outcome: str = ""
    """On `end`: completed, paused, stopped, failed."""
    reason: str = ""


@_record
class Config(Record):
    """Opens a segment. Shared type."""

    type: ClassVar[str] = "config"
    name: str = ""
    metric_name: str = ""
    metric_unit: str = ""
    direction: str = "lower"
    segment: int = 1
    mode: str = "optimize"
    objective: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    health: Mapping[str, Any] = field(default_factory=dict)
    recovery: Mapping[str, Any] = field(default_factory=dict)
    baseline_commit: str = ""
    target: float | None = None
    threshold: str = ""
    source: str = ""
    profile: str = ""
    command: str = ""
    scope: Mapping[str, Any] = field(default_factory=dict)


@_record
class Result(Record):
    """An experiment has ended, or (first of a segment) the baseline was measured. Shared type."""

    type: ClassVar[str] = "result"
    index: int = 0
    commit: str = ""
    metric: float | None = None
    status: str = ""
    description: str = ""
    segment: int = 1
    metrics: Mapping[str, float] = field(default_factory=dict)
    asi: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None
    health: str = ""
    recovery: str | None = None
    reason: str = ""
    files: tuple[str, ...] = ()
    mode: str = "optimize"
    sha: str = ""
    detail: str = ""
    """The reason in words, for a person."""
    strategy: str = ""
    key: str = ""
    effect: float | None = None
    interval: tuple[float, float] | None = None
    scale: str = "log"
    pairs: int = 0
    seconds: float = 0.0
    folder: str = ""
    """The experiment's folder, relative to the session's."""
    environment: str = ""
    """Hash of the environment snapshot that the measurement was taken under."""
    incumbent: str = ""
    """The commit that the candidate was made from and measured against."""
    reference: str = ""
    """Of a repair: the commit that it was measured against instead, the last one that worked."""
    change: str = ""
    """The workspace's key of the diff, to recognise the same change."""
    own_seconds: float = 0.0
    """What the loop itself cost, of `seconds`: all but commands and agents."""
    rescues: int | None = None
    """The experiment whose change was tried again by a person's wish."""
    by: str = ""
    """Who wished it, and why."""
    why: str = ""
    locks: str = ""
    """Digest of what was locked when it was measured: the segment's locks-<segment>.json has the table."""
    trouble: str = ""
    """What was wrong beside the change: flaky_benchmark or stall; the words are `trouble_text`."""
    trouble_text: str = ""


@_record
class Phase(Record):
    """A phase of an experiment begins or ends."""

    type: ClassVar[str] = "phase"
    experiment: int = 0
    phase: str = ""
    state: str = "start"
    seconds: float = 0.0
    outcome: str = ""
    """On `end`: empty when the experiment goes on, else how it ended."""
    text: str = ""


@_record
class Plan(Record):
    """What the agent wants to do, and why."""

    type: ClassVar[str] = "plan"
    experiment: int = 0
    agent: str = ""
    description: str = ""
    hypothesis: str = ""
    target: str = ""
    strategy: str = ""
    key: str = ""
    bottleneck: str = ""
    principles: tuple[str, ...] = ()
    approaches: tuple[Mapping[str, Any], ...] = ()
    expected: float | None = None
    scores: Mapping[str, int] = field(default_factory=dict)
    premortem: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    beside: int = 0
    """The experiment beside which it was proposed, see `Proposal`."""


@_record
class Proposal(Record):
    """A plan and its change, by an agent that worked at the same time as the session's own. A later experiment tries it."""

    type: ClassVar[str] = "proposal"
    experiment: int = 0
    """The one beside which it was made."""
    agent: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """The fields of a `Plan`."""
    commit: str = ""
    incumbent: str = ""
    """The commit that it was made from."""
    description: str = ""
    hypothesis: str = ""
    notes: str = ""
    """What the agent said of the change."""
    folder: str = ""
    """Its transcript, relative to the session's folder."""

    def is_of(self, plan: Plan) -> bool:
        """Whether it is what the plan tries."""
        return (self.experiment, self.agent) == (plan.beside, plan.agent)


@_record
class Candidate(Record):
    """The agent's change is a commit. Written before its ref is set, so that an edit that was paid for is never lost."""

    type: ClassVar[str] = "candidate"
    experiment: int = 0
    commit: str = ""
    incumbent: str = ""
    """The commit that it was made from."""
    description: str = ""
    hypothesis: str = ""
    notes: str = ""
    """What the agent said of the change."""
    files: tuple[str, ...] = ()
    change: str = ""
    """The workspace's key of the diff."""
    reworks: int = 0
    """How often the agent had reworked it."""
    rescues: int | None = None
    """The experiment whose change it is, tried again by a person's wish."""


@_record
class Resumption(Record):
    """An experiment that was interrupted goes on with the candidate that it has."""

    type: ClassVar[str] = "resumption"
    experiment: int = 0
    commit: str = ""
    blocks: int = 0
    """Blocks of samples that were taken before and count."""


@_record
class Calibration(Record):
    """What the A/A pairs said at the start of a segment."""

    type: ClassVar[str] = "calibration"
    segment: int = 1
    pairs: int = 0
    sigma: float = 0.0
    """Pair noise: 1.4826 * median |ln a - ln b| (or of a - b when `scale` is "difference")."""
    detectable: float = 0.0
    """The relative effect that the profile's most pairs would detect."""
    exact: bool = False
    scale: str = "log"
    spread: float = 0.0
    """(max - min) / median of the first five runs."""
    seconds: float = 0.0
    """Median wall time of one sample."""
    decision_seconds: tuple[float, float] = (0.0, 0.0)
    """What a decision will cost, shortest and longest."""
    repeat: int = 1
    timeout: float = 0.0
    warnings: tuple[str, ...] = ()


@_record
class Sample(Record):
    """One run of the benchmark that was measured."""

    type: ClassVar[str] = "sample"
    experiment: int = 0
    purpose: str = "experiment"
    """calibration, experiment, validation, holdout or end_to_end."""
    block: int = 0
    attempt: int = 0
    """Counts the times this block was taken; only the last attempt counts."""
    run: int = 0
    """Position in the block, 0..3."""
    side: str = ""
    """incumbent or candidate."""
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    exit: int = 0
    flags: tuple[str, ...] = ()


@_record
class Decision(Record):
    """A look at the evidence; with `state` keep and commits set, also the synced intent to move the branch."""

    type: ClassVar[str] = "decision"
    experiment: int = 0
    state: str = "continue"
    """continue, keep, discard."""
    reason: str = ""
    pairs: int = 0
    effect: float = 0.0
    interval: tuple[float, float] | None = None
    scale: str = "log"
    p: float | None = None
    next_look: int | None = None
    """The number of pairs at which evidence is next judged."""
    weak: bool = False
    value: float | None = None
    """The candidate's value so far, in the metric's unit."""
    seed: int | None = None
    """What the order of the runs and the relabelings come from, so that the look can be recomputed."""
    from_commit: str = ""
    to_commit: str = ""


@_record
class Validation(Record):
    """The segment's first commit against the branch, measured afresh with a fixed number of pairs."""

    type: ClassVar[str] = "validation"
    segment: int = 1
    from_commit: str = ""
    to_commit: str = ""
    keeps: int = 0
    pairs: int = 0
    effect: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    scale: str = "log"
    confirmed: bool = False
    before: float | None = None
    after: float | None = None
    seed: int | None = None
    text: str = ""


@_record
class Confirmation(Record):
    """What a second benchmark says of a would-be keep. Agents are not told what stands here."""

    type: ClassVar[str] = "confirmation"
    experiment: int = 0
    kind: str = ""
    """holdout or end_to_end."""
    passed: bool = False
    metric: str = ""
    unit: str = ""
    pairs: int = 0
    effect: float | None = None
    """None when there is no number, and then `text` says why."""
    interval: tuple[float, float] | None = None
    scale: str = "log"
    before: float | None = None
    """The incumbent's value, and the candidate's, in the benchmark's own unit."""
    after: float | None = None
    seed: int | None = None
    text: str = ""


@_record
class Milestone(Record):
    """A ref is set to the branch's tip after some keeps. Synced before it is: a restart sets one that is missing."""

    type: ClassVar[str] = "milestone"
    number: int = 0
    ref: str = ""
    commit: str = ""
    segment: int = 1
    keeps: int = 0
    """Of the segment."""
    experiment: int = 0
    """The last that ended before."""


@_record
class Inspection(Record):
    """A second look at a change that would be kept, by someone who did not write it."""

    type: ClassVar[str] = "inspection"
    experiment: int = 0
    by: str = "rules"
    """rules or model."""
    blocked: str = ""
    """Why the change is refused; empty when it is not."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """Each with rule, severity (block, warn, info), path, line, text and excerpt; the worst first."""


@_record
class Control(Record):
    """A command from the inbox and what became of it."""

    type: ClassVar[str] = "control"
    id: str = ""
    command: str = ""
    by: str = ""
    accepted: bool = True
    reason: str = ""
    text: str = ""
    state: str = ""
    """Empty: the answer. done or failed: what became, later, of a command that was accepted; `reason` says it in words."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the command was about: experiment, why, now and the like."""


@_record
class Veto(Record):
    """A person takes a keep back: the branch goes on with a commit that undoes it.

    `state` is intent before the branch moves (synced), then done, or failed when it did not move.
    """

    type: ClassVar[str] = "veto"
    experiment: int = 0
    state: str = "intent"
    by: str = ""
    why: str = ""
    from_commit: str = ""
    to_commit: str = ""
    later: tuple[str, ...] = ()
    """Numbers of the keeps that stay and were measured with the vetoed one in place."""
    value: float | None = None
    """The metric of the code that is the incumbent now, where that very code was measured before."""
    reason: str = ""
    """Why it failed."""


@_record
class Health(Record):
    """The session's health has changed, or a playbook begins."""

    type: ClassVar[str] = "health"
    experiment: int = 0
    health: str = ""
    previous: str = ""
    reason: str = ""
    next: str = ""
    recovery: str | None = None
    """The playbook that is active."""
    heals: int = 0
    failure: str | None = None
    """What is being recovered from, see `health.Failure`."""


@_record
class Recovery(Record):
    """A playbook has done its work; or what one had put in force is over before its time."""

    type: ClassVar[str] = "recovery"
    experiment: int = 0
    """The last that ended before it."""
    playbook: str = ""
    why: str = ""
    outcome: str = "done"
    """done; nothing: there was nothing for it to do; over: what is in force ends."""
    found: str = ""
    """In words, for a person and for the agent."""
    scope: tuple[str, ...] = ()
    """The only files that may be changed until the next keep or playbook."""
    avoid: tuple[str, ...] = ()
    """Strategies that may not be used until then."""
    agent: str = ""
    """Who proposes from now on."""
    repair: str = ""
    """Until then experiments only mend, and what: candidates or code."""
    base: str = ""
    """Of a repair of the code: the commit that worked, against which the repair is measured."""


@_record
class Canary(Record):
    """Code in scope was broken on purpose, to see whether benchmark or checks notice."""

    type: ClassVar[str] = "canary"
    experiment: int = 0
    """The keep after which it was done; 0 before the first experiment."""
    commit: str = ""
    status: str = ""
    """pass, warn or fail."""
    accepted: bool = False
    """Whether the user lets the session go on although nothing notices."""
    tried: int = 0
    """Files that were broken one by one."""
    unnoticed: tuple[str, ...] = ()
    """Those of them that neither benchmark nor checks notice."""
    text: str = ""


@_record
class Question(Record):
    """An agent asks a person, or (any `state` but open) does so no more."""

    type: ClassVar[str] = "question"
    experiment: int = 0
    id: str = ""
    agent: str = ""
    text: str = ""
    details: str = ""
    options: tuple[Mapping[str, Any], ...] = ()
    """Each with id and words; the first is what is done when nobody answers in time."""
    seconds: float = 0.0
    """How long it waits."""
    state: str = "open"
    """open, answered, unanswered (its time is over) or withdrawn."""
    answer: str = ""
    """The id of the option that it ended with."""
    by: str = ""


@_record
class Usage(Record):
    """What one call of an agent cost."""

    type: ClassVar[str] = "usage"
    experiment: int = 0
    agent: str = ""
    role: str = ""
    """What the agent did with it, if it has several roles: planner, editor, inspector, reflector."""
    input_tokens: int = 0
    """All of them, from caches or not."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    """Of the input tokens those that a cache had, and those that were put into one."""
    cache_write_tokens: int = 0
    usd: float = 0.0


@_record
class Interruption(Record):
    """Time did not go by as usual: the machine slept, the engine was stopped, or the clock was set.

    What passed between `since`, when the clocks were last looked at, and this record is no time of work.
    """

    type: ClassVar[str] = "interruption"
    kind: str = ""
    """suspended, stopped or clock."""
    seconds: float = 0.0
    """How long, or how far the clock was set."""
    since: str = ""
    text: str = ""


@_record
class Note(Record):
    """Something a person should know, in words."""

    type: ClassVar[str] = "note"
    level: str = "info"
    """info or warning."""
    experiment: int = 0
    text: str = ""


@_record
class Unknown(Record):
    """A record of a type that this version does not know."""

    type: ClassVar[str] = "unknown"
    data: Mapping[str, Any] = field(default_factory=dict)


@_record
class Unreadable(Record):
    """A line that is no JSON object. Readers make it, nobody writes it."""

    type: ClassVar[str] = "unreadable"
    text: str = ""
    """The line's beginning."""


TYPES: dict[str, type[Record]] = {
    cls.type: cls
    for cls in (
        Session, Config, Result, Phase, Plan, Proposal, Candidate, Resumption, Calibration, Sample, Decision, Validation,
        Confirmation, Milestone, Control, Veto, Health, Recovery, Usage, Note, Question,
        Canary, Inspection, Interruption,
    )
}  # fmt: skip

_SHARED = {
    "config": "name metric_name metric_unit direction segment mode objective budget health recovery",
    "result": "index commit metric status description segment metrics asi failure health recovery reason files mode",
}
"""What the `autotune` tool's readers look for, so it is always written."""

_USUAL = {"sample": "purpose attempt exit", "phase": "seconds", "decision": "scale weak"}
"""Fields of the most frequent types that nearly always have their default value, and are left out then as well."""


def to_record(event: Record) -> dict[str, Any]:
    """The JSON object of one journal line; `type` comes first, as people read these files."""
    if isinstance(event, Unknown):
        stamps = {"seq": event.seq, "timestamp": event.timestamp}
        return {**event.data, **{name: stamp for name, stamp in stamps.items() if stamp}}
    record: dict[str, Any] = {"type": event.type}
    for name, default in _DEFAULTS[type(event)].items():
        value = getattr(event, name)
        if default is _ALWAYS or value != default:
            record[name] = value
    return record


def from_record(record: Mapping[str, Any]) -> Record:
    """The event of one parsed line. Never raises on content of the right outer shape (a JSON object)."""
    kind = record.get("type")
    cls = TYPES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        seq, timestamp = record.get("seq"), record.get("timestamp")
        return Unknown(
            seq=seq if isinstance(seq, int) else 0,
            timestamp=timestamp if isinstance(timestamp, str) else "",
            data=dict(record),
        )
    fields = _FIELDS[cls]
    values: dict[str, Any] = {name: {} for name in cls.mappings}
    for name, value in record.items():
        reader = fields.get(name)
        if reader is not None and type(value) in reader[0]:
            convert = reader[1]
            fitting = value if convert is None else convert(value)
            if fitting is not WRONG:
                values[name] = fitting
    event = object.__new__(cls)  # what `__init__` would do, without another look at the names
    event.__dict__ = values
    return event


_FIELDS = {cls: {f.name: READERS[str(f.type)] for f in dataclasses.fields(cls)} for cls in TYPES.values()}


def _defaults(cls: type[Record]) -> dict[str, Any]:
    """For each field the value with which it is left out, or `_ALWAYS`."""
    shared = _SHARED.get(cls.type, "").split()
    usual = _USUAL.get(cls.type, "").split()
    defaults: dict[str, Any] = {}
    for f in dataclasses.fields(cls):
        default = {} if f.default is dataclasses.MISSING else f.default
        empty = default is None or default in ("", (), {})
        optional = f.name in usual or (empty and f.name not in ("timestamp", *shared))
        defaults[f.name] = default if optional else _ALWAYS
    return defaults


_ALWAYS: Any = object()
_DEFAULTS = {cls: _defaults(cls) for cls in (*TYPES.values(), Unreadable)}
