"""Multinomial logistic regression that chooses its own scaling and penalty, and is calibrated.

How strongly weights are penalised moves accuracy more than the choice of strategy does, and
the right strength differs by orders of magnitude between pixels, embeddings and tables. It
is chosen by cross-validation, against a prior that decides while labels are few.
"""

import functools
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from alservice.domain import temperature, unseen
from alservice.domain.cross_validation import CrossValidation, Setting, Solution, Trial
from alservice.domain.errors import (
    ParameterOutOfRange,
    ParameterUnknown,
    TrainingNeedsTwoClasses,
    did_you_mean,
)
from alservice.domain.learner import (
    F32,
    I64,
    FittedModel,
    Learner,
    LinearHead,
    Parameter,
    Progress,
    TrainingSet,
    WarmStart,
)
from alservice.domain.scaling import Scaling

PARAMETERS: Final = {
    "C": "Inverse strength of the penalty, for vectors of mean squared norm 1; in (0, 1e6]. "
    "Chosen by cross-validation when absent.",
    "standardise": "Whether each feature is divided by its deviation over the pool. "
    "Chosen by cross-validation when absent.",
}
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
    if len(np.unique(training.classes)) < 2:
        raise TrainingNeedsTwoClasses(
            "Training needs settled labels of at least two classes: label more items.",
            labels=len(training.classes),
        )
    training = training.take(_canonical(training))
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        progress(0.0, "preparing folds")
        trials = CrossValidation(training, kinds, functools.partial(_solve, precision=ROUGH))
        setting = _climb(lambda s: trials.trial(s).loss + _prior(s), grid, kinds, progress)
        progress(0.7, "fitting all labels")
        head = _final(training, setting, trials, warm)
    progress(0.9, "measuring")
    metrics = trials.metrics(setting)
    return FittedModel(
        head=head,
        parameters={
            "C": setting.c,
            "standardise": setting.standardised,
            "folds": float(trials.count),
            "fits": float(trials.fits + 1),
        },
        temperature=trials.trial(setting).temperature,
        metrics=metrics,
        notes=_notes(training, measured=bool(metrics)),
    )


def _final(
    training: TrainingSet, setting: Setting, trials: CrossValidation, warm: WarmStart | None
) -> LinearHead:
    """Fitted on all rows, calibrated, on plain vectors, for all declared classes."""
    scaling, trial = trials.scalings[setting.standardised], trials.trial(setting)
    scaled = scaling.apply(training.vectors)
    present = np.unique(training.classes)
    starts = [*_mean_of_folds(trial, present), *_round_before(warm, scaling, trial, present)]
    solution = _solve(
        scaled, training.classes, training.weights, setting.c, starts, precision=FINE
    ).over(trial.temperature)
    weights, bias = scaling.fold(solution.weights, solution.bias)
    logits = solution.logits(scaled)
    if not (np.isfinite(weights).all() and np.isfinite(bias).all() and np.isfinite(logits).all()):
        raise FloatingPointError("the vectors are not finite, or too large for float32")
    return unseen.complete(weights, bias, present, training.class_count, logits)


def _solve(
    scaled: F32,
    classes: I64,
    weights: F32,
    c: float,
    starts: Iterable[Solution],
    *,
    precision: float,
) -> Solution:
    """The minimum of the penalised loss, from the best of `starts`, or from zero.

    `precision` is the largest gradient left, beside the largest at zero: an absolute
    tolerance would stop at once where classes are many and features small.
    """
    present, own = np.unique(classes, return_inverse=True)
    residual = np.eye(len(present), dtype=np.float32)[own]
    residual -= np.average(residual, axis=0, weights=weights)
    residual *= (weights / weights.sum())[:, None]
    tolerance = precision * float(np.abs(residual.T @ scaled).max())
    model = LogisticRegression(C=c, tol=tolerance, max_iter=1_000, warm_start=True)
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
    return Solution(present, found, bias)


def _best_start(
    starts: Iterable[Solution], scaled: F32, present: I64, own: I64, weights: F32
) -> Solution | None:
    """The start of least loss among those for these classes, if one is better than zero."""
    best, least = None, float(np.log(len(present)))
    for start in starts:
        if np.array_equal(start.classes, present):
            loss = temperature.loss(start.logits(scaled), own, weights.astype(np.float64))
            if loss < least:
                best, least = start, loss
    return best


