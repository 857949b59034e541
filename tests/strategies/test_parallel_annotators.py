"""Twenty annotators who ask one model together, against one who asks for twenty times as much."""

from dataclasses import replace

import numpy as np
import pytest

from alservice import strategies
from alservice.domain.head import LinearHead
from alservice.domain.strategy import Need, Selecting
from tests.strategies.modelled import Modelled, modelled

SELECTING = {
    name: strategy
    for name, strategy in strategies.discover().items()
    if isinstance(strategy, Selecting) and Need.VECTORS in strategy.needs
}
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


@pytest.mark.parametrize("strategy", SELECTING.values(), ids=SELECTING.keys())
def test_leases_spare_them_what_others_are_asked(strategy: Selecting) -> None:
    pool = twins()
    together = groups(pool.where(strategy.select(pool.view(), 40)))
    taken: list[int] = []
    for annotator in range(20):
        excluded = pool.excluded.copy()
        excluded[taken] = True
        asked = replace(
            pool,
            excluded=excluded,
            anchors=np.concatenate([pool.anchors, pool.points[taken]]),
            classes=np.concatenate([pool.classes, np.full(len(taken), -1)]),
        )
        taken += asked.where(strategy.select(asked.view(seed=annotator), 2))
    assert len(set(taken)) == len(taken)
    # Strategies that draw may differ by a few: the number of groups has a standard deviation
    # of about 2.
    assert groups(taken) >= together - 6
