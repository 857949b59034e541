"""The labels that a model has not seen are counted once; then the count is carried."""

from dataclasses import replace

import pytest

from alservice.domain.label import Provenance
from alservice.domain.project import Unseen
from alservice.storage.catalog.labels import SqlLabels
from tests.rounds import Rounds, ids


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which revisions somebody has counted in the database."""
    asked: list[int] = []
    count = SqlLabels.unseen_count

    def counting(labels: SqlLabels, project_id: str, revision: int) -> int:
        asked.append(revision)
        return count(labels, project_id, revision)

    monkeypatch.setattr(SqlLabels, "unseen_count", counting)
    return asked


def test_answers_and_questions_carry_the_count_on(rounds: Rounds, counted: list[int]) -> None:
    seen = [rounds.label([item_id]).unseen_label_count for item_id in ids(5)]
    assert seen == [1, 2, 3, 4, 5]
    assert rounds.query(2, dry_run=True).unseen_label_count == 5
    assert counted == [-1]


def test_a_correction_is_counted_once(rounds: Rounds, counted: list[int]) -> None:
    rounds.label(ids(3))
    rounds.answer("i0", "dog", provenance=Provenance.CORRECTED)
    assert rounds.label(ids(1, 3)).unseen_label_count == 4
    assert len(counted) == 1


def test_whoever_unsettles_labels_makes_the_next_one_count(
    rounds: Rounds, counted: list[int]
) -> None:
    rounds.label(ids(3))
    rounds.pool.delete("i0")
    assert rounds.label(ids(1, 3)).unseen_label_count == 3
    assert len(counted) == 2


def test_a_count_of_before_is_not_believed(rounds: Rounds, counted: list[int]) -> None:
    """As a replica of the version before leaves it, which settles labels and does not count."""
    rounds.label(ids(3))
    project = rounds.project
    stale = replace(project, unseen=Unseen(-1, project.labels_revision - 1, 77))
    rounds.catalog.transact(lambda tx: tx.projects.update(stale))
    assert rounds.label(ids(1, 3)).unseen_label_count == 4
    assert len(counted) == 2
