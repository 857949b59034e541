"""Where the pool pass happens: in this process, or spread over many.

Every implementation passes tests/contract/test_scoring.py and gives the same answer as one
thread would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.head import Head
from alservice.domain.pool_index import PoolIndex
from alservice.domain.segment import Segment
from alservice.domain.strategy import Direct, Scoring

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SegmentBlock(Block):
    """A block that is all rows of a segment, which others can open as well."""

    segment: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One choice from a pool, everything said.

    `strategy` is None only while an ensemble has not yet said which of its members is meant.
    `scores` is what a selecting `strategy` diversifies. `anchors` (m, d), `anchor_classes` (m,)
    and `index` are as in PoolView. A score is divided by the cost to the power `cost_exponent`.
    `pool_key` names the blocks for ever, "" if nothing may be kept about them; the first anchors
    are the rows `labelled` of the pool, as (block, row).
    """

    strategy: Direct | None
    blocks: Sequence[Block]
    count: int
    seed: int
    cancel: CancelFlag
    scores: Scoring | None = None
    head: Head | None = None
    penalty: float = 0.01
    anchors: F32 = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    anchor_classes: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    labelled: tuple[I64, I64] = field(
        default_factory=lambda: (np.zeros(0, np.int64), np.zeros(0, np.int64))
    )
    pool_key: str = ""
    class_count: int = 0
    costs: Sequence[F32 | None] = ()
    cost_exponent: float = 0.0
    index: PoolIndex | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)


class PoolScoring(Protocol):
    """Walks the blocks of a pool on all cores."""

    def choose(self, ask: Pass) -> Ranked:
        """Distinct rows that no block excludes, best first; fewer only if there are fewer.

        Raises Cancelled.
        """

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample of the rows that no block excludes."""

    def gather(
        self,
        blocks: Sequence[Block],
        block: NDArray[np.int64],
        row: NDArray[np.int64],
        cancel: CancelFlag | None = None,
    ) -> F32:
        """The vectors of these rows, (m, d) float32. Raises Cancelled."""

    def probabilities(self, vectors: F32, head: Head) -> F32:
        """Class probabilities, (m, C) float32."""

    def represented(
        self, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
    ) -> "Represented":
        """Which open rows have which of the picks nearest, and how many."""


@dataclass(frozen=True, slots=True)
class Represented:
    """For each pick: how many open rows lie nearest to it, and the nearest few of them.

    `rows` are sorted by pick, then by their score, the Euclidean distance; `pick` says whose.
    """

    counts: NDArray[np.int64]  # (k,)
    pick: NDArray[np.int64]  # (m,), ascending
    rows: Ranked  # (m,)
