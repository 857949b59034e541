"""The contract between the service and a strategy.

A strategy is a value, not a class to inherit from: a name, what it needs, and one pure function.
Scoring strategies look at one row at a time, so the service may cut the pool into shards and
score them anywhere; selecting strategies look at the batch as a whole. Schedules and ensembles
are data: they name other strategies and say when each has its turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked
from alservice.domain.pool_view import PoolView

__all__ = [
    "COST_EXPONENT",
    "F32",
    "Direct",
    "Ensemble",
    "Need",
    "Parameter",
    "PoolView",
    "Schedule",
    "Scoring",
    "Selecting",
    "Situation",
    "Step",
    "Strategy",
    "parameters_of",
]

F32 = NDArray[np.float32]


class Need(StrEnum):
    """What a strategy cannot work without."""

    MODEL = "model"
    VECTORS = "vectors"
    LABELS = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A knob: a number in [minimum, maximum]."""

    name: str
    description: str
    default: float
    minimum: float
    maximum: float


COST_EXPONENT = Parameter(
    name="cost_exponent",
    description="A score is divided by the item's cost to this power; 0 leaves costs aside.",
    default=0.0,
    minimum=0.0,
    maximum=4.0,
)


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


def _never(_parameters: Mapping[str, float]) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """`select` returns distinct rows that no block excludes, best first, at most as many as asked.

    Where it returns fewer, uniform draws fill the batch, so that it never comes short, unless
    `fills` is False: then it means to be short. `shortlists`: the scores only shorten large
    pools, so it can diversify no other strategy's. `scores`
    names the scoring strategy that it diversifies, found in `PoolView.scored`; a caller may put
    any other scoring strategy in its place. "": it diversifies none. `greedy`: a smaller batch
    is the beginning of a larger one, while there are four candidates for each item of the
    larger. `uses_index`: it chooses better, or faster, with a PoolIndex, and does without where
    there is none. `uses_nearest`: it asks again and again for each row's distance to the nearest
    label, which is then kept between rounds. `two_rounds` says whether, with these parameters, a
    pool too large for one machine may be chosen from in parts, and then among what the parts
    chose, for an answer that is provably nearly as good; it must read no scores, costs or model.
    """

    name: str
    version: int
    summary: str
    reference: str
    select: Callable[[PoolView, int], Ranked]
    needs: frozenset[Need] = frozenset({Need.VECTORS})
    parameters: tuple[Parameter, ...] = ()
    scores: str = ""
    greedy: bool = False
    uses_index: bool = False
    uses_nearest: bool = False
    fills: bool = True
    shortlists: bool = False
    two_rounds: Callable[[Mapping[str, float]], bool] = _never

    @property
    def diversifies(self) -> bool:
        """Whether it may be named to diversify any scoring strategy."""
        return bool(self.scores) and not self.shortlists


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where a project stands, as a schedule sees it."""

    labels: int  #: settled labels that train
    classes: int  #: declared classes
    seen_classes: int  #: classes with at least one such label
    batch_size: int
    has_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a schedule: `strategy` chooses while `holds` says so.

    `strategy` and `diversify` are names; `because` is told to people as the reason.
    """

    strategy: str
    holds: Callable[[Situation], bool]
    because: str
    diversify: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The first step that holds has the turn; the last one always holds."""

    name: str
    version: int
    summary: str
    reference: str
    steps: tuple[Step, ...]
    needs: frozenset[Need] = frozenset({Need.VECTORS})
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensemble:
    """Members choose from random subsets, round after round; `final` chooses from the union.

    Each round draws `subsets` subsets of what the round before left, shared out evenly among the
    members. Members that need a model that is not there sit out.
    """

    name: str
    version: int
    summary: str
    reference: str
    members: tuple[str, ...]
    final: str
    rounds: int
    subsets: int
    subset_rows: int
    needs: frozenset[Need] = frozenset({Need.MODEL, Need.VECTORS})
    parameters: tuple[Parameter, ...] = ()


Direct = Scoring | Selecting
Strategy = Scoring | Selecting | Schedule | Ensemble


def parameters_of(strategy: Strategy) -> tuple[Parameter, ...]:
    """Its own parameters, and what every strategy that works with scores takes."""
    plain = isinstance(strategy, Ensemble) or (
        isinstance(strategy, Selecting) and not strategy.diversifies
    )
    return strategy.parameters if plain else (*strategy.parameters, COST_EXPONENT)
