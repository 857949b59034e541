"""What a person sees of the items of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alservice.domain.batch import BatchItem
from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.snapshot import Snapshots


@dataclass(frozen=True, slots=True)
class BatchContents:
    """Finds the attributes of batch items, wherever their rows are now."""

    store: SegmentStore
    snapshots: Snapshots

    def __call__(self, project_id: str, items: Sequence[BatchItem]) -> list[Attributes]:
        """The attributes of each item, empty for items deleted since. Raises SegmentCorrupt."""
        pool = self.snapshots.pool(project_id)
        segments, rows = locate(pool, self.store.pack([item.item_id for item in items]))
        found = [EMPTY_ATTRIBUTES] * len(items)
        for index, opened in enumerate(pool):
            at = np.flatnonzero(segments == index).tolist()
            attributes = opened.reader.attributes(rows[at])
            lives = opened.reader.incarnations[rows[at]]
            for place, attribute, life in zip(at, attributes, lives, strict=True):
                if items[place].incarnation == life:
                    found[place] = attribute
        return found
