"""Cross-validation of classifiers: which setting predicts rows it has not seen.

Settings are compared by the log-loss of their held-out logits *after* each has got its best
temperature. The served model is calibrated too, so a setting that is merely over- or
underconfident loses nothing, and what is compared is what accuracy follows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from alservice.domain import folds, temperature, unseen
from alservice.domain.learner import F32, I64, TrainingSet
from alservice.domain.metrics import SELECTED_CV, Metric, measure
from alservice.domain.scaling import Scaling, centred

F64 = NDArray[np.float64]

CV_ROWS: Final = 4_000  # more rows do not change the choice, but its price
FEW_FOLDS_FROM: Final = 1_000
_NEVER: Final = -1e4  # logit of a class that the fold's training part does not have


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to fit: the inverse strength of the penalty, the kind of scaling, the width."""

    c: float
    standardised: bool
    gamma: float = 0.0  # of a kernel


class Solution(Protocol):
    """What a fit gives: logits for the classes (K,) that its rows had."""

    @property
    def classes(self) -> I64:
        """Ascending."""

    def logits(self, scaled: F32) -> F64:
        """The logits (n, K) of scaled vectors (n, d)."""


S = TypeVar("S", bound=Solution)
Solve = Callable[[F32, I64, F32, Setting, Sequence[S]], S]
"""Scaled vectors (n, d), classes (n,), weights (n,), setting, starts -> the solution."""


@dataclass(frozen=True, slots=True)
class Trial(Generic[S]):
    """What cross-validation found for one setting.

    `solutions` has one entry per fold, None where the rest held fewer than two classes;
    `loss`, at the best temperature, is summed over the held-out rows, in nats.
    """

    solutions: Sequence[S | None]
    temperature: float  # to be served
    loss: float


@dataclass(frozen=True, slots=True)
class Chosen(Generic[S]):
    """The setting to fit all labels with, and what the trials say of it, if there were any."""

    setting: Setting
    temperature: float = 1.0
    solutions: Sequence[S | None] = ()
    metrics: tuple[Metric, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=lambda: {"folds": 0.0, "fits": 1.0})


class CrossValidation(Generic[S]):
    """Trials on one sample and one set of folds: each run once, begun from its neighbour.

    `scalings` are what vectors go through, by kind: plain or standardised.
    """

    def __init__(
        self,
        training: TrainingSet,
        scalings: Mapping[bool, Scaling],
        solve: Solve[S],
        most_rows: int = CV_ROWS,
        usual_temperature: float = 1.0,
    ) -> None:
        self.sample = training.take(np.arange(min(len(training.classes), most_rows)))
        self._scaled = {k: s.apply(self.sample.vectors) for k, s in scalings.items()}
        plain = centred(training, standardised=False).apply(self.sample.vectors)
        joined = folds.together(plain, self.sample.groups)
        self.count = 5 if len(joined) < FEW_FOLDS_FROM else 3
        self.fold_of = folds.assign(joined, self.sample.classes, self.count)
        self._solve = solve
        self._usual = usual_temperature
        self._trials: dict[Setting, Trial[S]] = {}

    @property
    def fits(self) -> int:
        """How many models were fitted so far."""
        return sum(s is not None for t in self._trials.values() for s in t.solutions)

    def trial(self, setting: Setting) -> Trial[S]:
        """The trial of `setting`, run now if it has not been."""
        if setting not in self._trials:
            near = [s for s in self._trials if s.standardised == setting.standardised]
            near.sort(key=lambda s: abs(np.log(s.c / setting.c)))
            starts = self._trials[near[0]].solutions if near else [None] * self.count
            solutions = [self._fold(i, setting, starts[i]) for i in range(self.count)]
            self._trials[setting] = self._judged(setting, solutions)
        return self._trials[setting]

    def chosen(self, setting: Setting) -> Chosen[S]:
        """That setting, with its trial and its metrics."""
        trial = self.trial(setting)
        parameters = {"folds": float(self.count), "fits": float(self.fits + 1)}
        return Chosen(
            setting, trial.temperature, trial.solutions, self.metrics(setting), parameters
        )

    def metrics(self, setting: Setting) -> tuple[Metric, ...]:
        """What the served model would score, from the held-out rows of the trial.

        Rows of a class that their fold's model has not seen count like all others.
        """
        trial, scaled = self.trial(setting), self._scaled[setting.standardised]
        logits, classes = [], []
        for fold, solution in enumerate(trial.solutions):
            if solution is not None:
                held_out = self.fold_of == fold
                own, others = (
                    solution.logits(scaled[rows]) / trial.temperature
                    for rows in (~held_out, held_out)
                )
                count = self.sample.class_count
                logits.append(unseen.spread(others, solution.classes, count, own))
                classes.append(self.sample.classes[held_out])
        if not logits:
            return ()
        return measure(np.concatenate(logits), np.concatenate(classes), SELECTED_CV)

    def _fold(self, fold: int, setting: Setting, start: S | None) -> S | None:
        held_out = self.fold_of == fold
        classes = self.sample.classes[~held_out]
        if not held_out.any() or len(np.unique(classes)) < 2:
            return None
        scaled = self._scaled[setting.standardised][~held_out]
        starts = [] if start is None else [start]
        return self._solve(scaled, classes, self.sample.weights[~held_out], setting, starts)

    def _judged(self, setting: Setting, solutions: Sequence[S | None]) -> Trial[S]:
        rows, scaled = self.sample, self._scaled[setting.standardised]
        logits = np.full((len(rows.classes), rows.class_count), _NEVER)
        for fold, solution in enumerate(solutions):
            if solution is not None:
                held_out = np.flatnonzero(self.fold_of == fold)
                logits[np.ix_(held_out, solution.classes)] = solution.logits(scaled[held_out])
        # A class that the other folds lack tells nothing about the setting.
        told = logits[np.arange(len(logits)), rows.classes] > _NEVER
        if not told.any():
            return Trial(solutions, self._usual, 0.0)
        seen, weights = np.unique(rows.classes), rows.weights[told].astype(np.float64)
        logits, classes = logits[np.ix_(told, seen)], np.searchsorted(seen, rows.classes[told])
        heat = temperature.fit(logits, classes, weights, self._usual)
        loss = temperature.loss(logits / heat, classes, weights) * float(weights.sum())
        served = temperature.served(heat, len(classes), len(seen), self._usual)
        return Trial(solutions, served, loss)


def downhill(
    starts: Iterable[Setting],
    near: Callable[[Setting], Iterable[Setting]],
    cost: Callable[[Setting], float],
    told: Callable[[Setting], None],
) -> Setting:
    """From the best of `starts` to the best of its neighbours, until none is better.

    Each step costs less than the one before it, so that no setting comes twice. `told` hears
    where it stands.
    """
    here = min(starts, key=cost)
    while True:
        told(here)
        best = min([here, *near(here)], key=cost)
        if best == here:
            return here
        here = best
