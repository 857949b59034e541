"""Items as they are read back."""

from collections.abc import Callable

import numpy as np
import pytest

from alservice.domain.item import Role
from alservice.domain.project import DType, Project, VectorSpace
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.read_items import reserved
from tests.usecases.items import Pool, block, vector_of


@pytest.mark.parametrize("dtype", list(DType))
def test_vectors_are_read_as_float32_whatever_they_are_kept_as(
    catalog: SqliteCatalog,
    store: LocalSegmentStore,
    make_project: Callable[..., Project],
    dtype: DType,
) -> None:
    made = make_project("formats", space=VectorSpace(dtype=dtype))
    pool = Pool(catalog, store, made.project_id)
    pool.add(block(["a", "b"]))
    for item in pool.items():
        assert item.vector is not None
        assert item.vector.dtype == np.float32
        assert item.vector.tolist() == vector_of(item.item_id)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_reserve_is_a_share_of_the_pool_and_of_nothing_else(
    make_project: Callable[..., Project], share: float
) -> None:
    # 20,000 draws: six standard deviations are at most 0.0212, so a false alarm is < 2e-9.
    project = make_project("shares", reserve_share=share)
    hashes = np.random.default_rng(1).integers(0, 2**64, 20_000, dtype=np.uint64)
    chosen = reserved(project, hashes, np.full(20_000, Role.POOL, np.uint8))
    assert abs(chosen.mean() - share) < 0.0213
    assert not reserved(project, hashes, np.full(20_000, Role.TEST, np.uint8)).any()


def test_the_reserve_of_an_item_survives_every_change_of_its_place(items_pool: Pool) -> None:
    for start in range(0, 60, 20):
        items_pool.add(block([f"i{number}" for number in range(start, start + 20)]))
    before = {item.item_id: item.reserved for item in items_pool.items()}
    items_pool.regroup("i1", "i2", group="g")
    items_pool.merge()
    assert {item.item_id: item.reserved for item in items_pool.items()} == before
