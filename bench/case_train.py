"""Train over gRPC, from the call to the model with its metrics, beside its bare fits.

The fits that the learner makes on the same data are recorded in this process, with all that
scikit-learn was told, and then repeated plainly, in this process, with as many threads as suit
them best within the budget: small fits are quicker with one.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from alservice.domain.head import LinearHead
from alservice.domain.learner import TrainingSet, WarmStart, silent
from alservice.learners import logistic
from bench.paired import paired, seconds
from bench.pools import CLASSES, F32, classes_of, kinds, pool
from bench.rows import Row, compare
from bench.service import served
from bench.sizes import THREADS, sized

POOL_ROWS = sized(20_000, 1_000)
LABELS = sized(2_000, 100)
ROUNDS = sized(7, 1)


@dataclass(frozen=True, slots=True)
class Fit:
    """One call of `fit`: how the estimator was made, where it began, what it got."""

    parameters: dict[str, Any]
    start: tuple[NDArray[Any], NDArray[Any]] | None
    vectors: F32
    classes: NDArray[Any]
    weights: NDArray[Any]

    def __call__(self) -> None:
        """Do it again."""
        model = LogisticRegression(**self.parameters)
        if self.start is not None:
            model.coef_, model.intercept_ = (array.copy() for array in self.start)
        model.fit(self.vectors, self.classes, sample_weight=self.weights)


def run() -> Iterator[Row]:
    """All rows of this case."""
    with served() as service:
        for kind in kinds():
            vectors = pool(kind, POOL_ROWS)
            project = service.create_project(f"train-{kind}")
            service.add_items(project, vectors, LABELS)
            service.train(project)  # starts the child, and makes the head to begin from
            fits = recorded(vectors)
            threads = min((1, THREADS), key=lambda count: seconds(partial(replay, fits, count)))
            ours, theirs = partial(service.train, project), partial(replay, fits, threads)
            result = paired(ours, theirs, rounds=ROUNDS)
            yield compare(
                f"train-{kind}-{LABELS}",
                result.ours_s,
                f"scikit-learn, {len(fits)} fits, {threads} thr.",
                result.other_s,
                "<=",
                1.3,
                ratio=1 / result.speedup,
            )


def recorded(vectors: F32) -> list[Fit]:
    """The fits of a second training on the labelled rows, begun from the head of the first."""
    training = TrainingSet(
        vectors=vectors[:LABELS],
        classes=classes_of(vectors[:LABELS]),
        class_count=CLASSES,
        weights=np.ones(LABELS, np.float32),
        pool_mean=vectors.mean(axis=0),
        pool_scale=vectors.std(axis=0),
    )
    first = _fitted(training, None)
    fits: list[Fit] = []

    class Recording(LogisticRegression):  # type: ignore[misc]
        def fit(self, X: F32, y: NDArray[Any], sample_weight: NDArray[Any]) -> "Recording":  # noqa: N803
            start = (self.coef_, self.intercept_) if hasattr(self, "coef_") else None
            fits.append(Fit(self.get_params(), start, X, y, sample_weight))
            super().fit(X, y, sample_weight=sample_weight)
            return self

    with mock.patch.object(logistic, "LogisticRegression", Recording), threadpool_limits(1):
        _fitted(training, WarmStart(first))
    return fits


def replay(fits: list[Fit], threads: int) -> None:
    """All fits, one after the other."""
    with (
        threadpool_limits(threads),
        sklearn.config_context(assume_finite=True, skip_parameter_validation=True),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        for fit in fits:
            fit()


def _fitted(training: TrainingSet, warm: WarmStart | None) -> LinearHead:
    head = logistic.fit(training, {}, warm, silent).head
    if not isinstance(head, LinearHead):
        raise TypeError("logistic has a linear head")
    return head
