"""The settled labels of a project with the vectors of their items, sorted by what they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag
from alservice.domain.item import Role
from alservice.domain.label import Provenance, Settled
from alservice.domain.learner import EvaluationSet, TrainingSet
from alservice.domain.metrics import AUDIT, TEST
from alservice.ports.scoring import PoolScoring, SegmentBlock
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.snapshot import Snapshot

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
_SAMPLE: Final = 4096
_SAMPLE_SEED: Final = 0x5CA1E  # not the order in which the audit draws


@dataclass(frozen=True, slots=True)
class LabelledVectors:
    """What to train on, and what to measure on."""

    training: TrainingSet
    evaluations: tuple[EvaluationSet, ...]
    settled_count: int


@dataclass(frozen=True, slots=True)
class _Rows:
    segment: I64
    row: I64
    classes: I64
    weights: F32
    audit: NDArray[np.bool_]
    role: NDArray[np.uint8]

    def take(self, chosen: NDArray[np.bool_]) -> "_Rows":
        return _Rows(
            self.segment[chosen],
            self.row[chosen],
            self.classes[chosen],
            self.weights[chosen],
            self.audit[chosen],
            self.role[chosen],
        )

    def training(self) -> "_Rows":
        """Those that train."""
        return self.take((self.role == Role.POOL) & (self.weights > 0))


@dataclass(frozen=True, slots=True)
class GatherLabelled:
    """Gathers them from a snapshot."""

    store: SegmentStore
    scoring: PoolScoring

    def __call__(
        self, snapshot: Snapshot, settled: Sequence[Settled], cancel: CancelFlag
    ) -> LabelledVectors:
        """Labels of deleted items are left out. Raises Cancelled, SegmentCorrupt."""
        blocks = [
            SegmentBlock(s.reader.vectors, s.reader.ids.hashes, s.deleted, s.segment)
            for s in snapshot.pool
        ]
        known = snapshot.project.schema.index
        rows = self._rows(snapshot, [row for row in settled if row.class_id in known])
        pool = rows.role == Role.POOL
        training = rows.training()
        mean, scale = self._pool_statistics(snapshot, blocks, cancel)
        gathered = TrainingSet(
            vectors=self.scoring.gather(blocks, training.segment, training.row, cancel),
            classes=training.classes,
            class_count=len(snapshot.project.schema.classes),
            weights=training.weights,
            groups=_groups(snapshot, training),
            pool_mean=mean,
            pool_scale=scale,
        )
        bases = {AUDIT: rows.take(pool & rows.audit), TEST: rows.take(rows.role == Role.TEST)}
        evaluations = tuple(
            EvaluationSet(basis, self.scoring.gather(blocks, r.segment, r.row, cancel), r.classes)
            for basis, r in bases.items()
            if len(r.row)
        )
        return LabelledVectors(gathered, evaluations, len(training.row))

    def counts(self, snapshot: Snapshot, settled: Sequence[Settled]) -> I64:
        """How many labels of each class train, (C,); no vectors are read."""
        known = snapshot.project.schema.index
        rows = self._rows(snapshot, [row for row in settled if row.class_id in known])
        return np.bincount(rows.training().classes, minlength=len(known)).astype(np.int64)

    def _rows(self, snapshot: Snapshot, settled: Sequence[Settled]) -> _Rows:
        segment, row = locate(snapshot.pool, self.store.pack([s.item_id for s in settled]))
        index = snapshot.project.schema.index
        role = np.zeros(len(settled), np.uint8)
        alive = np.zeros(len(settled), np.bool_)
        lives = np.array([s.incarnation for s in settled], np.int64)
        for number, opened in enumerate(snapshot.pool):
            at = np.flatnonzero(segment == number)
            role[at] = opened.reader.roles[row[at]]
            alive[at] = opened.reader.incarnations[row[at]] == lives[at]
        return _Rows(
            segment=segment,
            row=row,
            classes=np.array([index[s.class_id or ""] for s in settled], np.int64),
            weights=np.array([s.weight for s in settled], np.float32),
            audit=np.array([s.provenance is Provenance.AUDIT for s in settled], np.bool_),
            role=role,
        ).take(alive)

    def _pool_statistics(
        self, snapshot: Snapshot, blocks: Sequence[Block], cancel: CancelFlag
    ) -> tuple[F32 | None, F32 | None]:
        """Mean and standard deviation of a uniform sample of the pool, the same in every round.

        What measures (the reserve, the roles TEST and GOLD) is left out.
        """
        masks = [snapshot.masks.masks[opened.segment.segment_id] for opened in snapshot.pool]
        sampled = [
            replace(block, excluded=block.excluded | mask.not_pool | mask.reserved)
            for block, mask in zip(blocks, masks, strict=True)
        ]
        seed = snapshot.project.salt ^ _SAMPLE_SEED
        drawn = self.scoring.draw(sampled, _SAMPLE, seed, cancel)
        if not len(drawn.row):
            return None, None
        sample = self.scoring.gather(blocks, drawn.block, drawn.row, cancel)
        return sample.mean(axis=0), sample.std(axis=0)


def _groups(snapshot: Snapshot, rows: _Rows) -> I64 | None:
    """A number per group, one of its own for each item without a group; None if none has one."""
    names: dict[str, int] = {}
    groups = np.arange(len(rows.row), dtype=np.int64)
    for number, opened in enumerate(snapshot.pool):
        at = np.flatnonzero(rows.segment == number)
        for place, attributes in zip(at, opened.reader.attributes(rows.row[at]), strict=True):
            if attributes.group:
                groups[place] = names.setdefault(attributes.group, -1 - len(names))
    return groups if names else None
