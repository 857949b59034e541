"""Random batches whose probabilities are known: draws without replacement by Gumbel's trick.

The k greatest of log w_i + G_i, with G_i from the standard Gumbel distribution, are k draws, each
in proportion to the weights w that are left (Gumbel 1954; Efraimidis & Spirakis 2006). G_i is a
function of the seed and the item's id, so that any cut of the pool draws the same items.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.core import Ranked, keyed_hash
from alservice.domain.pool_view import PoolView, take
from alservice.domain.shortlist import open_rows, scored

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
#: Keeps the noise apart from the tie-breaks, which hash by the seed itself.
_STREAM: Final = 0x6D75_6265_6C67


def gumbel(id_hash: NDArray[np.uint64], seed: int) -> F64:
    """A standard Gumbel number (n,) per id."""
    key = int(keyed_hash(np.array([seed], np.uint64), _STREAM)[0])
    uniform = ((keyed_hash(id_hash, key) >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return np.asarray(-np.log(-np.log(uniform)), np.float64)


def draw(pool: PoolView, log_weights: Sequence[F64], scores: Sequence[F32], count: int) -> Ranked:
    """Draw `count` open rows in proportion to their weights, block by block (n_i,).

    Rows of weight 0 follow all others, uniformly. The score of a row is its own (n_i,), and its
    part "propensity" the probability of this pick among all that were left at its turn.
    """
    of_open = [w[open_rows(b)] for w, b in zip(log_weights, pool.blocks, strict=True)]
    shift = max((float(w.max(initial=-np.inf)) for w in of_open), default=-np.inf)
    shift = shift if np.isfinite(shift) else 0.0
    keys = [
        np.asarray(weights - shift + gumbel(block.id_hash, pool.seed), np.float32)
        for weights, block in zip(log_weights, pool.blocks, strict=True)
    ]
    picks = pool.engine.top_k(keys, pool.blocks, count, pool.seed, pool.cancel)
    every = np.concatenate([np.zeros(0), *of_open])
    propensity = propensities(every - shift, _at(log_weights, picks) - shift)
    score = np.asarray(_at(scores, picks), np.float32)
    order = np.arange(len(picks.row), dtype=np.int64)
    parts = {scored(pool).name: score, "propensity": np.asarray(propensity, np.float32)}
    return take(picks, order, score, **parts)


def propensities(every: F64, picked: F64) -> F64:
    """The probability (k,) of each pick in turn, by the log-weights of all (n,) and of the picks.

    Where only weights of 0 are left each is as likely as any other.
    """
    left = np.arange(len(every), len(every) - len(picked), -1, dtype=np.float64)
    log_left = np.logaddexp.accumulate([_log_sum_of_others(every, picked), *picked[::-1]])[:0:-1]
    known = np.isfinite(log_left)
    return np.where(
        known, np.exp(picked - np.where(known, log_left, 0.0)), 1 / np.maximum(left, 1)
    )


def _log_sum_of_others(every: F64, picked: F64) -> float:
    """The log of the sum of all weights but the picked, which are among them."""
    values, counts = np.unique(every, return_counts=True)
    np.subtract.at(counts, np.searchsorted(values, picked), 1)
    values, counts = values[counts > 0], counts[counts > 0]
    if not len(values) or not np.isfinite(values[-1]):
        return -np.inf
    return float(values[-1] + np.log((counts * np.exp(values - values[-1])).sum()))


def _at(columns: Sequence[NDArray[np.floating]], rows: Ranked) -> F64:
    out = np.zeros(len(rows.row), np.float64)
    for number, column in enumerate(columns):
        at = rows.block == number
        out[at] = column[rows.row[at]]
    return out
