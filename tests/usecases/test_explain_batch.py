"""Each live item of role POOL is counted for the item of the batch that is nearest to it."""

from collections.abc import Callable

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain.errors import InvalidField
from alservice.domain.item import Role
from alservice.domain.project import VectorSpace
from alservice.usecases.explain_batch import ExplainBatch
from tests.rounds import Rounds, a_call, ids, vectors_of


def test_the_counts_are_those_of_the_nearest_and_the_nearest_are_named(rounds: Rounds) -> None:
    rounds.add(ids(5, 50), role=Role.TEST)
    rounds.pool.delete("i39")
    batch = rounds.query(6).batch
    chosen = [item.item_id for item in batch.items]
    rounds.label(chosen[:2])
    found = rounds.wiring.make(ExplainBatch)(rounds.project_id, batch, CancelFlag())
    rest = [i for i in ids(39) if i not in chosen]
    gaps = np.linalg.norm(vectors_of(rest)[:, None] - vectors_of(chosen)[None], axis=2)
    nearest = gaps.argmin(axis=1)
    assert [each.represented_count for each in found] == np.bincount(nearest, minlength=6).tolist()
    for place, each in enumerate(found):
        mine = np.flatnonzero(nearest == place)
        order = mine[np.argsort(gaps[mine, place])][:10]
        assert list(each.represented_ids) == [rest[i] for i in order]


def test_an_item_that_is_gone_stands_for_nothing(rounds: Rounds) -> None:
    batch = rounds.query(3).batch
    rounds.pool.delete(batch.items[0].item_id)
    found = rounds.wiring.make(ExplainBatch)(rounds.project_id, batch, CancelFlag())
    assert found[0].represented_count == 0 and not found[0].represented_ids
    assert sum(each.represented_count for each in found) == 39 - 2


def test_without_vectors_nobody_is_near_anybody(start: Callable[..., Rounds]) -> None:
    rounds = start(space=VectorSpace(dimension=0), strategy="random")
    rounds.add(ids(9), dimension=0)
    batch = rounds.query(3).batch
    found = rounds.wiring.make(ExplainBatch)(rounds.project_id, batch, CancelFlag())
    assert [each.represented_count for each in found] == [0, 0, 0]


def test_a_batch_too_large_is_refused_before_anything_is_leased(rounds: Rounds) -> None:
    with pytest.raises(InvalidField, match="BATCH_VIEW_BASIC"):
        rounds.query(1_001, explained=True)
    assert not rounds.project.queried_asked


def test_a_query_explains_its_batch_and_a_repeat_says_the_same(rounds: Rounds) -> None:
    call = a_call("Query", "once")
    first = rounds.query(5, explained=True, call=call)
    assert sum(each.represented_count for each in first.explanations) == 40 - 5
    assert all(each.reason for each in first.explanations)
    assert rounds.query(5, explained=True, call=call).explanations == first.explanations
