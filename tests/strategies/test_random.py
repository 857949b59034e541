"""Random sampling, against what chance predicts."""

import numpy as np

from alservice.core import Block, Engine, hash_ids
from alservice.domain.strategy import PoolView
from alservice.strategies import random


def view(seed: int) -> PoolView:
    """Ten items, called 0 to 9."""
    ids = np.frombuffer(b"0123456789", np.uint8)
    hashes = hash_ids(ids, np.arange(11, dtype=np.int64))
    block = Block(np.zeros((10, 1), np.float32), hashes, np.zeros(2, np.uint8))
    return PoolView(
        blocks=[block],
        anchors=np.empty((0, 1), np.float32),
        anchor_classes=np.empty(0, np.int64),
        class_count=2,
        seed=seed,
        engine=ONE,
    )


ONE = Engine(1)


def test_every_item_is_chosen_about_equally_often_over_seeds() -> None:
    counts = np.zeros(10)
    for seed in range(2_000):
        counts[random.select(view(seed), 3).row] += 1
    # Each count is Binomial(2000, 0.3): sd 20.5. Six sd fails by chance once in 5e8.
    np.testing.assert_allclose(counts, 600, atol=123)


def test_it_needs_neither_model_nor_vectors() -> None:
    assert random.STRATEGY.needs == frozenset()
