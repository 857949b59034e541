"""Pools to measure on: clustered, diffuse, and real embeddings where they are at hand.

Random-Gaussian pools alone mislead in both directions, so each case runs on more than one kind.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.sizes import SMALL

F32 = NDArray[np.float32]
DIMENSION = 384
CLASSES = 10


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head of CLASSES classes, about as sure as one trained on a few hundred labels."""

    weights: F32
    bias: F32


def kinds() -> Iterator[str]:
    """The kinds of pool that can be made here."""
    yield "clustered"
    if SMALL:
        return
    yield "diffuse"
    if has_real():
        yield "real"


def has_real() -> bool:
    """Whether real embeddings are at hand."""
    return _real_folder() is not None


@cache
def pool(kind: str, rows: int) -> F32:
    """(rows, DIMENSION) float32, unit length, the same on every call."""
    return {"clustered": _clustered, "diffuse": _diffuse, "real": _real}[kind](rows)


@cache
def head() -> Head:
    """The head that scores all pools."""
    rng = np.random.default_rng(7)
    weights = rng.normal(0, 2, (CLASSES, DIMENSION)).astype(np.float32)
    return Head(weights, rng.normal(0, 0.1, CLASSES).astype(np.float32))


def classes_of(vectors: F32) -> NDArray[np.int64]:
    """What the annotators say: the head's choice."""
    model = head()
    logits = vectors @ model.weights.T + model.bias
    return np.asarray(np.argmax(logits, axis=1), np.int64)


def _diffuse(rows: int) -> F32:
    return _unit(np.random.default_rng(1).standard_normal((rows, DIMENSION), dtype=np.float32))


def _clustered(rows: int) -> F32:
    rng = np.random.default_rng(2)
    centres = rng.standard_normal((200, DIMENSION), dtype=np.float32)
    points = rng.standard_normal((rows, DIMENSION), dtype=np.float32)
    points *= 0.3
    points += centres[rng.integers(0, len(centres), rows)]
    return _unit(points)


def _real(rows: int) -> F32:
    """Sentence embeddings, repeated with jitter up to the size asked for."""
    folder = _real_folder()
    if folder is None:
        raise FileNotFoundError("the public data sets are not here; set ALSERVICE_PUBLIC_DATA")
    with np.load(folder / "text" / "agnews_test.npz", allow_pickle=False) as data:
        base = data["X"].astype(np.float32)
    rng = np.random.default_rng(3)
    points = base[rng.integers(0, len(base), rows)]
    points += 0.01 * rng.standard_normal(points.shape, dtype=np.float32)
    return _unit(points)


def _real_folder() -> Path | None:
    named = os.environ.get("ALSERVICE_PUBLIC_DATA")
    near = Path(__file__).parents[2] / "shared" / "data" / "public"
    folder = Path(named) if named else near
    return folder if (folder / "text" / "agnews_test.npz").exists() else None


def _unit(points: F32) -> F32:
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points
