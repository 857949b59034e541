"""Multinomial logistic regression that chooses its own scaling and penalty, and is calibrated.

How strongly weights are penalised moves accuracy more than the choice of strategy does, and
the right strength differs by orders of magnitude between pixels, embeddings and tables. It
is chosen by cross-validation, against a prior that decides while labels are few.
"""

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from alservice.domain import temperature, unseen
from alservice.domain.cross_validation import Chosen, CrossValidation, Setting, downhill
from alservice.domain.folds import canonical
from alservice.domain.head import LinearHead
from alservice.domain.learner import (
    F32,
    I64,
    FittedModel,
    Learner,
    Parameter,
    Progress,
    TrainingSet,
    WarmStart,
    choice,
    fit_notes,
    positive,
    require_known,
    require_two_classes,
)
from alservice.domain.scaling import F64, Scaling, centred

PARAMETERS: Final = {
    "C": "Inverse strength of the penalty, for vectors of mean squared norm 1; in (0, 1e6]. "
    "Chosen by cross-validation when absent.",
    "standardise": "Whether each feature is divided by its deviation over the pool. "
    "Chosen by cross-validation when absent.",
    "calibrate": "Whether to cross-validate at all. False: no temperature and no metrics, and "
    "for what is absent the usual, C = 100, not standardised; a small table takes milliseconds. "
    "Default: true.",
}
MOST_C: Final = 1e6
GRID: Final = (0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0)
USUAL_C: Final = 100.0  # best or nearly so for 20 labels, on images, texts and tables alike
# What it costs to leave the usual setting, in nats of held-out loss summed over the rows:
# twice the squared distance in decades for C, and so much for standardising. With 20 labels
# the prior decides, with 400 it is a whisper: a floor without an edge. Without it the folds
# of 20 labels pick penalties that lose up to a quarter of the accuracy.
COST_PER_SQUARED_DECADE: Final = 2.0
COST_OF_STANDARDISING: Final = 2.0

ROUGH: Final = 2e-2  # the gradient at the end beside the gradient at zero: enough to compare
FINE: Final = 1e-3


def fit(
    training: TrainingSet,
    parameters: Mapping[str, Parameter],
    warm: WarmStart | None,
    progress: Progress,
) -> FittedModel:
    """A calibrated head for all declared classes; the order of rows makes no difference.

    Raises `TrainingNeedsTwoClasses`, `ParameterUnknown`, `ParameterOutOfRange`.
    """
    grid, kinds = _choices(parameters)
    calibrated = choice(parameters, "calibrate") is not False
    require_two_classes(training)
    training = training.take(canonical(training.vectors, training.classes, training.weights))
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        chosen: Chosen[LinearSolution] = Chosen(_usual(grid, kinds))
        if calibrated:
            chosen = _choose(training, grid, kinds, progress)
        progress(0.8, "fitting all labels")
        head = _final(training, chosen, warm)
    return FittedModel(
        head=head,
        parameters={
            "C": chosen.setting.c,
            "standardise": chosen.setting.standardised,
            **chosen.parameters,
        },
        temperature=chosen.temperature,
        metrics=chosen.metrics,
        notes=fit_notes(training, calibrated=calibrated, measured=bool(chosen.metrics)),
    )


@dataclass(frozen=True, slots=True)
class LinearSolution:
    """Weights (K, d) and bias (K,) of the classes (K,) that the rows had, on scaled vectors."""

    classes: I64
    weights: F64
    bias: F64

    def logits(self, scaled: F32) -> F64:
        """The logits (n, K) of scaled vectors (n, d)."""
        return np.asarray(scaled @ self.weights.T.astype(np.float32) + self.bias, np.float64)

    def over(self, heat: float) -> "LinearSolution":
        """The solution with all logits divided by `heat`."""
        return LinearSolution(self.classes, self.weights / heat, self.bias / heat)


def _usual(grid: Sequence[float], kinds: Sequence[bool]) -> Setting:
    return Setting(min(grid, key=lambda c: abs(np.log(c / USUAL_C))), min(kinds))


def _choose(
    training: TrainingSet, grid: Sequence[float], kinds: Sequence[bool], progress: Progress
) -> Chosen[LinearSolution]:
    """Downhill from the usual setting, a decade of C at a time: about four trials in all."""
    progress(0.0, "preparing folds")
    scalings = {kind: centred(training, standardised=kind) for kind in kinds}
    trials = CrossValidation(training, scalings, functools.partial(_solve, precision=ROUGH))
    shares = iter(np.linspace(0.1, 0.7, len(grid)))

    def near(here: Setting) -> list[Setting]:
        i = grid.index(here.c)
        return [Setting(c, here.standardised) for c in grid[max(i - 1, 0) : i + 2]]

    starts = [Setting(_usual(grid, kinds).c, kind) for kind in kinds]
    setting = downhill(
        starts,
        near,
        lambda s: trials.trial(s).loss + _prior(s),
        lambda s: progress(float(next(shares)), f"cross-validating around C = {s.c:g}"),
    )
    progress(0.75, "measuring")
    return trials.chosen(setting)


