"""Which new ids exist already."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.domain.errors import ItemExists
from alservice.domain.project import DType
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.segments import SegmentReader
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.collisions import Collisions, common_rows, refuse_overlap
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.pool_masks import mark
from tests.usecases.items import block

IDS = st.lists(st.integers(0, 60).map(str), min_size=1, unique=True)
NUMBERS = iter(range(10**9))


def segment(store: LocalSegmentStore, ids: list[str], *deleted: int) -> OpenSegment:
    data, sealed = store.encode([(block(ids), np.ones(len(ids), np.int64))], 3, DType.F32)
    row = Segment(
        segment_id=f"s-{next(NUMBERS)}",
        project_id="p",
        space_id="default",
        state=SegmentState.LIVE,
        rows=sealed.rows,
        live_rows=sealed.rows,
        size_bytes=sealed.size_bytes,
        crc32c=sealed.crc32c,
        inline=True,
    )
    bits = mark(np.zeros((len(ids) + 7) // 8, np.uint8), np.array(deleted, np.int64))
    return OpenSegment(row, store.open(row, data), bits)


def reader(store: LocalSegmentStore, ids: list[str]) -> SegmentReader:
    return segment(store, ids).reader


@given(IDS, IDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_common_rows_are_those_of_equal_ids(
    store: LocalSegmentStore, a: list[str], b: list[str]
) -> None:
    pairs = common_rows(reader(store, a), reader(store, b)).tolist()
    assert sorted(map(tuple, pairs)) == [
        (i, b.index(item_id)) for i, item_id in enumerate(a) if item_id in b
    ]


def test_few_ids_are_found_in_many(store: LocalSegmentStore) -> None:
    many = [str(number) for number in range(100)]
    pairs = common_rows(reader(store, ["7", "x", "99"]), reader(store, many))
    assert pairs.tolist() == [[0, 7], [2, 99]]


def test_clashes_name_both_sides_and_forget_the_deleted(store: LocalSegmentStore) -> None:
    collisions = Collisions([reader(store, ["a", "b"]), reader(store, ["c", "d"])])
    (clash,) = collisions.among([segment(store, ["x"]), segment(store, ["d", "a", "b"], 2)])
    sides = zip(clash.old_rows, clash.new_segments, clash.new_rows, strict=True)
    assert sorted(tuple(map(int, side)) for side in sides) == [(0, 1, 1), (1, 0, 0)]
    assert sorted(clash.item_ids(10)) == ["a", "d"]


def test_deletions_since_the_first_look_count(store: LocalSegmentStore) -> None:
    collisions = Collisions([reader(store, ["a"])])
    old = segment(store, ["a"])
    assert len(collisions.among([old])) == 1
    gone = OpenSegment(old.segment, old.reader, np.array([1], np.uint8))
    assert collisions.among([gone]) == []


def test_an_id_in_two_new_segments_is_refused(store: LocalSegmentStore) -> None:
    refuse_overlap([reader(store, ["a"]), reader(store, ["b"]), reader(store, ["c"])])
    with pytest.raises(ItemExists) as caught:
        refuse_overlap([reader(store, ["a"]), reader(store, ["b"]), reader(store, ["c", "a"])])
    assert caught.value.metadata["item_ids"] == "a"


def test_segments_of_strangers_clash_no_more_than_those_of_acquaintances(
    store: LocalSegmentStore,
) -> None:
    """Several new ones and several old ones: who shares no hash is passed over."""
    collisions = Collisions([reader(store, ["a", "b"]), reader(store, ["c"])])
    strangers = [segment(store, ["x"]), segment(store, ["y", "z"])]
    assert collisions.among(strangers) == []
    known = segment(store, ["z", "c"])
    clashes = collisions.among([*strangers, known, segment(store, ["q"])])
    assert [clash.segment for clash in clashes] == [known]
    assert clashes[0].item_ids(10) == ["c"]


@given(st.lists(IDS, max_size=4), st.lists(IDS, min_size=1, max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_clashes_are_those_of_equal_ids(
    store: LocalSegmentStore, old: list[list[str]], new: list[list[str]]
) -> None:
    clashes = Collisions([reader(store, ids) for ids in new]).among(
        [segment(store, ids) for ids in old]
    )
    sides = [(clash.old_rows, clash.new_segments, clash.new_rows) for clash in clashes]
    found = [set(zip(*(side.tolist() for side in each), strict=True)) for each in sides]
    expected = [
        {
            (ids.index(item_id), index, others.index(item_id))
            for index, others in enumerate(new)
            for item_id in others
            if item_id in ids
        }
        for ids in old
    ]
    assert found == [each for each in expected if each]
