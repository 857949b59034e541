"""Which rows of each segment are open: packed bitmaps, kept up to date from round to round.

What depends on a segment alone (role, reserve) is computed once; what depends on labels grows by
the labels that are new. A `PoolMasks` is immutable: a newer one shares what has not changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.item import Role
from alservice.domain.label import Settled
from alservice.domain.project import Project
from alservice.ports.segments import PackedIds, SegmentReader, SegmentStore
from alservice.usecases.open_pool import OpenSegment

Bits = NDArray[np.uint8]
I64 = NDArray[np.int64]
_MOST_RUNS: Final = 32


@dataclass(frozen=True, slots=True)
class SettledRun:
    """Some settled items: ids, incarnations (m,), whether they carry a class (m,).

    `classes` (m,) are the positions of the classes of labels that train, -1 for all others.
    """

    ids: PackedIds
    incarnations: I64
    labelled: NDArray[np.bool_]
    classes: I64


@dataclass(frozen=True, slots=True)
class SegmentMask:
    """Packed bitmaps (ceil(n / 8),) of one segment, LSB first.

    `not_pool`: role other than POOL. `reserved`: in the reserve. `settled`: out of the open
    pool by a label, UNUSABLE or FLAG. `labelled`: settled with a class. `classes` tells which,
    by row, where the label trains.
    """

    not_pool: Bits
    reserved: Bits
    settled: Bits
    labelled: Bits
    classes: Mapping[int, int] = field(default_factory=dict)

    def closed(self, deleted: Bits) -> Bits:
        """Bit set: a strategy must not choose the row."""
        return self.not_pool | self.reserved | self.settled | deleted

    def audit_closed(self, deleted: Bits) -> Bits:
        """Bit set: the audit must not draw the row."""
        return ~self.reserved | self.not_pool | self.settled | deleted


@dataclass(frozen=True, slots=True)
class PoolMasks:
    """The masks of a project's live segments at one revision."""

    uid: str
    revision: int
    runs: tuple[SettledRun, ...] = ()
    masks: Mapping[str, SegmentMask] = field(default_factory=dict)

    def advance(
        self,
        project: Project,
        pool: Sequence[OpenSegment],
        settled: Sequence[Settled],
        store: SegmentStore,
    ) -> "PoolMasks":
        """These masks brought up to `project.revision`; `settled` is what was settled since."""
        fresh = (_run(project, settled, store),) if settled else ()
        runs = _few([*self.runs, *fresh])
        masks: dict[str, SegmentMask] = {}
        for opened in pool:
            segment_id = opened.segment.segment_id
            known = self.masks.get(segment_id)
            base = known or _static_mask(project, opened.reader)
            masks[segment_id] = _with_settled(base, opened.reader, fresh if known else runs)
        return PoolMasks(project.uid, project.revision, runs, masks)


def mark(bits: Bits, rows: I64) -> Bits:
    """A copy of `bits` with the bits of `rows` set."""
    marked = bits.copy()
    np.bitwise_or.at(marked, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))
    return marked


def count_unset(bits: Bits, rows: int) -> int:
    """How many of the first `rows` bits are not set."""
    full, rest = divmod(rows, 8)
    count = full * 8 - int(np.bitwise_count(bits[:full]).sum(dtype=np.int64))
    if rest:
        tail = int(bits[full]) & ((1 << rest) - 1)
        count += rest - tail.bit_count()
    return count


def reserve_limit(share: float) -> int:
    """A row is reserved if its keyed hash is below this."""
    return int(share * 2.0**64)


def _static_mask(project: Project, reader: SegmentReader) -> SegmentMask:
    keyed = core.keyed_hash(reader.ids.hashes, project.salt)
    not_pool = reader.roles != Role.POOL
    limit = reserve_limit(project.policy.reserve_share)
    reserved = (keyed < np.uint64(limit)) & ~not_pool if limit else np.zeros(reader.rows, np.bool_)
    empty = np.zeros((reader.rows + 7) // 8, np.uint8)
    return SegmentMask(_pack(not_pool), _pack(reserved), empty, empty)


def _with_settled(
    mask: SegmentMask, reader: SegmentReader, runs: Sequence[SettledRun]
) -> SegmentMask:
    if not runs:
        return mask
    settled, labelled, classes = mask.settled, mask.labelled, dict(mask.classes)
    for run in runs:
        rows = reader.find(run.ids)
        here = np.flatnonzero(rows >= 0)
        here = here[reader.incarnations[rows[here]] == run.incarnations[here]]
        if len(here):
            settled = mark(settled, rows[here])
            labelled = _relabelled(labelled, rows[here], run.labelled[here])
            classes.update(zip(rows[here].tolist(), run.classes[here].tolist(), strict=True))
    return SegmentMask(mask.not_pool, mask.reserved, settled, labelled, classes)


def _relabelled(labelled: Bits, rows: I64, flags: NDArray[np.bool_]) -> Bits:
    """`labelled` with the bits of `rows` as `flags` say; where a row is repeated, the last one."""
    changed, last = np.unique(rows[::-1], return_index=True)
    now = flags[::-1][last]
    return mark(~mark(~labelled, changed[~now]), changed[now])


def _run(project: Project, settled: Sequence[Settled], store: SegmentStore) -> SettledRun:
    index = project.schema.index
    classes = [index.get(row.class_id or "", -1) if row.weight > 0 else -1 for row in settled]
    return SettledRun(
        ids=store.pack([row.item_id for row in settled]),
        incarnations=np.array([row.incarnation for row in settled], np.int64),
        labelled=np.array([row.class_id is not None for row in settled], np.bool_),
        classes=np.array(classes, np.int64),
    )


def _few(runs: list[SettledRun]) -> tuple[SettledRun, ...]:
    """The same runs in fewer pieces, so that a search costs the same after many rounds."""
    if len(runs) <= _MOST_RUNS:
        return tuple(runs)
    lengths = np.concatenate([np.diff(run.ids.offsets) for run in runs])
    ids = PackedIds(
        data=np.concatenate([run.ids.data for run in runs]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        hashes=np.concatenate([run.ids.hashes for run in runs]),
    )
    whole = SettledRun(
        ids=ids,
        incarnations=np.concatenate([run.incarnations for run in runs]),
        labelled=np.concatenate([run.labelled for run in runs]),
        classes=np.concatenate([run.classes for run in runs]),
    )
    return (whole,)


def _pack(flags: NDArray[np.bool_]) -> Bits:
    return np.packbits(flags, bitorder="little")
