"""Segments and uploads: reserved, written, live, dead; bytes beside the rows."""

from dataclasses import replace

from alservice.domain.segment import SegmentState
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, a_segment, an_upload

FULL = a_segment(
    "s-1",
    rows=10,
    live_rows=8,
    size_bytes=2**40,
    crc32c=2**32 - 1,
    inline=True,
    deletions=b"\x00\xff",
    deletions_version=3,
    expire_time_ms=77,
    upload_id="u-1",
    revision=5,
)

_ALL = ("s-1", "s-2", "s-empty", "s-other", "s-else", "s-live")


def test_every_field_of_a_segment_comes_back_without_its_bytes(catalog: Catalog) -> None:
    catalog.transact(lambda tx: tx.segments.store(FULL, b"inline"))
    assert catalog.read(lambda tx: tx.segments.get("s-1")) == FULL
    assert catalog.read(lambda tx: tx.segments.live(P)) == [FULL]
    assert catalog.read(lambda tx: tx.segments.inline_bytes("s-1")) == b"inline"


def test_an_unknown_segment_is_none(catalog: Catalog) -> None:
    assert catalog.read(lambda tx: tx.segments.get("s-9")) is None
    assert catalog.read(lambda tx: tx.segments.inline_bytes("s-9")) is None


def test_store_keeps_the_bytes_unless_it_brings_new_ones(catalog: Catalog) -> None:
    catalog.transact(lambda tx: tx.segments.reserve(replace(FULL, state=SegmentState.WRITING)))
    catalog.transact(lambda tx: tx.segments.store(FULL, b"one"))
    changed = replace(FULL, revision=6, live_rows=7)
    catalog.transact(lambda tx: tx.segments.store(changed, None))
    assert catalog.read(lambda tx: tx.segments.get("s-1")) == changed
    assert catalog.read(lambda tx: tx.segments.inline_bytes("s-1")) == b"one"
    catalog.transact(lambda tx: tx.segments.store(changed, b"two"))
    assert catalog.read(lambda tx: tx.segments.inline_bytes("s-1")) == b"two"


def test_only_live_segments_are_in_the_pool_by_revision_then_id(catalog: Catalog) -> None:
    def work(tx: Tx) -> None:
        tx.segments.store(a_segment("s-3", revision=1), None)
        tx.segments.store(a_segment("s-1", revision=2), None)
        tx.segments.store(a_segment("s-2", revision=1), None)
        tx.segments.store(a_segment("s-4", state=SegmentState.DEAD, revision=9), None)
        tx.segments.store(a_segment("s-5", project_id="other", revision=9), None)
        tx.segments.reserve(a_segment("s-6", state=SegmentState.WRITING, revision=9))

    assert catalog.read(lambda tx: tx.segments.pool_version(P)) == (0, 0)
    catalog.transact(work)
    live = catalog.read(lambda tx: tx.segments.live(P))
    assert [segment.segment_id for segment in live] == ["s-2", "s-3", "s-1"]
    assert catalog.read(lambda tx: tx.segments.pool_version(P)) == (2, 3)


def test_segments_of_an_upload_come_in_the_order_of_their_reservation(catalog: Catalog) -> None:
    ids = ["s-9", "s-1", "s-5", "s-3"]
    for segment_id in ids:
        row = a_segment(segment_id, state=SegmentState.WRITING, upload_id="u-1")
        catalog.transact(lambda tx, row=row: tx.segments.reserve(row))  # type: ignore[misc]
    catalog.transact(lambda tx: tx.segments.store(a_segment("s-5", upload_id="u-1"), None))
    found = catalog.read(lambda tx: tx.segments.of_upload(P, "u-1"))
    assert [segment.segment_id for segment in found] == ["s-9", "s-1", "s-3"]
    assert catalog.read(lambda tx: tx.segments.of_upload("other", "u-1")) == []


def test_the_parts_of_an_upload_that_wait_are_given_more_time_together(catalog: Catalog) -> None:
    writing = {"state": SegmentState.WRITING, "expire_time_ms": 100}

    def work(tx: Tx) -> None:
        tx.segments.reserve(a_segment("s-1", rows=3, upload_id="u-1", **writing))
        tx.segments.reserve(a_segment("s-2", rows=5, upload_id="u-1", **writing))
        tx.segments.reserve(a_segment("s-empty", rows=0, upload_id="u-1", **writing))
        tx.segments.reserve(a_segment("s-other", rows=3, upload_id="u-2", **writing))
        elsewhere = a_segment("s-else", project_id="other", rows=3, upload_id="u-1", **writing)
        tx.segments.reserve(elsewhere)
        tx.segments.store(a_segment("s-live", rows=3, upload_id="u-1"), None)
        tx.segments.extend_upload(P, "u-1", 200)

    catalog.transact(work)
    found = {name: catalog.read(lambda tx, name=name: tx.segments.get(name)) for name in _ALL}  # type: ignore[misc]
    until = {name: row.expire_time_ms for name, row in found.items() if row is not None}
    unchanged = dict.fromkeys(("s-empty", "s-other", "s-else"), 100)
    assert until == {"s-1": 200, "s-2": 200, "s-live": None, **unchanged}


