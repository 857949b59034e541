"""Margin sampling: ask about the items whose two likeliest classes are closest."""

import numpy as np

from alservice.domain.strategy import F32, Scoring


def score(probabilities: F32) -> F32:
    """One minus the gap between the two likeliest of the classes (n, C), in [0, 1].

    With a single class there is nothing to confuse it with: 0.
    """
    if probabilities.shape[1] < 2:
        return np.zeros(len(probabilities), dtype=np.float32)
    top = np.partition(probabilities, -2, axis=1)
    return np.asarray(1.0 - (top[:, -1] - top[:, -2]), dtype=np.float32)


STRATEGY = Scoring(
    name="margin",
    version=1,
    summary="The two likeliest classes are nearly tied.",
    reference=(
        "Scheffer, Decomain & Wrobel, Active Hidden Markov Models for Information Extraction, "
        "IDA 2001"
    ),
    measure="margin",
    score=score,
)
