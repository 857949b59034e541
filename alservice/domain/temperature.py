"""Temperature: how far the logits of a model must shrink for its probabilities to be honest.

One positive number divides all logits, so the predicted class never changes. It is fitted
on logits of rows the model has not seen (Guo et al., ICML 2017).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

PRIOR_ROWS: Final = 20  # the least belief, in rows, that the model is calibrated as it is
COLDEST: Final = 1 / 20
HOTTEST: Final = 20.0
ENOUGH_PER_CLASS: Final = 2  # with fewer rows a model is served as is usual
_STEPS: Final = 30
_ENOUGH: Final = 1e-4


def fit(logits: F64, classes: I64, weights: F64, usual: float = 1.0) -> float:
    """The temperature for out-of-fold `logits` (n, C), of truth `classes` (n,), weighed.

    The minimum of the log-loss within [1/20, 20], its logarithm shrunk towards that of
    `usual` by n / (n + max(20, C)): a handful of rows says little about probabilities, and
    less the more classes share them. No rows: `usual`.
    """
    n, class_count = logits.shape
    if n == 0:
        return usual
    best = 1 / _sharpest(logits, classes, weights / weights.sum())
    trust = n / (n + max(PRIOR_ROWS, class_count))
    return float(np.exp(trust * np.log(best) + (1 - trust) * np.log(usual)))


def served(best: float, rows: int, class_count: int, usual: float = 1.0) -> float:
    """What to divide the logits of a model by, when `rows` rows say that `best` is best.

    Fewer rows than two a class are no reason to touch it: `usual`. Settings may be compared at
    their best temperature all the same.
    """
    return best if rows >= ENOUGH_PER_CLASS * class_count else usual


def _sharpest(logits: F64, classes: I64, weights: F64) -> float:
    """The inverse temperature of least loss: Newton's steps, kept inside a shrinking bracket.

    The loss is convex in the inverse temperature b: its slope is E_p[z] - z_y, and its
    curvature Var_p[z], with p = softmax(b z).
    """
    z = logits - logits.max(axis=1, keepdims=True)
    squares, true = z * z, weights @ z[np.arange(len(classes)), classes]
    low, high, b = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(_STEPS):
        p = np.exp(b * z)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("ij,ij->i", p, z)
        slope = float(weights @ mean - true)
        curvature = float(weights @ (np.einsum("ij,ij->i", p, squares) - mean * mean))
        low, high = (low, b) if slope > 0 else (b, high)
        following = b - slope / max(curvature, 1e-12)
        if not low < following < high:
            following = float(np.sqrt(low * high))
        if abs(np.log(following / b)) < _ENOUGH:
            return following
        b = following
    return b


def loss(logits: F64, classes: I64, weights: F64) -> float:
    """The weighed mean log-loss in nats."""
    peak = logits.max(axis=1)
    spread = np.log(np.exp(logits - peak[:, None]).sum(axis=1))
    losses = peak + spread - logits[np.arange(len(classes)), classes]
    return float(losses @ weights / weights.sum())
