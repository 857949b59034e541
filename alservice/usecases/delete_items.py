"""Removing items: their rows are marked, and everything that hung on them goes with them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from alservice.domain.call import Call
from alservice.domain.names import new_id
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.ports.tables import ItemKey
from alservice.usecases.end_lives import end_lives, keys_of, mark_deleted
from alservice.usecases.locate import Finder
from alservice.usecases.merge_segments import ask_for_merge
from alservice.usecases.once import once
from alservice.usecases.open_pool import OpenSegment, open_pool
from alservice.usecases.require import lock_project, require_project
from alservice.usecases.warm_pool import WarmPool


@dataclass(frozen=True, slots=True)
class DeleteItemsCommand:
    """Items to remove; repeats count once."""

    project_id: str
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many were removed, how many were not there, and the revision that shows it."""

    deleted: int
    missing: int
    revision: int


@dataclass(frozen=True, slots=True)
class DeleteItems:
    """Removes items from the pool."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self, call: Call, command: DeleteItemsCommand) -> Deleted:
        """Remove them. Idempotent. Raises ProjectNotFound."""
        ids = list(dict.fromkeys(command.item_ids))
        finder = Finder(self.store.pack(ids))
        pool, _ = open_pool(
            self.catalog,
            self.store,
            command.project_id,
            lambda tx: require_project(tx, command.project_id),
        )
        finder.locate(pool)
        warm, merge_id = WarmPool.of(self.store, pool), new_id("o")

        def effect(tx: Tx) -> Deleted:
            project = lock_project(tx, command.project_id)
            pool = warm.open(tx, command.project_id)
            deleted = _delete(tx, project, pool, finder, merge_id)
            return replace(deleted, missing=len(ids) - deleted.deleted)

        def work(tx: Tx) -> Deleted:
            lock_project(tx, command.project_id)
            return once(tx, call, command.project_id, lambda: effect(tx), _encode, _decode)

        return warm.transact(self.catalog, work)


def _delete(
    tx: Tx, project: Project, pool: Sequence[OpenSegment], finder: Finder, merge_id: str
) -> Deleted:
    segment_of, row_of = finder.locate(pool)
    revision = project.revision + 1
    keys: list[ItemKey] = []
    for index in np.unique(segment_of[segment_of >= 0]):
        rows = np.sort(row_of[segment_of == index])
        mark_deleted(tx, pool[index], rows, revision)
        keys += keys_of(pool[index], rows)
    if not keys:
        return Deleted(0, 0, project.revision)
    unsettled = end_lives(tx, project.project_id, keys)
    changed = replace(
        project,
        revision=revision,
        item_count=project.item_count - len(keys),
        settled_count=project.settled_count - unsettled,
        labels_revision=revision if unsettled else project.labels_revision,
    )
    tx.projects.update(changed)
    ask_for_merge(tx, project.project_id, merge_id)
    return Deleted(len(keys), 0, revision)


def _encode(deleted: Deleted) -> str:
    return json.dumps(asdict(deleted))


def _decode(text: str) -> Deleted:
    return Deleted(**json.loads(text))
