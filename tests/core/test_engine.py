"""The passes over a pool, from Python, against NumPy in double precision."""

import sys
import threading
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine, Ranked, bf16_from_f32
from alservice.core import _native as native

SIMD = ["scalar", native.build_info()["simd"]]
MEASURES = ["least_confidence", "margin", "entropy"]


def _pool(n: int, d: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def _blocks(
    vectors: NDArray[Any], cuts: list[int], closed: NDArray[np.bool_] | None = None
) -> list[Block]:
    """Cut a pool where told; ids are hashed by position, so that cuts do not change them."""
    n = len(vectors)
    closed = np.zeros(n, bool) if closed is None else closed
    id_hash = np.random.default_rng(5).integers(0, 2**63, n, np.uint64)
    edges = [0, *sorted(cut % (n + 1) for cut in cuts), n]
    return [
        Block(vectors[a:b], id_hash[a:b], np.packbits(closed[a:b], bitorder="little"))
        for a, b in pairwise(edges)
    ]


def _places(blocks: list[Block], ranked: Ranked) -> list[int]:
    starts = np.cumsum([0] + [len(block.id_hash) for block in blocks])
    return [int(i) for i in starts[ranked.block] + ranked.row]


def _softmax(
    vectors: NDArray[Any], weights: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float64]:
    logits = vectors.astype(np.float64) @ weights.T.astype(np.float64) + bias
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _measure(p: NDArray[np.float64], measure: str) -> NDArray[np.float64]:
    top = -np.sort(-p, axis=1)
    if measure == "least_confidence":
        return np.asarray(1 - top[:, 0])
    if measure == "margin":
        return np.asarray(1 - (top[:, 0] - top[:, 1]))
    return np.asarray(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1) / np.log(p.shape[1]))


@given(
    n=st.integers(0, 90),
    d=st.integers(1, 70),
    classes=st.integers(2, 15),
    k=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 100), max_size=3),
    seed=st.integers(0, 2**64 - 1),
    dtype=st.sampled_from(["f32", "f16", "bf16"]),
)
@settings(max_examples=60)
def test_scores_agree_with_numpy_and_the_fused_pass_with_the_general_one(
    n: int, d: int, classes: int, k: int, cuts: list[int], seed: int, dtype: str
) -> None:
    exact = _pool(n, d, seed % 2**32)
    weights, bias = _pool(classes, d, 1), _pool(1, classes, 2)[0]
    rows: NDArray[Any] = exact
    if dtype == "f16":
        rows = exact.astype(np.float16)
        exact = rows.astype(np.float32)
    if dtype == "bf16":
        rows = bf16_from_f32(exact)
        exact = (rows.astype(np.uint32) << 16).view(np.float32)
    closed = np.random.default_rng(seed).random(n) < 0.3
    p = _softmax(exact, weights, bias)
    for simd in SIMD:
        engine, many = Engine(1, simd), Engine(3, simd)
        np.testing.assert_allclose(engine.probabilities(rows, weights, bias), p, atol=2e-5)
        for measure in MEASURES:
            scores = engine.measure_scores(rows, weights, bias, measure)
            np.testing.assert_allclose(scores, _measure(p, measure), atol=5e-5)
            whole, cut = _blocks(rows, [], closed), _blocks(rows, cuts, closed)
            general = engine.top_k([scores], whole, k, seed)
            fused = many.score_top_k(cut, weights, bias, measure, k, seed)
            assert _places(whole, general) == _places(cut, fused)
            np.testing.assert_array_equal(general.score, fused.score)
            assert len(fused.row) == min(k, n - int(closed.sum()))


@given(
    n=st.integers(0, 60),
    d=st.integers(1, 20),
    anchors=st.integers(0, 3),
    k=st.integers(0, 12),
    cuts=st.lists(st.integers(0, 100), max_size=3),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60)
def test_k_center_is_greedy_farthest_first(
    n: int, d: int, anchors: int, k: int, cuts: list[int], seed: int
) -> None:
    rows = _pool(n, d, seed)
    closed = np.random.default_rng(seed).random(n) < 0.3
    centres = list(_pool(anchors, d, seed + 1).astype(float))
    start = np.asarray(centres, np.float32).reshape(-1, d)
    for simd in SIMD:
        cut = _blocks(rows, cuts, closed)
        ranked = Engine(3, simd).k_center(cut, start, k, seed)
        whole = _blocks(rows, [], closed)
        alone = Engine(1, simd).k_center(whole, start, k, seed)
        picks = _places(cut, ranked)
        assert picks == _places(whole, alone)
        assert len(set(picks)) == len(picks) == min(k, n - int(closed.sum()))
        assert not closed[picks].any()
        known = list(centres)
        for place, score in zip(picks, ranked.score, strict=True):
            if known:
                gaps = np.min([np.linalg.norm(rows - c, axis=1) for c in known], axis=0)
                assert score == pytest.approx(gaps[place], abs=1e-4)
                left = ~closed
                left[picks[: len(known) - anchors]] = False
                assert gaps[place] >= gaps[left].max() - 1e-4
            known.append(rows[place].astype(float))


