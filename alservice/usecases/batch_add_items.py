"""Adding a handful of items in one call: the unary twin of an upload."""

from dataclasses import dataclass, replace

import numpy as np

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField
from alservice.domain.item import AddResult, ItemBlock, OnConflict
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.admit_segments import prepare
from alservice.usecases.check_items import check_items, shape_of
from alservice.usecases.once import once, recall
from alservice.usecases.require import lock_project, require_project
from alservice.usecases.upload_session import decode_result, encode_result
from alservice.usecases.write_segments import Piece, Place, SegmentFiller


@dataclass(frozen=True, slots=True)
class BatchAddItemsCommand:
    """Items to add."""

    project_id: str
    items: ItemBlock
    on_conflict: OnConflict = OnConflict.ERROR


@dataclass(frozen=True, slots=True)
class BatchAddItems:
    """Adds them all, or none."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self, call: Call, command: BatchAddItemsCommand) -> AddResult:
        """Add the items. Idempotent by request_id.

        Raises ProjectNotFound, what check_items raises, ItemExists, DimensionMismatch, DiskFull.
        """
        earlier = self.catalog.read(lambda tx: recall(tx, call, command.project_id))
        if earlier is not None:
            return decode_result(earlier)
        piece, place = self._written(command)
        try:
            admission = prepare(
                self.catalog,
                self.store,
                command.project_id,
                [piece],
                command.on_conflict,
                place.shape,
            )

            def work(tx: Tx) -> AddResult:
                lock_project(tx, command.project_id)
                effect = lambda: admission(tx)  # noqa: E731
                return once(tx, call, command.project_id, effect, encode_result, decode_result)

            return self.catalog.transact(work)
        except BaseException:
            self.store.remove(piece.segment.segment_id)
            raise

    def _written(self, command: BatchAddItemsCommand) -> tuple[Piece, Place]:
        project = self.catalog.read(lambda tx: require_project(tx, command.project_id))
        if not len(command.items):
            raise InvalidField("send at least one item", field="items")
        shape = shape_of(command.items, project.space)
        block = check_items(command.items, shape, project.schema)
        incarnation = self.catalog.transact(lambda tx: take_incarnation(tx, command.project_id))
        place = Place(command.project_id, project.space.space_id, shape)
        filler = SegmentFiller(self.catalog, self.store, place)
        filler.append(block, np.full(len(block), incarnation, dtype=np.int64))
        piece = filler.seal()
        if piece is None:
            raise InvalidField("send at least one item", field="items")
        return piece, place


def take_incarnation(tx: Tx, project_id: str) -> int:
    """A number that no other life of any item has. Raises ProjectNotFound."""
    project = lock_project(tx, project_id)
    number = project.next_incarnation
    tx.projects.update(replace(project, next_incarnation=number + 1))
    return number
