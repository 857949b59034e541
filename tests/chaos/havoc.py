"""What happens to a cluster, and when.

Nothing here waits for anything but the clock: it is what the run is made of.
"""

import itertools
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.chaos.cluster import Cluster
from tests.chaos.takeovers import Kill

CALM_S: Final = 5.0  # at the end, in which nothing more is killed
ASLEEP_S: Final = 12.0  # longer than the lease of an operation
# What a storm of the bucket is made of: connections that are cut, answers 503, slow answers.
CUTS: Final = 5
CUT_AFTER: Final = 200_000
BUSY: Final = 20
SLOW: Final = 20
SLOW_S: Final = 2.0
WAYS: Final = (signal.SIGQUIT, signal.SIGINT)  # how the database ends, in turns


@dataclass(frozen=True, slots=True)
class Plan:
    """How long clients work, and how often something happens.

    `kill_every_s` is the time between two deaths of a replica; the database restarts `restarts`
    times, `pauses` times a replica sleeps for ASLEEP_S, and `storms` times the bucket refuses,
    cuts and delays what comes next.
    """

    seconds: float
    kill_every_s: float
    restarts: int
    pauses: int = 0
    storms: int = 0
    seed: int = 1

    @property
    def kills_s(self) -> list[float]:
        """When replicas are killed, in seconds from the start."""
        most = int((self.seconds - CALM_S) // self.kill_every_s)
        return [self.kill_every_s * (number + 1) for number in range(most)]

    @property
    def restarts_s(self) -> list[float]:
        """When the database is restarted."""
        return _spread(self.seconds, self.restarts)

    @property
    def pauses_s(self) -> list[float]:
        """When a replica falls asleep."""
        return [at_s + self.kill_every_s / 2 for at_s in _spread(self.seconds, self.pauses)]

    @property
    def storms_s(self) -> list[float]:
        """When the bucket fails."""
        return [at_s + self.kill_every_s / 4 for at_s in _spread(self.seconds, self.storms)]


class Havoc:
    """What is done to `cluster`; `kills` tells which replicas died, and when."""

    def __init__(self, plan: Plan, cluster: Cluster) -> None:
        self.kills: list[Kill] = []
        self._plan = plan
        self._cluster = cluster
        self._rng = random.Random(plan.seed)
        self._ways = itertools.cycle(WAYS)
        self._never = threading.Event()

    def wreak(self) -> None:
        """Do all that, one after the other, and return when the time is over."""
        plan, start = self._plan, time.monotonic()
        for at_s, deed in sorted(self._deeds(), key=lambda pair: pair[0]):
            self._never.wait(max(0.0, start + at_s - time.monotonic()))
            deed()
        self._never.wait(max(0.0, start + plan.seconds - time.monotonic()))

    def _deeds(self) -> list[tuple[float, Callable[[], None]]]:
        plan = self._plan
        return [
            *((at_s, self._kill) for at_s in plan.kills_s),
            *((at_s, self._restart) for at_s in plan.restarts_s),
            *((at_s, self._pause) for at_s in plan.pauses_s),
            *((at_s, self._storm) for at_s in plan.storms_s),
        ]

    def _kill(self) -> None:
        replica = self._rng.choice(self._cluster.replicas)
        self.kills.append(Kill(replica.name, time.time()))
        replica.kill()
        replica.start()

    def _restart(self) -> None:
        self._cluster.restart_database(next(self._ways))

    def _pause(self) -> None:
        with self._rng.choice(self._cluster.replicas).asleep():
            self._never.wait(ASLEEP_S)

    def _storm(self) -> None:
        assert self._cluster.s3 is not None
        faults = self._cluster.s3.faults
        faults.cut_after, faults.slow_s = CUT_AFTER, SLOW_S
        faults.cuts, faults.busy, faults.slow = CUTS, BUSY, SLOW


def _spread(seconds: float, times: int) -> list[float]:
    share = seconds / (times + 1)
    return [share * (number + 1) for number in range(times)]
