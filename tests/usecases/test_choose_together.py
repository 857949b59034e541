"""The ensemble chooses among what its members chose, and from nothing else."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from alservice.domain.head import LinearHead
from alservice.domain.strategy import Ensemble
from alservice.usecases.choose_together import ChooseTogether
from tests.strategies.pools import KNOWN, SCORING, Pool, pools, question, rows


def small(**changes: object) -> Ensemble:
    """The members that this test knows the choice of."""
    ensemble = KNOWN["auto_ensemble"]
    assert isinstance(ensemble, Ensemble)
    return replace(ensemble, **changes)  # type: ignore[arg-type]


def two_clouds() -> Pool:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(300, 4)).astype(np.float32)
    return Pool(
        vectors=vectors,
        id_hash=rng.integers(0, 2**64, 300, dtype=np.uint64),
        free=np.ones(300, np.bool_),
        head=LinearHead(np.eye(2, 4, dtype=np.float32), np.zeros(2, np.float32)),
        anchors=vectors[:3],
    )


def test_with_one_member_and_whole_subsets_the_last_one_chooses_among_its_picks() -> None:
    pool = two_clouds()
    blocks = pool.cut(100)
    ensemble = small(members=("margin",), final="margin", rounds=1, subsets=2, subset_rows=300)
    found = ChooseTogether(SCORING, KNOWN)(ensemble, question(ensemble, pool, blocks, 8, 5))
    best = SCORING.choose(question(KNOWN["margin"], pool, blocks, 8, 5))
    assert set(rows(blocks, found)) == set(rows(blocks, best))


def test_members_that_need_a_model_sit_out_without_one() -> None:
    pool = two_clouds()
    blocks = pool.cut()
    ensemble = small(members=("margin", "random"), final="k_center", subsets=4, subset_rows=50)
    ask = replace(question(ensemble, pool, blocks, 8, 5), head=None)
    assert len(set(rows(blocks, ChooseTogether(SCORING, KNOWN)(ensemble, ask)))) == 8


@given(pool=pools())
@settings(max_examples=15, deadline=None)
def test_the_whole_ensemble_gives_as_many_as_there_are(pool: Pool) -> None:
    blocks = pool.cut(9)
    ensemble = small(subsets=7, subset_rows=10)
    found = ChooseTogether(SCORING, KNOWN)(ensemble, question(ensemble, pool, blocks, 6, 1))
    assert len(set(rows(blocks, found))) == min(6, pool.free.sum())
