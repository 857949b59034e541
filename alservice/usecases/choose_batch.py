"""Choose a batch from a snapshot: the strategy's picks, the audit's draws, and what to tell people.

Nothing is written here. A little more than the batch is chosen, so that items which others get
first can be replaced without another pass over the pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.audit import audit_count
from alservice.domain.batch import Arm
from alservice.domain.errors import PoolEmpty, VectorsMissing
from alservice.domain.learner import LinearHead
from alservice.domain.strategy import Need, Scoring, Strategy
from alservice.ports.scoring import PoolScoring
from alservice.ports.segments import SegmentStore
from alservice.usecases.locate import locate
from alservice.usecases.pool_masks import count_unset, mark
from alservice.usecases.snapshot import Snapshot

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
_SLACK: Final = 64


@dataclass(frozen=True, slots=True)
class UsableModel:
    """A model that can score."""

    model_id: str
    revision: int
    head: LinearHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to choose: `fallback` chooses where `strategy` has no usable model."""

    batch_size: int
    strategy: Strategy
    fallback: Strategy
    parameters: Mapping[str, float]
    seed: int
    model: UsableModel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One item that may go into the batch: where it is, and what it is worth."""

    item_id: str
    incarnation: int
    segment: int
    row: int
    score: float
    arm: Arm
    propensity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Candidates of both arms, best first, more than wanted; `complete` if the open pool holds no more."""

    strategy: Strategy
    model_id: str | None
    picks: Sequence[Candidate]
    audits: Sequence[Candidate]
    audit_wanted: int
    complete: bool
    open_count: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChooseBatch:
    """Chooses from a snapshot."""

    scoring: PoolScoring
    store: SegmentStore

    def __call__(self, snapshot: Snapshot, wish: Wish, cancel: CancelFlag) -> Choice:
        """The choice. Raises PoolEmpty, VectorsMissing, Cancelled."""
        strategy, notes = _settle_strategy(snapshot, wish)
        held = self._held(snapshot)
        blocks = _blocks(snapshot, held, audit=False)
        open_count = _open_count(blocks)
        audits = self._audit(snapshot, held, wish, strategy, cancel)
        if not open_count and not audits:
            raise _pool_empty(snapshot)
        wanted = wish.batch_size - min(len(audits), self._audit_wanted(snapshot, wish))
        ranked = self._rank(snapshot, blocks, strategy, wish, wanted + _slack(wanted), cancel)
        propensity = min(1.0, wanted / open_count) if strategy.name == "random" else 0.0
        return Choice(
            strategy=strategy,
            model_id=wish.model.model_id if wish.model and Need.MODEL in strategy.needs else None,
            picks=_candidates(snapshot, ranked, Arm.STRATEGY, propensity),
            audits=audits,
            audit_wanted=self._audit_wanted(snapshot, wish),
            complete=len(ranked.row) == open_count,
            open_count=open_count,
            notes=notes,
        )

    def _held(self, snapshot: Snapshot) -> tuple[I64, I64]:
        """(segment, row) of what is leased, or refused by this annotator."""
        keys = [lease.item_id for lease in snapshot.leases]
        keys += [item_id for item_id, _ in snapshot.abstained]
        segment, row = locate(snapshot.pool, self.store.pack(keys))
        found = segment >= 0
        return segment[found], row[found]

    def _rank(
        self,
        snapshot: Snapshot,
        blocks: Sequence[Block],
        strategy: Strategy,
        wish: Wish,
        count: int,
        cancel: CancelFlag,
    ) -> Ranked:
        if isinstance(strategy, Scoring):
            if wish.model is None:
                raise AssertionError(strategy.name)
            return self.scoring.rank(strategy, blocks, wish.model.head, count, wish.seed, cancel)
        anchors = self._anchors(snapshot, blocks) if Need.VECTORS in strategy.needs else _none()
        parameters = dict(wish.parameters)
        return self.scoring.select(strategy, blocks, anchors, count, wish.seed, parameters, cancel)

    def _anchors(self, snapshot: Snapshot, blocks: Sequence[Block]) -> F32:
        """Vectors of labelled and of leased items: what a selecting strategy must not repeat."""
        held_segment, held_row = self._held(snapshot)
        segments, rows = [held_segment], [held_row]
        for index, opened in enumerate(snapshot.pool):
            masks = snapshot.masks.masks[opened.segment.segment_id]
            labelled = np.unpackbits(
                masks.labelled & ~opened.deleted, count=opened.reader.rows, bitorder="little"
            )
            row = np.flatnonzero(labelled)
            segments.append(np.full(len(row), index, np.int64))
            rows.append(row.astype(np.int64))
        return self.scoring.gather(blocks, np.concatenate(segments), np.concatenate(rows))

    def _audit_wanted(self, snapshot: Snapshot, wish: Wish) -> int:
        project = snapshot.project
        handed_out = project.audit_asked + project.queried_asked
        return audit_count(project.policy, project.audit_asked, handed_out, wish.batch_size)

    def _audit(
        self,
        snapshot: Snapshot,
        held: tuple[I64, I64],
        wish: Wish,
        strategy: Strategy,
        cancel: CancelFlag,
    ) -> Sequence[Candidate]:
        wanted = self._audit_wanted(snapshot, wish)
        if not wanted:
            return ()
        blocks = _blocks(snapshot, held, audit=True)
        # The salt as seed draws in the order of the hash that made the reserve: one fixed uniform sample.
        drawn = self.scoring.draw(blocks, wanted + _slack(wanted), snapshot.project.salt, cancel)
        scores = self._audit_scores(snapshot, blocks, drawn, wish, strategy)
        propensity = min(1.0, wanted / max(1, _open_count(blocks)))
        ranked = Ranked(block=drawn.block, row=drawn.row, score=scores)
        return _candidates(snapshot, ranked, Arm.AUDIT, propensity)

    def _audit_scores(
        self,
        snapshot: Snapshot,
        blocks: Sequence[Block],
        drawn: Ranked,
        wish: Wish,
        strategy: Strategy,
    ) -> F32:
        """What the strategy would have given, so that the score does not give the arm away."""
        if Need.VECTORS not in strategy.needs or not len(drawn.row):
            return np.zeros(len(drawn.row), np.float32)
        vectors = self.scoring.gather(blocks, drawn.block, drawn.row)
        if isinstance(strategy, Scoring) and wish.model is not None:
            return strategy.score(self.scoring.probabilities(vectors, wish.model.head))
        anchors = self._anchors(snapshot, blocks)
        if not len(anchors):
            return np.zeros(len(drawn.row), np.float32)
        nearest = [float(np.linalg.norm(anchors - vector, axis=1).min()) for vector in vectors]
        return np.array(nearest, np.float32)


