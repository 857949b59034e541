"""Which way to find neighbours: the better one that ends in time and fits into memory."""

import os
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from alservice.domain.errors import IndexTooLarge
from alservice.index.pool_vectors import SAMPLE_BYTES

EXACT_ROWS: Final = 50_000
EXACT_BYTES: Final = 2**30  # of the vectors, which are all held at once
GRAPH_ROWS: Final = 5_000_000
FEWEST_ROWS: Final = 16  # to train a code on
LINKS: Final = 32  # of the graph
LIST_BYTES: Final = 64  # of a row, beside its code: id, and room to grow
# Of a neighbour: number and distance. Of a row: hashes and what sorts them, cluster, duplicate.
ENTRY_BYTES: Final = 8
ROW_BYTES: Final = 64
QUOTA: Final = Path("/sys/fs/cgroup/memory.max")


class Way(Enum):
    """All with all; candidates from a graph over 8-bit codes; from lists of 4-bit codes."""

    EXACT = auto()
    GRAPH = auto()
    LISTS = auto()


@dataclass(frozen=True, slots=True)
class Size:
    """What is to be indexed: `rows` vectors of `dimension` numbers, `count` neighbours each."""

    rows: int
    dimension: int
    count: int

    def vector_bytes(self) -> int:
        """Of all vectors as float32."""
        return 4 * self.rows * self.dimension

    def build_bytes(self, way: Way) -> int:
        """About how much memory a build takes, beside the mapped files of the pool."""
        held = {
            Way.EXACT: self.vector_bytes(),
            Way.GRAPH: self.rows * (self.dimension + 8 * LINKS),
            Way.LISTS: self.rows * (self.dimension // 4 + LIST_BYTES),
        }
        result = self.rows * (ENTRY_BYTES * self.count + ROW_BYTES)
        return held[way] + result + min(self.vector_bytes(), SAMPLE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Rows bound the time, bytes the memory."""

    exact_rows: int = EXACT_ROWS
    exact_bytes: int = EXACT_BYTES
    graph_rows: int = GRAPH_ROWS
    build_bytes: int

    def way(self, size: Size) -> Way:
        """The way for a pool of this size. Raises IndexTooLarge where none fits."""
        if size.rows <= FEWEST_ROWS:
            return Way.EXACT
        fits = [way for way in Way if size.build_bytes(way) <= self.build_bytes]
        small = size.rows <= self.exact_rows and size.vector_bytes() <= self.exact_bytes
        if small and Way.EXACT in fits:
            return Way.EXACT
        if size.rows <= self.graph_rows and Way.GRAPH in fits:
            return Way.GRAPH
        if Way.LISTS in fits:
            return Way.LISTS
        raise _too_large(size, self.build_bytes)


def half_of_memory() -> int:
    """Bytes: half of what the machine has or, if that is less, the control group may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(physical, _quota(QUOTA) or physical) // 2


def _quota(path: Path) -> int | None:
    """Bytes in `memory.max` of cgroup v2; None for no limit."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _too_large(size: Size, limit: int) -> IndexTooLarge:
    needed = size.build_bytes(Way.LISTS)
    text = (
        f"an index of {size.rows:,} items with {size.count} neighbours each would take about "
        f"{needed / 1e9:.1f} GB of memory to build, and this server spends {limit / 1e9:.1f} GB "
        "at most, half of what it may use: ask for fewer neighbours, or give it more memory"
    )
    return IndexTooLarge(text, needed_bytes=needed, limit_bytes=limit)
