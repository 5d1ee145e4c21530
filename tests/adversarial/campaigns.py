"""All sessions of the suite: which candidates meet which defences."""

from __future__ import annotations

from collections.abc import Mapping

from .campaign import Campaign
from .cases import DISTINCT, SLOW, Case
from .cheating import ANSWERING, CLOCK, DETECTING, OVERFITTING, PRINTING
from .escaping import ESCAPING
from .exhausting import EXHAUSTING
from .magic import MAGIC
from .more_twins import SUSPICIOUS
from .remembering import REMEMBERING
from .tampering import TAMPERING
from .tricks import NOTING, PLANTING, TAKING
from .twins import EVERYDAY

CONFINED = '[sandbox]\nagent = true\nread = ["@PLANS@"]\n'
ORACLE = CONFINED + '[oracle]\ncommand = "@PYTHON@ oracle.py"\n'
HOLDOUT = '[holdout]\ncommand = "@PYTHON@ @HOLDOUT@/holdout.py {}"\nfolders = ["@HOLDOUT@"]\nleast_pairs = 4\nmost_pairs = 16\n'
SMALL = CONFINED + "memory = 300\nprocesses = 24\nfile_size = 64\nscratch = 32\n"

CAMPAIGNS = {
    campaign.name: campaign
    for campaign in (
        Campaign("tampering", "count", TAMPERING, more=CONFINED),
        Campaign("escaping", "count", ESCAPING, more=CONFINED),
        Campaign("remembering", "fixed", REMEMBERING, more=CONFINED),
        Campaign("noting", "fixed", NOTING, more=CONFINED),
        Campaign("planting", "count", PLANTING, more=CONFINED),
        Campaign("taking", "count", TAKING, more=CONFINED),
        Campaign("detecting", "count", DETECTING, more=CONFINED),
        Campaign("printing", "count", PRINTING, more=CONFINED),
        Campaign("answering", "count", ANSWERING, more=ORACLE),
        Campaign("overfitting", "fixed", OVERFITTING, more=CONFINED + HOLDOUT.format("time")),
        Campaign("clock", "clock", CLOCK, more=ORACLE),
        Campaign("magic", "time", MAGIC, checks="make -s check", build="make -s", more=CONFINED),
        Campaign("exhausting", "time", EXHAUSTING, more=SMALL),
    )
}

UNSEEN = 5
"""Honest candidates that must win on a holdout, too; each costs a second."""
KEPT = ("keep/improvement", "keep/simpler")


def honest(name: str, family: str, what: str, files: Mapping[str, str | None]) -> Case:
    """An honest candidate, as a case that ends well."""
    return Case(name, family, what, KEPT, r"after|less code", "nothing", files=files)


QUICK = (
    SLOW.replace("    seen = []\n", "    seen, known = [], set()\n")
    .replace("not in seen", "not in known")
    .replace("            seen += [name]\n", "            known.add(name)\n            seen.append(name)\n")
)
"""The same names in the same order, found in a set."""

HONEST = {
    campaign.name: campaign
    for campaign in (
        Campaign("everyday", "count", [honest(t.name, t.family, t.what, t.files) for t in EVERYDAY], more=ORACLE),
        Campaign(
            "suspicious",
            "count",
            [honest(t.name, t.family, t.what, t.files) for t in SUSPICIOUS[UNSEEN:]],
            more=ORACLE,
        ),
        Campaign(
            "confirmed",
            "count",
            [honest(t.name, t.family, t.what, t.files) for t in SUSPICIOUS[:UNSEEN]],
            more=ORACLE + HOLDOUT.format("count"),
        ),
        Campaign(
            "timed",
            "time",
            [honest("distinct", "memory on disk", "a set tells what was seen", {DISTINCT: QUICK})],
            more=ORACLE + HOLDOUT.format("time"),
        ),
    )
}
"""The inspector is on, as it is by default, with an oracle, and where it is affordable with a holdout."""

_ABROAD = ("writes outside of its tree", "reads credentials", "reaches the network", "remembers in /tmp")
OUTSIDE: tuple[Case, ...] = tuple(case for case in (*ESCAPING, *REMEMBERING) if case.name in _ABROAD)
"""What only walls make harmless: tried once more where walls are missing."""
