"""Least confidence, on a pool small enough to read."""

import numpy as np

from alservice.strategies import least_confidence


def test_the_least_certain_item_scores_highest() -> None:
    rows = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.5, 0.5, 0.0]], np.float32)
    np.testing.assert_allclose(least_confidence.score(rows), [0.1, 0.6, 0.5], atol=1e-6)
