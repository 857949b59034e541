"""Uncertainty herding: stand for as much uncertainty as possible, not for as many items."""

from collections.abc import Mapping
from math import ceil
from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.domain.herding import Stage, affordable, as_is, bandwidth, herded, stage, unit
from alservice.domain.pool_view import F32, I64, take
from alservice.domain.shortlist import open_count, scored, union
from alservice.domain.strategy import COST_EXPONENT, Need, Parameter, PoolView, Selecting

_ROWS: Final = Parameter(
    name="rows",
    description="Rows that stand for a larger pool; fewer beside more than some 1,200 labels.",
    default=20_000,
    minimum=1,
    maximum=200_000,
)
_SHORTLIST: Final = Parameter(
    name="shortlist",
    description="Candidates from a larger pool, by score, per item asked for (at least 2000); "
    "fewer beside more than some 1,200 labels.",
    default=50,
    minimum=1,
    maximum=10_000,
)
_FOCUS: Final = Parameter(
    name="focus",
    description="Candidates, by score, are 1 and so many per further item, and more while labels "
    "per class are fewer than this; 0: no such limit.",
    default=0,
    minimum=0,
    maximum=10_000,
)
_QUANTILE: Final = Parameter(
    name="quantile",
    description="Quantile of the distances between neighbouring labelled items: the bandwidth.",
    default=0.25,
    minimum=0.0,
    maximum=1.0,
)
_POWER: Final = Parameter(
    name="power",
    description="Power to which the score is raised; 1 in print.",
    default=2,
    minimum=0,
    maximum=10,
)
_UNIT: Final = Parameter(
    name="unit",
    description="1: distances are between unit vectors; 0: between the vectors as they are.",
    default=1,
    minimum=0,
    maximum=1,
)
_PARAMETERS: Final = (_ROWS, _SHORTLIST, _FOCUS, _QUANTILE, _POWER, _UNIT)
_LEAST: Final = 2_000
_MOST_FOCUSED: Final = 1_500
_LEAST_FOCUS: Final = 4
_DRAWN: Final = 10


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy maximisation of the sum of U(x) max k(x, chosen), k a Gaussian that narrows.

    U are powers of the scores to diversify; all 1 where all of these are 0. Scores are the share
    of all U that the pick covers and nothing did before. Labelled and leased items count as
    chosen.
    """
    values = {p.name: pool.parameters.get(p.name, p.default) for p in _PARAMETERS}
    space = unit if values["unit"] >= 0.5 else as_is
    where = _stage(pool, values, count)
    if not where.candidates:
        return where.rows
    doubt = scored(pool).of(where.vectors)
    powers = np.maximum(doubt, 0) ** np.float32(values["power"])
    weights = np.asarray(where.weights * powers, np.float32) if powers.any() else where.weights
    scale = bandwidth(pool, where.uniform, values["quantile"], space)
    index, gain = herded(pool, where, weights, "rbf", scale, count, space)
    index = _filled(index, doubt[: where.candidates], count)
    gain = np.pad(gain, (0, len(index) - len(gain)))
    return take(where.rows, index, gain, gain=gain, uncertainty=doubt[index])


def _filled(index: I64, doubt: F32, count: int) -> I64:
    """The picks and, where all is covered, the most doubtful of the other candidates."""
    order = np.argsort(-doubt, kind="stable")
    rest = order[~np.isin(order, index)]
    return np.concatenate([index, rest[: count - len(index)]])


def _stage(pool: PoolView, values: Mapping[str, float], count: int) -> Stage:
    """All open rows, or of many the most uncertain and a tenth as many drawn."""
    cap, focus = affordable(pool, int(values["rows"])), int(values["focus"])
    sample = pool.sample(cap)
    if focus or pool.parameters.get(COST_EXPONENT.name, 0):  # costs act on the shortlist
        focus = focus or int(values["shortlist"])
        return stage(pool, scored(pool).top(min(_focused(pool, focus, count), cap)), sample)
    if open_count(pool.blocks) <= cap:
        return stage(pool, sample, sample)
    best = _shortlisted(int(values["shortlist"]) * count, count, cap / int(values["rows"]))
    return stage(pool, union(scored(pool).top(best), pool.sample(best // _DRAWN)), sample)


def _shortlisted(wanted: int, count: int, affordable_share: float) -> int:
    """How many may be chosen: fewer beside so many labels that fewer rows stand for the pool."""
    least = max(_LEAST, _LEAST_FOCUS * count)
    return max(_LEAST, min(wanted, max(least, int(wanted * affordable_share))))


def _focused(pool: PoolView, focus: int, count: int) -> int:
    """How many of the most doubtful may be chosen: more while there are few labels per class.

    A batch of one is then the most doubtful item itself as soon as there are `focus` per class.
    What others hold counts as part of the batch: they were asked about the most doubtful too.
    """
    labels = int((pool.anchor_classes >= 0).sum())
    together = count + len(pool.anchor_classes) - labels
    young = max(1.0, focus * pool.class_count / max(labels, 1))
    wanted = ceil((1 + focus * max(together - 1, 0)) * young)
    return min(wanted, max(_MOST_FOCUSED, _LEAST_FOCUS * together))


STRATEGY = Selecting(
    name="uncertainty_herding",
    version=1,
    summary="Stand for the most uncertainty that no labelled item stands for yet.",
    reference=(
        "Bae, Oliveira & Sutherland, Uncertainty Herding: One Active Learning Method for All "
        "Label Budgets, ICLR 2025"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=_PARAMETERS,
    scores="margin",
)
