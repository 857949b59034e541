"""One game: query, answer with the truth, train, measure; until the budget is spent."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alservice.client import Client, Project
from alservice.client.errors import FailedPrecondition
from alservice.demo.labelled import Labelled, split

TOO_FEW_CLASSES = "ERROR_REASON_TRAINING_NEEDS_TWO_CLASSES"


@dataclass(frozen=True, slots=True)
class Game:
    """Who plays: `strategy` on the split and the random draws of `seed`."""

    strategy: str
    seed: int
    budget: int
    batch_size: int


@dataclass(frozen=True, slots=True)
class Point:
    """Accuracy on the test items after so many labels; NaN while there is no model."""

    label_count: int
    accuracy: float


def play(client: Client, data: Labelled, game: Game) -> Iterator[Point]:
    """The learning curve, as it grows.

    Every label that was handed out counts, also those that the service asks for to audit itself.
    The first batch is drawn uniformly, whatever the strategy, because there is no model yet.
    """
    is_test = split(data.classes, game.seed)
    project = client.create_project(
        f"{game.strategy.replace('_', '-')}-{game.seed}",
        classes=np.unique(data.classes),
        strategy=game.strategy,
    )
    project.add_items(
        data.vectors,
        labels=np.where(is_test, data.classes, ""),
        roles=np.where(is_test, "test", "pool"),
    )
    count = 0
    while count < game.budget:
        size = min(game.batch_size, game.budget - count)
        batch = project.query(size, view="ids", seed=1000 * game.seed + count)
        project.submit_labels(batch.ids, data.classes[np.array(batch.ids, int)])
        count += len(batch)
        yield Point(count, _accuracy(project))
    project.delete()


def _accuracy(project: Project) -> float:
    """What the service measured on the test items; NaN while all labels are of one class."""
    try:
        metric = project.train().metric("accuracy", "test")
    except FailedPrecondition as error:
        if error.reason != TOO_FEW_CLASSES:
            raise
        return float("nan")
    return float("nan") if metric is None else metric.value