def _settle_strategy(snapshot: Snapshot, wish: Wish) -> tuple[Strategy, tuple[str, ...]]:
    strategy = wish.strategy
    if Need.VECTORS in strategy.needs and snapshot.project.space.dimension == 0:
        text = (
            f"{strategy.name} needs vectors, and the items of this project have none; use random"
        )
        raise VectorsMissing(text, strategy=strategy.name)
    if Need.MODEL in strategy.needs and wish.model is None:
        note = (
            f"There is no usable model yet, so {strategy.name} could not choose: the items were "
            "drawn uniformly. Label them, then call Train."
        )
        return wish.fallback, (note,)
    return strategy, ()


def _blocks(snapshot: Snapshot, held: tuple[I64, I64], *, audit: bool) -> list[Block]:
    segment_of, row_of = held
    blocks = []
    for index, opened in enumerate(snapshot.pool):
        masks = snapshot.masks.masks[opened.segment.segment_id]
        closed = masks.audit_closed(opened.deleted) if audit else masks.closed(opened.deleted)
        rows = row_of[segment_of == index]
        blocks.append(
            Block(
                vectors=opened.reader.vectors,
                id_hash=opened.reader.ids.hashes,
                excluded=mark(closed, rows) if len(rows) else closed,
            )
        )
    return blocks


def _open_count(blocks: Sequence[Block]) -> int:
    return sum(count_unset(block.excluded, len(block.id_hash)) for block in blocks)


def _slack(wanted: int) -> int:
    return wanted + _SLACK if wanted else 0


def _candidates(
    snapshot: Snapshot, ranked: Ranked, arm: Arm, propensity: float
) -> list[Candidate]:
    found: list[Candidate | None] = [None] * len(ranked.row)
    for index, opened in enumerate(snapshot.pool):
        at = np.flatnonzero(ranked.block == index).tolist()
        rows = ranked.row[at]
        names = opened.reader.item_ids(rows)
        lives = opened.reader.incarnations[rows]
        for place, item_id, incarnation, row in zip(at, names, lives, rows, strict=True):
            found[place] = Candidate(
                item_id=item_id,
                incarnation=int(incarnation),
                segment=index,
                row=int(row),
                score=float(ranked.score[place]),
                arm=arm,
                propensity=propensity,
            )
    return [candidate for candidate in found if candidate is not None]


def _none() -> F32:
    return np.zeros((0, 0), np.float32)


def _pool_empty(snapshot: Snapshot) -> PoolEmpty:
    project = snapshot.project
    text = (
        "no item is left to ask about: all are labelled, leased, reserved or not of role POOL; "
        "add items, or wait for leases to end"
    )
    return PoolEmpty(
        text,
        project=project.project_id,
        item_count=project.item_count,
        settled_count=project.settled_count,
    )
