"""Which life of each id is in the pool now, and which ids are known to have been deleted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.item import Role
from alservice.domain.project import Project
from alservice.ports.catalog import Tx
from alservice.ports.segments import PackedIds, SegmentStore
from alservice.usecases.locate import Finder
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.pool_masks import reserve_limit
from alservice.usecases.snapshot import Located, Snapshots
from alservice.usecases.warm_pool import WarmPool


@dataclass(frozen=True, slots=True)
class Life:
    """One item that is alive. `trains`: of role POOL. `measures`: reserved, or of role TEST."""

    incarnation: int
    trains: bool = True
    measures: bool = False


@dataclass(frozen=True, slots=True)
class Lives:
    """True at one version of one project's pool. `alive` has the ids that are in it."""

    uid: str
    version: tuple[int, int]
    alive: Mapping[str, Life]
    deleted: frozenset[str]


class LifeSearch:
    """The lives of some ids: found before a transaction, made sure of inside one of `pool`.

    Each segment is searched once, so that looking again costs only what is new.
    """

    def __init__(self, store: SegmentStore, located: Located, item_ids: Sequence[str]) -> None:
        self._store = store
        self.pool = WarmPool.of(store, located.pool)
        self._ids = list(dict.fromkeys(item_ids))
        self._packed = store.pack(self._ids)
        self._finder = Finder(self._packed)
        self.lives = self._look(located)

    def again(self, tx: Tx, project: Project) -> Lives:
        """The lives as this transaction sees them. Raises SegmentCorrupt, ColdPoolError."""
        version = tx.segments.pool_version(project.project_id)
        if (project.uid, version) != (self.lives.uid, self.lives.version):
            pool = self.pool.open(tx, project.project_id)
            self.lives = self._look(Located(project, version, pool))
        return self.lives

    def _look(self, located: Located) -> Lives:
        alive = dict(self._alive(located))
        missing = [item_id for item_id in self._ids if item_id not in alive]
        deleted = _ever_there(located, missing, self._store.pack(missing)) if missing else ()
        return Lives(located.project.uid, located.version, alive, frozenset(deleted))

    def _alive(self, located: Located) -> Iterator[tuple[str, Life]]:
        segments, rows = self._finder.locate(located.pool)
        for number, opened in enumerate(located.pool):
            at = np.flatnonzero(segments == number)
            if len(at):
                lives = _lives(located.project, opened, rows[at])
                yield from zip([self._ids[place] for place in at.tolist()], lives, strict=True)


@dataclass(frozen=True, slots=True)
class FindLives:
    """Looks ids up in the segments."""

    store: SegmentStore
    snapshots: Snapshots

    def __call__(self, project_id: str, item_ids: Sequence[str]) -> LifeSearch:
        """The search, already done once. Raises ProjectNotFound, SegmentCorrupt."""
        return LifeSearch(self.store, self.snapshots.located(project_id), item_ids)


def _ever_there(located: Located, missing: Sequence[str], packed: PackedIds) -> set[str]:
    found: set[str] = set()
    for opened in located.pool:
        at = np.flatnonzero(opened.reader.find(packed) >= 0)
        found |= {missing[place] for place in at.tolist()}
    return found


def _lives(project: Project, opened: OpenSegment, rows: NDArray[np.int64]) -> list[Life]:
    reader = opened.reader
    keyed = core.keyed_hash(reader.ids.hashes[rows], project.salt)
    reserved = keyed < np.uint64(reserve_limit(project.policy.reserve_share))
    roles = reader.roles[rows]
    columns = (reader.incarnations[rows], roles == Role.POOL, reserved | (roles == Role.TEST))
    return [Life(*values) for values in zip(*(c.tolist() for c in columns), strict=True)]
