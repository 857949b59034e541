"""What a project believes after one more answer, while it wants one opinion per item.

The first answer stands. A correction replaces it, a person's answer replaces a machine's, and any
answer replaces a flag, which only asked for somebody to look.
"""

from dataclasses import dataclass

from alservice.domain.label import Answer, LabelStatus, Outcome, Provenance

UNSURE_WEIGHT = 0.5
ABSTENTIONS_TO_REVIEW = 3


@dataclass(frozen=True, slots=True)
class Belief:
    """What is settled about an item."""

    outcome: Outcome
    class_id: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer does: its status, and the new belief if it changes."""

    status: LabelStatus
    belief: Belief | None


def settle(belief: Belief | None, answer: Answer, provenance: Provenance) -> Verdict:
    """The verdict on an answer that is neither a duplicate nor late."""
    if answer.outcome is Outcome.ABSTAIN:
        return Verdict(LabelStatus.RECORDED, None)
    new = Belief(answer.outcome, answer.class_id, provenance)
    if belief is None or _gives_way(belief, answer.outcome, provenance):
        return Verdict(LabelStatus.RECORDED, new)
    if _agrees(belief, answer):
        return Verdict(LabelStatus.RECORDED, None)
    return Verdict(LabelStatus.DISAGREES, None)


def weight(outcome: Outcome) -> float:
    """How much an answer counts in training."""
    return {Outcome.VALUE: 1.0, Outcome.UNSURE: UNSURE_WEIGHT}.get(outcome, 0.0)


def _gives_way(belief: Belief, outcome: Outcome, provenance: Provenance) -> bool:
    if provenance is Provenance.CORRECTED:
        return True
    if belief.outcome is Outcome.FLAG:
        return outcome is not Outcome.FLAG
    return belief.provenance is Provenance.MACHINE and provenance is not Provenance.MACHINE


def _agrees(belief: Belief, answer: Answer) -> bool:
    if belief.class_id is not None:
        return belief.class_id == answer.class_id
    return belief.outcome is answer.outcome
