"""Housekeeping of the pool: many small segments become one large one, and deleted rows vanish.

Everybody goes on working meanwhile. The swap is one transaction; what was deleted since the
copying began is deleted in the copy too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag
from alservice.domain.errors import Cancelled, Conflict
from alservice.domain.item import ItemBlock
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.segment import LINGER_MS, Segment, SegmentState
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.check_items import Shape
from alservice.usecases.open_pool import (
    OpenSegment,
    deletion_bits,
    is_set,
    live_row_numbers,
    open_pool,
)
from alservice.usecases.pool_masks import mark
from alservice.usecases.require import lock_project, require_project
from alservice.usecases.write_segments import (
    COLUMN_BYTES,
    FILE_BYTES,
    Piece,
    Place,
    SegmentFiller,
    discard,
    go_live,
    none_deleted,
)

SMALL_BYTES: Final = FILE_BYTES // 2
TOO_MANY_SMALL: Final = 16
_COPY_BYTES: Final = 8 * 2**20

I64 = NDArray[np.int64]


def ask_for_merge(tx: Tx, project_id: str, operation_id: str) -> None:
    """Queue a merge if the pool needs one and none is on its way."""
    live = tx.segments.live(project_id)
    if sum(map(is_small, live)) <= TOO_MANY_SMALL and not any(map(is_hollow, live)):
        return
    if not tx.operations.unfinished(project_id, OperationKind.MERGE):
        tx.operations.insert(
            Operation(
                operation_id=operation_id,
                project_id=project_id,
                kind=OperationKind.MERGE,
                create_time_ms=tx.now_ms(),
            )
        )


def is_small(segment: Segment) -> bool:
    """Less than half of what a file should hold."""
    return segment.size_bytes < SMALL_BYTES


def is_hollow(segment: Segment) -> bool:
    """A large file, more than half of which is deleted."""
    return not is_small(segment) and 2 * segment.live_rows < segment.rows


@dataclass(frozen=True, slots=True)
class MergeSegments:
    """Folds small and hollow segments of a project into larger ones."""

    catalog: Catalog
    store: SegmentStore

    def __call__(
        self, project_id: str, cancel: CancelFlag, progress: Callable[[float, str], None]
    ) -> int:
        """Merge until there is nothing worth it; how many segments were merged.

        Safe to run twice at once: the slower one gives up. `progress` gets a share in [0, 1] and a
        stage. Raises Cancelled, ProjectNotFound, DiskFull, Conflict.
        """
        pool, project = open_pool(
            self.catalog, self.store, project_id, lambda tx: require_project(tx, project_id)
        )
        groups = group_sources(pool)
        merged = 0
        for index, sources in enumerate(groups):
            progress(index / len(groups), "merging")
            place = Place(project_id, project.space.space_id, _shape_of(sources))
            self._merge(sources, place, cancel)
            merged += len(sources)
        progress(1.0, "merged")
        return merged

    def _merge(self, sources: Sequence[OpenSegment], place: Place, cancel: CancelFlag) -> None:
        filler = SegmentFiller(self.catalog, self.store, place)
        copied = [live_row_numbers(s.deleted, s.segment.rows) for s in sources]
        try:
            for source, rows in zip(sources, copied, strict=True):
                for block, incarnations in copies(source, rows):
                    _stop_if(cancel)
                    filler.append(block, incarnations)
            piece = filler.seal()
        except BaseException:
            filler.abort()
            raise
        swap = Swap(place.project_id, tuple(sources), tuple(copied), piece)
        try:
            self.catalog.transact(swap)
        except BaseException:
            discard(self.catalog, self.store, [piece] if piece else [])
            raise


@dataclass(frozen=True, slots=True)
class Swap:
    """The transaction that puts a copy in the place of its sources.

    `copied[i]` (m,) are the rows of source i that were copied, in order.
    """

    project_id: str
    sources: tuple[OpenSegment, ...]
    copied: tuple[I64, ...]
    piece: Piece | None

    def __call__(self, tx: Tx) -> None:
        """Swap. Raises Conflict if a source is not live any more."""
        project = lock_project(tx, self.project_id)
        revision = project.revision + 1
        gone = [
            self._retire(tx, *each, revision)
            for each in zip(self.sources, self.copied, strict=True)
        ]
        if self.piece is not None:
            lost = np.flatnonzero(np.concatenate(gone))
            go_live(tx, self.piece, mark(none_deleted(self.piece), lost), revision)
        tx.projects.update(replace(project, revision=revision))

    def _retire(
        self, tx: Tx, source: OpenSegment, copied: I64, revision: int
    ) -> NDArray[np.bool_]:
        """Make a source dead; which of its copied rows (m,) were deleted since."""
        row = tx.segments.get(source.segment.segment_id)
        if row is None or row.state is not SegmentState.LIVE:
            text = "another merge was faster; there is nothing to do"
            raise Conflict(text, segment=source.segment.segment_id)
        until_ms = tx.now_ms() + LINGER_MS
        dead = replace(row, state=SegmentState.DEAD, revision=revision, expire_time_ms=until_ms)
        tx.segments.store(dead, None)
        return is_set(deletion_bits(row), copied)


def group_sources(pool: Sequence[OpenSegment]) -> list[list[OpenSegment]]:
    """What to merge with what: groups of one number format that fit into one file each.

    And into memory, where everything but vectors waits while a file is written.
    A small segment that would be alone in its group is left alone, unless half of it is deleted.
    """
    groups: list[list[OpenSegment]] = []
    for dtype in sorted({s.reader.dtype for s in pool}):
        room = column_room = -1
        for segment in pool:
            row = segment.segment
            if segment.reader.dtype != dtype or not (is_small(row) or is_hollow(row)):
                continue
            size = row.size_bytes * row.live_rows // max(row.rows, 1)
            columns = size - row.live_rows * segment.reader.vectors[:1].nbytes
            if size > room or columns > column_room:
                groups.append([])
                room, column_room = FILE_BYTES, COLUMN_BYTES
            groups[-1].append(segment)
            room, column_room = room - size, column_room - columns
    return [group for group in groups if len(group) > 1 or _half_empty(group[0].segment)]


def copies(source: OpenSegment, rows: I64) -> Iterator[tuple[ItemBlock, I64]]:
    """These rows of a segment, a few MiB at a time, with their incarnations."""
    reader = source.reader
    row_bytes = reader.vectors.shape[1] * reader.dtype.size_bytes + 64
    step = max(1, min(_COPY_BYTES // row_bytes, 4096))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        yield copy_rows(source, some), np.ascontiguousarray(reader.incarnations[some])


def copy_rows(source: OpenSegment, rows: I64) -> ItemBlock:
    """The items of these rows; labels that came with them are in the catalog by now."""
    reader = source.reader
    return ItemBlock(
        item_ids=tuple(reader.item_ids(rows)),
        vectors=reader.vectors[rows],
        dtype=reader.dtype,
        roles=reader.roles[rows],
        costs=reader.costs[rows],
        attributes=tuple(reader.attributes(rows)),
    )


def _stop_if(cancel: CancelFlag) -> None:
    if cancel.cancelled:
        raise Cancelled("the merge was cancelled; nothing has changed")


def _half_empty(segment: Segment) -> bool:
    return 2 * segment.live_rows < segment.rows


def _shape_of(sources: Sequence[OpenSegment]) -> Shape:
    reader = sources[0].reader
    return Shape(reader.vectors.shape[1], reader.dtype)
