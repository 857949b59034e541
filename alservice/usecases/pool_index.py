"""The index of a pool that Query may use now: published, whole, and of exactly these segments."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from alservice.domain.artefact import Artefact
from alservice.domain.errors import ArtefactCorrupt
from alservice.domain.pool_index import PoolIndex
from alservice.ports.artefacts import Arrays, ArtefactStore
from alservice.ports.catalog import Catalog
from alservice.usecases.snapshot import Snapshot

T = TypeVar("T", bound=np.generic)
_MOST_PROJECTS: Final = 8

NONE_YET: Final = (
    "This project has no index of its pool yet; with one the strategy knows the neighbours of "
    "each item. BuildIndex makes it."
)
STALE: Final = "The pool has changed since its index was built; call BuildIndex."
DAMAGED: Final = "The file of the pool's index is damaged or gone; call BuildIndex."


@dataclass(slots=True)
class _Kept:
    """The last index of a project, and the order of segments that it is in.

    Whoever holds `lock` makes the next one; others wait, and find it made.
    """

    lock: Lock = field(default_factory=Lock)
    present: tuple[str, ...] = ()
    index: PoolIndex | None = None

    def is_of(self, artefact_id: str, present: tuple[str, ...]) -> bool:
        """Whether it is that artefact's, in that order."""
        same = self.index is not None and self.index.artefact_id == artefact_id
        return same and self.present == present


@dataclass(frozen=True, slots=True)
class IndexOf:
    """Finds the index of a snapshot; keeps one for each of the projects that were used last."""

    catalog: Catalog
    artefacts: ArtefactStore
    kept: dict[str, _Kept] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)  # of `kept`; never held for long

    def __call__(self, snapshot: Snapshot) -> tuple[PoolIndex | None, str]:
        """The index, in the order of the snapshot's blocks; or none and, in plain words, why.

        Raises Overloaded.
        """
        project_id = snapshot.project.project_id
        present = tuple(opened.segment.segment_id for opened in snapshot.pool)
        artefact = self._live(project_id)
        if artefact is None or not artefact.is_of(present):
            return None, NONE_YET if artefact is None else STALE
        try:
            return self._kept(artefact, present), ""
        except ArtefactCorrupt:
            newer = self._live(project_id)
            if newer is None or newer.artefact_id == artefact.artefact_id:
                return None, DAMAGED
            return self(snapshot)  # it was swept because there is a newer one

    def forget_gone(self) -> None:
        """Let go of indexes that are not the live ones any more: they take room until then."""
        with self.lock:
            seen = [(name, kept.index) for name, kept in self.kept.items()]
        for project_id, index in seen:
            live = self._live(project_id)
            if index is not None and (live is None or live.artefact_id != index.artefact_id):
                self._forget(project_id, index)

    def forget_oldest(self) -> bool:
        """Let go of the index that was used least recently; whether there was one."""
        with self.lock:
            made = (name for name, kept in self.kept.items() if kept.index is not None)
            oldest = next(made, None)
            if oldest is not None:
                self.kept.pop(oldest)
        return oldest is not None

    def _live(self, project_id: str) -> Artefact | None:
        return self.catalog.read(lambda tx: tx.artefacts.live(project_id))

    def _forget(self, project_id: str, index: PoolIndex) -> None:
        with self.lock:
            kept = self.kept.get(project_id)
            if kept is not None and kept.index is index:
                self.kept.pop(project_id)

    def _kept(self, artefact: Artefact, present: tuple[str, ...]) -> PoolIndex:
        with self.lock:
            kept = self.kept.pop(artefact.project_id, None) or _Kept()
            self.kept[artefact.project_id] = kept  # at the end: the latest one to be used
            for old in list(self.kept)[:-_MOST_PROJECTS]:
                self.kept.pop(old)
        with kept.lock:
            if kept.index is None or not kept.is_of(artefact.artefact_id, present):
                kept.index = None  # let go of it first: two would take twice the room
                index = _index_of(artefact, self.artefacts.open(artefact))
                kept.index = _in_order(index, artefact.segment_ids, present)
                kept.present = present
            return kept.index


def damaged_index(catalog: Catalog, artefacts: ArtefactStore, project_id: str) -> str:
    """The id of the project's live index if its file is damaged or gone; "" if all is well.

    Raises Overloaded.
    """
    live = catalog.read(lambda tx: tx.artefacts.live(project_id))
    if live is None:
        return ""
    try:
        artefacts.open(live)
    except ArtefactCorrupt:
        return live.artefact_id
    return ""


def _index_of(artefact: Artefact, arrays: Arrays) -> PoolIndex:
    return PoolIndex(
        artefact_id=artefact.artefact_id,
        offsets=arrays["offsets"],
        neighbours=arrays["neighbours"],
        distances=arrays["distances"],
        cluster=arrays["cluster"],
        centres=arrays["centres"],
        duplicate_of=arrays["duplicate_of"],
        recall=cast("float", artefact.facts["recall"]),
    )


def _in_order(index: PoolIndex, made: tuple[str, ...], present: tuple[str, ...]) -> PoolIndex:
    """The index with its rows in the order of other blocks: a deletion moves its segment back.

    Copies all but the centres unless the order is the same. The first of near-duplicates stays
    the one that it was.
    """
    if made == present:
        return index
    begin, end = index.offsets[:-1], index.offsets[1:]
    blocks = [made.index(segment_id) for segment_id in present]
    offsets = np.concatenate([[0], np.cumsum((end - begin)[blocks])]).astype(np.int64)
    new = np.empty(int(end[-1]) + 1, np.int32)  # of each old row; the last one: of none
    new[-1] = -1
    for block, at in zip(blocks, offsets[:-1], strict=True):
        new[begin[block] : end[block]] = np.arange(at, at + end[block] - begin[block])

    def moved(rows: NDArray[T]) -> NDArray[T]:
        return np.concatenate([rows[begin[block] : end[block]] for block in blocks])

    return PoolIndex(
        artefact_id=index.artefact_id,
        offsets=offsets,
        neighbours=np.take(new, moved(index.neighbours)),
        distances=moved(index.distances),
        cluster=moved(index.cluster),
        centres=index.centres,
        duplicate_of=np.take(new, moved(index.duplicate_of)),
        recall=index.recall,
    )
