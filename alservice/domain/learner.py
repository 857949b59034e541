"""The contract between the service and a learner: labelled vectors in, a scored head out.

A learner is a value, not a class to inherit from: a name, a reference, and one function.
It holds no state and reads no clock, so that it can run in any process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import (
    ParameterOutOfRange,
    ParameterUnknown,
    TrainingNeedsTwoClasses,
    did_you_mean,
)
from alservice.domain.head import Head
from alservice.domain.metrics import Metric, measure

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
Parameter = float | str | bool
Progress = Callable[[float, str], None]
"""Told the share done, in [0, 1], and what is being done. It may raise, to stop the learner."""


def silent(_share: float, _doing: str) -> None:
    """The `Progress` of nobody who watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """The labelled rows of one vector space, and what is known of the whole pool.

    `class_count` counts the declared classes, of which some may have no label yet.
    """

    vectors: F32  # (n, d), finite
    classes: I64  # (n,), in [0, class_count)
    class_count: int
    weights: F32  # (n,), > 0; an UNSURE label weighs less than 1
    groups: I64 | None = None  # (n,); rows of one group stay in one fold
    pool_mean: F32 | None = None  # (d,), of the whole pool
    pool_scale: F32 | None = None  # (d,), standard deviations over the whole pool

    def __post_init__(self) -> None:
        n, d = self.vectors.shape
        for name, shape in {
            "classes": (n,),
            "weights": (n,),
            "groups": (n,),
            "pool_mean": (d,),
            "pool_scale": (d,),
        }.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}, the vectors ask for {shape}")

    def take(self, rows: I64) -> "TrainingSet":
        """The rows at those positions, in that order; the pool stays the same."""
        return TrainingSet(
            vectors=self.vectors[rows],
            classes=self.classes[rows],
            class_count=self.class_count,
            weights=self.weights[rows],
            groups=None if self.groups is None else self.groups[rows],
            pool_mean=self.pool_mean,
            pool_scale=self.pool_scale,
        )


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Labelled rows that trained nothing; `basis` is "audit" or "test"."""

    basis: str
    vectors: F32  # (m, d)
    classes: I64  # (m,)


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The head of the round before: where the search begins, never where it ends.

    Its class positions are those of the new training set; a head with fewer classes (some
    were added since) or of another dimension is used as far as it fits.
    """

    head: Head


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModel:
    """A trained head, how it was chosen, and how good it is on each basis there is."""

    head: Head
    parameters: Mapping[str, Parameter]
    temperature: float  # already in the head: its logits are calibrated
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...] = ()  # what the owner of the project should know


Fit = Callable[[TrainingSet, Mapping[str, Parameter], WarmStart | None, Progress], FittedModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """One kind of model.

    `fit` is pure: the same arguments give the same model. It raises `TrainingNeedsTwoClasses`
    where fewer than two classes have labels, and an `InvalidArgument` for parameters it does
    not know.
    """

    name: str
    summary: str
    reference: str
    fit: Fit
    parameters: Mapping[str, str] = field(default_factory=dict)  # name -> what it means


def require_two_classes(training: TrainingSet) -> None:
    """Raise `TrainingNeedsTwoClasses` where fewer have labels."""
    if len(np.unique(training.classes)) < 2:
        raise TrainingNeedsTwoClasses(
            "Training needs settled labels of at least two classes: label more items.",
            labels=len(training.classes),
        )


def require_known(
    learner: str, parameters: Mapping[str, Parameter], known: Mapping[str, str]
) -> None:
    """Raise `ParameterUnknown` for a name that is not among the `known`."""
    for name in parameters:
        if name not in known:
            raise ParameterUnknown(
                f"The learner {learner} has no parameter {name!r}; it has {', '.join(known)}.",
                parameter=name,
                **did_you_mean(name, known),
            )


def positive(parameters: Mapping[str, Parameter], name: str, most: float) -> float | None:
    """A number in (0, most], None where absent. Raises `ParameterOutOfRange`."""
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool | str) or not 0 < value <= most:
        raise ParameterOutOfRange(
            f"{name} must be in (0, {most:g}], not {value!r}.", parameter=name
        )
    return float(value)


def choice(parameters: Mapping[str, Parameter], name: str) -> bool | None:
    """A yes or no, None where absent. Raises `ParameterOutOfRange`."""
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise ParameterOutOfRange(f"{name} must be true or false.", parameter=name)
    return value


def fit_notes(training: TrainingSet, *, calibrated: bool, measured: bool) -> tuple[str, ...]:
    """What the owner should know of a model fitted to `training`, whatever its kind."""
    notes = []
    missing = training.class_count - len(np.unique(training.classes))
    if missing:
        notes.append(f"{missing} declared classes have no label: they get a prior probability.")
    if not calibrated:
        notes.append("Neither measured nor calibrated, as was asked for.")
    elif not measured:
        notes.append("Too few labels to cross-validate: the usual penalty was taken.")
    return tuple(notes)


def evaluate(head: Head, evaluation: EvaluationSet) -> tuple[Metric, ...]:
    """Accuracy, macro-F1, log-loss and calibration error of `head` on untouched labels."""
    return measure(head.logits(evaluation.vectors), evaluation.classes, evaluation.basis)
