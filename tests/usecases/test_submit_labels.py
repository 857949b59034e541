"""SubmitLabels stores a well-formed request as a whole, and says what became of each answer."""

from collections.abc import Callable
from typing import Any

import pytest

from alservice.domain import errors
from alservice.domain.batch import BatchItemState
from alservice.domain.label import Answer, LabelStatus, Outcome, Provenance
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from tests.rounds import Rounds, a_call, ids, items
from tests.usecases.conftest import Clock

MACHINE, CORRECTED = Provenance.MACHINE, Provenance.CORRECTED


def test_answers_in_time_are_recorded_and_close_the_batch(rounds: Rounds) -> None:
    batch = rounds.query(3).batch
    result = rounds.label(item.item_id for item in batch.items)
    assert list(result.statuses) == [LabelStatus.RECORDED] * 3
    assert (result.settled_count, result.unseen_label_count) == (3, 3)
    found = rounds.batch(batch.batch_id)
    assert found.closed and {i.state for i in found.items} == {BatchItemState.ANSWERED}
    assert rounds.catalog.read(lambda tx: tx.leases.live("rounds", 0)) == []


def test_the_same_answer_by_the_same_annotator_is_a_duplicate(rounds: Rounds) -> None:
    assert rounds.answer("i0", annotator_id="ada") is LabelStatus.RECORDED
    before = rounds.project
    assert rounds.answer("i0", annotator_id="ada") is LabelStatus.DUPLICATE
    assert rounds.project == before
    assert rounds.answer("i0", annotator_id="bob") is LabelStatus.RECORDED
    assert rounds.project.settled_count == 1


def test_the_first_answer_stays_settled_until_it_is_corrected(rounds: Rounds) -> None:
    assert rounds.answer("i0", "cat", annotator_id="ada") is LabelStatus.RECORDED
    assert rounds.answer("i0", "dog", annotator_id="bob") is LabelStatus.DISAGREES
    assert rounds.answer("i0", "dog", annotator_id="ada") is LabelStatus.DISAGREES
    assert rounds.settled()["i0"].class_id == "cat"
    corrected = rounds.answer("i0", "dog", annotator_id="ada", provenance=CORRECTED)
    assert corrected is LabelStatus.RECORDED
    assert rounds.answer("i0", "dog", annotator_id="ada", provenance=CORRECTED) == "duplicate"
    assert rounds.settled()["i0"].class_id == "dog" and rounds.project.settled_count == 1


def test_a_machines_answer_gives_way_to_a_persons_even_under_one_name(rounds: Rounds) -> None:
    assert rounds.answer("i0", "cat", provenance=MACHINE) is LabelStatus.RECORDED
    assert rounds.answer("i1", "cat", provenance=MACHINE) is LabelStatus.RECORDED
    assert rounds.answer("i0", "dog") is LabelStatus.RECORDED
    assert rounds.answer("i1", "cat") is LabelStatus.RECORDED
    assert rounds.answer("i0", "eel", provenance=MACHINE) is LabelStatus.DISAGREES
    settled = rounds.settled()
    assert [settled[i].class_id for i in ids(2)] == ["dog", "cat"]
    assert {settled[i].provenance for i in ids(2)} == {Provenance.IMPORTED}


def test_answers_after_the_lease_or_the_release_are_late_but_count(
    rounds: Rounds, clock: Clock
) -> None:
    over = rounds.query(2, lease_ms=1_000).batch
    given_back = rounds.query(2).batch
    rounds.wiring.make(ReleaseBatch)(a_call(), ReleaseBatchCommand("rounds", given_back.batch_id))
    clock.advance(2_000)
    late = [item.item_id for item in (*over.items, *given_back.items)]
    assert list(rounds.label(late).statuses) == [LabelStatus.LATE] * 4
    assert rounds.settled().keys() == set(late)
    assert list(rounds.label(late).statuses) == [LabelStatus.DUPLICATE] * 4
    assert rounds.batch(over.batch_id).closed


def test_deleted_items_are_said_to_be_deleted_and_the_rest_is_stored(rounds: Rounds) -> None:
    rounds.query(40)
    rounds.pool.delete("i1")
    statuses = rounds.label(ids(3)).statuses
    assert list(statuses) == ["recorded", "item_deleted", "recorded"]
    rounds.pool.merge()  # after which no row remembers the item, but the log of batches does
    rounds.add(ids(5, 40))
    rounds.pool.merge()
    assert list(rounds.label(["i1"]).statuses) == [LabelStatus.ITEM_DELETED]


