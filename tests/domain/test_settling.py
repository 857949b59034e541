"""What a project believes after one more answer."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alservice.domain.label import Answer, LabelStatus, Outcome, Provenance
from alservice.domain.settling import UNSURE_WEIGHT, Belief, settle, weight

CLASSES = st.sampled_from(["cat", "dog"])
PROVENANCES = st.sampled_from(Provenance)
VALUED = (Outcome.VALUE, Outcome.UNSURE)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    outcome = draw(st.sampled_from(Outcome))
    class_id = draw(CLASSES) if outcome in VALUED else None
    return Answer(item_id="i", outcome=outcome, class_id=class_id)


@st.composite
def beliefs(draw: st.DrawFn) -> Belief:
    answer = draw(answers().filter(lambda a: a.outcome is not Outcome.ABSTAIN))
    return Belief(answer.outcome, answer.class_id, draw(PROVENANCES))


@given(answer=answers(), provenance=PROVENANCES)
def test_the_first_answer_is_believed_unless_it_is_none(
    answer: Answer, provenance: Provenance
) -> None:
    verdict = settle(None, answer, provenance)
    assert verdict.status is LabelStatus.RECORDED
    expected = Belief(answer.outcome, answer.class_id, provenance)
    assert verdict.belief == (None if answer.outcome is Outcome.ABSTAIN else expected)


@given(belief=beliefs(), answer=answers())
def test_a_correction_always_replaces(belief: Belief, answer: Answer) -> None:
    assume(answer.outcome is not Outcome.ABSTAIN)
    verdict = settle(belief, answer, Provenance.CORRECTED)
    assert verdict.belief == Belief(answer.outcome, answer.class_id, Provenance.CORRECTED)


@given(belief=beliefs(), answer=answers(), provenance=PROVENANCES)
def test_otherwise_only_flags_and_machines_give_way(
    belief: Belief, answer: Answer, provenance: Provenance
) -> None:
    assume(provenance is not Provenance.CORRECTED and answer.outcome is not Outcome.ABSTAIN)
    flag = belief.outcome is Outcome.FLAG
    machine = belief.provenance is Provenance.MACHINE and provenance is not Provenance.MACHINE
    gives_way = answer.outcome is not Outcome.FLAG if flag else machine
    verdict = settle(belief, answer, provenance)
    assert (verdict.belief is not None) == gives_way
    same = (
        answer.class_id == belief.class_id if belief.class_id else answer.outcome is belief.outcome
    )
    agreed = gives_way or same
    assert verdict.status is (LabelStatus.RECORDED if agreed else LabelStatus.DISAGREES)


@given(belief=st.none() | beliefs(), provenance=PROVENANCES)
def test_an_abstention_changes_nothing(belief: Belief | None, provenance: Provenance) -> None:
    answer = Answer(item_id="i", outcome=Outcome.ABSTAIN)
    verdict = settle(belief, answer, provenance)
    assert (verdict.status, verdict.belief) == (LabelStatus.RECORDED, None)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_answers_with_a_value_weigh_anything(outcome: Outcome) -> None:
    expected = {Outcome.VALUE: 1.0, Outcome.UNSURE: UNSURE_WEIGHT}.get(outcome, 0.0)
    assert weight(outcome) == expected
    assert 0 < UNSURE_WEIGHT < 1
