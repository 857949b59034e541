"""What carries out tasks elsewhere, as the spread pass sees it: numbered, none of them sure."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.core import CancelFlag
from alservice.domain.segment import Segment
from alservice.scoring.spread.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One segment as an order names it: enough to open it wherever its place can be reached."""

    segment: Segment
    number: int  # of its block in the pool
    excluded: NDArray[np.uint8]
    costs: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A task on some segments. Nothing has to be known of earlier orders to carry it out."""

    task: Task
    pieces: tuple[Piece, ...]


class Pending(Protocol):
    """Orders that are being carried out."""

    def wait(self, cancel: CancelFlag) -> Mapping[int, object]:
        """The answers by shard; without those that could not be had. Raises Cancelled."""


class Shards(Protocol):
    """So many workers, which all reach the place of the segments."""

    @property
    def count(self) -> int:
        """How many; 0 while there are none."""

    def start(self, orders: Mapping[int, Order]) -> AbstractContextManager[Pending]:
        """Begin orders, by shard; whatever still runs when the context ends is cancelled."""
