"""Segments inside a transaction: from readers that were opened before it began.

A file may have to come from an object store, and who waits for that must not hold a project's
lock. So a transaction that meets a segment which is not open yet gives up, the segment is opened
outside, and the transaction is begun anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeVar

from alservice.domain.errors import Conflict, SegmentCorrupt
from alservice.domain.segment import Segment
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentReader, SegmentStore
from alservice.usecases.open_pool import OpenSegment, open_rows, pool_rows

T = TypeVar("T")
_ATTEMPTS: Final = 16


class ColdPoolError(Exception):
    """A transaction met `segments` that are not open. Never leaves this package."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        super().__init__(f"{len(segments)} segments are not open yet")
        self.segments = segments


@dataclass(frozen=True, slots=True)
class WarmPool:
    """What is open of one project's segments. For one call, which keeps them open that long."""

    store: SegmentStore
    readers: dict[str, SegmentReader] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, store: SegmentStore, pool: Sequence[OpenSegment]) -> Self:
        """With what a snapshot has opened."""
        return cls(store, {opened.segment.segment_id: opened.reader for opened in pool})

    def open(self, tx: Tx, project_id: str) -> tuple[OpenSegment, ...]:
        """The live segments as this transaction sees them; reads no file.

        Raises ColdPoolError, SegmentCorrupt.
        """
        rows = pool_rows(tx, self.store, project_id)
        cold = [segment for segment in rows.segments if not self._is_open(segment)]
        if cold:
            raise ColdPoolError(cold)
        return open_rows(replace(rows, readers={**rows.readers, **self.readers}), self.store)

    def transact(self, catalog: Catalog, work: Callable[[Tx], T]) -> T:
        """Run `work`, which calls `open`, in a transaction.

        Raises SegmentCorrupt, Conflict, what opening a segment raises, and what `transact` does.
        """
        for _ in range(_ATTEMPTS):
            try:
                return catalog.transact(work)
            except ColdPoolError as cold:
                for segment in cold.segments:
                    self._warm(segment)
        text = "the pool grew again and again while this was written; retry"
        raise Conflict(text, attempts=_ATTEMPTS)

    def _is_open(self, segment: Segment) -> bool:
        """Whether its reader is here, or its bytes are in the catalog."""
        name = segment.segment_id
        if name not in self.readers and (reader := self.store.opened(name)) is not None:
            self.readers[name] = reader
        return segment.inline or name in self.readers

    def _warm(self, segment: Segment) -> None:
        name = segment.segment_id
        try:
            self.readers[name] = self.store.open(segment)
        except SegmentCorrupt:
            if name in self.broken:  # it is still live: so it was not merged away
                raise
            self.broken.add(name)
