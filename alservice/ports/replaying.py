"""Where labelled data are replayed: a service of its own, away from the one that serves."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice.domain.learner import Progress
from alservice.ports.trainer import CancelFlag


@dataclass(frozen=True, slots=True)
class ReplayPlayer:
    """A strategy of ours, perhaps diversified by another one, and what it is called.

    There is no way to name code of anybody else's.
    """

    label: str
    strategy: str
    diversify: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """Labelled `vectors` (n, d) with `classes` (n,), positions in `class_ids`, and what plays.

    The first of `players` is what the others are compared with. `batch_size` and `budget` 0 mean
    what suits the set.
    """

    name: str
    vectors: NDArray[np.float32]
    classes: NDArray[np.int64]
    class_ids: tuple[str, ...]
    players: tuple[ReplayPlayer, ...]
    seeds: int
    batch_size: int = 0
    budget: int = 0


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The comparison: JSON for programs, a page that needs nothing else for people."""

    json: str
    html: str


class Replaying(Protocol):
    """Replays one job at a time; further callers wait for their turn."""

    def replay(self, job: ReplayJob, progress: Progress, cancel: CancelFlag) -> ReplayReport:
        """The report.

        `progress` is called on this thread; what it raises stops the job. Raises Cancelled soon
        after `cancel` is set, and SimulationFailed, with a message that is safe to show.
        """
