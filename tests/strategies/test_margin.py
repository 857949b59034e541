"""Margin sampling, on a pool small enough to read."""

import numpy as np

from alservice.strategies import margin


def test_the_nearly_tied_item_scores_highest() -> None:
    rows = np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.5, 0.5, 0.0]], np.float32)
    np.testing.assert_allclose(margin.score(rows), [0.2, 0.95, 1.0], atol=1e-6)


def test_the_place_of_the_tied_classes_does_not_matter() -> None:
    rows = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.3, 0.2, 0.5]], np.float32)
    np.testing.assert_allclose(margin.score(rows), [0.8] * 3, atol=1e-6)
