"""Numbers of a learning curve: areas, savings, data-utilisation rate."""

from collections.abc import Callable, Mapping
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


def labels_to(goal: float, counts: I64, accuracies: F64) -> int | None:
    """The labels after which the curve first reaches `goal`; None if it never does."""
    reached = np.flatnonzero(accuracies >= goal - 1e-12)
    return int(counts[reached[0]]) if len(reached) else None


def saving(counts: I64, accuracies: F64, reference: F64) -> float | None:
    """1 - (labels to the reference's final accuracy) / budget, of mean curves."""
    needed = labels_to(float(reference[-1]), counts, accuracies)
    return None if needed is None else 1 - needed / float(counts[-1])


def data_utilisation(counts: I64, accuracies: F64, reference: F64) -> float | None:
    """Labels to the reference's final accuracy ÷ the labels that the reference first needs for it.

    Below 1 is better than the reference. The data utilisation rate of Culotta and McCallum, AAAI
    2005; of mean curves.
    """
    goal = float(reference[-1])
    needed, usual = labels_to(goal, counts, accuracies), labels_to(goal, counts, reference)
    return None if needed is None or usual is None else needed / usual
