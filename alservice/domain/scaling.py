"""Scaling that leaves no trace: vectors are scaled to train, and the head is scaled back.

A head trained on (x - mean) / scale equals another head on x. So nothing has to be done to
the pool when it is scored, and a model remembers nothing but weights and bias.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.head import LinearHead
from alservice.domain.learner import F32, TrainingSet

F64 = NDArray[np.float64]
_CONSTANT: Final = 1e-6  # a feature that varies less than this, beside the largest, is constant


@dataclass(frozen=True, slots=True)
class Scaling:
    """x -> (x - mean) / scale; both (d,), float64, scale > 0."""

    mean: F64
    scale: F64

    def apply(self, vectors: F32) -> F32:
        """The scaled vectors (n, d)."""
        scaled = vectors - self.mean.astype(np.float32)
        scaled /= self.scale.astype(np.float32)
        return np.asarray(scaled, dtype=np.float32)

    def fold(self, weights: F64, bias: F64) -> tuple[F64, F64]:
        """Weights (C, d) and bias (C,) on plain vectors, of a head on scaled ones."""
        plain = weights / self.scale
        return plain, bias - plain @ self.mean

    def unfold(self, head: LinearHead) -> tuple[F64, F64]:
        """The inverse of `fold`: what `head`, made for plain vectors, is on scaled ones."""
        weights = head.weights.astype(np.float64)
        return weights * self.scale, head.bias + weights @ self.mean


def centred(training: TrainingSet, *, standardised: bool) -> Scaling:
    """The pool's mean goes to 0 and its mean squared norm to 1.

    Either all features are divided by one number, which keeps the geometry of the vectors,
    or (`standardised`) each by its own deviation as well. A penalty on weights then means
    the same for pixels, embeddings and measurements. Where the pool's statistics are not
    known, those of the labelled rows take their place.
    """
    mean, deviation = spread(training)
    largest = deviation.max(initial=0.0)
    if largest == 0.0:
        return Scaling(mean, np.ones(len(deviation)))
    if standardised:
        scale = _not_nought(deviation) * np.sqrt((deviation > _CONSTANT * largest).sum())
    else:
        scale = np.full(len(deviation), np.sqrt((deviation**2).sum()))
    return Scaling(mean, scale)


def unit(training: TrainingSet) -> Scaling:
    """Each feature's mean over the pool goes to 0 and its deviation to 1."""
    mean, deviation = spread(training)
    return Scaling(mean, _not_nought(deviation))


def spread(training: TrainingSet) -> tuple[F64, F64]:
    """Mean and deviation (d,) of each feature: the pool's if known, or the labelled rows'."""
    mean, deviation = training.pool_mean, training.pool_scale
    if mean is None or deviation is None:
        rows = training.vectors.astype(np.float64)
        return rows.mean(axis=0), rows.std(axis=0)
    return mean.astype(np.float64), deviation.astype(np.float64)


def _not_nought(deviation: F64) -> F64:
    """The deviations, the largest in place of those of constant features."""
    largest = deviation.max(initial=0.0)
    if largest == 0.0:
        return np.ones(len(deviation))
    return np.where(deviation > _CONSTANT * largest, deviation, largest)
