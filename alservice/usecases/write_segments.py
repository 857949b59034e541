"""Items on their way into segments: a few go into the catalog, many into files.

A file is reserved in the catalog before its first byte is written, so that whatever a crash
leaves behind is known by name.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.errors import Conflict, ItemExists
from alservice.domain.item import Attributes, ItemBlock
from alservice.domain.names import new_id
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import Sealed, SegmentReader, SegmentStore, SegmentWriter
from alservice.usecases.check_items import Shape

FILE_BYTES: Final = 256 * 2**20  # of vectors; then the next file begins
COLUMN_BYTES: Final = 32 * 2**20  # of everything else, which a writer keeps in memory
INLINE_BYTES: Final = 2**20
INLINE_SEGMENTS: Final = 64  # per project
INLINE_TOTAL_BYTES: Final = 16 * 2**20  # per project
WRITING_MS: Final = 24 * 3_600_000  # what is not ready by then is swept
_NAMED: Final = 10

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished segment that is not live yet.

    `inline` holds the bytes of one that is not a file. `kept`: the catalog has all of it already.
    """

    segment: Segment
    inline: bytes | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where the segments of one upload, update or merge belong."""

    project_id: str
    space_id: str
    shape: Shape
    upload_id: str | None = None


@dataclass(slots=True)
class SegmentFiller:
    """Fills one segment at a time: append, seal, append, ... For one thread at a time."""

    catalog: Catalog
    store: SegmentStore
    place: Place
    _blocks: list[tuple[ItemBlock, I64]] = field(default_factory=list)
    _writer: SegmentWriter | None = None
    _segment: Segment | None = None
    _rows: int = 0
    _vector_bytes: int = 0
    _column_bytes: int = 0

    @property
    def rows(self) -> int:
        """Items in the segment that is being filled."""
        return self._rows

    @property
    def full(self) -> bool:
        """True when it is time to seal."""
        return self._vector_bytes >= FILE_BYTES or self._column_bytes >= COLUMN_BYTES

    def append(self, block: ItemBlock, incarnations: I64) -> None:
        """Add items that were checked. Raises DiskFull, after which the segment is empty again."""
        self._rows += len(block)
        self._vector_bytes += block.vectors.nbytes
        self._column_bytes += column_bytes(block)
        try:
            self._add(block, incarnations)
        except BaseException:
            self.abort()
            raise

    def seal(self) -> Piece | None:
        """The finished segment, durable unless inline; None if nothing was added.

        Raises DiskFull; ItemExists if an id stands twice in it.
        """
        if not self._rows:
            return None
        try:
            inline = self._writer is None and self._has_inline_room()
            piece = self._encode() if inline else self._finish_file()
        except BaseException:
            self.abort()
            raise
        self._forget()
        try:
            refuse_repeats(self.store.open(piece.segment, piece.inline))
        except BaseException:
            self.store.remove(piece.segment.segment_id)
            raise
        return piece

    def abort(self) -> None:
        """Remove what is not sealed. Idempotent."""
        if self._writer is not None:
            self._writer.abort()
        self._forget()

    def _add(self, block: ItemBlock, incarnations: I64) -> None:
        if self._writer is not None:
            self._writer.append(block, incarnations)
            return
        self._blocks.append((block, incarnations))
        if self._vector_bytes + self._column_bytes > INLINE_BYTES:
            self._spill()

    def _spill(self) -> SegmentWriter:
        segment = self._named()
        self.catalog.transact(lambda tx: tx.segments.reserve(_leased(segment, tx.now_ms())))
        shape = self.place.shape
        self._segment = segment
        self._writer = self.store.writer(segment.segment_id, shape.dimension, shape.dtype)
        for block, incarnations in self._blocks:
            self._writer.append(block, incarnations)
        self._blocks.clear()
        return self._writer

    def _finish_file(self) -> Piece:
        sealed = (self._writer or self._spill()).seal()
        return Piece(_described(self._segment or self._named(), sealed))

    def _encode(self) -> Piece:
        shape = self.place.shape
        data, sealed = self.store.encode(self._blocks, shape.dimension, shape.dtype)
        return Piece(replace(_described(self._named(), sealed), inline=True), data)

    def _has_inline_room(self) -> bool:
        live = self.catalog.read(lambda tx: tx.segments.live(self.place.project_id))
        sizes = [segment.size_bytes for segment in live if segment.inline]
        return len(sizes) < INLINE_SEGMENTS and sum(sizes) < INLINE_TOTAL_BYTES

    def _named(self) -> Segment:
        return Segment(
            segment_id=new_id("s"),
            project_id=self.place.project_id,
            space_id=self.place.space_id,
            state=SegmentState.WRITING,
            upload_id=self.place.upload_id,
        )

    def _forget(self) -> None:
        self._blocks = []
        self._writer = self._segment = None
        self._rows = self._vector_bytes = self._column_bytes = 0


def refuse_repeats(reader: SegmentReader) -> None:
    """Nothing, if no id stands twice in the segment. Raises ItemExists."""
    ids = reader.ids
    rows = core.repeated_ids(ids.hashes, reader.order, ids.data, ids.offsets)
    if len(rows):
        raise items_exist(
            reader.item_ids(rows[:_NAMED]), len(rows), "more than once in this upload"
        )


def items_exist(item_ids: list[str], count: int, what: str) -> ItemExists:
    """The error that names up to ten of them, and says how many there are."""
    named = ", ".join(item_ids[:_NAMED])
    more = ", ..." if count > len(item_ids) else ""
    text = f"{count} {'id' if count == 1 else 'ids'} {what}: {named}{more}"
    return ItemExists(text, item_ids=named, count=count)


def column_bytes(block: ItemBlock) -> int:
    """About how many bytes the columns other than the vectors take."""
    fixed = 48 * len(block)
    ids = len("".join(block.item_ids))  # quicker than the length of each
    return fixed + ids + sum(map(_attribute_bytes, block.attributes or ()))


def _attribute_bytes(attributes: Attributes) -> int:
    texts = sum(map(len, (attributes.group, attributes.metadata_json, *attributes.tags)))
    bodies = (part.text or part.uri or part.inline or b"" for part in attributes.content)
    return texts + sum(map(len, bodies))


def _leased(segment: Segment, now_ms: int) -> Segment:
    return replace(segment, expire_time_ms=now_ms + WRITING_MS)


def _described(segment: Segment, sealed: Sealed) -> Segment:
    return replace(
        segment,
        rows=sealed.rows,
        live_rows=sealed.rows,
        size_bytes=sealed.size_bytes,
        crc32c=sealed.crc32c,
    )


def go_live(tx: Tx, piece: Piece, deleted: NDArray[np.uint8], revision: int) -> int:
    """Put a piece into the pool, without its `deleted` rows (packed); how many rows live.

    One without any goes to the sweeper instead. Raises Conflict if its time ran out.
    """
    row = replace(piece.segment, state=SegmentState.WRITING)
    _take(tx, piece)
    gone = int(np.unpackbits(deleted).sum())
    live = replace(
        row,
        state=SegmentState.LIVE if gone < row.rows else SegmentState.DEAD,
        live_rows=row.rows - gone,
        deletions=deleted.tobytes() if gone else b"",
        deletions_version=int(gone > 0),
        expire_time_ms=None,
        revision=revision,
    )
    tx.segments.store(live, piece.inline)
    return live.live_rows


def keep(tx: Tx, piece: Piece) -> None:
    """Record a piece that waits for its commit. Raises Conflict if its time ran out."""
    _take(tx, piece)
    tx.segments.store(_leased(piece.segment, tx.now_ms()), piece.inline)


def discard(catalog: Catalog, store: SegmentStore, pieces: Sequence[Piece]) -> None:
    """Remove pieces, but for those that went live.

    So it is safe where nobody knows whether a commit that lets them go live came through; not
    where one would have kept them (`keep`): those are left to their expiry. What cannot be removed
    now is left to the sweeper.
    """

    def work(tx: Tx) -> list[str]:
        return [name for piece in pieces if _give_up(tx, name := piece.segment.segment_id)]

    with suppress(Exception):
        for segment_id in catalog.transact(work):
            store.remove(segment_id)


def _give_up(tx: Tx, segment_id: str) -> bool:
    row = tx.segments.get(segment_id)
    if row is not None and row.state is SegmentState.WRITING:
        dead = replace(row, state=SegmentState.DEAD, expire_time_ms=None)
        tx.segments.store(dead, None)
        return True
    return row is None


def none_deleted(piece: Piece) -> NDArray[np.uint8]:
    """The bitmap of a piece that lives whole."""
    return np.zeros((piece.segment.rows + 7) // 8, dtype=np.uint8)


def _take(tx: Tx, piece: Piece) -> None:
    if piece.inline is not None and not piece.kept:
        tx.segments.reserve(_leased(piece.segment, tx.now_ms()))
    else:
        _require_writing(tx, piece.segment.segment_id)


def _require_writing(tx: Tx, segment_id: str) -> None:
    row = tx.segments.get(segment_id)
    if row is None or row.state is not SegmentState.WRITING:
        text = "a part of this work has expired or was committed already; begin it again"
        raise Conflict(text, segment=segment_id)
