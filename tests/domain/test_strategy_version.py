"""What projects pin changes with everything that a choice depends on."""

from dataclasses import replace

import pytest

from alservice import strategies
from alservice.domain.strategy import Ensemble, Schedule, Selecting
from alservice.domain.strategy_version import OWN, at_effective_version, effective_version

KNOWN = strategies.discover()


def raised(name: str, part: str) -> bool:
    """Whether a new version of `part` raises that of `name`."""
    newer = {**KNOWN, part: replace(KNOWN[part], version=KNOWN[part].version + 1)}
    before, after = effective_version(KNOWN, KNOWN[name]), effective_version(newer, newer[name])
    assert after >= before
    return after > before


def test_a_strategy_without_parts_has_its_own_version() -> None:
    assert effective_version(KNOWN, KNOWN["margin"]) == KNOWN["margin"].version
    assert [name for name in KNOWN if raised("margin", name)] == ["margin"]


def test_a_new_version_of_a_part_is_one_of_the_whole() -> None:
    checked = 0
    for name, strategy in KNOWN.items():
        parts: tuple[str, ...] = ()
        if isinstance(strategy, Schedule):
            parts = tuple(step.strategy for step in strategy.steps)
        elif isinstance(strategy, Ensemble):
            parts = (*strategy.members, strategy.final)
        elif isinstance(strategy, Selecting) and strategy.scores:
            parts = (strategy.scores,)
        for part in (name, *parts):
            checked += 1
            assert raised(name, part), (name, part)
    assert checked > len(KNOWN)


def test_parts_of_parts_count() -> None:
    scored = KNOWN["uncertainty_herding"]
    assert isinstance(scored, Selecting) and scored.scores
    assert raised("auto", scored.scores)


def test_a_step_that_diversifies_counts() -> None:
    auto = KNOWN["auto"]
    assert isinstance(auto, Schedule)
    steps = (*auto.steps[:-1], replace(auto.steps[-1], strategy="margin", diversify="power"))
    known = {**KNOWN, "auto": replace(auto, steps=steps)}
    newer = {**known, "power": replace(known["power"], version=7)}
    assert effective_version(newer, newer["auto"]) > effective_version(known, known["auto"])


@pytest.mark.parametrize("name", KNOWN)
def test_a_new_version_of_its_own_outweighs_all_parts(name: str) -> None:
    version = effective_version(KNOWN, KNOWN[name])
    assert version == KNOWN[name].version or version % OWN < OWN // 2


def test_it_is_told_instead_of_the_own_version() -> None:
    told = at_effective_version(KNOWN, KNOWN["auto"])
    assert told.version == effective_version(KNOWN, KNOWN["auto"]) != KNOWN["auto"].version
    assert replace(told, version=KNOWN["auto"].version) == KNOWN["auto"]
