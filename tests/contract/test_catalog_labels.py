"""Labels: a log that only grows, and the settled labels beside it."""

from dataclasses import replace
from typing import Any

import pytest

from alservice.domain.label import LabelRow, Outcome, Provenance
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, a_project, a_settled, an_answer

FULL = an_answer(
    "i-é",
    incarnation=2**40,
    outcome=Outcome.UNSURE,
    annotator_id="bob@x",
    provenance=Provenance.MACHINE,
    confidence=0.1,
    seconds_spent=2.5,
    batch_id="b-1",
    create_time_ms=7,
)


def append(catalog: Catalog, *rows: LabelRow) -> list[int]:
    return list(catalog.transact(lambda tx: tx.labels.append(P, rows)))


def test_every_field_of_a_line_comes_back_with_its_number(catalog: Catalog) -> None:
    assert append(catalog, FULL, an_answer("i-2", class_id=None)) == [1, 2]
    lines = catalog.read(lambda tx: tx.labels.of_items(P, ["i-é"]))
    assert lines == [replace(FULL, seq=1)]


def test_numbers_grow_within_each_project_also_after_a_rollback(catalog: Catalog) -> None:
    def fail(tx: Tx) -> None:
        tx.labels.append(P, [an_answer("never")] * 5)
        raise LookupError

    catalog.transact(lambda tx: tx.projects.insert(a_project("other")))
    assert append(catalog, an_answer("a"), an_answer("a")) == [1, 2]
    with pytest.raises(LookupError):
        catalog.transact(fail)
    assert append(catalog) == []
    assert append(catalog, an_answer("b")) == [3]
    assert list(catalog.transact(lambda tx: tx.labels.append("other", [an_answer("c")]))) == [1]


def test_numbers_outlive_a_change_of_the_project(catalog: Catalog) -> None:
    append(catalog, an_answer("a"))
    catalog.transact(lambda tx: tx.projects.update(a_project(revision=9)))
    assert append(catalog, an_answer("a")) == [2]


def test_lines_of_items_come_oldest_first_however_many_are_asked_for(catalog: Catalog) -> None:
    ids = [f"i-{n:04}" for n in range(1200)]
    append(catalog, *(an_answer(i) for i in reversed(ids)), an_answer("i-0000"))
    lines = catalog.read(lambda tx: tx.labels.of_items(P, [*ids, *ids, "unknown"]))
    assert [line.seq for line in lines] == list(range(1, 1202))


def test_a_line_is_settled_if_the_project_believes_it(catalog: Catalog) -> None:
    append(catalog, an_answer("a"), an_answer("a", class_id="dog"), an_answer("b"))
    append(catalog, an_answer("a", incarnation=2))
    rows = [a_settled("a", 2, class_id="dog"), a_settled("b", 3)]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))
    lines = catalog.read(lambda tx: tx.labels.page(P, 0, 9, settled_only=False))
    assert [(line.seq, line.settled) for line in lines] == [
        (1, False),
        (2, True),
        (3, True),
        (4, False),
    ]
    assert catalog.read(lambda tx: tx.labels.of_items(P, ["a", "b"])) == lines
    settled = catalog.read(lambda tx: tx.labels.page(P, 0, 9, settled_only=True))
    assert settled == [line for line in lines if line.settled]


@pytest.mark.parametrize("settled_only", [False, True])
def test_pages_cover_the_log_once_in_order(catalog: Catalog, *, settled_only: bool) -> None:
    append(catalog, *(an_answer(f"i-{n}") for n in range(10)))
    rows = [a_settled(f"i-{n}", n + 1) for n in range(1, 10, 2)]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))

    def page(after: int) -> list[int]:
        lines = catalog.read(lambda tx: tx.labels.page(P, after, 3, settled_only=settled_only))
        return [line.seq for line in lines]

    seen: list[int] = []
    while numbers := page(seen[-1] if seen else 0):
        assert len(numbers) <= 3
        seen += numbers
    assert seen == ([2, 4, 6, 8, 10] if settled_only else list(range(1, 11)))


