"""The log of answers is listed as it was written, and says which of them count."""

import pytest

from alservice.domain import errors
from alservice.domain.label import LabelRow, Outcome, Provenance
from alservice.domain.page import encode_token
from alservice.usecases.list_labels import ListLabels, ListLabelsCommand
from tests.rounds import Rounds, a_call, ids


def listed(rounds: Rounds, page_size: int = 2, *, settled_only: bool = False) -> list[LabelRow]:
    found: list[LabelRow] = []
    token = ""
    while True:
        command = ListLabelsCommand(
            project_id="rounds",
            page_size=page_size,
            page_token=token,
            settled_only=settled_only,
        )
        page = rounds.wiring.make(ListLabels)(a_call(), command)
        found += page.rows
        token = page.next_token
        if not token:
            return found
        assert len(page.rows) == page_size


@pytest.mark.parametrize("page_size", [0, 1, 3, 10, 10_000])
def test_all_pages_together_hold_each_answer_once_oldest_first(
    rounds: Rounds, page_size: int
) -> None:
    rounds.label(ids(10))
    assert [row.item_id for row in listed(rounds, page_size)] == list(ids(10))


def test_what_no_longer_counts_stays_in_the_log(rounds: Rounds) -> None:
    rounds.answer("i0", "cat", annotator_id="ada")
    rounds.answer("i0", "dog", annotator_id="bob")
    rounds.answer("i0", "eel", annotator_id="cyd", provenance=Provenance.CORRECTED)
    rounds.answer("i1", None, outcome=Outcome.ABSTAIN)
    rounds.label(["i2"])
    rounds.pool.delete("i2")
    log = listed(rounds)
    assert [(r.class_id, r.settled) for r in log] == [
        ("cat", False),
        ("dog", False),
        ("eel", True),
        (None, False),
        ("cat", False),
    ]
    assert [row.class_id for row in listed(rounds, 1, settled_only=True)] == ["eel"]


@pytest.mark.parametrize(
    "token",
    [
        encode_token("ListBatches", "rounds", 1),
        encode_token("ListLabels", "elsewhere", 1),
        encode_token("ListLabels", "rounds", "one"),
        encode_token("ListLabels", "rounds", -1),
        encode_token("ListLabels", "rounds", 2**64),
        "rubbish",
    ],
)
def test_a_token_that_this_call_did_not_make_is_refused(rounds: Rounds, token: str) -> None:
    command = ListLabelsCommand(project_id="rounds", page_token=token)
    with pytest.raises(errors.InvalidPageToken):
        rounds.wiring.make(ListLabels)(a_call(), command)


def test_a_page_size_out_of_range_and_a_missing_project_are_refused(rounds: Rounds) -> None:
    for size in (-1, 10_001):
        with pytest.raises(errors.InvalidField):
            listed(rounds, size)
    with pytest.raises(errors.ProjectNotFound):
        rounds.wiring.make(ListLabels)(a_call(), ListLabelsCommand(project_id="elsewhere"))
