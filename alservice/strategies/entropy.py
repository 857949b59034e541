"""Entropy sampling: ask about the items whose class probabilities say least."""

import numpy as np

from alservice.domain.strategy import F32, Scoring


def score(probabilities: F32) -> F32:
    """Shannon entropy of the class probabilities (n, C) over that of a uniform guess, in [0, 1].

    With a single class there is no doubt: 0.
    """
    classes = probabilities.shape[1]
    if classes < 2:
        return np.zeros(len(probabilities), dtype=np.float32)
    p = probabilities.astype(np.float64)
    # p log p tends to 0 with p.
    terms = p * np.log(np.where(p > 0, p, 1.0))
    share = -terms.sum(axis=1) / np.log(classes)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)


STRATEGY = Scoring(
    name="entropy",
    version=1,
    summary="The class probabilities are close to uniform.",
    reference="Shannon, A Mathematical Theory of Communication, BSTJ 27, 1948",
    measure="entropy",
    score=score,
)