def _mean_of_folds(trial: Trial, present: I64) -> list[Solution]:
    """The mean of the folds' solutions, where they have all classes."""
    whole = [s for s in trial.solutions if s is not None and len(s.classes) == len(present)]
    if not whole:
        return []
    weights, bias = [s.weights for s in whole], [s.bias for s in whole]
    return [Solution(present, np.mean(weights, axis=0), np.mean(bias, axis=0))]


def _round_before(
    warm: WarmStart | None, scaling: Scaling, trial: Trial, present: I64
) -> list[Solution]:
    """The head of the round before, as a start for all rows.

    It starts no fold, because it has seen the rows that the fold holds out.
    """
    if warm is None or warm.head.weights.shape[1] != len(scaling.scale):
        return []
    old_weights, old_bias = scaling.unfold(warm.head)
    weights, bias = np.zeros((len(present), len(scaling.scale))), np.zeros(len(present))
    known = present < len(old_bias)
    weights[known], bias[known] = old_weights[present[known]], old_bias[present[known]]
    return [Solution(present, weights, bias).over(1 / trial.temperature)]


def _climb(
    cost: Callable[[Setting], float],
    grid: Sequence[float],
    kinds: Sequence[bool],
    progress: Progress,
) -> Setting:
    """Downhill from the usual setting, a decade of C at a time: about four trials in all."""
    middle = min(range(len(grid)), key=lambda i: abs(np.log(grid[i] / USUAL_C)))
    here = min((Setting(grid[middle], kind) for kind in kinds), key=cost)
    for step in range(1, len(grid) + 1):
        progress(0.7 * step / (len(grid) + 1), f"cross-validating around C = {here.c:g}")
        i = grid.index(here.c)
        near = [Setting(c, here.standardised) for c in grid[max(i - 1, 0) : i + 2]]
        best = min([here, *near], key=cost)
        if best == here:
            break
        here = best
    return here


def _prior(setting: Setting) -> float:
    decades = float(np.log10(setting.c / USUAL_C))
    return COST_PER_SQUARED_DECADE * decades**2 + COST_OF_STANDARDISING * setting.standardised


def _canonical(training: TrainingSet) -> I64:
    """An order of rows that depends on what they hold, not on how they arrived.

    Folds, and the sample that chooses the setting, are then as good as random and the same
    for every order of the labels.
    """
    rows = np.ascontiguousarray(training.vectors)
    hashes = np.fromiter((zlib.crc32(row.data) for row in rows), np.int64, len(rows))
    return np.lexsort((training.weights, training.classes, hashes)).astype(np.int64)


def _choices(parameters: Mapping[str, Parameter]) -> tuple[Sequence[float], Sequence[bool]]:
    """The values of C, and of standardising, that are open."""
    for name in parameters:
        if name not in PARAMETERS:
            raise ParameterUnknown(
                f"The learner logistic has no parameter {name!r}; it has C and standardise.",
                parameter=name,
                **did_you_mean(name, PARAMETERS),
            )
    c, standardise = parameters.get("C"), parameters.get("standardise")
    if c is not None and (isinstance(c, bool | str) or not 0 < c <= 1e6):
        raise ParameterOutOfRange(f"C must be in (0, 1e6], not {c!r}.", parameter="C")
    if standardise is not None and not isinstance(standardise, bool):
        raise ParameterOutOfRange("standardise must be true or false.", parameter="standardise")
    return (
        GRID if c is None else (float(c),),
        (False, True) if standardise is None else (standardise,),
    )


def _notes(training: TrainingSet, *, measured: bool) -> tuple[str, ...]:
    notes = []
    missing = training.class_count - len(np.unique(training.classes))
    if missing:
        notes.append(f"{missing} declared classes have no label: they get a prior probability.")
    if not measured:
        notes.append("Too few labels to cross-validate: the usual penalty was taken.")
    return tuple(notes)


LEARNER = Learner(
    name="logistic",
    summary="Multinomial logistic regression; scaling and penalty chosen, calibrated.",
    reference="Cox, JRSS B 20, 1958; L-BFGS: Liu & Nocedal, Mathematical Programming 45, 1989",
    fit=fit,
    parameters=PARAMETERS,
)
