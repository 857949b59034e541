"""Columns of new values as the items and the update mask that UpdateItems takes."""

import math
from collections.abc import Iterator
from typing import Final

from alservice.api.v1 import item_pb2
from alservice.client.columns import Columns

MAX_ROWS: Final = 1_000  # what the service takes in one call
PATHS: Final = {
    "costs": "cost",
    "groups": "group",
    "tags": "tags",
    "contents": "content",
    "metadata": "metadata",
}


def paths_of(columns: Columns) -> list[str]:
    """The fields that the given columns change. Raises ValueError if there are none."""
    paths = [path for name, path in PATHS.items() if columns.columns.get(name) is not None]
    if not paths:
        raise ValueError(f"nothing to change: pass one of {', '.join(PATHS)}")
    return paths


def items_of(columns: Columns) -> Iterator[list[item_pb2.Item]]:
    """The items with their new values, at most MAX_ROWS at a time."""
    for _, block in columns.messages(max_rows=MAX_ROWS):
        yield [_item(block, row) for row in range(len(block.item_ids))]


def _item(block: item_pb2.ItemColumns, row: int) -> item_pb2.Item:
    """One row of a block; absent columns leave their fields empty."""
    cost = block.costs[row] if block.costs else math.nan
    return item_pb2.Item(
        item_id=block.item_ids[row],
        cost=None if math.isnan(cost) else cost,
        group=block.groups[row] if block.groups else "",
        tags=block.tags[row].tags if block.tags else (),
        content=block.contents[row] if block.contents else None,
        metadata=block.metadata[row] if block.metadata else None,
    )
