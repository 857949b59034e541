"""Greedy coverage, spelt out: every kernel value in float64, every gain afresh."""

from collections.abc import Sequence

import numpy as np


def units(vectors: np.ndarray) -> np.ndarray:
    """Rows over their norms; zero stays zero."""
    rows = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1))


def kernel(x: np.ndarray, y: np.ndarray, name: str, scale: float) -> np.ndarray:
    """Similarities (n, m) of the rows of x and y."""
    if not len(y):
        return np.zeros((len(x), 0))
    distance = np.linalg.norm(x[:, None] - y[None], axis=2)
    if name == "rbf":
        return np.asarray(np.exp(-((distance / scale) ** 2)))
    if name == "ball":
        return np.asarray(distance <= scale, np.float64)
    return np.asarray(np.maximum(x @ y.T, 0))


def check_greedy(
    picks: Sequence[int],
    gains: Sequence[float],
    vectors: np.ndarray,
    weights: np.ndarray,
    anchors: np.ndarray,
    name: str,
    scale: float,
    count: int,
) -> None:
    """Each pick gains the most that any could at its turn, as told; and then nothing is left.

    Gains are shares of all weights. Of two that differ by rounding only, either may go first.
    """
    points = units(vectors)
    similar = kernel(points, points, name, scale)
    covered = kernel(points, units(anchors), name, scale).max(axis=1, initial=0)
    shares = weights.astype(np.float64) / weights.sum(dtype=np.float64)
    for pick, told in zip(picks, gains, strict=True):
        worth = shares @ np.maximum(similar - covered[:, None], 0)
        np.testing.assert_allclose([worth[pick], told], worth.max(), atol=2e-5)
        covered = np.maximum(covered, similar[:, pick])
    assert len(set(picks)) == len(picks) <= count
    if len(picks) < min(count, len(vectors)):
        assert (shares @ np.maximum(similar - covered[:, None], 0)).max() < 2e-5
