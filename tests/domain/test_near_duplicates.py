"""Near-duplicates are the connected parts of what is nearer than noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.core import CancelFlag, Cancelled
from alservice.domain import near_duplicates as module
from alservice.domain.near_duplicates import NEAR, count_near_duplicates, near_duplicates

N, K = 12, 3
graphs = st.lists(st.lists(st.integers(-1, N - 1), min_size=K, max_size=K), min_size=N, max_size=N)
lengths = st.lists(
    st.lists(st.sampled_from([0.0, NEAR / 2, 1.0, 2.0]), min_size=K, max_size=K),
    min_size=N,
    max_size=N,
)


def alone(rows: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.arange(rows, dtype=np.int32)


def walked(edges: set[tuple[int, int]]) -> list[int]:
    """The lowest row that can be reached from each, one step after the other."""
    lowest = list(range(N))
    for _ in range(N):
        for a, b in edges:
            lowest[a] = lowest[b] = min(lowest[a], lowest[b])
    return lowest


@pytest.mark.parametrize("pairs", [1, 2 * K, module.PAIRS])
@given(graphs, lengths, st.lists(st.integers(0, N - 1), min_size=N, max_size=N))
def test_groups_are_what_a_walk_reaches(
    pairs: int, graph: list[list[int]], length: list[list[float]], first: list[int]
) -> None:
    neighbours, distances = np.array(graph, np.int32), np.array(length, np.float32)
    distances[neighbours < 0] = np.inf
    twins = np.minimum(np.array(first, np.int32), alone(N))
    told = distances[np.isfinite(distances) & (distances > 0)]
    near = NEAR * float(np.median(told)) if len(told) else 0.0
    close = (distances < near) | (distances == 0)
    edges = {(row, int(neighbours[row, k])) for row, k in zip(*np.nonzero(close), strict=True)}
    edges |= set(enumerate(twins.tolist()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAIRS", pairs)
        found = near_duplicates(neighbours, distances, twins)
    assert found.dtype == np.int32
    assert found.tolist() == walked(edges)
    assert count_near_duplicates(found) == N - len(set(found.tolist()))


def test_a_pool_of_equal_items_is_one_group() -> None:
    neighbours = np.array([[1], [0], [3], [2]], np.int32)
    nothing = np.zeros((4, 1), np.float32)
    assert near_duplicates(neighbours, nothing, np.zeros(4, np.int32)).tolist() == [0, 0, 0, 0]
    assert near_duplicates(neighbours, nothing, alone(4)).tolist() == [0, 0, 2, 2]


def test_a_single_item_has_no_duplicates() -> None:
    nobody = np.full((1, 2), -1, np.int32), np.full((1, 2), np.inf, np.float32)
    assert near_duplicates(*nobody, alone(1)).tolist() == [0]


def test_the_median_of_many_is_taken_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def median(values: module.F32) -> np.float32:
        seen.append(len(values))
        return np.float32(1)

    monkeypatch.setattr(module, "MEDIAN_OF", 100)
    monkeypatch.setattr(np, "median", median)
    neighbours = np.tile(alone(1000)[:, None], (1, 4))
    near_duplicates(neighbours, np.ones((1000, 4), np.float32), alone(1000))
    assert seen == [100]


def test_a_request_to_stop_is_heard() -> None:
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(Cancelled):
        near_duplicates(np.array([[-1]], np.int32), np.ones((1, 1), np.float32), alone(1), cancel)
