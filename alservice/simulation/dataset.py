"""Data whose answers are known, and the harder variants of it."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
_FEWEST: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`vectors` (n, d) of any float type, `classes` (n,) positions in `class_names`.

    `is_test` (n,) marks the rows that judge; None where the protocol draws them.
    """

    name: str
    vectors: NDArray[Any]
    classes: I64
    class_names: tuple[str, ...]
    is_test: Bools | None = None

    def __post_init__(self) -> None:
        n = len(self.vectors)
        if self.vectors.ndim != 2 or not n or not self.vectors.shape[1]:
            raise ValueError(f"{self.name}: vectors must be a table, not {self.vectors.shape}")
        for what, column in (("labels", self.classes), ("is_test", self.is_test)):
            if column is not None and column.shape != (n,):
                raise ValueError(f"{self.name}: {what} has shape {column.shape} for {n} rows")
        if not np.isfinite(self.vectors).all():
            raise ValueError(f"{self.name}: vectors hold NaN or infinity")
        if len(self.class_names) < 2:
            raise ValueError(f"{self.name}: at least two classes are needed")
        if self.classes.min() < 0 or self.classes.max() >= len(self.class_names):
            raise ValueError(f"{self.name}: labels must be in [0, {len(self.class_names)})")

    def digest(self) -> str:
        """A short hash of all that a replay sees."""
        made = hashlib.sha256()
        test = np.zeros(0, np.bool_) if self.is_test is None else self.is_test
        for array in (self.vectors, self.classes, test):
            made.update(str((array.dtype.str, array.shape)).encode())
            made.update(np.ascontiguousarray(array).tobytes())
        return made.hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What makes a set harder. The test rows stay as they are; 0 and False change nothing.

    `flip`: share of the pool's labels that become another class, drawn uniformly, in what the
    annotator answers. `duplicate`: exact copies are added of this share of the pool's rows.
    `zipf`: the r-th class, in an order drawn by seed, keeps at most 1/r of the largest class.
    """

    flip: float = 0.0
    duplicate: float = 0.0
    zipf: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing changes."""
        return not (self.flip or self.duplicate or self.zipf)

    def __str__(self) -> str:
        parts = {"flip": self.flip, "duplicate": self.duplicate}
        words = [f"{name} {share:g}" for name, share in parts.items() if share]
        return ", ".join([*words, *(["zipf"] if self.zipf else [])])


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows of one replay: pool (n, d) with what the annotator answers, test (m, d) with truth.

    `rows` (n,) are the set's rows that the pool is made of.
    """

    rows: I64
    pool: NDArray[np.float64]
    answers: I64
    test: NDArray[np.float64]
    truth: I64
    class_count: int


def harder(split: Split, variant: Variant, seed: int) -> Split:
    """The split with the variant applied to its pool: thinned, then doubled, then flipped."""
    if variant.plain:
        return split
    draw = np.random.default_rng([seed, 7])
    rows = np.arange(len(split.answers))
    if variant.zipf:
        rows = _thinned(split.answers, split.class_count, draw)
    if variant.duplicate:
        count = round(variant.duplicate * len(rows))
        rows = np.concatenate([rows, draw.choice(rows, count, replace=False)])
        rows = draw.permutation(rows)
    answers = split.answers[rows]
    if variant.flip:
        at = np.flatnonzero(draw.random(len(rows)) < variant.flip)
        shift = draw.integers(1, split.class_count, len(at))
        answers[at] = (answers[at] + shift) % split.class_count
    return replace(split, rows=split.rows[rows], pool=split.pool[rows], answers=answers)


def _thinned(classes: I64, class_count: int, draw: np.random.Generator) -> I64:
    largest = int(np.bincount(classes).max())
    kept = []
    for rank, number in enumerate(draw.permutation(class_count), start=1):
        rows = draw.permutation(np.flatnonzero(classes == number))
        kept.append(rows[: max(_FEWEST, largest // rank)])
    return np.sort(np.concatenate(kept))
