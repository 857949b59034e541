"""Paired tests, and what is left of their p-values when there are many."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Paired:
    """Mean difference, its standard error, and two-sided p-values of no difference.

    A single pair has neither error nor p-values.
    """

    difference: float
    error: float | None
    t_p: float | None
    wilcoxon_p: float | None


def paired(mine: F64, other: F64) -> Paired:
    """Paired t-test and Wilcoxon's signed-rank test of at least one pair.

    p = 1 where nothing differs.
    """
    from scipy.stats import ttest_rel, wilcoxon  # noqa: PLC0415 (slow to import)

    differences = mine - other
    mean, error = float(differences.mean()), standard_error(differences)
    if error is None:
        return Paired(mean, None, None, None)
    if not differences.any():
        return Paired(mean, error, 1.0, 1.0)
    with warnings.catch_warnings():
        # Differences that are all the same, and ties: the p-values are defined none the less.
        warnings.simplefilter("ignore")
        t_p = float(ttest_rel(mine, other).pvalue)
        w_p = float(wilcoxon(differences).pvalue)
    return Paired(mean, error, 1.0 if np.isnan(t_p) else t_p, 1.0 if np.isnan(w_p) else w_p)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (Scandinavian Journal of Statistics, 1979), in given order.

    What was not tested, None, counts for nothing and stays None.
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[place] = largest
    return corrected


def standard_error(values: F64) -> float | None:
    """Of the mean; None for a single value, which says nothing about it."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