def test_random_is_uniform_over_rows_and_differs_by_seed() -> None:
    blocks = _blocks(_pool(50, 1, 0), [20])
    drawn = [_places(blocks, Engine(2).random_top_k(blocks, 10, s)) for s in range(2000)]
    counts = np.bincount(np.concatenate(drawn), minlength=50)
    # 400 expected per row, standard deviation 17.9: six of them, false failures below 1e-7.
    assert np.abs(counts - 400).max() < 108
    assert len({tuple(sorted(places)) for places in drawn}) > 1990


def test_gather_converts_and_keeps_the_order_asked_for() -> None:
    rows = _pool(40, 7, 0)
    halves = rows.astype(np.float16)
    blocks = [*_blocks(rows, []), *_blocks(halves, []), *_blocks(bf16_from_f32(rows), [])]
    block, row = np.array([1, 0, 2, 1], np.int64), np.array([3, 39, 0, 3], np.int64)
    got = Engine(2).gather(blocks, block, row)
    np.testing.assert_array_equal(got[0], halves[3].astype(np.float32))
    np.testing.assert_array_equal(got[1], rows[39])
    np.testing.assert_allclose(got[2], rows[0], rtol=2**-8)
    np.testing.assert_array_equal(got[3], got[0])


def test_the_sum_is_the_sum() -> None:
    rows = _pool(1000, 33, 0)
    for simd in SIMD:
        assert Engine(2, simd).sum(rows) == pytest.approx(rows.sum(dtype=float), abs=1e-2)


def test_a_read_only_memory_map_is_scored_in_place(tmp_path: Any) -> None:
    rows = _pool(64, 16, 0)
    rows.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", np.float32, "r", shape=(64, 16))
    weights, bias = _pool(3, 16, 1), np.zeros(3, np.float32)
    engine = Engine(1)
    ours = engine.score_top_k(_blocks(mapped, []), weights, bias, "margin", 5, 1)
    same = engine.score_top_k(_blocks(rows, []), weights, bias, "margin", 5, 1)
    np.testing.assert_array_equal(ours.row, same.row)


def _wait_until_inside(thread: int, name: str) -> None:
    """Return once a thread has stood at one instruction of function `name` for 200 turns.

    Each turn gives the GIL away, so a thread that merely waited for it would have moved on.
    """
    turns, place = 0, -1
    while turns < 200:
        time.sleep(0)
        frame = sys._current_frames()[thread]
        here = frame.f_lasti if frame.f_code.co_name == name else -1
        turns, place = (turns + 1 if here == place != -1 else 0), here


def test_cancelling_from_another_thread_ends_a_call_that_holds_no_gil() -> None:
    # 20,000 picks from 20,000 rows take minutes with the scalar path, and the test fails if they
    # end; that the other thread gets its turns meanwhile shows that the GIL is free.
    blocks, flag, main = _blocks(_pool(20_000, 256, 0), []), CancelFlag(), threading.get_ident()

    def cancel() -> None:
        _wait_until_inside(main, "k_center")
        flag.cancel()

    other = threading.Thread(target=cancel)
    other.start()
    with pytest.raises(Cancelled):
        Engine(1, "scalar").k_center(blocks, np.empty((0, 256), np.float32), 20_000, 0, flag)
    other.join()
    assert flag.cancelled


def test_a_flag_that_is_set_already_stops_every_pass() -> None:
    blocks, flag, engine = _blocks(_pool(9, 2, 0), []), CancelFlag(), Engine(1)
    flag.cancel()
    weights, bias = _pool(2, 2, 0), np.zeros(2, np.float32)
    with pytest.raises(Cancelled):
        engine.score_top_k(blocks, weights, bias, "margin", 1, 0, flag)
    with pytest.raises(Cancelled):
        engine.random_top_k(blocks, 1, 0, flag)
    with pytest.raises(Cancelled):
        engine.top_k([np.zeros(9, np.float32)], blocks, 1, 0, flag)


def test_an_engine_says_what_it_is() -> None:
    engine = Engine(2, "scalar")
    assert (engine.threads, engine.simd) == (2, "scalar")
    assert native.build_info().keys() == {"version", "profile", "simd", "target"}
