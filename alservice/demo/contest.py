"""All games of a demo: the strategy and random draws, over several seeds."""

from dataclasses import dataclass

import numpy as np

from alservice.client import Client
from alservice.client.progress import Report
from alservice.demo.comparison import Arm, Comparison
from alservice.demo.labelled import TEST_SHARE, Labelled
from alservice.demo.play import Game, Point, play

CONTROL = "random"
# A strategy needs something to choose from: spending more says nothing about choosing.
MAX_POOL_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared, and for how many labels."""

    strategy: str
    seeds: int
    budget: int
    batch_size: int

    def games(self) -> list[Game]:
        """In the order in which they are played: both arms of a seed, then the next seed."""
        return [
            Game(strategy, seed, self.budget, self.batch_size)
            for seed in range(self.seeds)
            for strategy in (self.strategy, CONTROL)
        ]

    @property
    def label_count(self) -> int:
        """The labels of all games together."""
        return 2 * self.seeds * self.budget


def affordable(data: Labelled, budget: int) -> int:
    """The budget, or what MAX_POOL_SHARE of the pool allows."""
    pool = round((1 - TEST_SHARE) * len(data.classes))
    return min(budget, int(MAX_POOL_SHARE * pool))


def compare(client: Client, data: Labelled, contest: Contest, report: Report) -> Comparison:
    """Plays all games. `report` hears how many labels are spent. Raises ServiceError."""
    curves: dict[str, list[list[Point]]] = {contest.strategy: [], CONTROL: []}
    spent = 0
    for game in contest.games():
        curve: list[Point] = []
        for point in play(client, data, game):
            spent += point.label_count - (curve[-1].label_count if curve else 0)
            curve.append(point)
            report(spent, _remark(game, point, contest))
        curves[game.strategy].append(curve)
    arm, control = (_arm(strategy, curves[strategy]) for strategy in (contest.strategy, CONTROL))
    counts = [point.label_count for point in curves[CONTROL][0]]
    return Comparison(np.array(counts, np.int64), arm, control)


def _arm(strategy: str, curves: list[list[Point]]) -> Arm:
    return Arm(strategy, np.array([[point.accuracy for point in curve] for curve in curves]))


def _remark(game: Game, point: Point, contest: Contest) -> str:
    where = f"seed {game.seed + 1} of {contest.seeds}, {game.strategy}"
    return f"{where}: {point.label_count} labels, accuracy {point.accuracy:.3f}"
