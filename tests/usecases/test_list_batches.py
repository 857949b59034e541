"""Batches are listed newest first, page by page."""

import pytest

from alservice.domain import errors
from alservice.domain.page import encode_token
from alservice.usecases.list_batches import ListBatches, ListBatchesCommand
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from tests.rounds import Rounds, a_call
from tests.usecases.conftest import Clock


def listed(rounds: Rounds, page_size: int = 2, **fields: object) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        command = ListBatchesCommand(
            project_id=rounds.project_id,
            page_size=page_size,
            page_token=token,
            **fields,  # type: ignore[arg-type]
        )
        page = rounds.wiring.make(ListBatches)(a_call(), command)
        found += [row.batch.batch_id for row in page.rows]
        token = page.next_token
        if not token:
            return found
        assert len(page.rows) == page_size


@pytest.fixture
def batches(rounds: Rounds, clock: Clock) -> list[str]:
    """Six of them, newest first: of ada and bob by turns."""
    made = []
    for number in range(6):
        made.append(rounds.query(3, annotator_id=("ada", "bob")[number % 2]).batch.batch_id)
        clock.advance(10 * (number % 3))  # some in the same moment, or nearly
    return made[::-1]


@pytest.mark.parametrize("page_size", [0, 1, 2, 4, 6])
def test_all_pages_together_hold_each_batch_once_newest_first(
    rounds: Rounds, batches: list[str], page_size: int
) -> None:
    assert listed(rounds, page_size) == batches


def test_one_annotators_and_only_open_ones(rounds: Rounds, batches: list[str]) -> None:
    command = ReleaseBatchCommand(rounds.project_id, batches[0])
    rounds.wiring.make(ReleaseBatch)(a_call(), command)
    assert listed(rounds, annotator_id="bob") == batches[::2]
    assert listed(rounds, open_only=True) == batches[1:]
    assert listed(rounds, open_only=True, annotator_id="bob") == batches[2::2]


def test_content_is_shown_where_it_is_asked_for(rounds: Rounds, batches: list[str]) -> None:
    for wanted in (False, True):
        command = ListBatchesCommand(project_id="rounds", with_content=wanted)
        rows = rounds.wiring.make(ListBatches)(a_call(), command).rows
        assert [len(row.contents) for row in rows] == [3 * wanted] * 6
    assert len(batches) == 6


@pytest.mark.parametrize(
    "token",
    [
        encode_token("ListLabels", "rounds", "1:b"),
        encode_token("ListBatches", "elsewhere", "1:b"),
        encode_token("ListBatches", "rounds", "no-cursor"),
        encode_token("ListBatches", "rounds", "9" * 30 + ":b"),
        encode_token("ListBatches", "rounds", 7),
        "rubbish",
    ],
)
def test_a_token_that_this_call_did_not_make_is_refused(rounds: Rounds, token: str) -> None:
    command = ListBatchesCommand(project_id="rounds", page_token=token)
    with pytest.raises(errors.InvalidPageToken):
        rounds.wiring.make(ListBatches)(a_call(), command)


def test_a_page_size_out_of_range_and_a_missing_project_are_refused(rounds: Rounds) -> None:
    for size in (-1, 1_001):
        with pytest.raises(errors.InvalidField):
            listed(rounds, size)
    with pytest.raises(errors.ProjectNotFound):
        rounds.wiring.make(ListBatches)(a_call(), ListBatchesCommand(project_id="elsewhere"))
