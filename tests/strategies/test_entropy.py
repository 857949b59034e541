"""Entropy sampling, on distributions whose entropy is known."""

import numpy as np

from alservice.strategies import entropy


def test_it_is_shannon_entropy_as_a_share_of_the_greatest_possible() -> None:
    rows = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4], np.float32)
    np.testing.assert_allclose(entropy.score(rows), [0, 0.5, 1], atol=1e-6)


def test_a_doubt_among_many_classes_outweighs_one_between_two() -> None:
    rows = np.array([[0.5, 0.5, 0.0], [0.5, 0.25, 0.25]], np.float32)
    first, second = entropy.score(rows)
    assert second > first
