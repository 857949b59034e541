"""How good a model is, with the doubt that goes with it.

Every number names its basis, because the same formula on labels that a strategy picked
is a diagnosis and on an untouched sample is a measurement. Intervals hold 95 %: Wilson's
for accuracy, a percentile bootstrap with a fixed seed for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

AUDIT: Final = "audit"  # a uniform sample of the pool that trained nothing
TEST: Final = "test"  # items of role TEST, labelled by their owner
SELECTED_CV: Final = "selected_cv"  # cross-validated on queried labels: biased, a diagnosis only

CALIBRATION_BINS: Final = 15
REPLICATES: Final = 200
SEED: Final = 20_220
_BLOCK_CELLS: Final = 1 << 20  # counts held at once, so that large samples stay cheap in memory
_Z95: Final = 1.959963984540054

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Resample = Callable[[F64], F64]  # counts (r, n) -> the statistic of each of r replicates


@dataclass(frozen=True, slots=True)
class Metric:
    """One number about a model: `low` <= `value` <= `high`, measured on `n` rows of `basis`."""

    name: str
    basis: str
    value: float
    low: float
    high: float
    n: int


def measure(logits: NDArray[np.floating], classes: I64, basis: str) -> tuple[Metric, ...]:
    """Accuracy, macro-F1, log-loss and calibration error of `logits` (n, C), softmax link.

    `classes` (n,) holds the truth, in [0, C). Nothing is measured on no rows: the answer
    is then empty.
    """
    n = len(classes)
    if n == 0:
        return ()
    probabilities, losses = softmax(logits, classes)
    predicted = np.argmax(logits, axis=1).astype(np.int64)
    right = predicted == classes
    accuracy = Metric("accuracy", basis, float(right.mean()), *wilson(int(right.sum()), n), n)
    f1 = _macro_f1(predicted, classes, logits.shape[1])
    calibration = _calibration_error(probabilities.max(axis=1), right)
    return (
        accuracy,
        _at_least_a_share(_bootstrapped("macro_f1", basis, f1, n)),
        _bootstrapped("log_loss", basis, lambda counts: counts @ losses / n, n),
        _at_least_as_wide(_bootstrapped("calibration_error", basis, calibration, n), accuracy),
    )


def softmax(logits: NDArray[np.floating], classes: I64) -> tuple[F64, F64]:
    """Probabilities (n, C) of `logits`, and the log-loss (n,) in nats of the true `classes`."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)
    losses = np.log(total) - shifted[np.arange(len(classes)), classes]
    return exponentials / total[:, None], losses


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson, JASA 22, 1927); n > 0."""
    share, z2 = successes / n, _Z95 * _Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends the exact bound is the share itself, which rounding may miss.
    return float(max(0.0, min(share, centre - half))), float(min(1.0, max(share, centre + half)))


def _macro_f1(predicted: I64, classes: I64, class_count: int) -> Resample:
    """Mean F1 over the classes that occur in truth or prediction, as scikit-learn has it."""
    one_hot = np.eye(class_count)
    hits = one_hot[classes] * (predicted == classes)[:, None]
    either = one_hot[classes] + one_hot[predicted]

    def of(counts: F64) -> F64:
        occurs = counts @ either
        f1 = np.divide(2 * (counts @ hits), occurs, out=np.zeros_like(occurs), where=occurs > 0)
        return np.asarray(f1.sum(axis=1) / (occurs > 0).sum(axis=1), dtype=np.float64)

    return of


def _calibration_error(confidence: F64, right: NDArray[np.bool_]) -> Resample:
    """Expected calibration error of the top class, over 15 bins of equal width.

    Sum over bins of |accuracy - mean confidence| times the bin's share (Naeini et al. 2015;
    Guo et al., ICML 2017). Bins are (lower, upper].
    """
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(np.int64) - 1, 0, None)
    gaps = np.zeros((len(right), CALIBRATION_BINS))
    gaps[np.arange(len(right)), np.minimum(bins, CALIBRATION_BINS - 1)] = right - confidence

    def of(counts: F64) -> F64:
        return np.asarray(np.abs(counts @ gaps).sum(axis=1) / len(right), dtype=np.float64)

    return of


def _bootstrapped(name: str, basis: str, statistic: Resample, n: int) -> Metric:
    """The statistic on the rows as they are, and the percentiles of its replicates.

    Efron, Annals of Statistics 7, 1979. The interval is widened to hold the value, which
    a biased statistic such as the calibration error may leave outside.
    """
    value = float(statistic(np.ones((1, n)))[0])
    rng = np.random.default_rng(SEED)
    per_block = max(1, min(REPLICATES, _BLOCK_CELLS // n))
    replicates = np.concatenate(
        [
            statistic(_counts(rng, min(per_block, REPLICATES - start), n))
            for start in range(0, REPLICATES, per_block)
        ]
    )
    low, high = np.quantile(replicates, (0.025, 0.975))
    return Metric(name, basis, value, min(float(low), value), max(float(high), value), n)


def _at_least_a_share(metric: Metric) -> Metric:
    """The interval, at least as wide as that of a share of so many rows.

    With a handful of rows, all of them right, every replicate is 1: certainty out of nothing.
    """
    low, high = wilson(round(metric.value * metric.n), metric.n)
    return replace(metric, low=min(metric.low, low), high=max(metric.high, high))


def _at_least_as_wide(metric: Metric, accuracy: Metric) -> Metric:
    """The interval, at least as far to each side as the accuracy's.

    The gaps are between accuracy and confidence, so they are no better known than the accuracy
    is; and their percentiles all lie above the value, because resampling makes gaps larger.
    """
    low = metric.value - (accuracy.high - accuracy.value)
    high = metric.value + (accuracy.value - accuracy.low)
    return replace(metric, low=max(0.0, min(metric.low, low)), high=max(metric.high, high))


def _counts(rng: np.random.Generator, replicates: int, n: int) -> F64:
    """How often each of `n` rows is drawn, for each replicate: (replicates, n)."""
    drawn = rng.integers(0, n, size=(replicates, n)) + n * np.arange(replicates)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=replicates * n)
    return counts.reshape(replicates, n).astype(np.float64)
