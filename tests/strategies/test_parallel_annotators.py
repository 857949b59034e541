"""Twenty annotators who ask one model together, against one who asks for twenty times as much."""

from dataclasses import replace

import numpy as np
import pytest

from alservice import strategies
from alservice.domain.head import LinearHead
from alservice.domain.strategy import Need, Selecting
from alservice.strategies import auto
from tests.strategies.modelled import Modelled, modelled

SELECTING = {
    name: strategy
    for name, strategy in strategies.discover().items()
    if isinstance(strategy, Selecting) and Need.VECTORS in strategy.needs
}
#: They look at one item at a time, or at labels only: of others' items, they avoid the very same.
BLIND = {"cost_ratio", "information_density", "power", "seals", "softmax", "softrank"}
#: Ranks move up when the first are taken, so that the next are drawn nearer to the top.
LEAST = {"softrank": 0.7}
GROUPS = 60
TWINS = 6


def twins() -> Modelled:
    """Sixty items six times each, all but equal; the model doubts about all of them."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(GROUPS, 12))
    points = np.repeat(centres, TWINS, axis=0) + 1e-3 * rng.normal(size=(GROUPS * TWINS, 12))
    plain = modelled(0, GROUPS * TWINS, dimension=12, labels=6, excluded=0)
    assert isinstance(plain.head, LinearHead)
    head = LinearHead(plain.head.weights * np.float32(0.1), plain.head.bias * np.float32(0.1))
    return replace(plain, points=points.astype(np.float32), head=head)


def groups(rows: list[int]) -> int:
    """How many different items these are, twins being one."""
    return len({row // TWINS for row in rows})


def one_by_one(strategy: Selecting, pool: Modelled, each: int, *, leases: bool) -> list[int]:
    """What twenty get who ask for `each`; nobody is given what another has."""
    taken: list[int] = []
    for annotator in range(20):
        excluded = pool.excluded.copy()
        excluded[taken] = True
        asked = replace(pool, excluded=excluded)
        if leases:
            asked = replace(
                asked,
                anchors=np.concatenate([pool.anchors, pool.points[taken]]),
                classes=np.concatenate([pool.classes, np.full(len(taken), -1)]),
            )
        taken += asked.where(strategy.select(asked.view(seed=annotator), each))
    assert len(set(taken)) == len(taken) == 20 * each
    return taken


@pytest.mark.parametrize("strategy", SELECTING.values(), ids=SELECTING.keys())
def test_twenty_get_as_many_groups_as_one_who_asks_for_all(strategy: Selecting) -> None:
    pool = twins()
    together = groups(pool.where(strategy.select(pool.view(), 40)))
    asked = one_by_one(strategy, pool, 2, leases=True)
    assert groups(asked) >= LEAST.get(strategy.name, 0.9) * together


@pytest.mark.parametrize("strategy", SELECTING.values(), ids=SELECTING.keys())
def test_leases_spare_them_what_others_are_asked(strategy: Selecting) -> None:
    pool = twins()
    told, hidden = (one_by_one(strategy, pool, 2, leases=leases) for leases in (True, False))
    if strategy.name in BLIND:
        assert told == hidden
    else:
        assert groups(told) > groups(hidden)


@pytest.mark.parametrize("each", [1, 2])
def test_the_default_spares_them_too(each: int) -> None:
    pool = replace(twins(), parameters=dict(auto.HERDING))
    strategy = SELECTING["uncertainty_herding"]
    together = groups(pool.where(strategy.select(pool.view(), 20 * each)))
    told, hidden = (
        groups(one_by_one(strategy, pool, each, leases=leases)) for leases in (True, False)
    )
    assert told >= 0.9 * together
    assert told > hidden
