"""Many annotators who ask one model at once repeat each other no more than one large batch does.

What is leased to others counts as chosen for every strategy that looks at a batch as a whole.
"""

from collections.abc import Callable

import numpy as np
import pytest

from alservice import strategies
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.strategy import Ensemble, Scoring, Selecting
from tests.rounds import Rounds, ids

KNOWN = strategies.discover()
# Those that draw at random by their nature promise nothing about neighbours, and those that
# look for one rare class look for neighbours on purpose.
FREE = {"random", "power", "softmax", "softrank", "seals", "galaxy", "cost_ratio"}
DIVERSE = sorted(
    name for name, s in KNOWN.items() if isinstance(s, Selecting | Ensemble) and name not in FREE
)
CLUSTERS, COPIES = 40, 8


def clustered(rounds: Rounds) -> None:
    """Forty tight groups of eight items; `i{n}` is in group n modulo 40."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(CLUSTERS, 4))
    names = ids(CLUSTERS * COPIES)
    vectors = centres[np.arange(len(names)) % CLUSTERS]
    vectors = vectors + 1e-3 * rng.normal(size=vectors.shape)
    rounds.pool.add(ItemBlock(names, vectors.astype(np.float32), DType.F32))


def groups(item_ids: list[str]) -> int:
    return len({int(item_id[1:]) % CLUSTERS for item_id in item_ids})


@pytest.mark.parametrize("name", DIVERSE)
def test_ten_small_batches_cover_as_many_groups_as_one_large_batch(
    name: str, start: Callable[..., Rounds]
) -> None:
    rounds = start(reserve_share=0.0)
    clustered(rounds)
    rounds.label(ids(4))
    rounds.learn()
    large = groups(rounds.ask(30, strategy=name, seed=1, dry_run=True))
    asked = [
        item_id
        for number in range(10)
        for item_id in rounds.ask(3, strategy=name, seed=number, annotator_id=f"a{number}")
    ]
    assert len(set(asked)) == 30
    assert groups(asked) >= large - 1


def test_there_are_such_strategies() -> None:
    assert len(DIVERSE) >= 10 and not any(isinstance(KNOWN[n], Scoring) for n in DIVERSE)
