"""The contract between the service and a strategy.

A strategy is a value, not a class to inherit from: a name, what it needs, and one pure function.
Scoring strategies look at one row at a time, so the service may cut the pool into shards and
score them anywhere; selecting strategies look at the batch as a whole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from alservice.core import Block, CancelFlag, Engine, Ranked

F32 = NDArray[np.float32]


class Need(StrEnum):
    """What a strategy cannot work without."""

    MODEL = "model"
    VECTORS = "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A knob: a number in [minimum, maximum]."""

    name: str
    description: str
    default: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Higher score: more worth a label.

    `measure` names the fused kernel of the core; `score` is the same as a function of class
    probabilities, (n, C) float32 to (n,) float32, one row at a time. A test holds them equal.
    """

    name: str
    version: int
    summary: str
    reference: str
    measure: str
    score: Callable[[F32], F32]
    needs: frozenset[Need] = frozenset({Need.MODEL, Need.VECTORS})
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """The open pool as a selecting strategy sees it: read-only, block by block.

    `anchors` (m, d) float32 are the vectors of labelled items and of items leased to
    others: to be treated as already chosen.
    """

    blocks: Sequence[Block]
    anchors: F32
    seed: int
    engine: Engine
    cancel: CancelFlag | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """`select` returns distinct rows that no block excludes, best first.

    As many as asked, or all there are.
    """

    name: str
    version: int
    summary: str
    reference: str
    select: Callable[[PoolView, int], Ranked]
    needs: frozenset[Need] = frozenset({Need.VECTORS})
    parameters: tuple[Parameter, ...] = ()


Strategy = Scoring | Selecting
