"""TCM: typical items for three batches, doubtful ones from then on."""

import pytest

from alservice import strategies
from alservice.domain.strategy import Situation
from alservice.usecases.plan_choice import Asked, plan_choice

KNOWN = strategies.discover()


@pytest.mark.parametrize(
    ("labels", "has_model", "expected"),
    [
        (0, False, "typiclust"),
        (29, True, "typiclust"),
        (30, True, "margin"),
        (90, False, "typiclust"),
    ],
)
def test_it_turns_to_margin_after_three_batches(
    labels: int, *, has_model: bool, expected: str
) -> None:
    now = Situation(
        labels=labels,
        classes=2,
        seen_classes=2,
        batch_size=10,
        has_model=has_model,
    )
    assert plan_choice(KNOWN, Asked(strategy=KNOWN["tcm"]), now).chooser.name == expected
