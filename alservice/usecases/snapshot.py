"""One consistent state of a project's pool, taken in one read and opened outside of it.

What is cached here is derived, keyed by what it was derived from, and may be thrown away at any
moment: correctness never rests on it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from alservice.domain.batch import Lease
from alservice.domain.errors import SegmentCorrupt
from alservice.domain.label import Settled
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentStore
from alservice.ports.tables import ItemKey
from alservice.usecases.open_pool import OpenSegment, PoolRows, open_rows, pool_rows
from alservice.usecases.pool_masks import PoolMasks
from alservice.usecases.require import require_project

T = TypeVar("T")
_ATTEMPTS: Final = 3
_MOST_PROJECTS: Final = 64
_MOST_SEGMENTS: Final = 256  # each may hold a descriptor; those of one project always fit


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project at one revision: its open segments, their masks, and who holds what."""

    project: Project
    now_ms: int
    pool_version: tuple[int, int]
    pool: tuple[OpenSegment, ...]
    masks: PoolMasks
    leases: Sequence[Lease]
    abstained: Sequence[ItemKey]


@dataclass(frozen=True, slots=True)
class Located:
    """A project's pool alone, true at one version."""

    project: Project
    version: tuple[int, int]
    pool: tuple[OpenSegment, ...]


@dataclass(frozen=True, slots=True)
class _Reading(Generic[T]):
    project: Project
    now_ms: int
    version: tuple[int, int]
    base: "_Kept | None"  # what was kept when the transaction ran: another thread may replace it
    rows: PoolRows | None  # None: the pool has not changed since `base`
    settled: Sequence[Settled]
    leases: Sequence[Lease]
    abstained: Sequence[ItemKey]
    facts: T


@dataclass(frozen=True, slots=True)
class _Kept:
    version: tuple[int, int]
    pool: tuple[OpenSegment, ...]
    masks: PoolMasks


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Takes snapshots; remembers the last one of each project to build the next one on."""

    catalog: Catalog
    store: SegmentStore
    kept: dict[str, _Kept] = field(default_factory=dict)

    def take(
        self, project_id: str, annotator_id: str, facts: Callable[[Tx, Project], T]
    ) -> tuple[Snapshot, T]:
        """A snapshot, and what `facts` says in the same transaction.

        Raises ProjectNotFound, SegmentCorrupt, and what `facts` raises.
        """
        failure: SegmentCorrupt | None = None
        broken: tuple[int, int] | None = None
        for _ in range(_ATTEMPTS):
            reading = self.catalog.read(lambda tx: self._read(tx, project_id, annotator_id, facts))
            if reading.version == broken:  # nothing was merged away: it is really broken
                break
            broken = None if reading.rows is None else reading.version
            try:
                return self._open(reading), reading.facts
            except SegmentCorrupt as error:  # merged away since the read, or really broken
                failure = error
                self.kept.pop(reading.project.uid, None)
        raise failure or AssertionError

    def pool(self, project_id: str) -> tuple[OpenSegment, ...]:
        """The live segments alone. Raises ProjectNotFound, SegmentCorrupt."""
        return self.located(project_id).pool

    def located(self, project_id: str) -> "Located":
        """The project with its live segments. Raises ProjectNotFound, SegmentCorrupt."""
        failure: SegmentCorrupt | None = None
        broken: tuple[int, int] | None = None
        for _ in range(_ATTEMPTS):
            project, version, kept, rows = self.catalog.read(lambda tx: self._rows(tx, project_id))
            if version == broken:
                break
            broken = version
            try:
                known = kept.pool if kept else ()
                pool = known if rows is None else open_rows(rows, self.store)
            except SegmentCorrupt as error:
                failure = error
            else:
                return Located(project, version, pool)
        raise failure or AssertionError

    def forget_gone(self) -> None:
        """Let go of what names segments that are gone: their files take room until then."""
        seen = list(self.kept.items())  # before the ids: what is kept later may be newer
        known = set(self.catalog.read(lambda tx: tx.segments.all_ids()))
        self.store.keep_only(known)
        for uid, kept in seen:
            gone = any(opened.segment.segment_id not in known for opened in kept.pool)
            if gone and self.kept.get(uid) is kept:
                self.kept.pop(uid, None)

    def forget_oldest(self) -> bool:
        """Let go of the project that was used least recently; whether there was one."""
        oldest = next(iter(list(self.kept)), None)
        return oldest is not None and self.kept.pop(oldest, None) is not None

    def _rows(
        self, tx: Tx, project_id: str
    ) -> "tuple[Project, tuple[int, int], _Kept | None, PoolRows | None]":
        project = require_project(tx, project_id)
        kept = self.kept.get(project.uid)
        version = tx.segments.pool_version(project_id)
        same = kept is not None and kept.version == version
        return project, version, kept, None if same else pool_rows(tx, self.store, project_id)

    def _read(
        self, tx: Tx, project_id: str, annotator_id: str, facts: Callable[[Tx, Project], T]
    ) -> _Reading[T]:
        project = require_project(tx, project_id)
        kept = self._usable(project)
        version = tx.segments.pool_version(project_id)
        now_ms = tx.now_ms()
        same = kept is not None and kept.version == version
        return _Reading(
            project=project,
            now_ms=now_ms,
            version=version,
            base=kept,
            rows=None if same else pool_rows(tx, self.store, project_id),
            settled=tx.labels.settled_since(project_id, kept.masks.revision if kept else -1),
            leases=tx.leases.live(project_id, now_ms),
            abstained=tx.labels.abstained(project_id, annotator_id),
            facts=facts(tx, project),
        )

    def _usable(self, project: Project) -> _Kept | None:
        kept = self.kept.get(project.uid)
        return kept if kept is not None and kept.masks.revision <= project.revision else None

    def _open(self, reading: _Reading[T]) -> Snapshot:
        project = reading.project
        kept = reading.base
        if reading.rows is not None:
            pool = open_rows(reading.rows, self.store)
        else:
            pool = kept.pool if kept else ()
        base = kept.masks if kept else PoolMasks(project.uid, -1)
        masks = base.advance(project, pool, reading.settled, self.store)
        self._keep(project.uid, _Kept(reading.version, pool, masks))
        return Snapshot(
            project=project,
            now_ms=reading.now_ms,
            pool_version=reading.version,
            pool=pool,
            masks=masks,
            leases=reading.leases,
            abstained=reading.abstained,
        )

    def _keep(self, uid: str, kept: _Kept) -> None:
        self.kept.pop(uid, None)
        self.kept[uid] = kept  # at the end: the latest one to be used
        segments = 0
        for place, (other, each) in enumerate(reversed(list(self.kept.items()))):
            segments += len(each.pool)
            if place and (place >= _MOST_PROJECTS or segments > _MOST_SEGMENTS):
                self.kept.pop(other, None)
