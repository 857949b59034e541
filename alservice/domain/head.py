"""Heads: what a trained model is to the pool pass, a function from vectors to probabilities."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
_CELLS: Final = 1 << 22  # kernel values held at once: 32 MB


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits `x @ weights.T + bias`, made probabilities by softmax: what core scores."""

    weights: F32  # (C, d)
    bias: F32  # (C,)

    def logits(self, vectors: F32) -> F32:
        """The logits (n, C) of `vectors` (n, d)."""
        return np.asarray(vectors @ self.weights.T + self.bias, dtype=np.float32)

    def probabilities(self, vectors: F32) -> F32:
        """Their softmax (n, C)."""
        return softmax(self.logits(vectors))


@dataclass(frozen=True, slots=True)
class KernelHead:
    """Logits `exp(-gamma |(x - s) / scale|²) @ weights.T + bias` over support vectors s.

    The support vectors are rows as they were given, so that no rounding of scaled ones comes
    between this head and the solver that fitted it. Distances do not depend on `mean`, which
    is taken from both sides first; but what rounding leaves of them does.
    """

    support: F32  # (m, d)
    weights: F64  # (C, m)
    bias: F64  # (C,)
    gamma: float  # > 0
    mean: F64  # (d,), about where the vectors lie
    scale: F64  # (d,), > 0; ones where vectors are taken as they are

    def decision(self, vectors: F32) -> F64:
        """The logits (n, C) of `vectors` (n, d), in float64."""
        support = (self.support - self.mean) / self.scale
        out = np.empty((len(vectors), len(self.bias)))
        step = max(1, _CELLS // len(support))
        for start in range(0, len(vectors), step):
            rows = (vectors[start : start + step] - self.mean) / self.scale
            values = gaussian(rows, support, self.gamma) @ self.weights.T
            out[start : start + step] = values + self.bias
        return out

    def logits(self, vectors: F32) -> F32:
        """The same in float32."""
        return self.decision(vectors).astype(np.float32)

    def probabilities(self, vectors: F32) -> F32:
        """Their softmax (n, C), rounded at the end only."""
        return softmax(self.decision(vectors))


Head = LinearHead | KernelHead


def gaussian(rows: F64, others: F64, gamma: float) -> F64:
    """`exp(-gamma |x - y|²)` of rows x (n, d) and y (m, d): (n, m)."""
    squared = -2 * rows @ others.T
    squared += np.einsum("ij,ij->i", rows, rows)[:, None]
    squared += np.einsum("ij,ij->i", others, others)
    np.maximum(squared, 0.0, out=squared)
    squared *= -gamma
    return np.asarray(np.exp(squared, out=squared), np.float64)


def softmax(logits: F32 | F64) -> F32:
    """Softmax of each row (n, C), safe for any finite logits."""
    wide = np.asarray(logits, np.float64)  # the difference of two float32 may be none
    shifted = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)
