"""The items of a pool, page by page, in the order of the hash of their ids.

That order depends on nothing but the ids, so a page token stays good whatever is added, deleted
or merged meanwhile.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from alservice.domain.call import Call
from alservice.domain.errors import InvalidPageToken
from alservice.domain.item import Item
from alservice.domain.page import Page, decode_token, encode_token, fitting
from alservice.ports.catalog import Catalog
from alservice.ports.segments import SegmentReader, SegmentStore
from alservice.usecases.open_pool import OpenSegment, is_set, open_pool
from alservice.usecases.read_items import RowsOf, read_items
from alservice.usecases.require import require_project

KIND: Final = "ListItems"
DEFAULT_PAGE: Final = 100
_WINDOW: Final = 64

Position = tuple[int, str]  # (hash, id)


@dataclass(frozen=True, slots=True)
class ListItemsCommand:
    """Asks for a page of items; size 0 means 100."""

    project_id: str
    page_size: int = 0
    page_token: str = ""
    vectors: bool = False


@dataclass(frozen=True, slots=True)
class ListItems:
    """Pages through a pool."""

    catalog: Catalog
    store: SegmentStore

    def __call__(self, call: Call, command: ListItemsCommand) -> Page[Item]:
        """A page of items. Raises ProjectNotFound, InvalidPageToken."""
        after = position_of(command.page_token)
        pool, project = open_pool(
            self.catalog,
            self.store,
            command.project_id,
            lambda tx: require_project(tx, command.project_id),
        )
        size = command.page_size or DEFAULT_PAGE
        streams = [ordered_rows(segment, index, after) for index, segment in enumerate(pool)]
        picked = list(islice(heapq.merge(*streams), size + 1))
        shown = picked[:size]
        by_segment = [
            RowsOf(segment, np.array([r for _, i, r in shown if i == index], dtype=np.int64))
            for index, segment in enumerate(pool)
        ]
        wanted = [each for each in by_segment if len(each.rows)]
        items = read_items(self.catalog, project, wanted, vectors=command.vectors)
        place = {position[1]: rank for rank, (position, _, _) in enumerate(shown)}
        items.sort(key=lambda item: place[item.item_id])
        kept = fitting(items, _size_bytes)
        more = len(picked) > kept
        return Page(items[:kept], encode_token(KIND, *shown[kept - 1][0]) if more else "")


def _size_bytes(item: Item) -> int:
    """About what an item takes in an answer."""
    numbers = 0 if item.vector is None else 4 * len(item.vector)
    return 64 + len(item.item_id.encode()) + numbers + item.attributes.size_bytes


def position_of(token: str) -> Position:
    """Where a page begins: after this position. Raises InvalidPageToken."""
    position = decode_token(KIND, token)
    if not position:
        return (-1, "")
    match position:
        case [int(hashed), str(item_id)]:
            return hashed, item_id
    raise InvalidPageToken("this page_token is damaged; begin again without one", method=KIND)


def ordered_rows(
    segment: OpenSegment, index: int, after: Position
) -> Iterator[tuple[Position, int, int]]:
    """(position, index, row) of the rows that are not deleted, by position, after `after`."""
    reader = segment.reader
    hashes, order = reader.ids.hashes, reader.order
    start = bisect_left(
        range(reader.rows), max(after[0], 0), key=lambda rank: int(hashes[order[rank]])
    )
    while start < reader.rows:
        end = _whole_hashes(reader, min(start + _WINDOW, reader.rows))
        rows = order[start:end].astype(np.int64)
        rows = rows[~is_set(segment.deleted, rows)]
        positions = zip(hashes[rows].tolist(), reader.item_ids(rows), strict=True)
        window = sorted(zip(positions, rows.tolist(), strict=True))
        yield from ((position, index, row) for position, row in window if position > after)
        start = end


def _whole_hashes(reader: SegmentReader, end: int) -> int:
    """The end of a window, moved so that equal hashes stay together."""
    hashes, order = reader.ids.hashes, reader.order
    while end < reader.rows and hashes[order[end]] == hashes[order[end - 1]]:
        end += 1
    return end
