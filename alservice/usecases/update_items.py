"""Changing what items carry beside their vectors: rows are copied, under the same life."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.call import Call
from alservice.domain.errors import Conflict, InvalidField, InvalidUpdateMask, ItemNotFound
from alservice.domain.item import Attributes, ItemBlock
from alservice.domain.names import new_id
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.usecases.check_items import Shape, check_attributes, check_costs
from alservice.usecases.end_lives import mark_deleted
from alservice.usecases.locate import NOWHERE, Finder
from alservice.usecases.merge_segments import ask_for_merge, copy_rows
from alservice.usecases.once import once_or_earlier, recall
from alservice.usecases.open_pool import OpenSegment, open_pool
from alservice.usecases.require import lock_project, require_project
from alservice.usecases.warm_pool import WarmPool
from alservice.usecases.write_segments import (
    Piece,
    Place,
    SegmentFiller,
    discard,
    go_live,
    none_deleted,
)

ATTRIBUTES: Final[Mapping[str, str]] = {
    "group": "group",
    "tags": "tags",
    "content": "content",
    "metadata": "metadata_json",
}
PATHS: Final = ("cost", *ATTRIBUTES)
_ATTEMPTS: Final = 8
_NAMED: Final = 10

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UpdateItemsCommand:
    """New values for items, of which `paths` count; `costs` (n,) has NaN for unknown."""

    project_id: str
    item_ids: tuple[str, ...]
    costs: NDArray[np.float32]
    attributes: tuple[Attributes, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """How many items were changed, and the revision that shows it."""

    count: int
    revision: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the items were when their copies were written, and the copies."""

    pool: WarmPool
    finder: Finder
    found: tuple[tuple[str, ...], I64]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class UpdateItems:
    """Changes items, all or none."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self, call: Call, command: UpdateItemsCommand) -> Updated:
        """Change them. Idempotent by request_id.

        Raises ProjectNotFound, ItemNotFound, InvalidUpdateMask, InvalidField, Conflict, DiskFull.
        """
        earlier = self.catalog.read(lambda tx: recall(tx, call, command.project_id))
        if earlier is not None:
            return _decode(earlier)
        check_update(command)
        for _ in range(_ATTEMPTS):
            updated = self._attempt(call, command)
            if updated is not None:
                return updated
        raise Conflict("these items were changed again and again; retry", attempts=_ATTEMPTS)

    def _attempt(self, call: Call, command: UpdateItemsCommand) -> Updated | None:
        """The result; None if the items have moved meanwhile."""
        plan = self._plan(command)
        merge_id = new_id("o")

        def work(tx: Tx) -> tuple[Updated | None, bool]:
            name = lock_project(tx, command.project_id).project_id
            effect = lambda: self._swap(tx, command, plan, merge_id)  # noqa: E731
            try:
                return once_or_earlier(tx, call, name, effect, _encode, _decode)
            except _MovedError:
                return None, False

        mine = False
        try:
            updated, mine = plan.pool.transact(self.catalog, work)
        finally:
            if not mine:  # the items have moved, it failed, or a twin of this call was faster
                discard(self.catalog, self.store, plan.pieces)
        return updated

    def _plan(self, command: UpdateItemsCommand) -> Plan:
        pool, project = open_pool(
            self.catalog,
            self.store,
            command.project_id,
            lambda tx: require_project(tx, command.project_id),
        )
        finder = Finder(self.store.pack(command.item_ids))
        segment_of, row_of = finder.locate(pool)
        refuse_missing(command.item_ids, segment_of)
        pieces = self._written(command, project, pool, (segment_of, row_of))
        names = tuple(pool[index].segment.segment_id for index in segment_of)
        return Plan(WarmPool.of(self.store, pool), finder, (names, row_of), pieces)

    def _written(
        self,
        command: UpdateItemsCommand,
        project: Project,
        pool: Sequence[OpenSegment],
        places: tuple[I64, I64],
    ) -> tuple[Piece, ...]:
        """Copies of the items with the change: a piece for each number format there is."""
        segment_of, row_of = places
        fillers: dict[Shape, SegmentFiller] = {}
        pieces: list[Piece] = []
        try:
            for index in np.unique(segment_of):
                source, here = pool[index], np.flatnonzero(segment_of == index)
                reader = source.reader
                shape = Shape(reader.vectors.shape[1], reader.dtype)
                place = Place(command.project_id, project.space.space_id, shape)
                filler = fillers.setdefault(shape, SegmentFiller(self.catalog, self.store, place))
                block = changed(copy_rows(source, row_of[here]), command, here)
                filler.append(block, np.ascontiguousarray(reader.incarnations[row_of[here]]))
            for filler in fillers.values():
                pieces += [piece] if (piece := filler.seal()) else []
        except BaseException:
            for filler in fillers.values():
                filler.abort()
            discard(self.catalog, self.store, pieces)
            raise
        return tuple(pieces)

    def _swap(self, tx: Tx, command: UpdateItemsCommand, plan: Plan, merge_id: str) -> Updated:
        project = lock_project(tx, command.project_id)
        pool = plan.pool.open(tx, command.project_id)
        segment_of, row_of = plan.finder.locate(pool)
        refuse_missing(command.item_ids, segment_of)
        names = tuple(pool[index].segment.segment_id for index in segment_of)
        if names != plan.found[0] or not np.array_equal(row_of, plan.found[1]):
            raise _MovedError
        revision = project.revision + 1
        for index in np.unique(segment_of):
            mark_deleted(tx, pool[index], row_of[segment_of == index], revision)
        for piece in plan.pieces:
            go_live(tx, piece, none_deleted(piece), revision)
        tx.projects.update(replace(project, revision=revision))
        ask_for_merge(tx, command.project_id, merge_id)
        return Updated(len(command.item_ids), revision)


def check_update(command: UpdateItemsCommand) -> None:
    """Nothing, if the request makes sense. Raises InvalidUpdateMask, InvalidField."""
    known = ", ".join(PATHS)
    if not command.paths:
        raise InvalidUpdateMask(f"update_mask names nothing; it may name {known}")
    for path in command.paths:
        if path not in PATHS:
            text = f"{path!r} of an item cannot be changed; update_mask may name {known}"
            raise InvalidUpdateMask(text, path=path)
    if len(set(command.item_ids)) != len(command.item_ids):
        raise InvalidField("an item stands twice among `items`", field="items")
    if "cost" in command.paths:
        check_costs(command.item_ids, command.costs)
    for item_id, attributes in zip(command.item_ids, command.attributes, strict=True):
        check_attributes(item_id, attributes)


def refuse_missing(item_ids: Sequence[str], segment_of: I64) -> None:
    """Nothing, if all were found. Raises ItemNotFound, which names up to ten."""
    missing = [item_ids[i] for i in np.flatnonzero(segment_of == NOWHERE).tolist()]
    if missing:
        named = ", ".join(missing[:_NAMED])
        text = f"the project does not have {len(missing)} of these items: {named}"
        raise ItemNotFound(text, item_ids=named, count=len(missing))


def changed(block: ItemBlock, command: UpdateItemsCommand, here: I64) -> ItemBlock:
    """The block with the new values; its rows are the items `here` (m,) of the command."""
    new = [command.attributes[i] for i in here.tolist()]
    fields = [ATTRIBUTES[path] for path in command.paths if path in ATTRIBUTES]
    old = block.attributes or ()
    attributes = tuple(
        replace(before, **{field: getattr(after, field) for field in fields})
        for before, after in zip(old, new, strict=True)
    )
    costs = command.costs[here] if "cost" in command.paths else block.costs
    return replace(block, attributes=attributes, costs=costs)


class _MovedError(Exception):
    """The items are not where they were."""


def _encode(updated: Updated) -> str:
    return json.dumps(asdict(updated))


def _decode(text: str) -> Updated:
    return Updated(**json.loads(text))
