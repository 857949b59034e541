"""The model and the labels that peers get: the same head, so that nothing trains in their time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.pools import CLASSES, DIMENSION, F32, Head, head


def sklearn_model(model: Head) -> LogisticRegression:
    """The same head as a fitted scikit-learn model, for peers."""
    fitted = LogisticRegression()
    fitted.classes_ = np.arange(CLASSES)
    fitted.coef_, fitted.intercept_ = model.weights, model.bias
    fitted.n_features_in_ = DIMENSION
    return fitted


def activeml_labels(rows: int, labelled: int) -> NDArray[np.float64]:
    """What scikit-activeml calls y: the first rows have a label, the others NaN."""
    labels = np.full(rows, np.nan)
    labels[:labelled] = np.arange(labelled) % CLASSES
    return labels


def activeml_model(vectors: F32) -> Any:
    """The head as scikit-activeml wants it. Raises ModuleNotFoundError."""
    from skactiveml.classifier import SklearnClassifier

    wrapped = SklearnClassifier(LogisticRegression(), classes=np.arange(CLASSES))
    wrapped.fit(vectors[:CLASSES], np.arange(CLASSES))
    wrapped.estimator_ = sklearn_model(head())
    return wrapped


def missing(error: ModuleNotFoundError) -> str:
    """Why a row is skipped."""
    return f"{error}; pip install 'alservice[bench]'"
