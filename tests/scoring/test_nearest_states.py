"""What is kept between rounds changes no answer, whatever happens to the labels meanwhile."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.core import Engine
from alservice.domain.head import LinearHead
from alservice.ports.scoring import Pass
from alservice.scoring.local import LocalScoring
from tests.strategies.pools import KNOWN, Pool, pools, question, rows

KNOWN_HEAD = LinearHead(np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32))
ROUNDS = st.lists(
    st.tuples(st.sets(st.integers(0, 39), max_size=12), st.integers(0, 3)), min_size=1, max_size=6
)


def labelled(pool: Pool, cuts: int, positions: Iterable[int], leased: int, key: str) -> Pass:
    """A question where these rows are labelled, and some vectors leased."""
    blocks = pool.cut(cuts)
    known = sorted(p for p in positions if p < len(pool.vectors))
    starts = np.cumsum([0, *(len(b.id_hash) for b in blocks)])
    block = np.searchsorted(starts, known, side="right").astype(np.int64) - 1
    row = np.array(known, np.int64) - starts[block]
    held = pool.anchors[:leased]
    anchors = np.concatenate([pool.vectors[known].reshape(-1, 3), held.reshape(-1, 3)])
    ask = question(KNOWN["k_center"], pool, blocks, 6, 11)
    return replace(
        ask,
        anchors=anchors,
        anchor_classes=np.zeros(len(anchors), np.int64),
        labelled=(block, row),
        pool_key=key,
    )


@given(pool=pools(), cut=st.integers(0, 40), history=ROUNDS)
@settings(max_examples=100, deadline=None)
def test_labels_come_and_go_and_every_answer_is_that_of_a_fresh_start(
    pool: Pool, cut: int, history: list[tuple[set[int], int]]
) -> None:
    keeping = LocalScoring(Engine(2))
    for positions, leased in history:
        ask = labelled(pool, cut, positions, leased, "the pool")
        got, fresh = keeping.choose(ask), LocalScoring(Engine(1)).choose(replace(ask, pool_key=""))
        assert rows(ask.blocks, got) == rows(ask.blocks, fresh)
        np.testing.assert_allclose(got.score, fresh.score, rtol=1e-5, atol=1e-6)


def test_whoever_finds_the_state_in_use_does_without() -> None:
    pool = Pool(
        vectors=np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32),
        id_hash=np.arange(30, dtype=np.uint64),
        free=np.ones(30, np.bool_),
        head=KNOWN_HEAD,
        anchors=np.zeros((1, 3), np.float32),
    )
    scoring = LocalScoring(Engine(1))
    ask = labelled(pool, 10, {1, 2}, 1, "busy")
    with scoring.nearest.state_of(ask) as mine, scoring.nearest.state_of(ask) as theirs:
        assert mine is not None and mine.anchors == 2 and theirs is None
        assert len(scoring.choose(ask).row) == 6


def test_only_the_pools_used_last_are_kept() -> None:
    pool = Pool(
        vectors=np.ones((3, 3), np.float32),
        id_hash=np.arange(3, dtype=np.uint64),
        free=np.ones(3, np.bool_),
        head=KNOWN_HEAD,
        anchors=np.zeros((1, 3), np.float32),
    )
    states = LocalScoring(Engine(1)).nearest
    for number in range(9):
        with states.state_of(labelled(pool, 0, {0}, 0, f"pool {number}")) as state:
            assert state is not None and state.anchors == 1
    assert len(states._kept) <= 4
