"""Items for tests: vectors that follow from the ids, and a pool that shows what it holds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice import learners
from alservice.core import CancelFlag
from alservice.domain.call import Call
from alservice.domain.item import AddResult, Attributes, Item, ItemBlock, OnConflict
from alservice.domain.principal import LOCAL
from alservice.domain.project import DType, Project
from alservice.ports.catalog import Catalog
from alservice.ports.segments import SegmentStore
from alservice.usecases import write_segments
from alservice.usecases.add_items import AddItems, UploadHeader
from alservice.usecases.batch_add_items import BatchAddItems, BatchAddItemsCommand
from alservice.usecases.delete_items import Deleted, DeleteItems, DeleteItemsCommand
from alservice.usecases.list_items import ListItems, ListItemsCommand
from alservice.usecases.merge_segments import MergeSegments
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.update_items import Updated, UpdateItems, UpdateItemsCommand
from alservice.usecases.upload_session import UploadSession

DIMENSION = 3
QUEUE_TRAINING = QueueTraining(learners.discover())


def quietly(share: float, stage: str) -> None:
    """Progress that nobody looks at."""


def vector_of(item_id: str, version: int = 0) -> list[float]:
    """A vector that only this item has."""
    return [float(version), *map(float, np.frombuffer(item_id.encode()[-2:].rjust(2), np.uint8))]


def block(item_ids: Sequence[str], version: int = 0, **columns: Any) -> ItemBlock:
    """Items of three dimensions."""
    rows = [vector_of(item_id, version) for item_id in item_ids]
    vectors: NDArray[np.float32] = np.array(rows, np.float32).reshape(len(item_ids), DIMENSION)
    return ItemBlock(tuple(item_ids), vectors, DType.F32, **columns)


def attributes(group: str) -> tuple[Attributes, ...]:
    """Those of one item."""
    return (Attributes(group=group),)


def call(request_id: str = "", cancel: CancelFlag | None = None) -> Call:
    """A call of the local user."""
    return Call(LOCAL, "Test", request_id, "same", cancel or CancelFlag())


@contextmanager
def small_files(inline_bytes: int = 0, file_bytes: int = 200) -> Iterator[None]:
    """As if a file were full after `file_bytes`, so that a few items fill many."""
    before = write_segments.INLINE_BYTES, write_segments.FILE_BYTES
    write_segments.INLINE_BYTES, write_segments.FILE_BYTES = inline_bytes, file_bytes  # type: ignore[misc]
    try:
        yield
    finally:
        write_segments.INLINE_BYTES, write_segments.FILE_BYTES = before  # type: ignore[misc]


@dataclass(frozen=True)
class Pool:
    """One project's items."""

    catalog: Catalog
    store: SegmentStore
    project_id: str

    @property
    def project(self) -> Project:
        project = self.catalog.read(lambda tx: tx.projects.get(self.project_id))
        assert project is not None
        return project

    @property
    def segment_count(self) -> int:
        return len(self.catalog.read(lambda tx: tx.segments.live(self.project_id)))

    def add(
        self, items: ItemBlock, policy: OnConflict = OnConflict.ERROR, request_id: str = ""
    ) -> AddResult:
        command = BatchAddItemsCommand(self.project_id, items, policy)
        return BatchAddItems(self.catalog, self.store, QUEUE_TRAINING)(call(request_id), command)

    def open(
        self,
        upload_id: str = "",
        policy: OnConflict = OnConflict.ERROR,
        cancel: CancelFlag | None = None,
    ) -> UploadSession:
        header = UploadHeader(self.project_id, upload_id, policy)
        return AddItems(self.catalog, self.store, QUEUE_TRAINING).open(call(cancel=cancel), header)

    def upload(self, *chunks: ItemBlock, policy: OnConflict = OnConflict.ERROR) -> AddResult:
        session = self.open(policy=policy)
        for chunk in chunks:
            session.append(session.position, chunk)
        return session.commit()

    def delete(self, *item_ids: str, request_id: str = "") -> Deleted:
        command = DeleteItemsCommand(self.project_id, item_ids)
        return DeleteItems(self.catalog, self.store)(call(request_id), command)

    def regroup(self, *item_ids: str, group: str, request_id: str = "") -> Updated:
        command = UpdateItemsCommand(
            project_id=self.project_id,
            item_ids=item_ids,
            costs=np.full(len(item_ids), np.nan, np.float32),
            attributes=attributes(group) * len(item_ids),
            paths=("group",),
        )
        return UpdateItems(self.catalog, self.store)(call(request_id), command)

    def merge(self) -> int:
        merge = MergeSegments(self.catalog, self.store)
        return merge(self.project_id, CancelFlag(), quietly)

    def items(self, page_size: int = 7) -> list[Item]:
        listed: list[Item] = []
        token = ""
        while True:
            command = ListItemsCommand(self.project_id, page_size, token, vectors=True)
            page = ListItems(self.catalog, self.store)(call(), command)
            listed += page.rows
            token = page.next_token
            if not token:
                return listed

    def content(self) -> dict[str, tuple[list[float], str]]:
        """Vector and group of each item; no item is listed twice."""
        found: dict[str, tuple[list[float], str]] = {}
        for item in self.items():
            assert item.item_id not in found
            assert item.vector is not None
            found[item.item_id] = (item.vector.tolist(), item.attributes.group)
        return found
