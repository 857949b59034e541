"""Batches: what one Query handed out, under lease."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Arm(StrEnum):
    """Why an item is in a batch."""

    STRATEGY = "strategy"
    AUDIT = "audit"


class BatchItemState(StrEnum):
    """How far one item of a batch has come."""

    OPEN = "open"
    ANSWERED = "answered"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One item of a batch. `propensity` is 0 for deterministic choices."""

    item_id: str
    incarnation: int
    rank: int
    score: float
    arm: Arm
    propensity: float = 0.0
    components: Mapping[str, float] = field(default_factory=dict)
    state: BatchItemState = BatchItemState.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One slot on one item: unique in (project, item_id, incarnation, slot)."""

    item_id: str
    incarnation: int
    slot: int
    batch_id: str
    annotator_id: str
    expire_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch with its items, in rank order; times in milliseconds of the database's clock.

    `strategy` was asked for; `chosen_by` names what chose in the end, and `because` says why it
    had its turn. `pool_index` is the artefact that it used, "" for none.
    """

    batch_id: str
    annotator_id: str
    items: tuple[BatchItem, ...]
    expire_time_ms: int
    create_time_ms: int
    strategy: str
    strategy_version: int
    model_id: str | None
    seed: int
    revision: int
    closed: bool = False
    chosen_by: str = ""
    because: str = ""
    pool_index: str = ""

    def lease(self, item: BatchItem) -> Lease:
        """The lease that the batch has on one of its items, until the batch's own end."""
        return Lease(
            item_id=item.item_id,
            incarnation=item.incarnation,
            slot=0,
            batch_id=self.batch_id,
            annotator_id=self.annotator_id,
            expire_time_ms=self.expire_time_ms,
        )
