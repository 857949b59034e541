"""Logistic regression chooses well by itself, on real data."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from alservice.domain.learner import EvaluationSet, FittedModel, TrainingSet, evaluate, silent
from alservice.learners.logistic import LEARNER

PUBLIC = Path(
    os.environ.get("ALSERVICE_PUBLIC_DATA")
    or Path(__file__).parents[2].parent / "shared" / "data" / "public"
)


def accuracy_on(
    model: FittedModel, vectors: NDArray[np.float32], classes: NDArray[np.int64]
) -> float:
    return evaluate(model.head, EvaluationSet("test", vectors, classes))[0].value


@pytest.mark.parametrize(("labels", "least"), [(20, 0.35), (100, 0.82), (400, 0.91)])
def test_digits_are_learned(labels: int, least: float) -> None:
    x, y = load_digits(return_X_y=True)
    vectors, classes = x.astype(np.float32), y.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(y))
    held_out, pool = order[:600], order[600:]
    training = TrainingSet(
        vectors=vectors[pool[:labels]],
        classes=classes[pool[:labels]],
        class_count=10,
        weights=np.ones(labels, np.float32),
        pool_mean=vectors[pool].mean(axis=0),
        pool_scale=vectors[pool].std(axis=0),
    )
    assert (
        accuracy_on(LEARNER.fit(training, {}, None, silent), vectors[held_out], classes[held_out])
        >= least
    )


@pytest.mark.parametrize("seed", range(3))
def test_on_banking77_its_own_c_is_within_one_point_of_the_best(seed: int) -> None:
    path = PUBLIC / "text" / "banking77.npz"
    if not path.exists():
        pytest.skip(f"the public data set {path} is not there (ALSERVICE_PUBLIC_DATA)")
    data = np.load(path)
    vectors, classes = data["X"].astype(np.float32), data["y"].astype(np.int64)
    test = data["is_test"].astype(bool)
    pool = np.flatnonzero(~test)
    chosen = np.random.default_rng(seed).choice(pool, 400, replace=False)
    training = TrainingSet(
        vectors=vectors[chosen],
        classes=classes[chosen],
        class_count=77,
        weights=np.ones(400, np.float32),
        pool_mean=vectors[pool].mean(axis=0),
        pool_scale=vectors[pool].std(axis=0),
    )
    best = 0.0
    for c in (0.1, 1, 10, 20, 100):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # more classes than half the rows
            peer = LogisticRegression(C=c, max_iter=1_000)
            peer.fit(vectors[chosen], classes[chosen])
        best = max(best, float(np.mean(peer.predict(vectors[test]) == classes[test])))
    assert (
        accuracy_on(LEARNER.fit(training, {}, None, silent), vectors[test], classes[test])
        >= best - 0.01
    )
