"""What every PoolIndexing promises; the approximate ways are held to a share of the truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine
from alservice.domain import errors
from alservice.index import BackgroundIndexing
from alservice.index.ways import Limits
from alservice.ports.neighbours import Neighbours, PoolIndexing

ROOM = 2**33
WAYS: dict[str, PoolIndexing] = {
    "exact": BackgroundIndexing(Engine(1)),
    "graph": BackgroundIndexing(Engine(1), Limits(exact_rows=0, build_bytes=ROOM)),
    "lists": BackgroundIndexing(Engine(1), Limits(exact_rows=0, graph_rows=0, build_bytes=ROOM)),
}
Vectors = NDArray[np.float32]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> PoolIndexing:
    return WAYS[request.param]


def cloud(rows: int, dimension: int = 8, seed: int = 0) -> Vectors:
    """Clustered rows; the last tenth repeats the first."""
    draw = np.random.default_rng(seed)
    centres = 4 * draw.normal(size=(10, dimension))
    vectors = centres[draw.integers(0, 10, rows)] + draw.normal(size=(rows, dimension))
    vectors[rows - rows // 10 :] = vectors[: rows // 10]
    return vectors.astype(np.float32)


def blocks_of(vectors: Vectors, *cuts: int, dtype: Any = np.float32) -> list[Block]:
    """The rows cut into blocks; ids follow from row numbers. Some rows are excluded."""
    hashes = np.arange(len(vectors), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    parts = zip(np.split(vectors, cuts), np.split(hashes, cuts), strict=True)
    return [
        Block(part.astype(dtype), ids.copy(), np.full((len(part) + 7) // 8, 1, np.uint8))
        for part, ids in parts
    ]


def find(
    way: PoolIndexing, blocks: Sequence[Block], count: int, told: list[Any] | None = None
) -> Neighbours:
    report = lambda *words: None if told is None else told.append(words)  # noqa: E731
    return way.neighbours(blocks, count, report, CancelFlag())


def truth(vectors: Vectors, count: int) -> NDArray[np.float64]:
    """Distances (n, count) to the nearest others, in float64."""
    wide = vectors.astype(np.float64)
    apart = np.sqrt(((wide[:, None] - wide[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    return np.sort(apart, axis=1)[:, :count]


def test_the_nearest_are_found_in_order_with_true_distances(way: PoolIndexing) -> None:
    vectors = cloud(600)
    found = find(way, blocks_of(vectors, 100, 350), 5)
    assert found.numbers.shape == found.distances.shape == (600, 5)
    assert found.numbers.dtype == np.int32 and found.distances.dtype == np.float32
    apart = np.linalg.norm(vectors[:, None] - vectors[found.numbers], axis=2)
    np.testing.assert_allclose(found.distances, apart, rtol=1e-5, atol=1e-6)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert (found.numbers != np.arange(600)[:, None]).all()
    assert all(len(set(row)) == 5 for row in found.numbers.tolist())
    hits = found.distances <= truth(vectors, 5)[:, -1:] * (1 + 1e-5) + 1e-6
    assert hits.mean() >= 0.95 and abs(found.recall - hits.mean()) <= 0.03


def test_small_pools_have_no_more_neighbours_than_there_are(way: PoolIndexing) -> None:
    for rows in (1, 2, 4):
        found = find(way, blocks_of(cloud(rows)), 6)
        there = np.arange(6) < rows - 1
        assert (np.isfinite(found.distances) == there).all()
        assert ((found.numbers >= 0) == there).all()
        assert found.recall == 1.0


def test_equal_items_are_neighbours_at_distance_0_and_never_their_own(way: PoolIndexing) -> None:
    found = find(way, blocks_of(np.ones((90, 4), np.float32), 40), 3)
    assert (found.distances == 0).all()
    assert (found.numbers != np.arange(90)[:, None]).all()


def test_the_cut_into_blocks_changes_nothing(way: PoolIndexing) -> None:
    vectors = cloud(300)
    whole, cut = find(way, blocks_of(vectors), 4), find(way, blocks_of(vectors, 1, 128), 4)
    np.testing.assert_array_equal(whole.numbers, cut.numbers)
    np.testing.assert_array_equal(whole.distances, cut.distances)


def test_half_floats_are_read_as_they_are(way: PoolIndexing) -> None:
    vectors = cloud(300).astype(np.float16)
    found = find(way, blocks_of(vectors.astype(np.float32), 64, dtype=np.float16), 3)
    wide = vectors.astype(np.float32)
    apart = np.linalg.norm(wide[:, None] - wide[found.numbers], axis=2)
    np.testing.assert_allclose(found.distances, apart, rtol=1e-5, atol=1e-6)


def test_progress_only_grows_and_ends_at_1(way: PoolIndexing) -> None:
    told: list[Any] = []
    find(way, blocks_of(cloud(300)), 3, told)
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert all(stage for _, stage in told)


def test_a_report_that_raises_stops_the_work(way: PoolIndexing) -> None:
    def stop(_share: float, _stage: str) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        way.neighbours(blocks_of(cloud(50)), 3, stop, CancelFlag())


def test_a_set_flag_stops_everything(way: PoolIndexing) -> None:
    cancel = CancelFlag()
    cancel.cancel()
    blocks, quiet = blocks_of(cloud(50)), lambda *_: None
    for work in (
        lambda: way.neighbours(blocks, 3, quiet, cancel),
        lambda: way.clusters(blocks, 1, quiet, cancel),
        lambda: way.twins(blocks, quiet, cancel),
    ):
        with pytest.raises(Cancelled):
            work()


def test_every_row_is_in_the_cluster_of_its_nearest_centre(way: PoolIndexing) -> None:
    vectors = cloud(2000)
    found = way.clusters(blocks_of(vectors, 700), 1, lambda *_: None, CancelFlag())
    assert found.centres.shape == (20, 8) and found.assignment.dtype == np.int32
    apart = np.linalg.norm(vectors[:, None] - found.centres[None], axis=2)
    chosen = apart[np.arange(2000), found.assignment]
    np.testing.assert_allclose(chosen, apart.min(axis=1), rtol=1e-5)


def test_clusters_depend_on_ids_and_not_on_blocks(way: PoolIndexing) -> None:
    vectors, quiet = cloud(300), lambda *_: None
    whole = way.clusters(blocks_of(vectors), 7, quiet, CancelFlag())
    cut = way.clusters(blocks_of(vectors, 99), 7, quiet, CancelFlag())
    np.testing.assert_array_equal(whole.assignment, cut.assignment)
    np.testing.assert_array_equal(whole.centres, cut.centres)


def test_a_tiny_pool_has_a_cluster_per_item_at_most(way: PoolIndexing) -> None:
    found = way.clusters(blocks_of(cloud(3)), 1, lambda *_: None, CancelFlag())
    assert found.centres.shape == (3, 8) and found.assignment.max() < 3


def test_twins_are_the_first_that_is_equal(way: PoolIndexing) -> None:
    vectors = cloud(300)
    vectors[5, 2], vectors[9] = 0.0, vectors[5]
    vectors[9, 2] = -0.0
    first: dict[bytes, int] = {}
    expected = [first.setdefault((row + 0.0).tobytes(), n) for n, row in enumerate(vectors)]
    found = way.twins(blocks_of(vectors, 100), lambda *_: None, CancelFlag())
    assert found.dtype == np.int32 and found.tolist() == expected
    assert len(set(expected)) < 275


def test_what_would_not_fit_into_memory_is_refused_in_words(way: PoolIndexing) -> None:
    way.check(600, 8, 5)
    with pytest.raises(errors.IndexTooLarge, match="fewer neighbours"):
        way.check(2**40, 8, 5)


def test_equal_rows_are_compared_until_somebody_stops_it(way: PoolIndexing) -> None:
    cancel = CancelFlag()

    def stop_at_the_end(share: float, _stage: str) -> None:
        if share == 1:
            cancel.cancel()

    with pytest.raises(Cancelled):
        way.twins(blocks_of(cloud(50)), stop_at_the_end, cancel)
