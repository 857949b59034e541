"""The vectors of a pool by row number, gathered into float32 a slice at a time."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Cancelled, Engine

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

SLICE_BYTES: Final = 128 * 2**20  # of vectors, at most, in one slice
SAMPLE_BYTES: Final = 512 * 2**20  # in a sample


class PoolVectors:
    """Rows are numbered through the blocks in their order."""

    def __init__(self, engine: Engine, blocks: Sequence[Block]) -> None:
        self.engine = engine
        self.blocks = blocks
        sizes = [len(block.id_hash) for block in blocks]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._offsets[-1])

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return self.blocks[0].vectors.shape[1] if self.blocks else 0

    @property
    def id_hashes(self) -> NDArray[np.uint64]:
        """(N,) in the order of the rows."""
        none = np.zeros(0, np.uint64)
        return np.concatenate([none, *(block.id_hash for block in self.blocks)])

    def take(self, rows: I64) -> F32:
        """The vectors (m, d) of these rows."""
        block = np.searchsorted(self._offsets, rows, side="right") - 1
        return self.engine.gather(self.blocks, block, rows - self._offsets[block])

    def read(self, start: int, stop: int) -> F32:
        """The vectors (stop - start, d) of a run of rows."""
        return self.take(np.arange(start, stop, dtype=np.int64))

    def fitting(self, rows: int, size_bytes: int) -> int:
        """So many rows, or as many as have their vectors in `size_bytes`; one at least."""
        return max(1, min(rows, size_bytes // (4 * max(1, self.dimension))))

    def slices(
        self, step: int, cancel: CancelFlag, size_bytes: int = SLICE_BYTES
    ) -> Iterator[tuple[int, int]]:
        """Where each slice of at most so many rows and bytes begins and ends. Raises Cancelled."""
        step = self.fitting(step, size_bytes)
        for start in range(0, len(self), step):
            if cancel.cancelled:
                raise Cancelled
            yield start, min(start + step, len(self))
