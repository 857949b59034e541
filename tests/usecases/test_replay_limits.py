import numpy as np
import pytest

from alservice.domain.errors import InvalidField, SimulationNeedsLabels
from alservice.domain.project import LabelSchema, Project
from alservice.usecases.replay_limits import MOST_ROUNDS, check_labels, check_rounds

PROJECT = Project(project_id="reviews", uid="p-1", display_name="", schema=LabelSchema())


@pytest.mark.parametrize("counts", [[35, 5], [20, 20, 0], [5] * 8])
def test_forty_labels_and_two_classes_of_five_are_enough(counts: list[int]) -> None:
    check_labels(PROJECT, np.array(counts))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([20, 19], "there are 39, and 2"),
        ([96, 4], "there are 100, and 1"),
        ([1] * 60, "there are 60, and 0"),
        ([0, 0], "there are 0, and 0"),
    ],
)
def test_fewer_are_refused_with_what_there_is(counts: list[int], words: str) -> None:
    with pytest.raises(SimulationNeedsLabels, match=words) as told:
        check_labels(PROJECT, np.array(counts))
    assert "Label more" in str(told.value)


def asked(**fields: int) -> dict[str, int]:
    return {"seeds": 50, "batch_size": 0, "budget": 0} | fields


def test_what_is_usual_is_never_too_much() -> None:
    check_rounds(asked(), ["random"] * 8, np.array([10**6, 10**6]))


def test_the_limit_is_that_of_all_rounds_of_all_games() -> None:
    names, counts = ["random", "margin"], np.array([10_000, 10_000])
    check_rounds(asked(batch_size=1, budget=2000), names, counts)  # 2 x 50 x 2000
    with pytest.raises(InvalidField, match=f"200100 rounds.*{MOST_ROUNDS}.*Lower budget"):
        check_rounds(asked(batch_size=1, budget=2001), names, counts)


def test_a_budget_beyond_the_labels_counts_as_far_as_there_are_labels() -> None:
    check_rounds(asked(batch_size=1, budget=100_000), ["random"] * 8, np.array([300, 300]))
