"""What a person sees of a batch, wherever its rows have gone meanwhile."""

from collections.abc import Callable

import pytest

from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes
from alservice.usecases.batch_contents import BatchContents
from tests.rounds import Rounds, ids


@pytest.fixture
def grouped(start: Callable[..., Rounds]) -> Rounds:
    """Twelve items in two segments, each in a group of its own name."""
    rounds = start()
    for some in (ids(6), ids(6, 6)):
        rounds.add(some, attributes=tuple(Attributes(group=f"of-{i}") for i in some))
    return rounds


def groups(rounds: Rounds, batch_id: str) -> dict[str, str]:
    contents: BatchContents = rounds.wiring.make(BatchContents)
    items = rounds.batch(batch_id).items
    found = contents(rounds.project_id, items)
    return {i.item_id: a.group for i, a in zip(items, found, strict=True)}


def test_contents_come_in_the_order_of_the_batch_across_segments_and_merges(
    grouped: Rounds,
) -> None:
    batch_id = grouped.query(12).batch.batch_id
    expected = {i: f"of-{i}" for i in ids(12)}
    assert groups(grouped, batch_id) == expected
    grouped.pool.merge()
    assert groups(grouped, batch_id) == expected
    grouped.pool.regroup("i3", group="new")
    assert groups(grouped, batch_id) == {**expected, "i3": "new"}


def test_an_item_that_was_deleted_shows_nothing_even_if_its_id_lives_again(
    grouped: Rounds,
) -> None:
    batch_id = grouped.query(12).batch.batch_id
    grouped.pool.delete("i3", "i4")
    grouped.add(["i4"], attributes=(Attributes(group="another life"),))
    found = groups(grouped, batch_id)
    assert found["i3"] == found["i4"] == EMPTY_ATTRIBUTES.group == ""
    assert found["i5"] == "of-i5"
