"""Each campaign is run once for all tests of a worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .campaign import Attack, attack
from .campaigns import CAMPAIGNS, HONEST


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Attack]:
    done: dict[str, Attack] = {}

    def attacked(name: str) -> Attack:
        if name not in done:
            done[name] = attack({**CAMPAIGNS, **HONEST}[name], tmp_path_factory.mktemp(name))
        return done[name]

    return attacked
