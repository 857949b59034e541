"""What keeps an approximate search honest: exact checks, wider looks, threads given back."""

from dataclasses import replace
from typing import Any

import faiss
import numpy as np
import pytest

from alservice.core import CancelFlag, Cancelled, Engine
from alservice.index import approximate, exact
from alservice.index.approximate import (
    Candidates,
    approximate_neighbours,
    evenly,
    faiss_threads,
    graph_candidates,
    list_candidates,
    recall_of,
)
from alservice.index.pool_vectors import PoolVectors
from tests.contract.test_pool_indexing import blocks_of, cloud


def quietly(share: float, stage: str) -> None:
    """Progress that nobody looks at."""


def pool_of(rows: int, dimension: int = 8) -> PoolVectors:
    return PoolVectors(Engine(1), blocks_of(cloud(rows, dimension), rows // 3))


def test_a_poor_search_is_widened_twice_and_then_kept_with_its_recall_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    widened: list[int] = []
    monkeypatch.setattr(approximate, "WANTED_RECALL", 2.0)

    def make(pool: PoolVectors, cancel: CancelFlag) -> Candidates:
        return replace(graph_candidates(pool, cancel), widen=lambda: widened.append(1))

    found = approximate_neighbours(pool_of(400), 4, make, quietly, CancelFlag())
    assert len(widened) == 2
    assert 0.9 < found.recall <= 1.0


def test_a_good_search_is_not_widened() -> None:
    def make(pool: PoolVectors, cancel: CancelFlag) -> Candidates:
        candidates = graph_candidates(pool, cancel)
        return replace(candidates, widen=lambda: pytest.fail("it was good enough"))

    found = approximate_neighbours(pool_of(400), 4, make, quietly, CancelFlag())
    assert found.recall >= 0.95 and "HNSW" in found.method


def test_widening_doubles_what_is_looked_at() -> None:
    graph = graph_candidates(pool_of(300), CancelFlag())
    lists = list_candidates(pool_of(3000), CancelFlag())
    before = graph.index.hnsw.efSearch, lists.index.nprobe
    graph.widen()
    lists.widen()
    assert graph.index.hnsw.efSearch == 2 * before[0]
    assert lists.index.nprobe == min(2 * before[1], lists.index.nlist)


@pytest.mark.parametrize("dimension", [1, 2, 7, 12])
def test_lists_take_any_dimension(dimension: int) -> None:
    found = approximate_neighbours(
        pool_of(300, dimension), 3, list_candidates, quietly, CancelFlag()
    )
    assert found.numbers.shape == (300, 3) and found.recall > 0.5


def test_recall_counts_equal_distances_as_found() -> None:
    true = np.array([[1, 2], [1, np.inf]], np.float32)
    assert recall_of(true, true) == 1.0
    assert recall_of(true, np.array([[2, 2], [1, 5]], np.float32)) == 1.0
    assert recall_of(true, np.array([[1, 3], [np.inf, np.inf]], np.float32)) == pytest.approx(
        1 / 3
    )
    assert recall_of(np.full((3, 2), np.inf, np.float32), np.zeros((3, 2), np.float32)) == 1.0


def test_a_sample_is_spread_over_all_rows_without_repeats() -> None:
    assert evenly(10, 3).tolist() == [0, 4, 9]
    assert evenly(4, 9).tolist() == [0, 1, 2, 3]
    assert evenly(1, 300).tolist() == [0]


def test_threads_are_given_back_whatever_happens() -> None:
    before = faiss.omp_get_max_threads()
    with faiss_threads(before + 1):
        assert faiss.omp_get_max_threads() == before + 1
    assert faiss.omp_get_max_threads() == before
    with pytest.raises(ZeroDivisionError), faiss_threads(before + 1):
        assert 1 // 0
    assert faiss.omp_get_max_threads() == before


def test_the_lists_are_trained_under_the_flag_and_faiss_learns_codes_of_few_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt: list[int] = []
    train = faiss.IndexIVFPQFastScan.train

    def counted(index: Any, sample: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
        learnt.append(len(sample))
        train(index, sample)

    monkeypatch.setattr(faiss.IndexIVFPQFastScan, "train", counted)
    monkeypatch.setattr(approximate, "CALL_BYTES", 1)
    pool = pool_of(3000)
    found = list_candidates(pool, CancelFlag())
    assert learnt == [approximate.FEWEST_CODE_ROWS]
    assert found.index.is_trained and found.index.nlist == found.index.quantizer.ntotal == 75
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list_candidates(pool, cancel)


def test_samples_and_slices_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    largest: list[int] = []
    take = PoolVectors.take

    def measured(
        pool: PoolVectors, rows: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        vectors = take(pool, rows)
        largest.append(vectors.nbytes)
        return vectors

    monkeypatch.setattr(approximate, "SAMPLE_BYTES", 64 * 4 * 100)
    monkeypatch.setattr(approximate, "CALL_BYTES", 64 * 4 * 50)
    monkeypatch.setattr(approximate, "CHECKED_ROWS", 100)
    monkeypatch.setattr(exact, "BASE_ROWS", 100)
    monkeypatch.setattr(approximate, "RANKED_BYTES", 64 * 4 * 100)
    monkeypatch.setattr(PoolVectors, "take", measured)
    approximate_neighbours(pool_of(1000, 64), 4, graph_candidates, quietly, CancelFlag())
    assert max(largest) <= 64 * 4 * 100
