"""What a replay of a project's labels needs, and what it may cost: told before it is queued."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import InvalidField, SimulationNeedsLabels
from alservice.domain.operation import Json
from alservice.domain.project import Project
from alservice.domain.replay_plan import held_out, round_sizes

FEWEST_LABELS: Final = 40
FEWEST_OF_A_CLASS: Final = 5
"""Of each of two classes: one or two of them judge, and the others can be asked for."""
MOST_ROUNDS: Final = 200_000
"""Of all replays of a simulation together: at 5 to 50 ms a round, an hour or a few."""


def check_labels(project: Project, counts: NDArray[np.int64]) -> None:
    """Raise SimulationNeedsLabels if labels that train, (C,) by class, are too few."""
    total, enough = int(counts.sum()), int((counts >= FEWEST_OF_A_CLASS).sum())
    if total < FEWEST_LABELS or enough < 2:
        text = (
            f"a replay needs {FEWEST_LABELS} labels that train, {FEWEST_OF_A_CLASS} or more in "
            f"each of two classes at least; there are {total}, and {enough} such classes. Label "
            "more items first; what is labelled only to measure does not count"
        )
        raise SimulationNeedsLabels(text, project=project.project_id, got=total, classes=enough)


def check_rounds(asked: Json, names: Sequence[str], counts: NDArray[np.int64]) -> None:
    """Raise InvalidField if `asked` means more than MOST_ROUNDS rounds on so many labels."""
    seen = counts[counts > 0].tolist()
    sizes = round_sizes(
        sum(count - held_out(count) for count in seen),
        len(seen),
        batch=int(asked["batch_size"] or 0),
        budget=int(asked["budget"] or 0),
    )
    games, rounds = len(names) * int(asked["seeds"] or 0), len(sizes)
    if games * rounds > MOST_ROUNDS:
        text = (
            f"{len(names)} strategies (random among them), {asked['seeds']} seeds and {rounds} "
            f"rounds each are {games * rounds} rounds; a simulation may have {MOST_ROUNDS}. Lower "
            "budget, seeds or the number of strategies, or raise batch_size"
        )
        raise InvalidField(text, field="budget", limit=MOST_ROUNDS, got=games * rounds)
