"""Answers in one request behave as if they had come in separate ones."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.domain.batch import Arm, Batch, BatchItemState
from alservice.domain.item import Role
from alservice.domain.label import Answer, LabelRow, LabelStatus, Outcome, Provenance
from alservice.usecases.list_labels import ListLabels, ListLabelsCommand
from tests.rounds import Rounds, a_call, ids
from tests.usecases.conftest import Clock

VALUED = {Outcome.VALUE, Outcome.UNSURE}


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    outcome = draw(st.sampled_from(Outcome))
    return Answer(
        item_id=draw(st.sampled_from(ids(6))),
        outcome=outcome,
        class_id=draw(st.sampled_from(["cat", "dog"])) if outcome in VALUED else None,
        annotator_id=draw(st.sampled_from(["ada", "bob", "cyd"])),
        provenance=draw(st.sampled_from([None, Provenance.CORRECTED, Provenance.MACHINE])),
    )


def log(rounds: Rounds) -> list[tuple[object, ...]]:
    rows: Sequence[LabelRow] = (
        rounds.wiring.make(ListLabels)(a_call(), ListLabelsCommand(project_id=rounds.project_id))
    ).rows
    return [(r.item_id, r.outcome, r.class_id, r.annotator_id, r.provenance) for r in rows]


def outcome_of(rounds: Rounds, batch: Batch) -> dict[str, tuple[BatchItemState, Arm]]:
    items = rounds.batch(batch.batch_id).items
    return {item.item_id: (item.state, item.arm) for item in items}


@given(sent=st.lists(answers(), min_size=1, max_size=12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_request_with_many_answers_equals_many_with_one(
    start: Callable[..., Rounds], sent: Sequence[Answer]
) -> None:
    together, apart = start(_fresh()), start(_fresh())
    for rounds in (together, apart):
        rounds.add(ids(6))
    batches = [rounds.query(4, seed=1).batch for rounds in (together, apart)]
    statuses = [apart.submit(answer).statuses[0] for answer in sent]
    assert list(together.submit(*sent).statuses) == statuses
    assert log(together) == log(apart)
    beliefs = [
        {i: (s.outcome, s.class_id, s.provenance, s.weight) for i, s in r.settled().items()}
        for r in (together, apart)
    ]
    assert beliefs[0] == beliefs[1]
    assert outcome_of(together, batches[0]) == outcome_of(apart, batches[1])
    assert together.project.settled_count == apart.project.settled_count == len(beliefs[0])


_NUMBERS = iter(range(10_000))


def _fresh() -> str:
    return f"answers-{next(_NUMBERS)}"


def test_an_answer_belongs_to_the_batch_it_names_else_to_the_one_that_holds_the_item(
    rounds: Rounds, clock: Clock
) -> None:
    first = rounds.query(40, lease_ms=1_000).batch
    clock.advance(2_000)
    second = rounds.query(40).batch
    named = Answer(item_id="i0", class_id="cat", batch_id=first.batch_id)
    assert list(rounds.submit(named).statuses) == [LabelStatus.LATE]
    rounds.answer("i1")
    old, new = (outcome_of(rounds, batch) for batch in (first, second))
    assert (old["i0"][0], new["i0"][0]) == (BatchItemState.ANSWERED, BatchItemState.RELEASED)
    assert (old["i1"][0], new["i1"][0]) == (BatchItemState.RELEASED, BatchItemState.ANSWERED)


def test_a_batch_that_never_held_the_item_is_not_its_batch(rounds: Rounds) -> None:
    batch = rounds.query(3).batch
    stranger = next(i for i in ids(40) if i not in {x.item_id for x in batch.items})
    rounds.submit(Answer(item_id=stranger, class_id="cat", batch_id=batch.batch_id))
    assert rounds.settled()[stranger].provenance is Provenance.IMPORTED


@pytest.mark.parametrize(
    ("sent", "provenance"),
    [
        (None, Provenance.QUERIED),
        (Provenance.IMPORTED, Provenance.IMPORTED),
        (Provenance.CORRECTED, Provenance.CORRECTED),
        (Provenance.MACHINE, Provenance.MACHINE),
    ],
)
def test_the_service_decides_on_the_provenance_where_nobody_says_it(
    rounds: Rounds, sent: Provenance | None, provenance: Provenance
) -> None:
    (item_id,) = rounds.ask(1)
    rounds.answer(item_id, provenance=sent)
    assert rounds.settled()[item_id].provenance is provenance


def test_what_the_audit_asked_for_measures_whoever_answers(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.5, audit_share=0.5)
    rounds.add(ids(40))
    items = rounds.query(12).batch.items
    audit = [item.item_id for item in items if item.arm is Arm.AUDIT]
    kinds = [None, Provenance.IMPORTED, Provenance.CORRECTED, Provenance.MACHINE]
    for item_id, kind in zip(audit, kinds, strict=False):
        rounds.answer(item_id, provenance=kind)
        rounds.answer(item_id, "dog", provenance=Provenance.CORRECTED, annotator_id="eve")
    settled = rounds.settled()
    assert {settled[i].provenance for i in audit[:4]} == {Provenance.AUDIT}
    assert {settled[i].class_id for i in audit[:4]} == {"dog"}


def test_a_machines_answer_to_the_audit_gives_way_to_a_person_too(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.5, audit_share=0.5)
    rounds.add(ids(40))
    audit = next(i.item_id for i in rounds.query(8).batch.items if i.arm is Arm.AUDIT)
    rounds.answer(audit, "cat", provenance=Provenance.MACHINE, annotator_id="robot")
    assert rounds.answer(audit, "dog", annotator_id="ada") is LabelStatus.RECORDED
    assert rounds.settled()[audit].class_id == "dog"


def test_somebody_elses_refusal_does_not_end_the_annotators_turn(rounds: Rounds) -> None:
    batch = rounds.query(3, annotator_id="ada").batch
    item_id = batch.items[0].item_id
    assert rounds.answer(item_id, None, outcome=Outcome.ABSTAIN, annotator_id="bob") == "recorded"
    assert outcome_of(rounds, batch)[item_id][0] is BatchItemState.OPEN
    assert item_id not in rounds.ask(40, annotator_id="cyd", dry_run=True)
    assert rounds.answer(item_id, None, outcome=Outcome.ABSTAIN, annotator_id="ada") == "recorded"
    assert outcome_of(rounds, batch)[item_id][0] is BatchItemState.ANSWERED
    assert item_id in rounds.ask(40, annotator_id="cyd", dry_run=True)


def test_somebody_elses_answer_settles_the_item_and_ends_the_wait_for_it(rounds: Rounds) -> None:
    batch = rounds.query(3, annotator_id="ada").batch
    item_id = batch.items[0].item_id
    assert rounds.answer(item_id, "cat", annotator_id="bob") is LabelStatus.RECORDED
    assert outcome_of(rounds, batch)[item_id][0] is BatchItemState.ANSWERED
    leases = rounds.catalog.read(lambda tx: tx.leases.live(rounds.project_id, 0))
    assert item_id not in {lease.item_id for lease in leases}


def test_an_annotators_own_batch_comes_before_the_one_that_holds_the_item(
    rounds: Rounds, clock: Clock
) -> None:
    mine = rounds.query(40, lease_ms=1_000, annotator_id="ada").batch
    clock.advance(2_000)
    others = rounds.query(40, annotator_id="bob").batch
    assert rounds.answer("i0", "cat", annotator_id="ada") is LabelStatus.LATE
    assert outcome_of(rounds, mine)["i0"][0] is BatchItemState.ANSWERED
    assert outcome_of(rounds, others)["i0"][0] is BatchItemState.RELEASED


def test_a_machines_answer_on_what_measures_is_logged_and_believed_by_nobody(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.5)
    rounds.add(ids(20))
    rounds.add(ids(3, 20), role=Role.TEST)
    measuring = [*rounds.reserved(), *ids(3, 20)]
    answers = [Answer(item_id=i, class_id="cat", provenance=Provenance.MACHINE) for i in ids(23)]
    assert set(rounds.submit(*answers).statuses) == {LabelStatus.RECORDED}
    assert rounds.settled().keys() == set(ids(23)) - set(measuring)
    assert len(log(rounds)) == 23
    assert rounds.answer(measuring[0], "dog", annotator_id="ada") is LabelStatus.RECORDED
    assert rounds.settled()[measuring[0]].class_id == "dog"
