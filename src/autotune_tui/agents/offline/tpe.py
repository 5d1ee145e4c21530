"""Optuna's TPE behind one function: the only module that imports optuna (half a second), and only when it is called for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState, create_trial

from autotune_tui.agents.offline.knobs import Knob
from autotune_tui.agents.offline.marks import Range, Value
from autotune_tui.agents.offline.trials import Setting, Trial

_ATTEMPTS = 48
"""Suggestions asked for until the sampler is taken to only repeat itself."""
_REACH = 0.35
"""How far (of its range) a number should move at once: with few trials TPE still draws from all of the space, and most of
that is known to be bad."""
_STARTUP = 4
"""Measured settings before TPE models them; until then it draws at random."""


def suggest(
    subset: Sequence[Knob],
    knobs: Sequence[Knob],
    trials: Sequence[Trial],
    seed: int,
    is_new: Callable[[Mapping[str, Value]], bool],
) -> dict[str, Value] | None:
    """New values for knobs of `subset`, the others staying as they are; None when every suggestion was tried before."""
    study = _study(knobs, trials, seed)
    distributions = {knob.id: _distribution(knob) for knob in subset}
    far: dict[str, Value] | None = None
    for _ in range(_ATTEMPTS):
        trial = study.ask(distributions)
        values = {knob.id: _outward(knob, trial.params[knob.id]) for knob in subset}
        changes = {knob.id: values[knob.id] for knob in subset if values[knob.id] != knob.value}
        if changes and is_new(changes):
            if all(_within_reach(knob, values[knob.id]) for knob in subset):
                return changes
            far = far or changes
        study.tell(trial, state=TrialState.FAIL)
    return far


def _within_reach(knob: Knob, value: Value) -> bool:
    domain = knob.domain
    if not isinstance(domain, Range) or isinstance(value, str) or isinstance(knob.value, str):
        return True
    return abs(domain.position(value) - domain.position(knob.value)) <= _REACH


def _study(knobs: Sequence[Knob], trials: Sequence[Trial], seed: int) -> optuna.Study:
    """A study in memory that has been told everything measured so far; failed settings count as pruned, the worst."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # multivariate is one, since 2.2
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP, multivariate=True)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    first: Setting = trials[0].base if trials else {}
    _tell(study, knobs, first, 0.0)
    for trial in trials:
        if trial.verdict == "failed" or trial.level is not None:
            _tell(study, knobs, trial.values, trial.level)
    return study


def _tell(study: optuna.Study, knobs: Sequence[Knob], setting: Setting, level: float | None) -> None:
    distributions = {knob.id: _distribution(knob) for knob in knobs}
    params = {knob.id: _inward(knob, setting.get(knob.id, knob.value)) for knob in knobs}
    usable = all(_holds(distributions[name], value) for name, value in params.items())
    if not usable or (level is not None and not math.isfinite(level)):
        return
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED if level is None else TrialState.COMPLETE,
            value=level,
            params=params,
            distributions=distributions,
        )
    )


def _distribution(knob: Knob) -> BaseDistribution:
    domain = knob.domain
    if not isinstance(domain, Range):
        return CategoricalDistribution(domain.values)
    low, high = domain.low, domain.high
    if domain.log and high < 0:
        low, high = -high, -low
    if domain.integer:
        return IntDistribution(int(low), int(high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(float(low), float(high), log=domain.log, step=domain.step and float(domain.step))


def _mirrored(knob: Knob) -> bool:
    """A log range below zero is searched by its magnitude."""
    return isinstance(knob.domain, Range) and knob.domain.log and knob.domain.high < 0


def _inward(knob: Knob, value: Value) -> Value:
    """A knob's value as the distribution wants it: inside the range, on its grid, mirrored."""
    domain = knob.domain
    if not isinstance(domain, Range) or isinstance(value, bool | str):
        return value
    value = min(max(value, domain.low), domain.high)
    if domain.step is not None:
        value = domain.at(domain.position(value))
    return -value if _mirrored(knob) else value


def _outward(knob: Knob, value: Value) -> Value:
    domain = knob.domain
    if not isinstance(domain, Range) or isinstance(value, bool | str):
        return value
    value = -value if _mirrored(knob) else value
    return value if domain.integer else domain.at(domain.position(value))


def _holds(distribution: BaseDistribution, value: Value) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return isinstance(value, int | float)
