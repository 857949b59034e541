"""Which rows are open: the same bits whether they grew round by round or are made at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice import core
from alservice.domain.item import ItemBlock, Role
from alservice.domain.label import Outcome, Provenance, Settled
from alservice.domain.project import LabelSchema, Policy, Project
from alservice.domain.segment import Segment, SegmentState
from alservice.storage.segments import LocalSegmentStore
from alservice.usecases import pool_masks
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.pool_masks import PoolMasks, count_unset, mark, reserve_limit
from tests.rounds import SALT, ids, items

ROLES = np.array([Role.POOL] * 18 + [Role.TEST, Role.GOLD], np.uint8)
PROJECT = Project(
    project_id="p",
    uid="p-1",
    display_name="p",
    schema=LabelSchema(),
    salt=SALT,
    policy=Policy(reserve_share=0.25),
)


@dataclass
class Segments:
    """Two segments of ten items, `i0` to `i19`, in the life 1."""

    store: LocalSegmentStore
    pool: tuple[OpenSegment, ...]


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Segments:
    store = LocalSegmentStore(tmp_path_factory.mktemp("masks") / "segments")
    whole = items(ids(20))
    parts = [
        ItemBlock(whole.item_ids[at], whole.vectors[at], whole.dtype, roles=ROLES[at])
        for at in (slice(0, 10), slice(10, 20))
    ]
    return Segments(store, tuple(opened(store, f"s-{i}", part) for i, part in enumerate(parts)))


def opened(store: LocalSegmentStore, segment_id: str, block: ItemBlock) -> OpenSegment:
    data, sealed = store.encode([(block, np.ones(len(block), np.int64))], 4, block.dtype)
    segment = Segment(
        segment_id=segment_id,
        project_id="p",
        space_id="default",
        state=SegmentState.LIVE,
        rows=sealed.rows,
        size_bytes=sealed.size_bytes,
        crc32c=sealed.crc32c,
        inline=True,
    )
    return OpenSegment(segment, store.open(segment, data), np.zeros(2, np.uint8))


def settled(item_id: str, life: int, *, labelled: bool) -> Settled:
    return Settled(
        item_id=item_id,
        incarnation=life,
        outcome=Outcome.VALUE if labelled else Outcome.UNUSABLE,
        class_id="cat" if labelled else None,
        provenance=Provenance.QUERIED,
        weight=1.0,
        label_seq=1,
        revision=1,
    )


SETTLED = st.builds(
    settled, st.sampled_from(ids(22)), st.sampled_from([1, 1, 1, 2]), labelled=st.booleans()
)


def unpacked(masks: PoolMasks, name: str, segments: Segments) -> list[bool]:
    bits = [getattr(masks.masks[s.segment.segment_id], name) for s in segments.pool]
    return [bool(b) for part in bits for b in np.unpackbits(part, count=10, bitorder="little")]


@given(rounds=st.lists(st.lists(SETTLED, max_size=5), max_size=8), most_runs=st.integers(1, 4))
@settings(max_examples=60)
def test_masks_that_grow_say_what_a_dictionary_says(
    segments: Segments, rounds: Sequence[Sequence[Settled]], most_runs: int
) -> None:
    last: dict[tuple[str, int], bool] = {}
    masks = PoolMasks("p-1", -1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_masks, "_MOST_RUNS", most_runs)
        for rows in rounds:
            masks = masks.advance(PROJECT, segments.pool, rows, segments.store)
            last |= {(r.item_id, r.incarnation): r.class_id is not None for r in rows}
        masks = masks.advance(PROJECT, segments.pool, [], segments.store)
        late = PoolMasks("p-1", -1, runs=masks.runs).advance(
            PROJECT, segments.pool, [], segments.store
        )
    for found in (masks, late):
        assert unpacked(found, "settled", segments) == [(i, 1) in last for i in ids(20)]
        assert unpacked(found, "labelled", segments) == [last.get((i, 1), False) for i in ids(20)]
    assert len(masks.runs) <= most_runs and masks.revision == PROJECT.revision


def test_roles_and_the_reserve_follow_from_role_salt_and_share(segments: Segments) -> None:
    masks = PoolMasks("p-1", -1).advance(PROJECT, segments.pool, [], segments.store)
    assert unpacked(masks, "not_pool", segments) == (ROLES != Role.POOL).tolist()
    keyed = core.keyed_hash(segments.store.pack(ids(20)).hashes, SALT)
    expected = (keyed < np.uint64(2**62)) & (ROLES == Role.POOL)
    assert unpacked(masks, "reserved", segments) == expected.tolist()
    assert expected.any()


@pytest.mark.parametrize(("share", "limit"), [(0.0, 0), (0.25, 2**62), (0.5, 2**63)])
def test_the_reserves_limit_is_its_share_of_all_hashes(share: float, limit: int) -> None:
    assert reserve_limit(share) == limit


@given(rows=st.sets(st.integers(0, 40)), more=st.integers(1, 20))
def test_marked_bits_are_counted_and_the_rest_of_the_last_byte_is_not(
    rows: set[int], more: int
) -> None:
    count = max(rows, default=0) + more
    bits = np.zeros((count + 7) // 8, np.uint8)
    marked = mark(bits, np.array(sorted(rows), np.int64))
    assert not bits.any()
    assert count_unset(marked, count) == count - len(rows)
    assert count_unset(~bits, count) == 0
