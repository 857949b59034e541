"""Cross-validation of linear classifiers: which setting predicts rows it has not seen.

Settings are compared by the log-loss of their held-out logits *after* each has got its best
temperature. The served model is calibrated too, so a setting that is merely over- or
underconfident loses nothing, and what is compared is what accuracy follows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain import folds, temperature, unseen
from alservice.domain.learner import F32, I64, TrainingSet
from alservice.domain.metrics import SELECTED_CV, Metric, measure
from alservice.domain.scaling import centred

F64 = NDArray[np.float64]

CV_ROWS: Final = 4_000  # more rows do not change the choice, but its price
FEW_FOLDS_FROM: Final = 1_000
_NEVER: Final = -1e4  # logit of a class that the fold's training part does not have


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to fit: the inverse strength of the penalty, and the kind of scaling."""

    c: float
    standardised: bool


@dataclass(frozen=True, slots=True)
class Solution:
    """Weights (K, d) and bias (K,) of the classes (K,) that the rows had, on scaled vectors."""

    classes: I64
    weights: F64
    bias: F64

    def logits(self, scaled: F32) -> F64:
        """The logits (n, K) of scaled vectors (n, d)."""
        return np.asarray(scaled @ self.weights.T.astype(np.float32) + self.bias, np.float64)

    def over(self, heat: float) -> "Solution":
        """The solution with all logits divided by `heat`."""
        return Solution(self.classes, self.weights / heat, self.bias / heat)


Solve = Callable[[F32, I64, F32, float, Iterable[Solution]], Solution]
"""Scaled vectors (n, d), classes (n,), weights (n,), C, starts -> the solution."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What cross-validation found for one setting.

    `solutions` has one entry per fold, None where the rest held fewer than two classes;
    `loss` is summed over the held-out rows, in nats.
    """

    solutions: Sequence[Solution | None]
    temperature: float
    loss: float


class CrossValidation:
    """Trials on one sample and one set of folds: each run once, begun from its neighbour."""

    def __init__(self, training: TrainingSet, kinds: Sequence[bool], solve: Solve) -> None:
        self.sample = training.take(np.arange(min(len(training.classes), CV_ROWS)))
        self.scalings = {kind: centred(training, standardised=kind) for kind in kinds}
        self._scaled = {k: s.apply(self.sample.vectors) for k, s in self.scalings.items()}
        plain = centred(training, standardised=False).apply(self.sample.vectors)
        joined = folds.together(plain, self.sample.groups)
        self.count = 5 if len(joined) < FEW_FOLDS_FROM else 3
        self.fold_of = folds.assign(joined, self.sample.classes, self.count)
        self._solve = solve
        self._trials: dict[Setting, Trial] = {}

    @property
    def fits(self) -> int:
        """How many models were fitted so far."""
        return sum(s is not None for t in self._trials.values() for s in t.solutions)

    def trial(self, setting: Setting) -> Trial:
        """The trial of `setting`, run now if it has not been."""
        if setting not in self._trials:
            near = [s for s in self._trials if s.standardised == setting.standardised]
            near.sort(key=lambda s: abs(np.log(s.c / setting.c)))
            starts = self._trials[near[0]].solutions if near else [None] * self.count
            solutions = [self._fold(i, setting, starts[i]) for i in range(self.count)]
            self._trials[setting] = self._judged(setting, solutions)
        return self._trials[setting]

    def metrics(self, setting: Setting) -> tuple[Metric, ...]:
        """What the served model would score, from the held-out rows of the trial.

        Rows of a class that their fold's model has not seen count like all others.
        """
        trial, scaled = self.trial(setting), self._scaled[setting.standardised]
        logits, classes = [], []
        for fold, solution in enumerate(trial.solutions):
            if solution is not None:
                cool = solution.over(trial.temperature)
                held_out = self.fold_of == fold
                own = cool.logits(scaled[~held_out])
                head = unseen.complete(
                    cool.weights, cool.bias, cool.classes, self.sample.class_count, own
                )
                logits.append(head.logits(scaled[held_out]))
                classes.append(self.sample.classes[held_out])
        if not logits:
            return ()
        return measure(np.concatenate(logits), np.concatenate(classes), SELECTED_CV)

    def _fold(self, fold: int, setting: Setting, start: Solution | None) -> Solution | None:
        held_out = self.fold_of == fold
        classes = self.sample.classes[~held_out]
        if not held_out.any() or len(np.unique(classes)) < 2:
            return None
        scaled = self._scaled[setting.standardised][~held_out]
        starts = [] if start is None else [start]
        return self._solve(scaled, classes, self.sample.weights[~held_out], setting.c, starts)

    def _judged(self, setting: Setting, solutions: Sequence[Solution | None]) -> Trial:
        rows, scaled = self.sample, self._scaled[setting.standardised]
        logits = np.full((len(rows.classes), rows.class_count), _NEVER)
        for fold, solution in enumerate(solutions):
            if solution is not None:
                held_out = np.flatnonzero(self.fold_of == fold)
                logits[np.ix_(held_out, solution.classes)] = solution.logits(scaled[held_out])
        # A class that the other folds lack tells nothing about the setting.
        told = logits[np.arange(len(logits)), rows.classes] > _NEVER
        if not told.any():
            return Trial(solutions, 1.0, 0.0)
        seen, weights = np.unique(rows.classes), rows.weights[told].astype(np.float64)
        logits, classes = logits[np.ix_(told, seen)], np.searchsorted(seen, rows.classes[told])
        heat = temperature.fit(logits, classes, weights)
        loss = temperature.loss(logits / heat, classes, weights) * float(weights.sum())
        return Trial(solutions, heat, loss)