def test_to_settle_again_replaces_the_row_of_that_life(catalog: Catalog) -> None:
    other_life = a_settled("a", 2, incarnation=2, outcome=Outcome.FLAG, class_id=None, weight=0.0)
    changed = a_settled("a", 3, class_id="dog", weight=0.5, revision=4)
    for rows in ([a_settled("a", 1), other_life], [changed], []):
        catalog.transact(lambda tx, rows=rows: tx.labels.settle(P, rows))  # type: ignore[misc]
    found = catalog.read(lambda tx: tx.labels.settled_of(P, ["a", "nobody"]))
    assert found == {("a", 1): changed, ("a", 2): other_life}


def test_the_last_of_two_rows_for_one_item_counts(catalog: Catalog) -> None:
    rows = [a_settled("a", 1), a_settled("b", 2), a_settled("a", 3, class_id=None)]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))
    assert catalog.read(lambda tx: tx.labels.settled_since(P, -1)) == rows[1:]


def test_unsettle_takes_away_one_life_only(catalog: Catalog) -> None:
    rows = [a_settled("a", 1), a_settled("a", 2, incarnation=2), a_settled("b", 3)]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))
    catalog.transact(lambda tx: tx.labels.unsettle(P, iter([("a", 1), ("b", 7), ("c", 1)])))
    assert catalog.read(lambda tx: tx.labels.settled_since(P, -1)) == rows[1:]


def test_what_was_settled_since_a_revision_comes_by_the_order_of_labels(catalog: Catalog) -> None:
    rows = [a_settled(f"i-{n}", 10 - n, revision=n) for n in range(5)]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))
    assert catalog.read(lambda tx: tx.labels.settled_since(P, 2)) == [rows[4], rows[3]]
    assert catalog.read(lambda tx: tx.labels.settled_since(P, -1)) == rows[::-1]


def test_settled_rows_are_counted_by_outcome_audit_and_class(catalog: Catalog) -> None:
    assert catalog.read(lambda tx: tx.labels.settled_count(P)) == {}
    audited: dict[str, Any] = {"provenance": Provenance.AUDIT, "class_id": None, "weight": 0.0}
    rows = [
        a_settled("a", 1, revision=1),
        a_settled("b", 2, class_id="dog", revision=2, outcome=Outcome.UNSURE, weight=0.5),
        a_settled("c", 3, provenance=Provenance.AUDIT, revision=2, weight=0.0),
        a_settled("d", 4, outcome=Outcome.FLAG, class_id=None, revision=2, weight=0.0),
        a_settled("e", 5, provenance=Provenance.IMPORTED, revision=3),
        a_settled("f", 6, outcome=Outcome.UNUSABLE, **audited),
    ]
    catalog.transact(lambda tx: tx.labels.settle(P, rows))
    assert catalog.read(lambda tx: tx.labels.settled_count(P)) == {
        "value": 3,
        "unsure": 1,
        "flag": 1,
        "unusable": 1,
        "audit": 2,
        "class:cat": 2,
        "class:dog": 1,
    }
    unseen = [catalog.read(lambda tx, r=r: tx.labels.unseen_count(P, r)) for r in range(-1, 4)]  # type: ignore[misc]
    assert unseen == [3, 3, 2, 1, 0]


def test_abstentions_are_an_annotators_own(catalog: Catalog) -> None:
    none = {"outcome": Outcome.ABSTAIN, "class_id": None}
    append(
        catalog,
        an_answer("a", **none),
        an_answer("a", **none),
        an_answer("b", **none, incarnation=3),
        an_answer("c", **none, annotator_id="bob"),
        an_answer("d"),
    )
    found = catalog.read(lambda tx: tx.labels.abstained(P, "ada"))
    assert sorted(found) == [("a", 1), ("b", 3)]
    assert catalog.read(lambda tx: tx.labels.abstained(P, "eve")) == []
