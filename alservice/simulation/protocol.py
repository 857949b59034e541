"""Protocols: how a set is split, how a replay begins and ends, and who judges.

A is the re-benchmark of Lu, Li and Lin (TMLR; ariapoy/active-learning-benchmark), B the
experiments of scikit-activeml (AlexanderBenz/scikit-activeml-experiments), C embeddings with a
person's budget. Their splits are those of the papers, to the bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.replay_plan import held_out, round_sizes
from alservice.simulation.dataset import Dataset, Split

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """The fixed task model: kind "svm" (RBF, gamma = 1/d) or "logistic", and its penalty C."""

    kind: str = "logistic"
    C: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A whole protocol; 0 means the default that depends on the set.

    `drawn` labels are given to everybody before the first query. The first batch has `start`
    items, each further one `batch`; the replay ends after `budget` labels or `rounds` batches, or
    with the pool. A seed whose drawn labels are of one class is skipped.
    """

    name: str = "free"
    split: str = "free"  #: a key of SPLITS
    standardise: bool = False
    drawn: int = 0
    start: int = 0
    batch: int = 0
    budget: int = 0
    rounds: int = 0
    judge: JudgeSpec = field(default_factory=JudgeSpec)
    curve: str = "trapezoid"  #: a key of `alservice.simulation.curve.AREAS`
    short: bool = True  #: whether the budget is a part of the pool where nobody says


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sizes of the batches of one replay, in order."""

    sizes: tuple[int, ...]


PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "A": Protocol(
        name="A",
        split="rebench",
        standardise=True,
        drawn=20,
        batch=1,
        judge=JudgeSpec(kind="svm", C=1.0),
        curve="rebench",
        short=False,
    ),
    "B": Protocol(
        name="B",
        split="stratified",
        standardise=True,
        batch=10,
        rounds=60,
        judge=JudgeSpec(kind="logistic", C=1.0),
        curve="mean",
    ),
    "C": Protocol(name="C", split="given", judge=JudgeSpec(kind="logistic", C=20.0)),
    "free": Protocol(),
}


def prepare(data: Dataset, protocol: Protocol, seed: int) -> Split:
    """The rows of one replay, in the protocol's order, standardised if it says so.

    Raises ValueError if the protocol needs a test part that the set does not have, or more rows.
    """
    pool, test = _enough(data, protocol, *SPLITS[protocol.split](data, seed))
    vectors = data.vectors
    train, held = vectors[pool].astype(np.float64), vectors[test].astype(np.float64)
    if protocol.standardise:
        train, held = _standardised(train, held)
    count = len(data.class_names)
    return Split(pool, train, data.classes[pool], held, data.classes[test], count)


def _enough(data: Dataset, protocol: Protocol, pool: I64, test: I64) -> tuple[I64, I64]:
    """Both parts, if there is something to choose and something to judge by."""
    needed = protocol.drawn + 2
    if len(pool) < needed or not len(test):
        raise ValueError(
            f"{data.name}: {len(data.classes)} rows are too few: {len(pool)} to choose from and "
            f"{len(test)} to judge by; at least {needed} and 1 are needed"
        )
    return pool, test


def schedule(protocol: Protocol, pool_size: int, class_count: int) -> Schedule:
    """The batches of one replay; see `round_sizes`."""
    sizes = round_sizes(
        pool_size,
        class_count,
        drawn=protocol.drawn,
        start=protocol.start,
        batch=protocol.batch,
        budget=protocol.budget,
        rounds=protocol.rounds,
        short=protocol.short,
    )
    return Schedule(sizes)


def _standardised(train: F64, test: F64) -> tuple[F64, F64]:
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 (slow to import)

    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def _rebench(data: Dataset, seed: int) -> tuple[I64, I64]:
    """The split of Lu et al.: two shuffles with fresh generators of the same seed."""
    rows = np.arange(len(data.classes))
    np.random.default_rng(seed).shuffle(rows)
    count = int(len(rows) * (1 - 0.4))
    pool, test = rows[:count], rows[count:]
    np.random.default_rng(seed).shuffle(pool)
    return pool, test


def _stratified(data: Dataset, seed: int) -> tuple[I64, I64]:
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 (slow to import)

    rarest, classes = int(np.bincount(data.classes).min()), len(data.class_names)
    if rarest < 2 or held_out(len(data.classes)) < classes:
        raise ValueError(
            f"{data.name}: {len(data.classes)} rows are too few to hold out 30 % of each of "
            f"{classes} classes; the rarest has {rarest}"
        )
    pool, test = train_test_split(
        np.arange(len(data.classes)),
        test_size=0.3,
        train_size=0.7,
        stratify=data.classes,
        random_state=np.random.RandomState(seed),
    )
    return pool, test


def _given(data: Dataset, _seed: int) -> tuple[I64, I64]:
    if data.is_test is None:
        raise ValueError(f"{data.name} has no is_test; choose another protocol")
    return np.flatnonzero(~data.is_test), np.flatnonzero(data.is_test)


def _free(data: Dataset, seed: int) -> tuple[I64, I64]:
    """The given test part, or 30 % of each class, drawn by the seed."""
    if data.is_test is not None:
        return _given(data, seed)
    order = np.random.default_rng(seed).permutation(len(data.classes))
    is_test = np.zeros(len(order), np.bool_)
    for number in range(len(data.class_names)):
        rows = order[data.classes[order] == number]
        is_test[rows[: held_out(len(rows))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


SPLITS: Final[Mapping[str, Callable[[Dataset, int], tuple[I64, I64]]]] = {
    "rebench": _rebench,
    "stratified": _stratified,
    "given": _given,
    "free": _free,
}
