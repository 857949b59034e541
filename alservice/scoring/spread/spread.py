"""Cuts a pool into shards, has a task carried out on all of them, and asks nobody twice.

Whatever a shard cannot do (it died too often, its machine cannot reach a file, the segment was
merged away meanwhile) this process does itself, from the files that it has mapped: a query never
fails because of the cluster.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Ranked
from alservice.ports.scoring import SegmentBlock
from alservice.scoring.local import LocalScoring
from alservice.scoring.spread.merge import merge_ranked
from alservice.scoring.spread.shards import Order, Piece, Shards
from alservice.scoring.spread.tasks import Draw, Gather, Hands, Task
from alservice.telemetry.logs import logger

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
_log: Final = logger("scoring")
_GATHERED_BYTES: Final = 256 << 20  # of vectors at once: a shard's answer comes in good time
Blocks = Sequence[Block]
Costs = Sequence[F32 | None]


@dataclass(frozen=True, slots=True)
class Spread:
    """Shards, and the engine of this process, which has what no shard can have."""

    shards: Shards
    local: LocalScoring

    def run(self, task: Task, blocks: Blocks, costs: Costs, cancel: CancelFlag) -> list[object]:
        """The answers of all parts, always in the same order. Raises Cancelled."""
        mine, theirs = self._cut(blocks)
        orders = self._orders(task, theirs, blocks, costs)
        with self.shards.start(orders) as pending:
            found = self._here(task, mine, blocks, costs, cancel)
            answers = pending.wait(cancel) if orders else {}
        for shard, order in orders.items():
            if (answer := answers.get(shard)) is not None:
                found.append(answer)
                continue
            _log.warning("a shard did not answer: its part is done here", shard=shard)
            numbers = [piece.number for piece in order.pieces]
            found += self._here(task, numbers, blocks, costs, cancel)
        return found

    def draw(self, blocks: Blocks, count: int, seed: int, cancel: CancelFlag) -> Ranked:
        """A uniform sample. Raises Cancelled."""
        found = self.run(Draw(count, seed), blocks, (), cancel)
        return merge_ranked(
            [part for part in found if isinstance(part, Ranked)], blocks, count, seed
        )

    def gather(self, blocks: Blocks, block: I64, row: I64, cancel: CancelFlag) -> F32:
        """The vectors (m, d) of these rows. Raises ValueError for a row that does not exist."""
        most = max(1, _GATHERED_BYTES // (4 * blocks[0].vectors.shape[1])) if blocks else 1
        if len(row) <= most:
            return self._gather_at_once(blocks, block, row, cancel)
        out = np.empty((len(row), blocks[0].vectors.shape[1]), np.float32)
        for begin in range(0, len(row), most):
            some = slice(begin, begin + most)
            out[some] = self._gather_at_once(blocks, block[some], row[some], cancel)
        return out

    def _gather_at_once(self, blocks: Blocks, block: I64, row: I64, cancel: CancelFlag) -> F32:
        task = Gather(np.arange(len(row)), block, row)
        found = self.run(task, blocks, (), cancel)
        parts = [part for part in found if isinstance(part, tuple)]
        if not parts or sum(len(at) for at, _ in parts) < len(row):
            return self.local.gather(blocks, block, row)  # which says what is wrong
        out = np.empty((len(row), parts[0][1].shape[1]), np.float32)
        for at, vectors in parts:
            out[at] = vectors
        return out

    def _cut(self, blocks: Blocks) -> tuple[list[int], Mapping[int, list[int]]]:
        """Numbers of the blocks for this process, and of those for each shard.

        Each segment goes to the shard with the fewest rows so far, so what is added later moves
        nothing that was there before: shards keep what they have cached.
        """
        rows = [0] * self.shards.count
        theirs: dict[int, list[int]] = {}
        mine: list[int] = []
        for number, block in enumerate(blocks):
            if not rows or not isinstance(block, SegmentBlock) or block.segment.inline:
                mine.append(number)
                continue
            shard = rows.index(min(rows))
            rows[shard] += len(block.id_hash)
            theirs.setdefault(shard, []).append(number)
        return mine, theirs

    def _orders(
        self, task: Task, theirs: Mapping[int, list[int]], blocks: Blocks, costs: Costs
    ) -> dict[int, Order]:
        orders = {}
        for shard, numbers in sorted(theirs.items()):
            part = task.part(np.array(numbers, np.int64))
            if part is not None:
                pieces = (_piece(number, blocks[number], costs) for number in numbers)
                orders[shard] = Order(part, tuple(each for each in pieces if each is not None))
        return orders

    def _here(
        self, task: Task, numbers: Iterable[int], blocks: Blocks, costs: Costs, cancel: CancelFlag
    ) -> list[object]:
        """The answer for these blocks, if there are any, by this process."""
        here = np.array(list(numbers), np.int64)
        part = task.part(here) if len(here) else None
        if part is None:
            return []
        hands = Hands(
            scoring=self.local,
            blocks=[blocks[number] for number in here],
            numbers=here,
            costs=[_cost(number, costs) for number in here],
            cancel=cancel,
        )
        return [part(hands)]


def _piece(number: int, block: Block, costs: Costs) -> Piece | None:
    if not isinstance(block, SegmentBlock):
        return None
    return Piece(
        segment=replace(block.segment, deletions=b""),  # the mask says it
        number=number,
        excluded=block.excluded,
        costs=_cost(number, costs),
    )


def _cost(number: int, costs: Costs) -> F32 | None:
    return costs[number] if costs else None
