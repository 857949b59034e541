"""Blocks of a test as real segments in a real place, and a scoring that sees them as such."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, Ranked, crc32c
from alservice.domain.head import Head
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.scoring import Pass, PoolScoring, Represented, SegmentBlock
from alservice.scoring.on_ray import OpenStore
from alservice.scoring.spread import Order, SpreadScoring
from alservice.storage.files import LocalFiles
from alservice.storage.open_elsewhere import open_elsewhere
from alservice.storage.segments.reader import Reader
from alservice.storage.segments.writer import encode
from bench.counted_shards import CountedShards

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
DTYPES = {"float32": DType.F32, "float16": DType.F16, "uint16": DType.BF16}


def stored_block(folder: Path, block: Block) -> Block:
    """The same rows in a file of the place `folder`; a block without rows stays what it is."""
    rows = len(block.id_hash)
    if not rows:
        return block
    kind = DTYPES[str(block.vectors.dtype)]
    items = ItemBlock(tuple(map(str, range(rows))), block.vectors, kind)
    data, _ = encode([(items, np.zeros(rows, np.int64))], block.vectors.shape[1], kind)
    whole = bytearray(data)
    # The hashes of a test are made up, so that they can be equal.
    Reader(memoryview(whole)).ids.hashes[:] = block.id_hash
    content = np.frombuffer(whole, np.uint8)
    segment = Segment(
        segment_id=secrets.token_hex(8),
        project_id="stored",
        space_id="stored",
        state=SegmentState.LIVE,
        rows=rows,
        live_rows=rows,
        size_bytes=len(content),
        crc32c=crc32c(content),
    )
    draft = LocalFiles(folder / "segments").create(segment.segment_id)
    draft.write(content)
    draft.publish(segment.crc32c)
    return SegmentBlock(block.vectors, block.id_hash, block.excluded, segment)


@dataclass
class Stored:
    """A PoolScoring whose blocks are stored first, each once."""

    scoring: PoolScoring
    folder: Path
    known: dict[int, tuple[Block, Block]] = field(default_factory=dict)

    def choose(self, ask: Pass) -> Ranked:
        return self.scoring.choose(replace(ask, blocks=self._stored(ask.blocks)))

    def draw(self, blocks: Sequence[Block], count: int, seed: int, cancel: CancelFlag) -> Ranked:
        return self.scoring.draw(self._stored(blocks), count, seed, cancel)

    def gather(
        self, blocks: Sequence[Block], block: I64, row: I64, cancel: CancelFlag | None = None
    ) -> F32:
        return self.scoring.gather(self._stored(blocks), block, row, cancel)

    def probabilities(self, vectors: F32, head: Head) -> F32:
        return self.scoring.probabilities(vectors, head)

    def represented(
        self, blocks: Sequence[Block], picks: Ranked, most: int, cancel: CancelFlag
    ) -> Represented:
        return self.scoring.represented(self._stored(blocks), picks, most, cancel)

    def _stored(self, blocks: Sequence[Block]) -> list[Block]:
        return [self._once(block) for block in blocks]

    def _once(self, block: Block) -> Block:
        """By identity, while the block lives."""
        if id(block) not in self.known:
            if len(self.known) > 64:
                self.known.clear()
            self.known[id(block)] = (block, stored_block(self.folder, block))
        return self.known[id(block)][1]


class Flaky(CountedShards):
    """Shards of this process, some of which never answer."""

    def __init__(self, open_store: OpenStore, count: int, gone: Sequence[int]) -> None:
        super().__init__(open_store, count)
        self._gone = gone

    def start(self, orders: Mapping[int, Order]) -> Self:
        return super().start({s: order for s, order in orders.items() if s not in self._gone})


def spread(folder: Path, count: int, gone: Sequence[int] = ()) -> Stored:
    """A scoring over so many shards of this process, on a place of its own."""
    (folder / "segments").mkdir(parents=True, exist_ok=True)
    shards = Flaky(partial(open_elsewhere, None, folder), count, gone)
    return Stored(SpreadScoring(Engine(1), shards=shards), folder)
