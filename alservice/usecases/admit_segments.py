"""The moment at which new items become true: one transaction makes their segments live.

What takes long is done before: conflicts are looked for in a snapshot, and only segments that
are newer than it are compared inside the transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import DimensionMismatch
from alservice.domain.item import AddResult, OnConflict, Role
from alservice.domain.label import LabelRow, Outcome, Provenance, Settled
from alservice.domain.names import ANONYMOUS, new_id
from alservice.domain.project import Project, VectorSpace
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.segments import SegmentReader, SegmentStore
from alservice.usecases.check_items import Shape
from alservice.usecases.collisions import Clash, Collisions, refuse_overlap
from alservice.usecases.end_lives import end_lives, keys_of, mark_deleted
from alservice.usecases.merge_segments import ask_for_merge
from alservice.usecases.open_pool import OpenSegment, is_set, open_pool
from alservice.usecases.pool_masks import mark
from alservice.usecases.require import lock_same
from alservice.usecases.warm_pool import WarmPool
from alservice.usecases.write_segments import Piece, go_live, items_exist, none_deleted

_NAMED: Final = 10
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ImportedLabels:
    """Labels that came with items of one segment: rows (m,) and a line of the log for each.

    `weights` (m,): how much each counts in training, which only items of role POOL do.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    lines: Sequence[LabelRow]

    def without(self, skipped: Bits) -> list[tuple[LabelRow, float]]:
        """Line and weight of the items that are not left out."""
        kept = np.flatnonzero(~is_set(skipped, self.rows))
        weights = self.weights[kept].tolist()
        return [(self.lines[i], weight) for i, weight in zip(kept.tolist(), weights, strict=True)]


@dataclass(frozen=True, slots=True)
class Admission:
    """Pieces that are ready to go live in `project`: call it inside a transaction of `pool`."""

    pool: WarmPool
    project: Project
    pieces: tuple[Piece, ...]
    on_conflict: OnConflict
    shape: Shape
    collisions: Collisions
    labels: tuple[ImportedLabels, ...]
    merge_id: str

    def __call__(self, tx: Tx) -> AddResult:
        """Make them live.

        Raises ProjectNotFound, ItemExists, DimensionMismatch, ColdPoolError; Conflict, also where
        the project is not the one for which they were checked.
        """
        project = lock_same(tx, self.project)
        if not self.pieces:
            return AddResult(0, 0, 0, 0, project.revision)
        revision = project.revision + 1
        space = bound(project.space, self.shape)
        clashes = self.collisions.among(self.pool.open(tx, project.project_id))
        if self.on_conflict is OnConflict.ERROR and clashes:
            raise _conflict(clashes)
        replaced, unsettled = 0, 0
        if self.on_conflict is OnConflict.REPLACE:
            replaced, unsettled = self._replace(tx, clashes, revision)
        skipped = self._skipped(clashes if self.on_conflict is OnConflict.SKIP else [])
        pairs = zip(self.pieces, skipped, strict=True)
        added = sum(go_live(tx, piece, bits, revision) for piece, bits in pairs)
        labels = self._import(tx, skipped, revision)
        changed = replace(
            project,
            revision=revision,
            space=space,
            item_count=project.item_count + added - replaced,
            settled_count=project.settled_count + labels - unsettled,
            labels_revision=revision if labels or unsettled else project.labels_revision,
        )
        tx.projects.update(changed)
        ask_for_merge(tx, project.project_id, self.merge_id)
        rows = sum(piece.segment.rows for piece in self.pieces)
        return AddResult(added, rows - added, replaced, labels, revision)

    def _replace(self, tx: Tx, clashes: Sequence[Clash], revision: int) -> tuple[int, int]:
        keys = []
        for clash in clashes:
            mark_deleted(tx, clash.segment, clash.old_rows, revision)
            keys += keys_of(clash.segment, clash.old_rows)
        return len(keys), end_lives(tx, self.project.project_id, keys)

    def _skipped(self, clashes: Sequence[Clash]) -> list[Bits]:
        bits = [none_deleted(piece) for piece in self.pieces]
        for clash in clashes:
            for index in np.unique(clash.new_segments):
                rows = clash.new_rows[clash.new_segments == index]
                bits[index] = mark(bits[index], rows)
        return bits

    def _import(self, tx: Tx, skipped: Sequence[Bits], revision: int) -> int:
        segments = zip(self.labels, skipped, strict=True)
        weighed = [each for labels, bits in segments for each in labels.without(bits)]
        if not weighed:
            return 0
        project_id = self.project.project_id
        numbers = tx.labels.append(project_id, [line for line, _ in weighed])
        settled = [
            _settled(line, weight, seq, revision)
            for (line, weight), seq in zip(weighed, numbers, strict=True)
        ]
        tx.labels.settle(project_id, settled)
        return len(weighed)


def prepare(
    catalog: Catalog,
    store: SegmentStore,
    project: Project,
    pieces: Sequence[Piece],
    on_conflict: OnConflict,
    shape: Shape,
) -> Admission:
    """All the slow work of an admission. Raises ItemExists for ids that stand in two pieces."""
    readers = tuple(store.open(piece.segment, piece.inline) for piece in pieces)
    refuse_overlap(readers)
    collisions, now_ms = Collisions(readers), catalog.now_ms()
    pool: Sequence[OpenSegment] = ()
    if pieces:
        pool, _ = open_pool(catalog, store, project.project_id, lambda _: None)
        collisions.among(pool)
    return Admission(
        pool=WarmPool.of(store, pool),
        project=project,
        pieces=tuple(pieces),
        on_conflict=on_conflict,
        shape=shape,
        collisions=collisions,
        labels=tuple(imported_labels(reader, now_ms) for reader in readers),
        merge_id=new_id("o"),
    )


def bound(space: VectorSpace, shape: Shape) -> VectorSpace:
    """The space with what the first upload decides filled in. Raises DimensionMismatch."""
    if space.dimension not in (None, shape.dimension):
        text = (
            f"another upload has fixed the dimension of this project to {space.dimension} "
            f"meanwhile, and these vectors have {shape.dimension} numbers"
        )
        raise DimensionMismatch(text, dimension=space.dimension, got=shape.dimension)
    return replace(space, dimension=shape.dimension, dtype=space.dtype or shape.dtype)


def imported_labels(reader: SegmentReader, now_ms: int) -> ImportedLabels:
    """The labels with which the items of a segment came."""
    rows, classes = reader.class_ids()
    columns = zip(reader.item_ids(rows), reader.incarnations[rows].tolist(), classes, strict=True)
    lines = [
        LabelRow(
            item_id=item_id,
            incarnation=incarnation,
            outcome=Outcome.VALUE,
            class_id=class_id,
            annotator_id=ANONYMOUS,
            provenance=Provenance.IMPORTED,
            create_time_ms=now_ms,
        )
        for item_id, incarnation, class_id in columns
    ]
    weights = (reader.roles[rows] == Role.POOL).astype(np.float64)
    return ImportedLabels(rows, weights, lines)


def _settled(line: LabelRow, weight: float, seq: int, revision: int) -> Settled:
    return Settled(
        item_id=line.item_id,
        incarnation=line.incarnation,
        outcome=line.outcome,
        class_id=line.class_id,
        provenance=line.provenance,
        weight=weight,
        label_seq=seq,
        revision=revision,
    )


def _conflict(clashes: Sequence[Clash]) -> Exception:
    named = [item_id for clash in clashes for item_id in clash.item_ids(_NAMED)][:_NAMED]
    count = sum(len(clash.old_rows) for clash in clashes)
    return items_exist(named, count, "in the pool already (on_conflict may skip or replace)")
