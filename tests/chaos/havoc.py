"""What happens to a cluster, and when."""

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.chaos.cluster import Cluster

CALM_S: Final = 5.0  # at the end, in which nothing more is killed
WAYS: Final = (signal.SIGQUIT, signal.SIGINT)  # how the database ends, in turns


@dataclass(frozen=True, slots=True)
class Plan:
    """How long clients work, how often a replica is killed and the database restarted."""

    seconds: float
    kill_every_s: float
    restarts: int
    seed: int = 1

    @property
    def kills_s(self) -> list[float]:
        """When replicas are killed, in seconds from the start."""
        most = int((self.seconds - CALM_S) // self.kill_every_s)
        return [self.kill_every_s * (number + 1) for number in range(most)]

    @property
    def restarts_s(self) -> list[float]:
        """When the database is restarted."""
        share = self.seconds / (self.restarts + 1)
        return [share * (number + 1) for number in range(self.restarts)]


def wreak(plan: Plan, cluster: Cluster) -> None:
    """Do all that, one after the other, and return when the time is over."""
    rng = random.Random(plan.seed)

    def kill() -> None:
        replica = rng.choice(cluster.replicas)
        replica.kill()
        replica.start()

    deeds: list[tuple[float, Callable[[], None]]] = [(at_s, kill) for at_s in plan.kills_s]
    for number, at_s in enumerate(plan.restarts_s):
        how = WAYS[number % len(WAYS)]
        deeds.append((at_s, lambda how=how: cluster.restart_database(how)))  # type: ignore[misc]
    start, never = time.monotonic(), threading.Event()
    for at_s, deed in sorted(deeds, key=lambda pair: pair[0]):
        never.wait(max(0.0, start + at_s - time.monotonic()))
        deed()
    never.wait(max(0.0, start + plan.seconds - time.monotonic()))
