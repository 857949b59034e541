"""The default: which step has the turn, and that a batch of one is margin sampling."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from alservice.domain.strategy import Situation
from alservice.usecases.plan_choice import Asked, plan_choice
from tests.strategies.pools import KNOWN, SCORING, Pool, pools, question, rows

MUCH = Situation(
    labels=100,
    classes=4,
    seen_classes=4,
    batch_size=10,
    has_model=True,
)
LITTLE = [
    replace(MUCH, labels=0, seen_classes=0, has_model=False),
    replace(MUCH, labels=3),
    replace(MUCH, seen_classes=1),
    replace(MUCH, has_model=False),
]


@pytest.mark.parametrize("now", LITTLE)
def test_typical_items_come_first(now: Situation) -> None:
    assert plan_choice(KNOWN, Asked(strategy=KNOWN["auto"]), now).chooser.name == "typiclust"


def test_then_doubtful_ones_that_stand_for_others() -> None:
    plan = plan_choice(KNOWN, Asked(strategy=KNOWN["auto"]), MUCH)
    assert plan.chooser.name == "uncertainty_herding"
    assert plan.scores is not None and plan.scores.name == "margin"


@given(pool=pools())
@settings(max_examples=60, deadline=None)
def test_a_batch_of_one_is_the_item_of_the_highest_margin_score(pool: Pool) -> None:
    blocks = pool.cut(7)
    plan = plan_choice(KNOWN, Asked(strategy=KNOWN["auto"]), replace(MUCH, batch_size=1))
    ask = question(KNOWN["uncertainty_herding"], pool, blocks, 1, 3)
    # Ten labels per class, far away: they cover nothing.
    many = 10 * len(pool.head.bias)
    far = np.full((many, 3), 1e3, np.float32) + np.arange(many, dtype=np.float32)[:, None]
    known = replace(ask, anchors=far, anchor_classes=np.arange(many) % len(pool.head.bias))
    found = SCORING.choose(replace(known, parameters=plan.parameters))
    best = SCORING.choose(question(KNOWN["margin"], pool, blocks, 1, 3))
    np.testing.assert_array_equal(rows(blocks, found), rows(blocks, best))
