"""Which life of each id is in the pool now, and which ids are known to have been deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.snapshot import Snapshots


@dataclass(frozen=True, slots=True)
class Lives:
    """True at one version of the pool. `incarnation` has the ids that are alive."""

    version: tuple[int, int]
    incarnation: Mapping[str, int]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class FindLives:
    """Looks ids up in the segments."""

    store: SegmentStore
    snapshots: Snapshots

    def __call__(self, project_id: str, item_ids: Sequence[str]) -> Lives:
        """The lives. Raises ProjectNotFound, SegmentCorrupt."""
        ids = list(dict.fromkeys(item_ids))
        version, pool = self.snapshots.located(project_id)
        packed = self.store.pack(ids)
        segments, rows = locate(pool, packed)
        incarnation = {
            ids[at]: int(pool[segments[at]].reader.incarnations[rows[at]])
            for at in np.flatnonzero(segments >= 0).tolist()
        }
        missing = [item_id for item_id in ids if item_id not in incarnation]
        deleted: set[str] = set()
        if missing:
            lost = self.store.pack(missing)
            for opened in pool:
                found = np.flatnonzero(opened.reader.find(lost) >= 0)
                deleted |= {missing[at] for at in found.tolist()}
        return Lives(version, incarnation, frozenset(deleted))
