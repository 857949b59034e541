"""What an audit item looks like lies between two picks, and says nothing about its arm."""

from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.batch import Arm
from alservice.usecases.disguise import disguised
from alservice.usecases.open_blocks import Candidate

NUMBERS = st.floats(0, 1, width=32)


def candidate(name: str, arm: Arm, score: float = 0.0, **parts: float) -> Candidate:
    return Candidate(
        item_id=name, incarnation=1, segment=0, row=0, score=score, arm=arm, components=parts
    )


@given(scores=st.lists(NUMBERS, min_size=1, max_size=12), key=st.integers(0, 2**64 - 1))
def test_scores_and_parts_lie_between_those_of_picks(scores: list[float], key: int) -> None:
    picks = [
        candidate(f"p{n}", Arm.STRATEGY, s, gain=s, doubt=1 - s) for n, s in enumerate(scores)
    ]
    audits = [candidate(f"a{n}", Arm.AUDIT) for n in range(5)]
    found = disguised(audits, picks, key)
    assert [each.item_id for each in found] == [each.item_id for each in audits]
    for each in found:
        assert each.arm is Arm.AUDIT and set(each.components) == {"gain", "doubt"}
        assert min(scores) <= each.score <= max(scores)
    assert found == disguised(audits, picks, key)


def test_another_key_gives_other_places() -> None:
    picks = [candidate(f"p{n}", Arm.STRATEGY, n / 50) for n in range(50)]
    audits = [candidate("a", Arm.AUDIT)]
    places = {disguised(audits, picks, key)[0].score for key in range(20)}
    assert len(places) > 10


def test_without_picks_there_is_nothing_to_hide_among() -> None:
    (found,) = disguised([candidate("a", Arm.AUDIT, 3.0, gain=1.0)], [], 1)
    assert found.score == 0 and not found.components
