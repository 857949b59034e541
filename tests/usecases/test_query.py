"""Query hands out what is worth a label, once, to one person at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from alservice.domain import errors
from alservice.domain.batch import BatchItemState
from alservice.domain.item import Attributes, ContentPart, Role
from alservice.domain.label import Answer, Outcome
from alservice.usecases.query import Query, QueryCommand
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from alservice.usecases.renew_batch import RenewBatch, RenewBatchCommand
from tests.rounds import Rounds, a_call, ids
from tests.usecases.conftest import Clock

DAY_MS = 24 * 3_600_000


def test_a_batch_has_as_many_items_as_asked_ranked_best_first_and_none_twice(
    rounds: Rounds,
) -> None:
    rounds.label(ids(10))
    rounds.learn()
    batch = rounds.query(12).batch
    assert [item.rank for item in batch.items] == list(range(1, 13))
    scores = [item.score for item in batch.items]
    assert scores == sorted(scores, reverse=True)
    assert len({item.item_id for item in batch.items} - set(ids(10))) == 12


def test_the_project_decides_what_the_caller_leaves_open(start: Callable[..., Rounds]) -> None:
    rounds = start(batch_size=3, strategy="random", lease_duration_ms=60_000)
    rounds.add(ids(10))
    batch = rounds.query().batch
    assert len(batch.items) == 3 and batch.strategy == "random"
    assert batch.annotator_id == "anonymous"
    assert batch.expire_time_ms - batch.create_time_ms == 60_000
    assert batch.revision == rounds.project.revision - 1


def test_everything_open_is_handed_out_and_then_the_pool_is_empty(rounds: Rounds) -> None:
    assert set(rounds.ask(1_000)) == set(ids(40))
    with pytest.raises(errors.PoolEmpty) as caught:
        rounds.query()
    assert caught.value.metadata["item_count"] == "40"


def test_a_project_without_items_has_an_empty_pool(start: Callable[..., Rounds]) -> None:
    with pytest.raises(errors.PoolEmpty):
        start().query()


def test_what_is_not_of_the_pool_is_never_asked_about(start: Callable[..., Rounds]) -> None:
    rounds = start()
    rounds.add(ids(5))
    rounds.add(ids(5, 5), role=Role.TEST)
    rounds.add(ids(5, 10), role=Role.GOLD)
    assert set(rounds.ask(15)) == set(ids(5))


@pytest.mark.parametrize("outcome", [Outcome.UNUSABLE, Outcome.FLAG, Outcome.VALUE])
def test_what_is_settled_in_any_way_is_out_of_the_pool(rounds: Rounds, outcome: Outcome) -> None:
    rounds.answer("i7", "cat" if outcome is Outcome.VALUE else None, outcome=outcome)
    assert set(rounds.ask(40)) == set(ids(40)) - {"i7"}


def test_an_abstention_counts_for_this_annotator_and_this_life_of_the_item_only(
    rounds: Rounds,
) -> None:
    rounds.submit(Answer(item_id="i7", outcome=Outcome.ABSTAIN, annotator_id="ada"))
    query = {"dry_run": True, "strategy": "random"}
    assert "i7" not in rounds.ask(40, annotator_id="ada", **query)
    assert "i7" in rounds.ask(40, annotator_id="bob", **query)
    rounds.pool.delete("i7")
    rounds.add(["i7"])
    assert "i7" in rounds.ask(40, annotator_id="ada", **query)


def test_a_lease_that_ran_out_is_taken_back_and_its_old_batch_says_so(
    rounds: Rounds, clock: Clock
) -> None:
    first = rounds.query(30, lease_ms=60_000, annotator_id="ada").batch
    rounds.label(item.item_id for item in first.items[:5])
    clock.advance(59_000)
    assert len(rounds.ask(40, lease_ms=1_000)) == 10
    clock.advance(2_000)
    second = rounds.query(40, annotator_id="bob").batch
    assert len(second.items) == 35
    found = rounds.batch(first.batch_id)
    states = [item.state for item in found.items]
    assert states == [BatchItemState.ANSWERED] * 5 + [BatchItemState.RELEASED] * 25
    assert found.closed


def test_a_dry_run_leases_nothing_and_is_the_same_each_time(rounds: Rounds) -> None:
    before = rounds.project
    dry = rounds.query(10, dry_run=True, seed=3)
    assert dry.batch.batch_id == "" and len(dry.batch.items) == 10
    assert rounds.project == before
    again = rounds.query(10, dry_run=True, seed=3)
    assert again.batch.items == dry.batch.items
    real = rounds.query(10, seed=3)
    assert real.batch.items == dry.batch.items and real.batch.seed == 3
    assert real.batch.revision == dry.batch.revision


@pytest.mark.parametrize("strategy", ["margin", "entropy", "least_confidence", "k_center"])
def test_the_same_snapshot_model_and_seed_give_the_same_batch(
    rounds: Rounds, strategy: str
) -> None:
    rounds.label(ids(6))
    rounds.learn()
    asked: dict[str, Any] = {"strategy": strategy, "dry_run": True, "seed": 11}
    batch = rounds.query(10, **asked).batch
    assert rounds.query(10, **asked).batch.items == batch.items
    assert (batch.model_id is None) == (strategy == "k_center")
    assert not set(ids(6)) & {item.item_id for item in batch.items}


def test_resume_gives_the_oldest_open_batch_as_it_is_now(rounds: Rounds, clock: Clock) -> None:
    first = rounds.query(4, annotator_id="ada").batch
    clock.advance(10)
    rounds.query(4, annotator_id="ada")
    rounds.label([first.items[0].item_id])
    resumed = rounds.query(9, annotator_id="ada", resume=True)
    assert resumed.batch == rounds.batch(first.batch_id)
    assert resumed.batch.items[0].state is BatchItemState.ANSWERED
    assert "resume" in resumed.notes[0]
    stranger = rounds.query(4, annotator_id="bob", resume=True)
    assert stranger.batch.batch_id not in {first.batch_id, resumed.batch.batch_id}
    clock.advance(DAY_MS)
    assert rounds.query(4, annotator_id="ada", resume=True).batch.create_time_ms > clock() - 100


def test_a_repeated_request_gets_an_equal_answer_whatever_has_happened_since(
    rounds: Rounds,
) -> None:
    first = rounds.query(6, call=a_call("Query", "r1"))
    taken = [item.item_id for item in first.batch.items]
    rounds.label(taken[:2])
    name = (rounds.project_id, first.batch.batch_id)
    rounds.wiring.make(RenewBatch)(a_call(), RenewBatchCommand(*name, lease_ms=5_000))
    rounds.wiring.make(ReleaseBatch)(a_call(), ReleaseBatchCommand(*name))
    revision = rounds.project.revision
    assert rounds.query(6, call=a_call("Query", "r1")) == first
    assert rounds.project.revision == revision


def test_a_repeated_resume_gets_the_same_batch_even_after_that_is_done(rounds: Rounds) -> None:
    first = rounds.query(3, annotator_id="ada").batch
    call = a_call("Query", "r1")
    asked: dict[str, Any] = {"annotator_id": "ada", "resume": True, "call": call}
    assert rounds.query(3, **asked).batch == first
    rounds.label(item.item_id for item in first.items)
    assert rounds.query(3, **asked).batch.batch_id == first.batch_id


def test_another_request_under_the_same_id_is_refused(rounds: Rounds) -> None:
    rounds.query(6, call=a_call("Query", "r1"))
    with pytest.raises(errors.RequestIdReused):
        rounds.query(7, call=a_call("Query", "r1", fingerprint="another"))


def test_a_failed_request_may_be_repeated(start: Callable[..., Rounds]) -> None:
    rounds = start()
    with pytest.raises(errors.PoolEmpty):
        rounds.query(call=a_call("Query", "r1"))
    rounds.add(ids(3))
    assert len(rounds.query(call=a_call("Query", "r1")).batch.items) == 3


def test_the_answer_tells_how_many_labels_the_model_has_not_seen(rounds: Rounds) -> None:
    rounds.label(ids(6))
    assert rounds.query(1, dry_run=True).unseen_label_count == 6
    rounds.learn()
    rounds.label(ids(3, 6))
    found = rounds.query(5)
    assert found.unseen_label_count == 3
    assert found.open_item_count == 40 - 9 - 5


def test_a_class_that_the_model_does_not_know_is_named(rounds: Rounds) -> None:
    rounds.label(ids(6))
    model = rounds.learn()
    rounds.catalog.transact(
        lambda tx: tx.models.store(
            rounds.project_id, replace(model, class_ids=model.class_ids[:2]), None
        )
    )
    (note,) = rounds.query(5).notes
    assert "eel" in note and "cat" not in note


def test_content_comes_with_the_batch_unless_it_is_not_wanted(
    start: Callable[..., Rounds],
) -> None:
    rounds = start()
    attributes = tuple(Attributes(content=(ContentPart(text=i),)) for i in ids(5))
    rounds.add(ids(5), attributes=attributes)
    shown = rounds.query(5, dry_run=True)
    texts = [content.content[0].text for content in shown.contents]
    assert texts == [item.item_id for item in shown.batch.items]
    assert rounds.query(5, dry_run=True, with_content=False).contents == ()


def test_a_new_version_of_a_part_is_told_and_the_batch_names_it(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(strategy="auto")
    rounds.add(ids(20))
    pinned = rounds.project.policy.strategy_version
    query: Query = rounds.wiring.make(Query)
    as_pinned = query(a_call(), QueryCommand(project_id="rounds", batch_size=2))
    assert as_pinned.batch.strategy_version == pinned
    assert not any("This server has version" in note for note in as_pinned.notes)
    part = query.strategies["typiclust"]
    newer = {**query.strategies, "typiclust": replace(part, version=part.version + 1)}
    query = replace(query, strategies=newer, choose=replace(query.choose, strategies=newer))
    result = query(a_call(), QueryCommand(project_id="rounds", batch_size=2))
    assert result.batch.strategy_version == pinned + 1
    assert any(f"version {pinned + 1} of auto" in note for note in result.notes)
