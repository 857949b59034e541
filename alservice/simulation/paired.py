"""Paired tests, and what is left of their p-values when there are many."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean difference, its standard error, and two-sided p-values of no difference."""

    difference: float
    error: float
    t_p: float
    wilcoxon_p: float


def paired(mine: F64, other: F64) -> Paired:
    """Paired t-test and Wilcoxon's signed-rank test; p = 1 where nothing differs."""
    from scipy.stats import ttest_rel, wilcoxon  # noqa: PLC0415 (slow to import)

    differences = mine - other
    if not len(differences):
        return Paired(float("nan"), float("nan"), 1.0, 1.0)
    mean, error = float(differences.mean()), standard_error(differences)
    if len(differences) < 2 or not differences.any():
        return Paired(mean, error, 1.0, 1.0)
    with warnings.catch_warnings():
        # Differences that are all the same, and ties: the p-values are defined none the less.
        warnings.simplefilter("ignore")
        t_p = float(ttest_rel(mine, other).pvalue)
        w_p = float(wilcoxon(differences).pvalue)
    return Paired(mean, error, 1.0 if np.isnan(t_p) else t_p, 1.0 if np.isnan(w_p) else w_p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scandinavian Journal of Statistics, 1979), in given order."""
    count = len(p_values)
    corrected, largest = [1.0] * count, 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (count - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def standard_error(values: F64) -> float:
    """Of the mean; 0 for a single value."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
