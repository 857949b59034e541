"""One stream's part of an upload: append, append, ..., then commit, suspend or abandon."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from alservice.domain.call import Call
from alservice.domain.errors import (
    Cancelled,
    Conflict,
    OutcomeUnknown,
    UploadOffsetGap,
    UploadProtocol,
)
from alservice.domain.item import AddResult, ItemBlock, OnConflict
from alservice.domain.project import DType, Project
from alservice.domain.segment import Segment, SegmentState, Upload
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.admit_segments import prepare
from alservice.usecases.check_items import Shape, check_items, shape_of
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_same
from alservice.usecases.write_segments import (
    WRITING_MS,
    Piece,
    Place,
    SegmentFiller,
    discard,
    keep,
)

# Called inside each transaction of an upload, at the commit once more with what came of it: to
# refuse whoever may not go on, and to write down what becomes true together with the items.
Within = Callable[[Tx, AddResult | None], None]


def unwatched(_tx: Tx, _result: AddResult | None) -> None:
    """A `Within` for uploads that are nobody's but their stream's."""


@dataclass(slots=True)
class UploadSession:
    """One stream's hold on an upload.

    For one thread at a time. Two streams of one upload are safe: the later one gets a Conflict.
    """

    catalog: Catalog
    store: SegmentStore
    queue_training: QueueTraining
    call: Call
    project: Project
    upload: Upload
    pieces: list[Piece]
    item_count: int | None = None
    within: Within = unwatched
    _filler: SegmentFiller | None = None
    _shape: Shape | None = None

    @property
    def position(self) -> int:
        """Items that have arrived, durable or not."""
        return self.upload.received + (self._filler.rows if self._filler else 0)

    def append(self, offset: int, block: ItemBlock) -> None:
        """Add the items from `offset` on; those that are here already are skipped.

        Raises UploadOffsetGap, what check_items raises, DiskFull, Conflict, ItemExists;
        UploadProtocol for items beyond those with which the upload was committed.
        """
        if self.upload.result_json is not None:
            _refuse_more(decode_result(self.upload.result_json), offset + len(block))
            return
        if offset > self.position:
            text = f"the chunk begins at item {offset}, but only {self.position} have arrived"
            raise UploadOffsetGap(text, offset=offset, received=self.position)
        if offset + len(block) <= self.position:
            return
        filler = self._ready(block)
        checked = check_items(block, filler.place.shape, self.project.schema)
        new = tail(checked, self.position - offset)
        filler.append(new, np.full(len(new), self.upload.incarnation, dtype=np.int64))
        if filler.full:
            self._keep(filler)

    def commit(self) -> AddResult:
        """Make all items visible; an upload that was committed answers the same again.

        Raises ItemExists, DimensionMismatch, Conflict, DiskFull, ProjectNotFound, Cancelled;
        UploadProtocol if fewer than `item_count` items have arrived.
        """
        if self.upload.result_json is not None:
            return decode_result(self.upload.result_json)
        if self.call.cancel.cancelled:
            raise Cancelled("the upload was cancelled before its commit; it can be resumed")
        if self.item_count is not None and self.position < self.item_count:
            text = (
                f"the stream ended after {self.position} of {self.item_count} items; "
                "ask GetUpload where it stands and go on from there"
            )
            raise UploadProtocol(text, expected="chunk")
        last = self._filler.seal() if self._filler else None
        if last is not None and last.inline is None:
            self._record(last)
            last = None
        unkept = [last] if last else []
        mine = False
        try:
            result, mine = self._admit([*self.pieces, *unkept])
        finally:
            if not mine:  # it failed, or another stream has committed
                discard(self.catalog, self.store, unkept)
        return result

    def _admit(self, pieces: Sequence[Piece]) -> tuple[AddResult, bool]:
        """The result, and whether these pieces went live."""
        policy = OnConflict(self.upload.on_conflict)
        shape = self._shape or self._known_shape() or Shape(0, DType.F32)
        admission = prepare(self.catalog, self.store, self.project, pieces, policy, shape)

        def work(tx: Tx) -> tuple[AddResult, bool]:
            lock_same(tx, self.project)
            upload = tx.uploads.get(self.upload.project_id, self.upload.upload_id)
            if upload is not None and upload.result_json is not None:
                return decode_result(upload.result_json), False
            self._check_mine(upload)
            self.within(tx, None)
            result = self.queue_training.after_import(tx, admission)
            expiry = tx.now_ms() + WRITING_MS
            text = encode_result(result)
            tx.uploads.put(replace(self.upload, result_json=text, expire_time_ms=expiry))
            self.within(tx, result)
            return result, True

        return admission.pool.transact(self.catalog, work)

    def suspend(self) -> None:
        """Keep what has arrived, so that another stream can go on from there."""
        if self._filler is not None and self.upload.result_json is None:
            self._keep(self._filler)

    def let_go(self) -> None:
        """Keep what is sealed, and nothing else, for whoever goes on. Idempotent."""
        if self._filler is not None:
            self._filler.abort()

    def abandon(self) -> None:
        """Forget the upload and all that has arrived. Raises ProjectNotFound, Conflict."""
        if self._filler is not None:
            self._filler.abort()
        self.catalog.transact(self._forget)

    def _ready(self, block: ItemBlock) -> SegmentFiller:
        if self._filler is None:
            space = self.project.space
            self._shape = self._known_shape() or shape_of(block, space)
            place = Place(
                self.upload.project_id, space.space_id, self._shape, self.upload.upload_id
            )
            self._filler = SegmentFiller(self.catalog, self.store, place)
        return self._filler

    def _known_shape(self) -> Shape | None:
        """The shape of what is here already, where the upload itself decides it."""
        if not self.pieces:
            return None
        first = self.pieces[0]
        reader = self.store.open(first.segment, first.inline)
        return Shape(reader.vectors.shape[1], reader.dtype)

    def _keep(self, filler: SegmentFiller) -> None:
        piece = filler.seal()
        if piece is not None:
            self._record(piece)

    def _record(self, piece: Piece) -> None:
        def work(tx: Tx) -> Upload:
            lock_same(tx, self.project)
            upload = tx.uploads.get(self.upload.project_id, self.upload.upload_id)
            self._check_mine(upload)
            self.within(tx, None)
            keep(tx, piece)
            received = self.upload.received + piece.segment.rows
            expiry = tx.now_ms() + WRITING_MS
            # Those before it too: they wait for as long as the last one does.
            mine = self.upload
            tx.segments.extend_upload(mine.project_id, mine.upload_id, expiry)
            kept = replace(mine, received=received, expire_time_ms=expiry)
            tx.uploads.put(kept)
            return kept

        try:
            self.upload = self.catalog.transact(work)
        except OutcomeUnknown:  # it may count already; if it does not, its time runs out
            raise
        except BaseException:
            discard(self.catalog, self.store, [piece])
            raise
        self.pieces.append(replace(piece, kept=True))

    def _check_mine(self, upload: Upload | None) -> None:
        mine = self.upload
        if (
            upload is None
            or upload.result_json is not None
            or (upload.incarnation, upload.received) != (mine.incarnation, mine.received)
        ):
            text = "another stream went on with this upload; ask GetUpload where it stands"
            raise Conflict(text, upload_id=self.upload.upload_id)

    def _forget(self, tx: Tx) -> None:
        lock_same(tx, self.project)
        upload = tx.uploads.get(self.upload.project_id, self.upload.upload_id)
        if upload is not None and upload.incarnation == self.upload.incarnation:
            forget_upload(tx, upload.project_id, upload.upload_id)


def _refuse_more(committed: AddResult, end: int) -> None:
    count = committed.added + committed.skipped
    if end > count:
        text = (
            f"this upload was committed with {count} items, and a chunk ends at item {end}; "
            "send further items under a fresh upload_id"
        )
        raise UploadProtocol(text, expected="a fresh upload_id", item_count=count)


def forget_upload(tx: Tx, project_id: str, upload_id: str) -> None:
    """Forget an upload and all that has arrived, unless it is committed or not there."""
    upload = tx.uploads.get(project_id, upload_id)
    if upload is not None and upload.result_json is None:
        forget_segments(tx, project_id, upload_id)
        tx.uploads.put(replace(upload, expire_time_ms=0))


def forget_segments(tx: Tx, project_id: str, upload_id: str) -> None:
    """Leave whatever was written for an upload of this id to the sweeper."""
    for segment in tx.segments.of_upload(project_id, upload_id):
        dead = replace(segment, state=SegmentState.DEAD, expire_time_ms=None)
        tx.segments.store(dead, None)


def sealed_parts(tx: Tx, upload: Upload) -> Sequence[Segment] | None:
    """The segments of what has arrived, in order; None if a part has expired.

    Whatever else was reserved belongs to a stream that broke, or to another one.
    """
    rows = tx.segments.of_upload(upload.project_id, upload.upload_id)
    sealed = [segment for segment in rows if segment.rows]
    return sealed if sum(segment.rows for segment in sealed) == upload.received else None


def tail(block: ItemBlock, start: int) -> ItemBlock:
    """The items of a block from `start` on."""
    if start == 0:
        return block
    return ItemBlock(
        item_ids=block.item_ids[start:],
        vectors=block.vectors[start:],
        dtype=block.dtype,
        roles=None if block.roles is None else block.roles[start:],
        costs=None if block.costs is None else block.costs[start:],
        attributes=None if block.attributes is None else block.attributes[start:],
        class_ids=None if block.class_ids is None else block.class_ids[start:],
    )


def encode_result(result: AddResult) -> str:
    """For the record of the upload, or of the request."""
    return json.dumps(result.as_json())


def decode_result(text: str) -> AddResult:
    """The opposite of encode_result."""
    return AddResult(**json.loads(text))
