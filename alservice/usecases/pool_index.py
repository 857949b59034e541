"""The index of a pool that Query may use now: published, whole, and of exactly these segments."""

from dataclasses import dataclass, field
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
_MOST_KEPT: Final = 8

NONE_YET: Final = (
    "This project has no index of its pool yet; with one the strategy knows the neighbours of "
    "each item. BuildIndex makes it."
)
STALE: Final = "The pool has changed since its index was built; call BuildIndex."
DAMAGED: Final = "The file of the pool's index is damaged or gone; call BuildIndex with force."


@dataclass(frozen=True, slots=True)
class IndexOf:
    """Finds the index of a snapshot; keeps those that were used last mapped."""

    catalog: Catalog
    artefacts: ArtefactStore
    kept: dict[tuple[str, tuple[str, ...]], PoolIndex] = field(default_factory=dict)

    def __call__(self, snapshot: Snapshot) -> tuple[PoolIndex | None, str]:
        """The index, in the order of the snapshot's blocks; or none and, in plain words, why.

        Raises Overloaded.
        """
        project_id = snapshot.project.project_id
        present = tuple(opened.segment.segment_id for opened in snapshot.pool)
        artefact = self.catalog.read(lambda tx: tx.artefacts.live(project_id))
        if artefact is None:
            return None, NONE_YET
        if not artefact.is_of(present):
            return None, STALE
        try:
            return self._kept(artefact, present), ""
        except ArtefactCorrupt:
            newer = self.catalog.read(lambda tx: tx.artefacts.live(project_id))
            if newer is None or newer.artefact_id == artefact.artefact_id:
                return None, DAMAGED
            return self(snapshot)  # it was swept because there is a newer one

    def _kept(self, artefact: Artefact, present: tuple[str, ...]) -> PoolIndex:
        key = (artefact.artefact_id, present)
        found = self.kept.get(key)
        if found is None:
            index = _index_of(artefact, self.artefacts.open(artefact))
            found = _in_order(index, artefact.segment_ids, present)
            self.kept[key] = found
            for old in list(self.kept)[:-_MOST_KEPT]:
                self.kept.pop(old, None)
        return found


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
