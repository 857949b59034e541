"""One competitor's learning curves on one set, all seeds together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alservice.simulation.curve import AREAS, MeanCurve
from alservice.simulation.game import Outcome

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """One competitor on one set: `accuracies` and `own` (seeds, batches), by ascending seed."""

    seeds: tuple[int, ...]
    label_counts: I64
    accuracies: F64
    own: F64
    areas: F64  # (seeds,)
    seconds: float  # per batch, mean

    @property
    def mean(self) -> F64:
        """Mean over the seeds, (batches,)."""
        return np.asarray(self.accuracies.mean(axis=0))

    @property
    def error(self) -> F64:
        """The standard error of the mean, (batches,); 0 for a single seed."""
        n = len(self.seeds)
        if n < 2:
            return np.zeros(self.accuracies.shape[1])
        return np.asarray(self.accuracies.std(axis=0, ddof=1) / np.sqrt(n))

    @property
    def half_width(self) -> F64:
        """Half of the 95 % confidence interval of the mean (Student's t), (batches,)."""
        from scipy.stats import t  # noqa: PLC0415 (slow to import)

        return self.error * np.float64(t.ppf(0.975, max(1, len(self.seeds) - 1)))

    def until(self, batches: int) -> MeanCurve:
        """The mean over the seeds of the first so many batches."""
        return MeanCurve(self.label_counts[:batches], self.mean[:batches], self.error[:batches])

    def thinned(self, most: int) -> "Curves":
        """At most so many batches, evenly, the first and the last among them."""
        count = len(self.label_counts)
        if count <= most:
            return self
        at = np.linspace(0, count - 1, most).round().astype(np.int64)
        return replace(
            self,
            label_counts=self.label_counts[at],
            accuracies=self.accuracies[:, at],
            own=self.own[:, at],
        )


def curves_of(played: Sequence[Outcome], where: str, who: str, area: str) -> Curves | None:
    """The curves; None if it has not played there. `area` is a key of AREAS."""
    mine = [o for o in played if o.set_name == where and o.competitor == who]
    if not mine:
        return None
    mine.sort(key=lambda outcome: outcome.seed)
    length = min(len(outcome.accuracies) for outcome in mine)
    accuracies = np.array([outcome.accuracies[:length] for outcome in mine], float)
    own = np.array([o.own[:length] for o in mine if o.own], float).reshape(-1, length)
    counts = np.array(mine[0].label_counts[:length], np.int64)
    batches = sum(len(outcome.accuracies) for outcome in mine)
    return Curves(
        seeds=tuple(outcome.seed for outcome in mine),
        label_counts=counts,
        accuracies=accuracies,
        own=own,
        areas=np.array([AREAS[area](counts, curve) for curve in accuracies]),
        seconds=sum(outcome.seconds for outcome in mine) / max(1, batches),
    )
