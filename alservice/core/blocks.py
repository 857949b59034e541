"""The nouns of the core: a block of rows, and rows ranked best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.core.arrays import checked, checked_vectors


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one segment; the arrays are borrowed, never copied or written.

    They may be read-only memory maps. Each must be C-contiguous and aligned.
    """

    #: (n, d) float32, float16, or uint16 holding bfloat16 bits.
    vectors: NDArray[Any]
    #: (n,) see `hash_ids`; the source of every tie-break and sample.
    id_hash: NDArray[np.uint64]
    #: (ceil(n / 8),) packed bits, lowest first; bit set = the row must not be chosen.
    excluded: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows, best first, as three columns of equal length."""

    #: Which block.
    block: NDArray[np.int64]
    #: Which row of it.
    row: NDArray[np.int64]
    #: Its score.
    score: NDArray[np.float32]
    #: What made the score, by name, as further columns.
    components: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


RawBlock = tuple[str, NDArray[Any], NDArray[np.uint64], NDArray[np.uint8]]


def checked_blocks(blocks: Sequence[Block]) -> list[RawBlock]:
    """The arrays of each block; raises TypeError or ValueError naming the one that is wrong.

    That lengths agree is checked by the kernels.
    """
    return [_checked(f"blocks[{i}]", block) for i, block in enumerate(blocks)]


def _checked(name: str, block: Block) -> RawBlock:
    if not isinstance(block, Block):
        raise TypeError(f"{name}: expected a Block, got {type(block).__name__}")
    kind, values = checked_vectors(f"{name}.vectors", block.vectors)
    id_hash = checked(f"{name}.id_hash", block.id_hash, np.uint64, 1)
    excluded = checked(f"{name}.excluded", block.excluded, np.uint8, 1)
    return kind, values, id_hash, excluded
