"""Judges: the protocol's fixed task model, trained on the chosen ids and on nothing else.

The judge is separate from the service, so that a better classifier cannot be mistaken for better
questions. Its head may also be what Query scores with, as a deployed model would be.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.domain.head import Head, KernelHead, LinearHead
from alservice.simulation.protocol import JudgeSpec

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
# A class that the judge has not seen has no probability for it; finite in float32.
_NEVER: Final = -1e4


class Verdict(Protocol):
    """A fitted task model."""

    @property
    def estimator(self) -> object:
        """scikit-learn's; None where there is no single one."""

    def accuracy(self, vectors: F64, truth: I64) -> float:
        """The share of rows that it gets right."""

    def head(self) -> Head | None:
        """The same model for the pool pass; None where only one class has labels."""


@dataclass(frozen=True, slots=True)
class Constant:
    """What can be said from labels of one class."""

    number: int

    @property
    def estimator(self) -> object:
        """There is none."""
        return None

    def accuracy(self, vectors: F64, truth: I64) -> float:
        """The share of that class."""
        return float((truth == self.number).mean())

    def head(self) -> Head | None:
        """There is none: every row is the same to it."""
        return None


@dataclass(frozen=True, slots=True)
class Logistic:
    """scikit-learn's LogisticRegression."""

    model: Any
    class_count: int

    @property
    def estimator(self) -> object:
        """LogisticRegression."""
        return self.model

    def accuracy(self, vectors: F64, truth: I64) -> float:
        """The share of rows that it gets right."""
        return float((self.model.predict(vectors) == truth).mean())

    def head(self) -> Head | None:
        """The same logits; those of two classes are a logit cut in halves."""
        rows, bias = self.model.coef_, self.model.intercept_
        if len(rows) == 1:
            rows, bias = np.stack([-rows[0], rows[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
        weights = np.zeros((self.class_count, rows.shape[1]), np.float32)
        biases = np.full(self.class_count, _NEVER, np.float32)
        weights[self.model.classes_], biases[self.model.classes_] = rows, bias
        return LinearHead(weights, biases)


@dataclass(frozen=True, slots=True)
class Machine:
    """One SVC for two classes; for more, one against the rest for each."""

    models: tuple[tuple[int, Any], ...]
    class_count: int

    @property
    def estimator(self) -> object:
        """The SVC of two classes."""
        return self.models[0][1] if len(self.models) == 1 else None

    def accuracy(self, vectors: F64, truth: I64) -> float:
        """The share of rows that it gets right."""
        if len(self.models) == 1:
            return float((self.models[0][1].predict(vectors) == truth).mean())
        scores = np.stack([model.decision_function(vectors) for _, model in self.models])
        numbers = np.array([number for number, _ in self.models])
        return float((numbers[scores.argmax(axis=0)] == truth).mean())

    def head(self) -> Head | None:
        """Decision values as logits; those of two classes are one value cut in halves."""
        first = self.models[0][1]
        support = np.concatenate([model.support_vectors_ for _, model in self.models])
        weights = np.zeros((self.class_count, len(support)))
        bias = np.full(self.class_count, _NEVER)
        if len(self.models) == 1:
            for number, sign in zip(first.classes_, (-0.5, 0.5), strict=True):
                weights[number] = sign * first.dual_coef_[0]
                bias[number] = sign * first.intercept_[0]
        else:
            at = 0
            for number, model in self.models:
                size = len(model.support_vectors_)
                weights[number, at : at + size] = model.dual_coef_[0]
                bias[number], at = model.intercept_[0], at + size
        d = support.shape[1]
        return KernelHead(
            np.ascontiguousarray(support, np.float32),
            weights,
            bias,
            1.0 / d,
            np.zeros(d),
            np.ones(d),
        )


def judge(spec: JudgeSpec, vectors: F64, classes: I64, class_count: int) -> Verdict:
    """The task model on these labels, in this order. Raises ValueError for an unknown kind."""
    seen = np.unique(classes)
    if len(seen) == 1:
        return Constant(int(seen[0]))
    if spec.kind == "logistic":
        return Logistic(_logistic(spec, vectors, classes), class_count)
    if spec.kind != "svm":
        raise ValueError(f"there is no judge {spec.kind!r}; there are logistic and svm")
    if len(seen) == 2:
        return Machine(((int(seen[1]), _svc(spec, vectors, classes)),), class_count)
    each = tuple((int(n), _svc(spec, vectors, (classes == n).astype(int))) for n in seen)
    return Machine(each, class_count)


def _logistic(spec: JudgeSpec, vectors: F64, classes: I64) -> Any:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 (slow to import)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    with warnings.catch_warnings():
        # A protocol fixes the number of iterations; that some fit wants more is not our news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=spec.C, max_iter=1000).fit(vectors, classes)


def _svc(spec: JudgeSpec, vectors: F64, classes: I64) -> Any:
    from sklearn.svm import SVC  # noqa: PLC0415 (slow to import)

    return SVC(kernel="rbf", gamma="auto", C=spec.C).fit(vectors, classes)
