"""Tight groups of points far apart, where everybody agrees what the clusters are."""

from dataclasses import dataclass, replace

import numpy as np

from alservice.domain.head import LinearHead
from alservice.domain.strategy import Selecting
from tests.strategies.modelled import Modelled, modelled


@dataclass(frozen=True)
class Blobs:
    """A pool in which row i belongs to group `of[i]`."""

    pool: Modelled
    of: np.ndarray


def blobs(sizes: list[int], seed: int = 0, dimension: int = 4) -> Blobs:
    """Groups of these sizes; centres about 100 apart, points within about 1 of them."""
    rng = np.random.default_rng(seed)
    of = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = rng.normal(size=(len(sizes), dimension))
    centres *= 100 / np.linalg.norm(centres, axis=1, keepdims=True)
    centres += 200 * np.arange(len(sizes))[:, None]
    points = (centres[of] + 0.3 * rng.normal(size=(len(of), dimension))).astype(np.float32)
    none = np.zeros((0, dimension), np.float32), np.zeros(0, np.int64)
    plain = modelled(1, len(of), dimension=dimension, excluded=0)
    # Unsure everywhere, although the points are far out.
    rng = np.random.default_rng(1)
    head = LinearHead(
        (1e-4 * rng.normal(size=(3, dimension))).astype(np.float32), np.zeros(3, np.float32)
    )
    return Blobs(replace(plain, points=points, head=head, anchors=none[0], classes=none[1]), of)


def asked_one_by_one(strategy: Selecting, pool: Modelled, annotators: int, each: int) -> list[int]:
    """What all are given who ask in turn, each while those before them hold their batches."""
    held: list[int] = []
    for _ in range(annotators):
        excluded = pool.excluded.copy()
        excluded[held] = True
        now = replace(
            pool,
            excluded=excluded,
            anchors=pool.points[held],
            classes=np.full(len(held), -1, np.int64),
        )
        held += now.where(strategy.select(now.view(), each))
    return held