def _final(
    training: TrainingSet, chosen: Chosen[LinearSolution], warm: WarmStart | None
) -> LinearHead:
    """Fitted on all rows, calibrated, on plain vectors, for all declared classes."""
    scaling = centred(training, standardised=chosen.setting.standardised)
    scaled = scaling.apply(training.vectors)
    present = np.unique(training.classes)
    starts = [*_mean_of_folds(chosen, present), *_round_before(warm, scaling, chosen, present)]
    solution = _solve(
        scaled, training.classes, training.weights, chosen.setting, starts, precision=FINE
    ).over(chosen.temperature)
    weights, bias = scaling.fold(solution.weights, solution.bias)
    logits = solution.logits(scaled)
    if not (np.isfinite(weights).all() and np.isfinite(bias).all() and np.isfinite(logits).all()):
        raise FloatingPointError("the vectors are not finite, or too large for float32")
    return unseen.complete(weights, bias, present, training.class_count, logits)


def _solve(
    scaled: F32,
    classes: I64,
    weights: F32,
    setting: Setting,
    starts: Iterable[LinearSolution],
    *,
    precision: float,
) -> LinearSolution:
    """The minimum of the penalised loss, from the best of `starts`, or from zero.

    `precision` is the largest gradient left, beside the largest at zero: an absolute
    tolerance would stop at once where classes are many and features small.
    """
    present, own = np.unique(classes, return_inverse=True)
    residual = np.eye(len(present), dtype=np.float32)[own]
    residual -= np.average(residual, axis=0, weights=weights)
    residual *= (weights / weights.sum())[:, None]
    tolerance = precision * float(np.abs(residual.T @ scaled).max())
    model = LogisticRegression(C=setting.c, tol=tolerance, max_iter=1_000, warm_start=True)
    start = _best_start(starts, scaled, present, own, weights)
    if start is not None:
        model.coef_, model.intercept_ = start.weights, start.bias
        if len(present) == 2:
            model.coef_, model.intercept_ = np.diff(start.weights, axis=0), np.diff(start.bias)
    with warnings.catch_warnings():
        # Many classes for few rows are usual here; float32 may stop short of the tolerance.
        warnings.simplefilter("ignore")
        model.fit(scaled, own, sample_weight=weights)
    found = np.asarray(model.coef_, np.float64)
    bias = np.asarray(model.intercept_, np.float64)
    if len(present) == 2:  # one row, of differences
        found, bias = np.concatenate([-found, found]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearSolution(present, found, bias)


def _best_start(
    starts: Iterable[LinearSolution], scaled: F32, present: I64, own: I64, weights: F32
) -> LinearSolution | None:
    """The start of least loss among those for these classes, if one is better than zero."""
    best, least = None, float(np.log(len(present)))
    for start in starts:
        if np.array_equal(start.classes, present):
            loss = temperature.loss(start.logits(scaled), own, weights.astype(np.float64))
            if loss < least:
                best, least = start, loss
    return best


def _mean_of_folds(chosen: Chosen[LinearSolution], present: I64) -> list[LinearSolution]:
    """The mean of the folds' solutions, where they have all classes."""
    whole = [s for s in chosen.solutions if s is not None and len(s.classes) == len(present)]
    if not whole:
        return []
    weights, bias = [s.weights for s in whole], [s.bias for s in whole]
    return [LinearSolution(present, np.mean(weights, axis=0), np.mean(bias, axis=0))]


def _round_before(
    warm: WarmStart | None, scaling: Scaling, chosen: Chosen[LinearSolution], present: I64
) -> list[LinearSolution]:
    """The head of the round before, as a start for all rows.

    It starts no fold, because it has seen the rows that the fold holds out.
    """
    head = None if warm is None else warm.head
    if not isinstance(head, LinearHead) or head.weights.shape[1] != len(scaling.scale):
        return []
    old_weights, old_bias = scaling.unfold(head)
    weights, bias = np.zeros((len(present), len(scaling.scale))), np.zeros(len(present))
    known = present < len(old_bias)
    weights[known], bias[known] = old_weights[present[known]], old_bias[present[known]]
    return [LinearSolution(present, weights, bias).over(1 / chosen.temperature)]


def _prior(setting: Setting) -> float:
    decades = float(np.log10(setting.c / USUAL_C))
    return COST_PER_SQUARED_DECADE * decades**2 + COST_OF_STANDARDISING * setting.standardised


def _choices(parameters: Mapping[str, Parameter]) -> tuple[Sequence[float], Sequence[bool]]:
    """The values of C, and of standardising, that are open."""
    require_known("logistic", parameters, PARAMETERS)
    c, standardise = positive(parameters, "C", MOST_C), choice(parameters, "standardise")
    return (
        GRID if c is None else (c,),
        (False, True) if standardise is None else (standardise,),
    )


LEARNER = Learner(
    name="logistic",
    summary="Multinomial logistic regression; scaling and penalty chosen, calibrated.",
    reference="Cox, JRSS B 20, 1958; L-BFGS: Liu & Nocedal, Mathematical Programming 45, 1989",
    fit=fit,
    parameters=PARAMETERS,
)
