"""Adding a handful of items in one call: the unary twin of an upload."""

from dataclasses import dataclass, replace

import numpy as np

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField
from alservice.domain.item import AddResult, ItemBlock, OnConflict
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.admit_segments import prepare
from alservice.usecases.check_items import Shape, check_items, shape_of
from alservice.usecases.once import once_or_earlier, recall
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.require import lock_same, require_project
from alservice.usecases.upload_session import decode_result, encode_result
from alservice.usecases.write_segments import Piece, Place, SegmentFiller, discard


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
    queue_training: QueueTraining

    def __call__(self, call: Call, command: BatchAddItemsCommand) -> AddResult:
        """Add the items. Idempotent by request_id.

        Raises ProjectNotFound, what check_items raises, ItemExists, DimensionMismatch, DiskFull,
        Conflict.
        """
        earlier = self.catalog.read(lambda tx: recall(tx, call, command.project_id))
        if earlier is not None:
            return decode_result(earlier)
        project = self.catalog.read(lambda tx: require_project(tx, command.project_id))
        piece, shape = self._written(project, command)
        mine = False
        try:
            policy = command.on_conflict
            admission = prepare(self.catalog, self.store, project, [piece], policy, shape)

            def work(tx: Tx) -> tuple[AddResult, bool]:
                name = lock_same(tx, project).project_id
                effect = lambda: self.queue_training.after_import(tx, admission)  # noqa: E731
                return once_or_earlier(tx, call, name, effect, encode_result, decode_result)

            result, mine = admission.pool.transact(self.catalog, work)
        finally:
            if not mine:  # it failed, or a twin of this call was faster
                discard(self.catalog, self.store, [piece])
        return result

    def _written(self, project: Project, command: BatchAddItemsCommand) -> tuple[Piece, Shape]:
        if not len(command.items):
            raise InvalidField("send at least one item", field="items")
        shape = shape_of(command.items, project.space)
        block = check_items(command.items, shape, project.schema)
        incarnation = self.catalog.transact(lambda tx: take_incarnation(tx, project))
        place = Place(project.project_id, project.space.space_id, shape)
        filler = SegmentFiller(self.catalog, self.store, place)
        filler.append(block, np.full(len(block), incarnation, dtype=np.int64))
        piece = filler.seal()
        if piece is None:
            raise InvalidField("send at least one item", field="items")
        return piece, shape


def take_incarnation(tx: Tx, project: Project) -> int:
    """A number that no other life of any item has. Raises ProjectNotFound, Conflict."""
    now = lock_same(tx, project)
    tx.projects.update(replace(now, next_incarnation=now.next_incarnation + 1))
    return now.next_incarnation