def test_an_item_that_lives_again_has_no_label(rounds: Rounds) -> None:
    rounds.label(ids(3))
    rounds.pool.delete("i0")
    rounds.add(["i0"])
    assert rounds.project.settled_count == 2 and "i0" not in rounds.settled()
    assert "i0" in rounds.ask(40, dry_run=True)
    assert rounds.answer("i0", "cat") is LabelStatus.RECORDED
    assert rounds.settled()["i0"].incarnation == 2


def test_doubt_weighs_half_and_three_refusals_ask_for_an_expert(rounds: Rounds) -> None:
    rounds.answer("i0", "cat", outcome=Outcome.UNSURE)
    assert rounds.settled()["i0"].weight == 0.5
    for name in ("ada", "ada", "bob"):
        rounds.answer("i1", None, outcome=Outcome.ABSTAIN, annotator_id=name)
    assert "i1" not in rounds.settled()
    rounds.answer("i1", None, outcome=Outcome.ABSTAIN, annotator_id="cyd")
    flagged = rounds.settled()["i1"]
    assert (flagged.outcome, flagged.class_id, flagged.weight) == (Outcome.FLAG, None, 0)
    assert rounds.answer("i1", "dog", annotator_id="expert") is LabelStatus.RECORDED
    assert rounds.settled()["i1"].class_id == "dog"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"class_id": None}, errors.LabelValueInvalid),
        ({"class_id": "", "outcome": Outcome.UNSURE}, errors.LabelValueInvalid),
        ({"outcome": Outcome.ABSTAIN}, errors.LabelValueInvalid),
        ({"outcome": Outcome.UNUSABLE}, errors.LabelValueInvalid),
        ({"provenance": Provenance.AUDIT}, errors.InvalidField),
        ({"provenance": Provenance.QUERIED}, errors.InvalidField),
        ({"annotator_id": "a b"}, errors.InvalidName),
        ({"item_id": ""}, errors.InvalidItemId),
        ({"item_id": "x" * 513}, errors.InvalidItemId),
        ({"item_id": "unknown"}, errors.ItemNotFound),
        ({"class_id": "cta"}, errors.ClassUnknown),
    ],
)
def test_one_answer_that_cannot_be_stored_stores_none(
    rounds: Rounds, fields: dict[str, Any], error: type[errors.AlserviceError]
) -> None:
    bad = Answer(**{"item_id": "i1", "class_id": "cat", **fields})
    before = rounds.project
    with pytest.raises(error):
        rounds.submit(Answer(item_id="i0", class_id="cat"), bad)
    assert rounds.project == before and rounds.settled() == {}


def test_errors_name_what_is_wrong_and_what_was_meant(rounds: Rounds) -> None:
    with pytest.raises(errors.ClassUnknown) as unknown:
        rounds.answer("i0", "cta")
    assert unknown.value.metadata["did_you_mean"] == "cat"
    with pytest.raises(errors.ItemNotFound) as missing:
        rounds.label(["i0", "i77", "i78"])
    assert missing.value.metadata["item_ids"] == "i77, i78"


def test_a_request_holds_one_to_ten_thousand_answers(rounds: Rounds) -> None:
    with pytest.raises(errors.InvalidField):
        rounds.submit()
    with pytest.raises(errors.LimitExceeded):
        rounds.submit(*[Answer(item_id="i0", class_id="cat")] * 10_001)


def test_a_repeated_request_gets_the_same_statuses_even_after_a_deletion(
    rounds: Rounds,
) -> None:
    answers = [Answer(item_id=i, class_id="cat") for i in ids(3)]
    first = rounds.submit(*answers, call=a_call("SubmitLabels", "r1"))
    rounds.pool.delete("i0")
    revision = rounds.project.revision
    assert rounds.submit(*answers, call=a_call("SubmitLabels", "r1")) == first
    assert rounds.project.revision == revision
    with pytest.raises(errors.RequestIdReused):
        rounds.submit(*answers, call=a_call("SubmitLabels", "r1", "another"))


def test_a_pool_that_changes_under_the_look_up_is_looked_up_again(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact, gone = rounds.catalog.transact, []

    def delete_first(work: Any) -> Any:
        monkeypatch.undo()
        gone.append(rounds.pool.delete("i0").deleted)
        return transact(work)

    monkeypatch.setattr(rounds.catalog, "transact", delete_first)
    assert rounds.answer("i0") is LabelStatus.ITEM_DELETED
    assert gone == [1]


def test_a_hundred_thousand_labels_are_a_normal_day(start: Callable[..., Rounds]) -> None:
    rounds = start(strategy="random")
    everything = ids(100_040)
    session = rounds.pool.open()
    session.append(0, items(everything))
    session.commit()
    for at in range(0, 100_000, 10_000):
        rounds.label(everything[at : at + 10_000])
    assert rounds.project.settled_count == 100_000
    assert set(rounds.ask(100)) == set(everything[100_000:])
