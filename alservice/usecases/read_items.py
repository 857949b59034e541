"""Items as they are read back: from rows of segments, with what the catalog knows about them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.item import Item, Role
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.check_items import as_float32
from alservice.usecases.open_pool import OpenSegment
from alservice.usecases.pool_masks import reserve_limit

I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RowsOf:
    """Rows (m,) of one segment."""

    segment: OpenSegment
    rows: I64


def read_items(
    catalog: Catalog, project: Project, found: Sequence[RowsOf], *, vectors: bool
) -> list[Item]:
    """The items, segment by segment; `vectors` asks for their vectors as float32."""
    items = [item for each in found for item in _of_segment(project, each, vectors=vectors)]
    ids = [item.item_id for item in items]
    settled = catalog.read(lambda tx: tx.labels.settled_of(project.project_id, ids))
    classes = {key: row.class_id or "" for key, row in settled.items()}
    return [
        replace(item, settled_class_id=classes.get((item.item_id, item.incarnation), ""))
        for item in items
    ]


def reserved(
    project: Project, hashes: NDArray[np.uint64], roles: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Which rows belong to the reserve: (n,). Role POOL, and a keyed hash below the share."""
    below = np.uint64(reserve_limit(project.policy.reserve_share))
    chosen = core.keyed_hash(np.ascontiguousarray(hashes), project.salt) < below
    return np.asarray(chosen & (roles == Role.POOL), dtype=np.bool_)


def _of_segment(project: Project, each: RowsOf, *, vectors: bool) -> list[Item]:
    reader, rows = each.segment.reader, each.rows
    roles, costs = reader.roles[rows], reader.costs[rows]
    numbers = as_float32(reader.vectors[rows], reader.dtype) if vectors else None
    columns = zip(
        reader.item_ids(rows),
        reader.incarnations[rows].tolist(),
        reader.attributes(rows),
        reserved(project, reader.ids.hashes[rows], roles).tolist(),
        strict=True,
    )
    return [
        Item(
            item_id=item_id,
            incarnation=incarnation,
            role=Role(roles[i]),
            cost=None if np.isnan(costs[i]) else float(costs[i]),
            attributes=attributes,
            reserved=kept,
            vector=None if numbers is None else numbers[i],
        )
        for i, (item_id, incarnation, attributes, kept) in enumerate(columns)
    ]
