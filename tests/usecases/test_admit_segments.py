"""The moment at which new items become true."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.item import OnConflict, Role
from alservice.domain.label import Provenance
from alservice.domain.operation import OperationKind
from alservice.domain.project import DType, Project, VectorSpace
from alservice.ports.catalog import Tx
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.segments import LocalSegmentStore
from tests.usecases.items import Pool, block, small_files


def test_conflicts_are_named_up_to_ten_and_counted(items_pool: Pool) -> None:
    ids = [f"i{number}" for number in range(25)]
    items_pool.add(block(ids))
    revision = items_pool.project.revision
    with pytest.raises(errors.ItemExists) as caught:
        items_pool.add(block(["new", *ids]))
    assert caught.value.metadata["count"] == "25"
    assert len(caught.value.metadata["item_ids"].split(", ")) == 10
    assert items_pool.project.revision == revision
    assert "new" not in items_pool.content()


@pytest.mark.parametrize("inline_bytes", [0, 2**20])
def test_of_two_uploads_of_the_same_ids_exactly_one_wins(
    items_pool: Pool, inline_bytes: int
) -> None:
    barrier = threading.Barrier(4)

    def upload(version: int) -> int | None:
        session = items_pool.open()
        session.append(0, block(["a", "b"], version))
        barrier.wait()
        try:
            session.commit()
        except errors.ItemExists:
            session.abandon()
            return None
        return version

    with small_files(inline_bytes), ThreadPoolExecutor(4) as threads:
        won = [version for version in threads.map(upload, range(1, 5)) if version]
    assert len(won) == 1
    assert items_pool.content() == {
        "a": ([float(won[0]), 32.0, 97.0], ""),
        "b": ([float(won[0]), 32.0, 98.0], ""),
    }


def test_labels_that_exist_already_come_with_their_items(items_pool: Pool) -> None:
    items = block(
        ["a", "b", "c"],
        roles=np.array([Role.POOL, Role.POOL, Role.TEST], np.uint8),
        class_ids=("cat", "", "dog"),
    )
    result = items_pool.add(items)
    assert result.labels == items_pool.project.settled_count == 2

    def check(tx: Tx) -> None:
        lines = tx.labels.page("items", 0, 10, settled_only=True)
        assert [(line.item_id, line.class_id, line.annotator_id) for line in lines] == [
            ("a", "cat", "anonymous"),
            ("c", "dog", "anonymous"),
        ]
        for settled in tx.labels.settled_since("items", -1):
            assert settled.provenance is Provenance.IMPORTED
            weight = 1.0 if settled.item_id == "a" else 0.0  # what measures does not train
            assert (settled.weight, settled.revision) == (weight, result.revision)

    items_pool.catalog.read(check)


def test_labels_of_skipped_items_are_not_recorded(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    result = items_pool.add(block(["a", "b"], class_ids=("cat", "dog")), OnConflict.SKIP)
    assert (result.added, result.skipped, result.labels) == (1, 1, 1)
    lines = items_pool.catalog.read(lambda tx: tx.labels.of_items("items", ["a", "b"]))
    assert [line.item_id for line in lines] == ["b"]


def test_a_replaced_item_begins_a_new_life_without_its_label(items_pool: Pool) -> None:
    items_pool.add(block(["a"], class_ids=("cat",)))
    (before,) = items_pool.items()
    items_pool.add(block(["a"], 1), OnConflict.REPLACE)
    (after,) = items_pool.items()
    assert after.incarnation > before.incarnation
    assert (before.settled_class_id, after.settled_class_id) == ("cat", "")
    assert items_pool.project.settled_count == 0


def test_the_first_commit_decides_the_dimension_and_a_slower_one_is_refused(
    items_pool: Pool,
) -> None:
    slow = items_pool.open()
    wide = block(["x"])
    slow.append(0, type(wide)(("x",), np.zeros((1, 4), np.float32), DType.F32))
    items_pool.add(block(["a"]))
    space = items_pool.project.space
    assert (space.dimension, space.dtype) == (3, DType.F32)
    with pytest.raises(errors.DimensionMismatch):
        slow.commit()


def test_an_upload_that_fails_decides_nothing(items_pool: Pool) -> None:
    with pytest.raises(errors.ClassUnknown):
        items_pool.add(block(["a"], class_ids=("catt",)))
    assert items_pool.project.space == VectorSpace()


def test_vectors_are_kept_in_the_number_format_of_the_space(
    catalog: SqliteCatalog, store: LocalSegmentStore, make_project: Callable[..., Project]
) -> None:
    made = make_project("half", space=VectorSpace(dtype=DType.F16))
    pool = Pool(catalog, store, made.project_id)
    pool.add(block(["a"]))
    assert pool.project.space == VectorSpace(dimension=3, dtype=DType.F16)
    assert pool.content() == {"a": ([0.0, 32.0, 97.0], "")}


def test_many_small_segments_ask_for_one_merge(items_pool: Pool) -> None:
    def asked() -> bool:
        kind = OperationKind.MERGE
        return bool(items_pool.catalog.read(lambda tx: tx.operations.unfinished("items", kind)))

    for number in range(16):
        items_pool.add(block([f"i{number}"]))
    assert not asked()
    items_pool.add(block(["one more"]))
    assert asked()
    items_pool.add(block(["yet another"]))
    claim = lambda tx: tx.operations.claim("me", 0, 1000)  # noqa: E731
    assert items_pool.catalog.transact(claim) is not None
    assert items_pool.catalog.transact(claim) is None


def test_nothing_is_added_to_a_project_that_is_gone(items_pool: Pool) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a"]))
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    with pytest.raises(errors.ProjectNotFound):
        session.commit()


def test_what_was_checked_for_one_project_is_not_added_to_its_successor(
    items_pool: Pool, make_project: Callable[..., Project]
) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a"], class_ids=("cat",)))
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    make_project("items", classes=("x", "y"))
    with pytest.raises(errors.Conflict, match="made anew"):
        session.commit()
    assert items_pool.content() == {}


def test_the_revision_of_the_labels_follows_what_settles_and_unsettles(items_pool: Pool) -> None:
    def labels_revision() -> int:
        return items_pool.project.labels_revision

    items_pool.add(block(["a"]))
    assert labels_revision() == 0
    labelled = items_pool.add(block(["b", "c"], class_ids=("cat", "dog")))
    assert labels_revision() == labelled.revision
    items_pool.add(block(["a"], 1), OnConflict.REPLACE)
    assert labels_revision() == labelled.revision
    replaced = items_pool.add(block(["b"], 1), OnConflict.REPLACE)
    assert labels_revision() == replaced.revision
    items_pool.delete("a")
    assert labels_revision() == replaced.revision
    assert items_pool.delete("c").revision == labels_revision()
