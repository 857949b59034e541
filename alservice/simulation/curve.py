"""Numbers of a learning curve: areas, savings, data-utilisation rate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[Any]


def rebench_area(_counts: I64, accuracies: F64) -> float:
    """Trapezoids over the accuracies after each of q queries, divided by q.

    Lu, Li and Lin's formula to the letter: q - 1 intervals over q.
    """
    return float(((accuracies[1:] + accuracies[:-1]) / 2).sum() / len(accuracies))


def mean_area(_counts: I64, accuracies: F64) -> float:
    """The mean accuracy over the batches: the ALC of scikit-activeml's experiments."""
    return float(accuracies.mean())


def trapezoid_area(counts: I64, accuracies: F64) -> float:
    """Area under accuracy over labels, divided by the range of labels; one point: its accuracy."""
    if len(accuracies) == 1:
        return float(accuracies[0])
    return float(np.trapezoid(accuracies, counts) / (counts[-1] - counts[0]))


AREAS: Final[Mapping[str, Callable[[I64, F64], float]]] = {
    "rebench": rebench_area,
    "mean": mean_area,
    "trapezoid": trapezoid_area,
}


@dataclass(frozen=True, slots=True, eq=False)
class MeanCurve:
    """`accuracies` (batches,) after `counts` labels, and the standard `error` of each of them."""

    counts: I64
    accuracies: F64
    error: F64


def labels_to(goal: float, curve: MeanCurve) -> int | None:
    """The labels after which the curve has reached `goal` for good; None if it never does.

    For good: from there to its end it falls below `goal` by no more than one standard error. The
    first crossing alone would be luck, for a mean of few seeds is noisy.
    """
    above = curve.accuracies >= goal - 1e-12
    fallen = np.flatnonzero(curve.accuracies < goal - curve.error - 1e-12)
    since = int(fallen[-1]) + 1 if len(fallen) else 0
    reached = np.flatnonzero(above[since:])
    return int(curve.counts[since + reached[0]]) if len(reached) else None


def saving(mine: MeanCurve, reference: MeanCurve) -> float | None:
    """1 - (labels to the reference's final accuracy) / budget; None if it is not kept."""
    needed = labels_to(float(reference.accuracies[-1]), mine)
    return None if needed is None else 1 - needed / float(mine.counts[-1])


def data_utilisation(mine: MeanCurve, reference: MeanCurve) -> float | None:
    """Labels to the reference's final accuracy ÷ the labels that the reference needs for it.

    Below 1 is better than the reference. The data utilisation rate of Culotta and McCallum, AAAI
    2005; of mean curves.
    """
    goal = float(reference.accuracies[-1])
    needed, usual = labels_to(goal, mine), labels_to(goal, reference)
    return None if needed is None or usual is None else needed / usual