def test_a_new_bitmap_makes_a_new_version(catalog: Catalog) -> None:
    catalog.transact(lambda tx: tx.segments.store(FULL, b"inline"))
    catalog.transact(lambda tx: tx.segments.set_deletions("s-1", b"\x07", 7, 6))
    expected = replace(FULL, deletions=b"\x07", live_rows=7, revision=6, deletions_version=4)
    assert catalog.read(lambda tx: tx.segments.get("s-1")) == expected
    assert catalog.read(lambda tx: tx.segments.pool_version(P)) == (6, 1)
    assert catalog.read(lambda tx: tx.segments.inline_bytes("s-1")) == b"inline"


def test_reservations_that_ran_out_die_and_the_dead_are_told_until_forgotten(
    catalog: Catalog,
) -> None:
    def work(tx: Tx) -> None:
        writing = SegmentState.WRITING
        tx.segments.reserve(a_segment("late", state=writing, expire_time_ms=100))
        tx.segments.reserve(a_segment("early", state=writing, expire_time_ms=101))
        tx.segments.store(a_segment("live", expire_time_ms=1), None)
        tx.segments.store(a_segment("dead", state=SegmentState.DEAD, inline=True), b"bytes")
        lingers = a_segment("lingers", state=SegmentState.DEAD, expire_time_ms=101)
        tx.segments.store(lingers, None)

    catalog.transact(work)
    for _ in range(2):
        dead = catalog.transact(lambda tx: tx.segments.expire(100))
        assert {(s.segment_id, s.state) for s in dead} == {
            ("late", SegmentState.DEAD),
            ("dead", SegmentState.DEAD),
        }

    def forget(tx: Tx) -> None:
        for segment_id in ("late", "dead", "live", "early", "lingers"):
            tx.segments.forget(segment_id)

    catalog.transact(forget)
    assert catalog.transact(lambda tx: tx.segments.expire(100)) == []
    assert catalog.read(lambda tx: tx.segments.inline_bytes("dead")) is None
    assert sorted(catalog.read(lambda tx: tx.segments.all_ids())) == ["early", "live"]


def test_an_upload_comes_back_and_is_replaced(catalog: Catalog) -> None:
    assert catalog.read(lambda tx: tx.uploads.get(P, "u-1")) is None
    catalog.transact(lambda tx: tx.uploads.put(an_upload()))
    changed = an_upload(
        received=7, result_json="{}", expire_time_ms=9, on_conflict=3, incarnation=2
    )
    catalog.transact(lambda tx: tx.uploads.put(changed))
    assert catalog.read(lambda tx: tx.uploads.get(P, "u-1")) == changed
    assert catalog.read(lambda tx: tx.uploads.get("other", "u-1")) is None


def test_uploads_are_pruned_when_they_have_expired(catalog: Catalog) -> None:
    for n in range(4):
        row = an_upload(f"u-{n}", expire_time_ms=n)
        catalog.transact(lambda tx, row=row: tx.uploads.put(row))  # type: ignore[misc]
    assert catalog.transact(lambda tx: tx.uploads.prune(2, 2)) == 2
    assert catalog.transact(lambda tx: tx.uploads.prune(2, 9)) == 1
    assert catalog.read(lambda tx: tx.uploads.get(P, "u-2")) is None
    assert catalog.read(lambda tx: tx.uploads.get(P, "u-3")) is not None


def test_what_nobody_fills_any_more_is_dead_and_what_was_sealed_is_kept(catalog: Catalog) -> None:
    writing = {"state": SegmentState.WRITING, "expire_time_ms": 100}

    def work(tx: Tx) -> None:
        tx.segments.reserve(a_segment("s-empty", rows=0, live_rows=0, **writing))
        tx.segments.reserve(a_segment("s-sealed", rows=3, live_rows=3, **writing))
        tx.segments.store(a_segment("s-live"), None)

    catalog.transact(work)
    assert catalog.transact(lambda tx: tx.segments.disown()) == 1
    dead = catalog.transact(lambda tx: tx.segments.expire(0))
    assert [segment.segment_id for segment in dead] == ["s-empty"]
