"""Farthest-first selection in rounds: what is kept changes nothing but the time it takes."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine, Ranked, keyed_hash
from alservice.core import _native as native
from alservice.core.engine import NearestState

SIMD = ["scalar", native.build_info()["simd"]]
F32 = NDArray[np.float32]


def _blocks(vectors: NDArray[Any], cuts: list[int], closed: NDArray[np.bool_]) -> list[Block]:
    n = len(vectors)
    id_hash = np.random.default_rng(5).integers(0, 2**63, n, np.uint64)
    edges = [0, *sorted(cut % (n + 1) for cut in cuts), n]
    return [
        Block(vectors[a:b], id_hash[a:b], np.packbits(closed[a:b], bitorder="little"))
        for a, b in pairwise(edges)
    ]


def _places(blocks: list[Block], ranked: Ranked) -> list[int]:
    starts = np.cumsum([0] + [len(block.id_hash) for block in blocks])
    return [int(i) for i in starts[ranked.block] + ranked.row]


def _naive(
    vectors: F32, centres: F32, closed: NDArray[np.bool_], blocks: list[Block], k: int, seed: int
) -> tuple[list[int], list[float]]:
    """The definition, in double precision, one pass over all rows per pick."""
    tie = np.concatenate([keyed_hash(block.id_hash, seed) for block in blocks])
    near = np.full(len(vectors), np.inf)
    wide, new = vectors.astype(np.float64), list(centres.astype(np.float64))
    picks: list[int] = []
    scores: list[float] = []
    left = ~closed
    while len(picks) < min(k, int((~closed).sum())):
        for centre in new:
            near = np.minimum(near, ((wide - centre) ** 2).sum(axis=1))
        rows = np.flatnonzero(left)
        rows = rows[near[rows] == near[rows].max()]
        pick = int(rows[np.argmin(tie[rows])])
        picks.append(pick)
        scores.append(float(np.sqrt(near[pick])) if np.isfinite(near[pick]) else 0.0)
        left[pick], new = False, [wide[pick]]
    return picks, scores


@given(
    n=st.integers(1, 120),
    d=st.integers(1, 24),
    span=st.integers(1, 9),
    rounds=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=4
    ),
    cuts=st.lists(st.integers(0, 200), max_size=3),
    threads=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float16]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_every_round_picks_what_the_definition_picks(
    n: int,
    d: int,
    span: int,
    rounds: list[tuple[int, int, int]],
    cuts: list[int],
    threads: int,
    dtype: type,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    # Whole numbers: every distance is exact, and ties are common.
    vectors = random.integers(-span, span, (n, d)).astype(np.float32)
    for simd in SIMD:
        engine, state = Engine(threads, simd), NearestState(d)
        labelled = np.zeros(0, np.int64)
        for labels, leases, k in rounds:
            labelled = np.concatenate([labelled, random.integers(0, n, labels)])
            state.advance(vectors[labelled[state.anchors :]])
            leased = random.integers(0, n, leases)
            chosen = np.concatenate([labelled, leased])
            closed = np.isin(np.arange(n), chosen) | (random.random(n) < 0.2)
            blocks = _blocks(vectors.astype(dtype), cuts, closed)
            got = engine.k_center(blocks, vectors[leased], k, seed, None, state)
            picks, scores = _naive(vectors, vectors[chosen], closed, blocks, k, seed)
            assert _places(blocks, got) == picks
            assert got.score.tolist() == [float(np.float32(score)) for score in scores]
            alone = engine.k_center(blocks, vectors[chosen], k, seed)
            assert _places(blocks, alone) == picks


def test_picks_of_many_diffuse_rows_are_those_of_the_definition() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(9000, 8)).astype(np.float32)
    closed = random.random(9000) < 0.1
    blocks = _blocks(vectors, [4000], closed)
    want = _naive(vectors, vectors[:100], closed, blocks, 60, 3)
    for threads in (1, 3):
        state = NearestState(8)
        state.advance(vectors[:70])
        got = Engine(threads).k_center(blocks, vectors[70:100].copy(), 60, 3, None, state)
        assert _places(blocks, got) == want[0]
        np.testing.assert_allclose(got.score, want[1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floors_that_sink_cluster_by_cluster_change_no_pick(dtype: type) -> None:
    """A pick takes its whole cluster along; half of the clusters have a label, rows repeat."""
    random = np.random.default_rng(2)
    centres = random.integers(-9, 10, (60, 40))
    points = centres[random.integers(0, 60, 5000)] + random.integers(-1, 2, (5000, 40))
    vectors = points[random.integers(0, 5000, 7000)].astype(np.float32)
    for simd, threads in ((SIMD[0], 1), (SIMD[1], 3)):
        engine, state, labelled = Engine(threads, simd), NearestState(40), np.arange(10)
        for seed in range(3):
            state.advance(vectors[labelled[state.anchors :]])
            closed = np.isin(np.arange(7000), labelled) | (random.random(7000) < 0.1)
            blocks = _blocks(vectors.astype(dtype), [10, 3333], closed)
            got = engine.k_center(blocks, vectors[:0], 30, seed, None, state)
            picks, scores = _naive(vectors, vectors[labelled], closed, blocks, 30, seed)
            assert _places(blocks, got) == picks
            assert got.score.tolist() == [float(np.float32(score)) for score in scores]
            labelled = np.concatenate([labelled, picks])


def test_a_state_refuses_other_pools_and_other_dimensions() -> None:
    engine, state = Engine(1), NearestState(3)
    rows = np.arange(30, dtype=np.float32).reshape(10, 3)
    blocks = _blocks(rows, [], np.zeros(10, bool))
    state.advance(rows[:2])
    assert state.anchors == 2
    engine.k_center(blocks, rows[:0], 2, 0, None, state)
    with pytest.raises(ValueError, match="rows of a block of the state"):
        engine.k_center(_blocks(rows[:9], [], np.zeros(9, bool)), rows[:0], 2, 0, None, state)
    with pytest.raises(ValueError, match="blocks of the state"):
        engine.k_center(_blocks(rows, [5], np.zeros(10, bool)), rows[:0], 2, 0, None, state)
    with pytest.raises(ValueError, match="dimension"):
        state.advance(np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="finite"):
        state.advance(np.full((1, 3), np.nan, np.float32))
    assert state.anchors == 2


def test_a_cancelled_round_leaves_a_state_that_is_true() -> None:
    random = np.random.default_rng(1)
    rows = random.normal(size=(2000, 16)).astype(np.float32)
    blocks = _blocks(rows, [700], np.zeros(2000, bool))
    engine, state, cancel = Engine(2), NearestState(16), CancelFlag()
    state.advance(rows[:300])
    cancel.cancel()
    with pytest.raises(Cancelled):
        engine.k_center(blocks, rows[:0], 20, 0, cancel, state)
    again = engine.k_center(blocks, rows[:0], 20, 0, None, state)
    fresh = engine.k_center(blocks, rows[:300], 20, 0)
    assert _places(blocks, again) == _places(blocks, fresh)
    assert again.score.tolist() == fresh.score.tolist()
