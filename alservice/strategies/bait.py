"""BAIT: ask about the items whose labels would make the model surest about the whole pool."""

from typing import Final

import numpy as np

from alservice.core import Ranked
from alservice.core.design import bait
from alservice.domain.fisher import F64, Information, information
from alservice.domain.pool_view import take
from alservice.domain.strategy import F32, Need, Parameter, PoolView, Selecting

_CANDIDATES: Final = Parameter(
    name="candidates",
    description="Rows of a larger pool that may be chosen, half the best scored, half drawn; or "
    "four for each asked for, if more.",
    default=100_000,
    minimum=1,
    maximum=200_000,
)
_OVER: Final = 2


def select(pool: PoolView, count: int) -> Ranked:
    """Greedy minimisation of tr(M^-1 F): twice as many picks as asked, then the worst dropped.

    M is the information of the penalty, the labelled, the leased and the picked items, F the
    mean information of the pool, both in the binary form. A score is the share by which the
    trace shrinks with that pick.
    """
    cap = pool.parameters.get(_CANDIDATES.name, _CANDIDATES.default)
    known = information(pool, max(int(cap), 4 * count))
    if known is None or not count:
        return pool.sample(0)
    index = bait(
        pool.engine,
        known.vectors,
        known.weights,
        known.inverse,
        known.pool,
        count,
        _OVER,
        pool.cancel,
    )
    shrinkage = _shrinkage(known, index)
    return take(
        known.rows, index, shrinkage, shrinkage=shrinkage, uncertainty=known.weights[index]
    )


def _shrinkage(known: Information, index: np.ndarray) -> F32:
    """The share (k,) of the trace that each pick takes away after those before it."""
    inverse = known.inverse.copy()
    trace = float((inverse * known.pool).sum())
    gains = []
    for row in index:
        x = known.vectors[row].astype(np.float64) * np.sqrt(float(known.weights[row]))
        reach: F64 = inverse @ x
        scale = 1 / (1 + float(x @ reach))
        gains.append(scale * float(reach @ known.pool @ reach))
        inverse -= scale * np.outer(reach, reach)
    return np.array(gains, np.float32) / np.float32(trace or 1.0)


STRATEGY = Selecting(
    name="bait",
    version=1,
    summary="Labels that would make the model surest about the whole pool.",
    reference=(
        "Ash, Goel, Krishnamurthy & Kakade, Gone Fishing: Neural Active Learning with Fisher "
        "Embeddings, NeurIPS 2021; Huseljic, Hahn, Herde, Rauch & Sick, Fast Fishing: "
        "Approximating BAIT for Efficient and Scalable Deep Active Image Classification, ECML "
        "PKDD 2024"
    ),
    select=select,
    needs=frozenset({Need.MODEL, Need.VECTORS}),
    parameters=(_CANDIDATES,),
    scores="margin",
    shortlists=True,
)
