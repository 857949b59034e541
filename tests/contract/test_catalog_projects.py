"""Projects: kept as they are, taken once, locked, and gone with all that is theirs."""

from dataclasses import replace
from functools import partial

from alservice.domain.label import Provenance
from alservice.domain.project import DType, LabelSchema, Policy, Retrain, VectorSpace
from alservice.domain.segment import SegmentState
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.tables import RequestKey, RequestRecord
from tests.contract.catalog_rows import (
    P,
    a_batch,
    a_lease,
    a_model,
    a_project,
    a_segment,
    a_settled,
    an_answer,
    an_operation,
    an_upload,
)


def test_every_field_of_a_project_comes_back(empty: Catalog) -> None:
    full = a_project(
        "p-1",
        space=VectorSpace("other", 768, DType.BF16, "clip"),
        policy=Policy(audit_share=0.25, retrain=Retrain.AUTO, opinions_per_item=2),
        salt=2**64 - 1,
        revision=2**40,
        generation=3,
        next_incarnation=4,
        item_count=5,
        settled_count=6,
        audit_asked=7,
        queried_asked=8,
        active_model_id="m-1",
        create_time_ms=9,
    )
    assert empty.transact(lambda tx: tx.projects.insert(full))
    assert empty.read(lambda tx: tx.projects.get("p-1")) == full
    assert empty.transact(lambda tx: tx.projects.lock("p-1")) == full


def test_an_id_is_taken_once(catalog: Catalog) -> None:
    other = a_project(display_name="another")
    assert not catalog.transact(lambda tx: tx.projects.insert(other))
    assert catalog.read(lambda tx: tx.projects.get(P)) == a_project()


def test_an_unknown_project_is_none(empty: Catalog) -> None:
    assert empty.read(lambda tx: tx.projects.get("nobody")) is None
    assert empty.transact(lambda tx: tx.projects.lock("nobody")) is None


def test_an_update_replaces_the_row(catalog: Catalog) -> None:
    changed = replace(a_project(), schema=LabelSchema(revision=2), salt=1, active_model_id="m-2")
    catalog.transact(lambda tx: tx.projects.update(changed))
    assert catalog.read(lambda tx: tx.projects.get(P)) == changed


def test_pages_go_by_the_bytes_of_the_id(empty: Catalog) -> None:
    ids = ["Zebra", "_x", "a-1", "a.1", "apple", "zoo"]
    for project_id in reversed(ids):
        empty.transact(lambda tx, i=project_id: tx.projects.insert(a_project(i)))  # type: ignore[misc]
    first = empty.read(lambda tx: tx.projects.page("", 4))
    rest = empty.read(lambda tx: tx.projects.page(first[-1].project_id, 4))
    assert [p.project_id for p in (*first, *rest)] == sorted(ids)


def fill(tx: Tx, project_id: str) -> None:
    """Something of `project_id` in every table."""
    tx.projects.insert(a_project(project_id))
    for state in SegmentState:
        segment = a_segment(f"{project_id}-{state}", project_id=project_id, state=state)
        tx.segments.store(replace(segment, inline=True), b"bytes")
    tx.uploads.put(an_upload(project_id=project_id))
    (seq,) = tx.labels.append(project_id, [an_answer("i-1")])
    tx.labels.settle(project_id, [a_settled("i-1", seq, provenance=Provenance.AUDIT)])
    tx.leases.insert(project_id, [a_lease("i-2")])
    tx.batches.insert(project_id, a_batch("b-1", "i-2"))
    tx.models.insert(project_id, a_model("m-1"))
    tx.models.store(project_id, a_model("m-1"), b"head")
    tx.operations.insert(an_operation("o-1", project_id=project_id))
    tx.requests.put(
        key_of(project_id), RequestRecord(fingerprint="f", result_json="r", expire_time_ms=10**15)
    )


def key_of(project_id: str) -> RequestKey:
    return RequestKey(project_id=project_id, principal="ada", method="Train", request_id="r")


def everything_of(tx: Tx, project_id: str) -> list[object]:
    """What can be seen of a project, row by row; the empty and the absent left out."""
    seen = [
        tx.projects.get(project_id),
        tx.segments.live(project_id),
        tx.segments.of_upload(project_id, ""),
        tx.segments.inline_bytes(f"{project_id}-live"),
        tx.uploads.get(project_id, "u-1"),
        tx.labels.page(project_id, 0, 9, settled_only=False),
        tx.labels.settled_since(project_id, -1),
        tx.leases.of_items(project_id, ["i-2"]),
        tx.batches.get(project_id, "b-1"),
        tx.batches.of_items(project_id, ["i-2"]),
        tx.models.get(project_id, "m-1"),
        tx.models.head(project_id, "m-1"),
        tx.operations.get(project_id, "o-1"),
        tx.requests.get(key_of(project_id), 0),
    ]
    return [thing for thing in seen if thing]


def test_a_deleted_project_takes_all_its_rows_along_and_no_others(empty: Catalog) -> None:
    for project_id in ("gone", "kept"):
        empty.transact(partial(fill, project_id=project_id))
    before = empty.read(lambda tx: everything_of(tx, "kept"))
    dead = empty.transact(lambda tx: tx.projects.delete("gone"))
    assert set(dead) == {"gone-writing", "gone-live"}
    assert empty.read(lambda tx: everything_of(tx, "gone")) == []
    assert len(before) == 13
    assert empty.read(lambda tx: everything_of(tx, "kept")) == before


def test_segments_of_a_deleted_project_are_dead(empty: Catalog) -> None:
    empty.transact(lambda tx: fill(tx, "gone"))
    empty.transact(lambda tx: tx.projects.delete("gone"))
    found = [empty.read(lambda tx, s=s: tx.segments.get(f"gone-{s}")) for s in SegmentState]  # type: ignore[misc]
    assert [segment.state for segment in found if segment] == [SegmentState.DEAD] * 3
    assert len(empty.transact(lambda tx: tx.segments.expire(0))) == 3  # at once


def test_a_new_project_of_an_old_id_begins_afresh(empty: Catalog) -> None:
    empty.transact(lambda tx: fill(tx, "again"))
    empty.transact(lambda tx: tx.projects.delete("again"))
    assert empty.transact(lambda tx: tx.projects.insert(a_project("again")))
    assert empty.read(lambda tx: tx.segments.live("again")) == []
    assert list(empty.transact(lambda tx: tx.labels.append("again", [an_answer("i")]))) == [1]
