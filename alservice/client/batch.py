"""What one Query handed out, column by column."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.api.v1 import batch_pb2
from alservice.client.content import Part, parts_of, text_of_parts
from alservice.client.plain import time_of
from alservice.client.words import ARMS, ITEM_STATES

SHOWN_IDS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Items that are worth a label, best first, leased to one annotator.

    `ids`, `ranks` (int32, from 1), `scores` (float32, higher is more worth; 0 for uniform draws),
    `contents` and `states` (`open`, `answered`, `released`) have one entry per item. `arms`
    (`strategy`, `audit`) and `propensities` (NaN for deterministic choices, which have none) are
    told only by Project.batch and Project.batches with view="full".

    `chosen_by` names what chose in the end (a step of a schedule such as `auto`, or the cold
    start), `because` says why. With view="full", `reasons` says what decided for each item, and
    `represented_counts` (int64) and `represented_ids` how many items of the pool have it nearest,
    and the nearest of those.

    `name` is empty for a dry run. `model` is the model that scored, empty if none did. `notes`
    say in plain words what a person should know, such as that there is no model yet.
    `unseen_label_count` (settled labels that the model has not seen) and `open_item_count` (items
    left to ask about, roughly) are known only to the answer of a query, else None.
    """

    name: str
    ids: list[str]
    ranks: NDArray[np.int32]
    scores: NDArray[np.float32]
    contents: list[tuple[Part, ...]]
    states: list[str]
    arms: list[str]
    propensities: NDArray[np.float32]
    component_scores: list[dict[str, float]]
    annotator: str
    expire_time: datetime | None
    create_time: datetime | None
    strategy: str
    strategy_version: int
    model: str
    seed: int
    revision: int
    closed: bool
    chosen_by: str
    because: str
    pool_index: str
    reasons: list[str]
    represented_counts: NDArray[np.int64]
    represented_ids: list[tuple[str, ...]]
    notes: tuple[str, ...] = ()
    unseen_label_count: int | None = None
    open_item_count: int | None = None

    @property
    def texts(self) -> list[str]:
        """The text of each item, its parts one a line; empty where there is none."""
        return [text_of_parts(parts) for parts in self.contents]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        named = ", ".join(self.ids[:SHOWN_IDS]) + (", …" if len(self) > SHOWN_IDS else "")
        name, chosen_by = self.name or "dry run", self.chosen_by or self.strategy
        return f"Batch({len(self)} items, {name}, strategy {chosen_by}: {named})"


def batch_of(
    message: batch_pb2.Batch,
    notes: tuple[str, ...] = (),
    unseen_label_count: int | None = None,
    open_item_count: int | None = None,
) -> Batch:
    """The batch that a message describes."""
    items = message.items
    return Batch(
        name=message.name,
        ids=[item.item_id for item in items],
        ranks=np.array([item.rank for item in items], np.int32),
        scores=np.array([item.score for item in items], np.float32),
        contents=[parts_of(item.content) for item in items],
        states=[ITEM_STATES.word(item.state) for item in items],
        arms=[ARMS.word(item.arm) for item in items],
        propensities=np.array([_propensity(item) for item in items], np.float32),
        component_scores=[dict(item.component_scores) for item in items],
        annotator=message.annotator_id,
        expire_time=time_of(message.expire_time),
        create_time=time_of(message.create_time),
        strategy=message.strategy,
        strategy_version=message.strategy_version,
        model=message.model,
        seed=message.seed,
        revision=message.revision,
        closed=message.closed,
        chosen_by=message.chosen_by,
        because=message.because,
        pool_index=message.pool_index,
        reasons=[item.reason for item in items],
        represented_counts=np.array([item.represented_count for item in items], np.int64),
        represented_ids=[tuple(item.represented_item_ids) for item in items],
        notes=notes,
        unseen_label_count=unseen_label_count,
        open_item_count=open_item_count,
    )


def _propensity(item: batch_pb2.BatchItem) -> float:
    return item.propensity if item.HasField("propensity") else math.nan
