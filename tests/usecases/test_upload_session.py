"""One stream's part of an upload."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.item import Attributes, OnConflict
from alservice.domain.project import Project
from alservice.domain.segment import SegmentState
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases.upload_session import tail
from alservice.usecases.write_segments import WRITING_MS
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, small_files

IDS = [f"i{number}" for number in range(20)]
BREAKS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4)
CUTS = st.lists(st.integers(0, 20), max_size=4).map(sorted)


@given(
    CUTS,
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=4),
    st.sampled_from([0, 2**20]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_often_a_stream_breaks_all_items_arrive_once(
    items_pool: Pool, cuts: list[int], breaks: list[tuple[int, bool]], inline_bytes: int
) -> None:
    items_pool.delete(*IDS)
    upload_id = f"u-{items_pool.project.next_incarnation}"
    with small_files(inline_bytes, 60):
        for stop, kept in breaks:
            session = items_pool.open(upload_id)
            start = session.upload.received
            session.append(start, block(IDS[start : max(start, stop)]))
            if kept:  # else the server was killed
                session.suspend()
                assert session.upload.received == max(start, stop)
            assert items_pool.content() == {}
        session = items_pool.open(upload_id)
        for begin, end in zip([0, *cuts], [*cuts, 20], strict=True):
            session.append(begin, block(IDS[begin:end]))
        result = session.commit()
    assert result.added == 20
    assert sorted(items_pool.content()) == sorted(IDS)
    assert items_pool.open(upload_id).commit() == result


def test_an_upload_goes_on_in_another_process(items_pool: Pool) -> None:
    for inline_bytes, name in [(0, "u-file"), (2**20, "u-inline")]:
        with small_files(inline_bytes):
            session = items_pool.open(name)
            session.append(0, block([f"{name}-a"]))
            session.suspend()
            fresh = LocalSegmentStore(items_pool.store._folder)  # type: ignore[attr-defined]
            again = replace(items_pool, store=fresh).open(name)
            assert again.position == 1
            again.append(1, block([f"{name}-b"]))
            assert again.commit().added == 2


def test_a_gap_is_refused_and_nothing_is_lost(items_pool: Pool) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a"]))
    with pytest.raises(errors.UploadOffsetGap) as caught:
        session.append(2, block(["c"]))
    assert caught.value.metadata == {"offset": "2", "received": "1"}
    session.append(1, block(["b"]))
    assert session.commit().added == 2


@pytest.mark.parametrize("file_bytes", [20, 10**6])
def test_an_id_twice_in_one_upload_is_refused_wherever_it_stands(
    items_pool: Pool, file_bytes: int
) -> None:
    with small_files(0, file_bytes):
        session = items_pool.open("u", OnConflict.REPLACE)
        session.append(0, block(["a", "b"]))
        session.append(2, block(["c", "a"]))
        with pytest.raises(errors.ItemExists, match="more than once"):
            session.commit()
    session.abandon()
    assert items_pool.content() == {}


def test_an_abandoned_upload_is_forgotten_at_once(items_pool: Pool) -> None:
    with small_files():
        session = items_pool.open("u")
        session.append(0, block(["a"]))
        session.suspend()
        session.append(1, block(["b"]))
        session.abandon()
    sweeper(items_pool.catalog, items_pool.store)()
    assert list(items_pool.store.stray([])) == []
    assert items_pool.open("u").position == 0


def test_nothing_can_be_added_after_the_commit(items_pool: Pool) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a"]))
    first = session.commit()
    again = items_pool.open("u")
    again.append(0, block(["x"]))
    assert again.commit() == first
    assert set(items_pool.content()) == {"a"}
    again.abandon()
    assert items_pool.open("u").commit() == first


def test_of_two_streams_of_one_upload_the_later_one_gets_a_conflict(items_pool: Pool) -> None:
    with small_files():
        slow, fast = items_pool.open("u"), items_pool.open("u")
        slow.append(0, block(["a"]))
        fast.append(0, block(["a", "b"]))
        fast.suspend()
        with pytest.raises(errors.Conflict):
            slow.suspend()
        with pytest.raises(errors.Conflict):
            slow.commit()
        assert items_pool.open("u").commit().added == 2


def test_a_stream_that_wakes_up_after_the_commit_changes_nothing(items_pool: Pool) -> None:
    asleep, quick = items_pool.open("u"), items_pool.open("u")
    asleep.append(0, block(["a"]))
    quick.append(0, block(["a", "b"]))
    result = quick.commit()
    with pytest.raises(errors.Conflict):
        asleep.suspend()
    assert asleep.commit() == items_pool.open("u").commit() == result


def test_a_cancelled_call_commits_nothing_and_can_be_resumed(items_pool: Pool) -> None:
    flag = CancelFlag()
    session = items_pool.open("u", cancel=flag)
    session.append(0, block(["a"]))
    flag.cancel()
    with pytest.raises(errors.Cancelled):
        session.commit()
    session.suspend()
    assert items_pool.content() == {}
    assert items_pool.open("u").commit().added == 1


def test_an_empty_upload_is_an_upload(items_pool: Pool) -> None:
    result = items_pool.open("u").commit()
    assert (result.added, result.revision) == (0, items_pool.project.revision)
    assert items_pool.open("u").commit() == result


def test_a_full_segment_is_durable_before_the_stream_ends(items_pool: Pool) -> None:
    with small_files(0, 20):
        session = items_pool.open("u")
        session.append(0, block(["a", "b"]))
    upload = items_pool.catalog.read(lambda tx: tx.uploads.get("items", "u"))
    assert upload is not None
    assert upload.received == 2
    (waiting,) = items_pool.catalog.read(lambda tx: tx.segments.of_upload("items", "u"))
    assert (waiting.state, waiting.rows) == (SegmentState.WRITING, 2)


def test_a_tail_keeps_every_column() -> None:
    items = block(
        ["a", "b", "c"],
        roles=np.array([0, 1, 2], np.uint8),
        costs=np.array([1, 2, 3], np.float32),
        attributes=(Attributes("x"), Attributes("y"), Attributes("z")),
        class_ids=("cat", "", "dog"),
    )
    rest = tail(items, 1)
    assert rest.item_ids == ("b", "c")
    assert np.array_equal(rest.vectors, items.vectors[1:])
    assert rest.roles is not None and rest.roles.tolist() == [1, 2]
    assert rest.costs is not None and rest.costs.tolist() == [2, 3]
    assert rest.attributes == (Attributes("y"), Attributes("z"))
    assert rest.class_ids == ("", "dog")


def test_a_committed_upload_refuses_what_it_did_not_have(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    session = items_pool.open("u", OnConflict.SKIP)
    session.append(0, block(["a", "b"]))
    session.commit()
    again = items_pool.open("u", OnConflict.SKIP)
    again.append(0, block(["a", "b"]))
    with pytest.raises(errors.UploadProtocol, match="fresh upload_id"):
        again.append(2, block(["c"]))
    with pytest.raises(errors.UploadProtocol, match="2 items"):
        again.append(1, block(["b", "c"]))
    assert set(items_pool.content()) == {"a", "b"}


def test_a_session_cannot_touch_an_upload_of_the_same_id_in_a_project_made_anew(
    items_pool: Pool, make_project: Callable[..., Project]
) -> None:
    old = items_pool.open("u")
    old.append(0, block(["a"]))
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    make_project("items")
    new = items_pool.open("u")
    assert (new.upload.incarnation, new.position) == (old.upload.incarnation, 0)
    for touch in (old.suspend, old.commit, old.abandon):
        with pytest.raises(errors.Conflict):
            touch()
    new.append(0, block(["b"]))
    new.suspend()
    assert items_pool.open("u").commit().added == 1
    assert set(items_pool.content()) == {"b"}


def test_small_parts_of_an_upload_are_there_although_memory_has_let_them_go(
    items_pool: Pool,
) -> None:
    cold = LocalSegmentStore(
        items_pool.store._folder,  # type: ignore[attr-defined]
        max_inline_bytes=1,
    )
    pool = replace(items_pool, store=cold)
    for number in range(3):
        session = pool.open("u")
        session.append(number, block([f"i{number}"]))
        session.suspend()
    session.append(3, block(["i3"]))
    assert session.commit().added == 4
    assert set(pool.content()) == {"i0", "i1", "i2", "i3"}


def test_the_slower_of_two_commits_leaves_nothing_open(items_pool: Pool) -> None:
    slow, fast = items_pool.open("u"), items_pool.open("u")
    for session in (slow, fast):
        session.append(0, block(["a"]))
    result = fast.commit()
    open_before = dict(items_pool.store._inline._kept)  # type: ignore[attr-defined]
    assert slow.commit() == result
    assert dict(items_pool.store._inline._kept) == open_before  # type: ignore[attr-defined]


def test_no_part_of_an_upload_expires_while_further_ones_arrive(
    items_pool: Pool, clock: Clock
) -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    with small_files(0, 20):
        session = items_pool.open("u")
        for position in range(0, len(names), 2):
            session.append(position, block(names[position : position + 2]))
            clock.advance(WRITING_MS - 60_000)
            sweeper(items_pool.catalog, items_pool.store)()
        assert session.commit().added == len(names)
    assert sorted(items_pool.content()) == names
