"""Learning curves side by side: what a strategy reaches, and what random draws reach."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One strategy over several seeds: `accuracies` of shape (seeds, rounds)."""

    strategy: str
    accuracies: Floats

    @property
    def mean(self) -> Floats:
        """Mean over the seeds, shape (rounds,); NaN where some seed has no model yet."""
        return np.asarray(self.accuracies.mean(axis=0), float)

    @property
    def deviation(self) -> Floats:
        """Standard deviation over the seeds, shape (rounds,); 0 for a single seed."""
        degrees = 1 if len(self.accuracies) > 1 else 0
        return np.asarray(self.accuracies.std(axis=0, ddof=degrees), float)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """`label_counts` of shape (rounds,) and the two arms over it."""

    label_counts: NDArray[np.int64]
    arm: Arm
    control: Arm

    @property
    def goal(self) -> float:
        """The accuracy that random draws reach with the whole budget."""
        return float(self.control.mean[-1])

    @property
    def labels_to_goal(self) -> int | None:
        """The labels after which the arm's mean first reaches the goal; None if it never does."""
        reached = np.flatnonzero(self.arm.mean >= self.goal)
        return int(self.label_counts[reached[0]]) if len(reached) else None

    def verdict(self) -> str:
        """The result in one line."""
        arm, control, goal = self.arm.strategy, self.control.strategy, self.goal
        budget, needed = int(self.label_counts[-1]), self.labels_to_goal
        if needed is None:
            return (
                f"demo: {arm} did not reach {control}'s final accuracy ({goal:.3f}) "
                f"with {budget} labels: it ended at {self.arm.mean[-1]:.3f}"
            )
        return (
            f"demo: {arm} reached {control}'s final accuracy ({goal:.3f}) "
            f"with {needed} of {budget} labels, {100 * (1 - needed / budget):.0f} % saved"
        )
