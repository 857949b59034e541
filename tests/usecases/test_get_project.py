"""A project and what it holds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.batch import Lease
from alservice.domain.label import Outcome, Provenance, Settled
from alservice.domain.project import Project
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.get_project import GetProject, GetProjectCommand, ProjectStats
from tests.usecases.conftest import CallFactory, Clock


def settled(item_id: str, outcome: Outcome, provenance: Provenance, seq: int) -> Settled:
    return Settled(
        item_id=item_id,
        incarnation=1,
        outcome=outcome,
        class_id="cat" if outcome is Outcome.VALUE else None,
        provenance=provenance,
        weight=1.0,
        label_seq=seq,
        revision=1,
    )


def lease(item_id: str, expire_time_ms: int) -> Lease:
    return Lease(
        item_id=item_id,
        incarnation=1,
        slot=0,
        batch_id="b-1",
        annotator_id="ann",
        expire_time_ms=expire_time_ms,
    )


def segment(project_id: str, segment_id: str, state: SegmentState) -> Segment:
    return Segment(
        segment_id=segment_id,
        project_id=project_id,
        space_id="default",
        state=state,
        rows=10,
        live_rows=10,
        size_bytes=1_000,
    )


def test_a_new_project_holds_nothing(
    catalog: Catalog, call: CallFactory, make_project: Callable[..., Project]
) -> None:
    made = make_project("reviews")
    project, stats = GetProject(catalog)(call(), GetProjectCommand("reviews"))
    assert project == made
    assert stats == ProjectStats(
        item_count=0,
        settled_count=0,
        audit_count=0,
        leased_count=0,
        unusable_count=0,
        segment_count=0,
        segment_bytes=0,
    )


def test_everything_is_counted_once_and_where_it_belongs(
    catalog: Catalog, call: CallFactory, clock: Clock, make_project: Callable[..., Project]
) -> None:
    project = make_project("reviews")
    now = clock.now_ms

    def fill(tx: Tx) -> None:
        tx.projects.update(replace(project, item_count=20))
        for segment_id, state in (("s1", "live"), ("s2", "live"), ("s3", "writing")):
            made = segment("reviews", segment_id, SegmentState(state))
            tx.segments.reserve(made)
            tx.segments.store(made, None)
        rows = [
            settled("a", Outcome.VALUE, Provenance.QUERIED, 1),
            settled("b", Outcome.UNSURE, Provenance.QUERIED, 2),
            settled("c", Outcome.VALUE, Provenance.AUDIT, 3),
            settled("d", Outcome.UNUSABLE, Provenance.QUERIED, 4),
            settled("e", Outcome.FLAG, Provenance.QUERIED, 5),
        ]
        tx.labels.settle("reviews", rows)
        tx.leases.insert("reviews", [lease("f", now + 10**6), lease("g", now - 1)])

    catalog.transact(fill)
    _, stats = GetProject(catalog)(call(), GetProjectCommand("reviews"))
    assert stats == ProjectStats(
        item_count=20,
        settled_count=3,
        audit_count=1,
        leased_count=1,
        unusable_count=1,
        segment_count=2,
        segment_bytes=2_000,
    )


def test_a_missing_project_is_named_with_the_closest_there_is(
    catalog: Catalog, call: CallFactory, make_project: Callable[..., Project]
) -> None:
    make_project("reviews")
    with pytest.raises(errors.ProjectNotFound) as caught:
        GetProject(catalog)(call(), GetProjectCommand("revews"))
    assert caught.value.metadata == {"project": "revews", "did_you_mean": "reviews"}
