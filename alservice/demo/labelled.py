"""Data whose answers are known, so that a program can play the annotator."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alservice.client import read_items
from alservice.client.columns import class_text

TEST_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """`vectors` of shape (n, d) and the class of each row, as text."""

    title: str
    vectors: NDArray[Any]
    classes: NDArray[np.str_]


def digits() -> Labelled:
    """1,797 handwritten digits of 8 × 8 pixels, which ship with scikit-learn.

    A part of the "Optical Recognition of Handwritten Digits" data set (Alpaydin and Kaynak, UCI
    Machine Learning Repository, 1998).
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 (slow, and only needed here)

    pixels, answers = load_digits(return_X_y=True)
    return Labelled("handwritten digits", pixels.astype(np.float32), answers.astype(str))


def labelled_file(path: Path, labels: Path | None, label_column: str | None) -> Labelled:
    """The rows of a file that have a label; `labels` is a .npy file beside one of vectors.

    Raises ValueError, OSError.
    """
    items = read_items(path, None, label_column)
    answers = items.labels if labels is None else np.load(labels, allow_pickle=False)
    if items.vectors is None:
        raise ValueError(f"{path} holds no vectors")
    if answers is None:
        raise ValueError(f"{path} has no labels: pass --labels FILE.npy or --label-column NAME")
    if len(answers) != len(items.vectors):
        raise ValueError(f"{len(items.vectors):,} vectors, but {len(answers):,} labels")
    listed = answers.tolist() if isinstance(answers, np.ndarray) else answers
    classes = np.array([class_text(answer) for answer in listed], dtype=np.str_)
    known = classes != ""
    if len(np.unique(classes[known])) < 2:
        raise ValueError(f"{path} has labels of fewer than two classes")
    return Labelled(path.name, items.vectors[known], classes[known])


def split(classes: NDArray[np.str_], seed: int) -> NDArray[np.bool_]:
    """Which rows are for testing: TEST_SHARE of each class, drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(len(classes))
    is_test = np.zeros(len(classes), np.bool_)
    for name in np.unique(classes):
        rows = order[classes[order] == name]
        is_test[rows[: round(TEST_SHARE * len(rows))]] = True
    return is_test
