"""Least confidence: ask about the items whose likeliest class is least likely."""

import numpy as np

from alservice.domain.strategy import F32, Scoring


def score(probabilities: F32) -> F32:
    """One minus the greatest of the class probabilities (n, C), in [0, 1 - 1/C]."""
    return np.asarray(1.0 - probabilities.max(axis=1), dtype=np.float32)


STRATEGY = Scoring(
    name="least_confidence",
    version=1,
    summary="Even the likeliest class is unlikely.",
    reference="Lewis & Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994",
    measure="least_confidence",
    score=score,
)
