"""Finding items."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.usecases.locate import Finder, locate
from alservice.usecases.open_pool import OpenSegment, open_pool
from tests.usecases.items import Pool, block

NAMES = st.sampled_from([f"i{n}" for n in range(20)])


def opened(pool: Pool) -> tuple[OpenSegment, ...]:
    return open_pool(pool.catalog, pool.store, pool.project_id, lambda _: None)[0]


def found(pool: Pool, item_ids: list[str]) -> list[str | None]:
    segments = opened(pool)
    places = locate(segments, pool.store.pack(item_ids))
    return [
        None if index < 0 else segments[index].reader.item_ids(np.array([row]))[0]
        for index, row in zip(*map(np.ndarray.tolist, places), strict=True)
    ]


@given(st.lists(NAMES, unique=True), st.lists(NAMES), st.lists(NAMES, max_size=5))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_the_items_that_live_are_found(
    items_pool: Pool, there: list[str], asked: list[str], deleted: list[str]
) -> None:
    items_pool.delete(*[f"i{n}" for n in range(20)])
    for start in range(0, len(there), 3):
        items_pool.add(block(there[start : start + 3]))
    items_pool.delete("absent", *deleted)
    alive = set(there) - set(deleted)
    assert found(items_pool, asked) == [i if i in alive else None for i in asked]


def test_a_finder_follows_a_pool_that_changes(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"]))
    finder = Finder(items_pool.store.pack(["a", "b", "c"]))
    assert finder.locate(opened(items_pool))[1].tolist() == [0, 1, -1]
    items_pool.delete("a")
    items_pool.add(block(["x", "c"]))
    segment_of, row_of = finder.locate(opened(items_pool))
    assert (segment_of.tolist()[0], row_of.tolist()) == (-1, [-1, 1, 1])
