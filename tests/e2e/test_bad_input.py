"""What bad input gets, over a real connection: one status, a reason, a way out, nothing stored."""

from typing import Any

import pytest

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from tests.e2e.api import Api, failure, kept, label, random_vectors, until, upload
from tests.e2e.bad_requests import CODE, DIMENSION, MISSING, REVIEWS, ROWS
from tests.e2e.wire import details_of, info_of
from tests.running_server import RunningServer


@pytest.fixture(scope="module", autouse=True)
def _reviews(server: RunningServer) -> None:
    api = Api(server.channel)
    api.create("reviews")
    api.add(REVIEWS, random_vectors(20, DIMENSION))
    api.create("empty")
    api.create("one-class")
    api.add("projects/one-class", random_vectors(5, DIMENSION))
    api.label("projects/one-class", label("i-1"), label("i-2"))


@pytest.mark.parametrize("name", ROWS)
def test_bad_input_gets_one_clear_answer_and_stores_nothing(api: Api, name: str) -> None:
    row, before = ROWS[name], stored(api)
    error = failure(lambda: row.call(api))
    info = info_of(error)
    assert (error.code(), info.reason) == (row.code, f"ERROR_REASON_{row.reason}"), error.details()
    assert info.domain == "alservice"
    assert row.metadata.items() <= dict(info.metadata).items(), info.metadata
    said = str(error.details())
    assert row.says.lower() in said.lower() and len(said) > 20
    assert stored(api) == before


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.code is MISSING])
def test_what_is_not_there_is_named_for_generic_clients(api: Api, name: str) -> None:
    details = details_of(failure(lambda: ROWS[name].call(api)))
    assert details["google.rpc.ResourceInfo"].resource_name


def stored(api: Api) -> tuple[Any, ...]:
    """Everything that a refused request might have changed."""
    labels = api.active.ListLabels(al.ListLabelsRequest(project=REVIEWS)).labels
    listed = api.projects.ListProjects(project_pb.ListProjectsRequest()).projects
    items = api.pool.ListItems(pool_pb.ListItemsRequest(project=REVIEWS)).items
    return len(labels), [project.name for project in listed], list(items), api.show(REVIEWS).stats


def test_a_label_for_an_item_that_was_never_queried_is_accepted(api: Api) -> None:
    project = api.create("unasked")
    api.add(project, random_vectors(5, DIMENSION))
    assert api.label(project, label("i-3")) == ["RECORDED"]


def test_labels_for_deleted_items_are_said_one_by_one(api: Api) -> None:
    project = api.create("deleted")
    api.add(project, random_vectors(5, DIMENSION))
    api.pool.DeleteItems(pool_pb.DeleteItemsRequest(project=project, item_ids=["i-3"]))
    assert api.label(project, label("i-2"), label("i-3")) == [
        "RECORDED",
        "ITEM_DELETED",
    ]


def test_a_batch_larger_than_the_pool_is_the_pool(api: Api) -> None:
    project = api.create("small", reserve_share=0.0)
    api.add(project, random_vectors(5, DIMENSION))
    batch = api.query(project, batch_size=100).batch
    assert sorted(item.item_id for item in batch.items) == [f"i-{n}" for n in range(5)]


def test_while_all_is_leased_the_error_says_so(api: Api) -> None:
    project = api.create("leased", reserve_share=0.0)
    api.add(project, random_vectors(5, DIMENSION))
    api.query(project, batch_size=100)
    error = failure(lambda: api.query(project))
    assert info_of(error).reason == "ERROR_REASON_POOL_EMPTY"
    assert info_of(error).metadata["item_count"] == "5"


def test_an_answer_after_the_lease_is_accepted_as_late(api: Api) -> None:
    project = api.create("late")
    api.add(project, random_vectors(30, DIMENSION))
    held = api.query(project, batch_size=1, lease_duration={"seconds": 1}).batch
    looks = range(100_000)  # each is a round trip: many more than a second has
    assert any(api.show(project).stats.leased_count == 0 for _ in looks)
    assert api.label(project, label(held.items[0].item_id)) == ["LATE"]


def test_a_stream_that_breaks_leaves_nothing_and_can_be_resumed(api: Api) -> None:
    project, vectors = api.create("broken"), random_vectors(3000, 512)
    messages = upload(pool_pb.AddItemsHeader(project=project, upload_id="u"), vectors)
    ask = pool_pb.GetUploadRequest(project=project, upload_id="u")

    def breaks() -> Any:
        yield from messages[:4]
        raise OSError("the cable was pulled")

    def broken() -> int:
        # A cable that is pulled at once may have carried nothing yet: then pull it again.
        error = failure(lambda: api.pool.AddItems(breaks()))
        assert error.code() in {CODE.UNKNOWN, CODE.CANCELLED}
        return next((number for _ in range(300) if (number := kept(api, ask))), 0)

    received = until(broken)
    assert 0 < received < len(vectors)
    assert api.show(project).stats.item_count == 0
    rest = upload(messages[0].header, vectors, start=received)
    assert api.pool.AddItems(iter(rest)).added_count == len(vectors)
    assert api.show(project).stats.item_count == len(vectors)
    assert api.pool.GetUpload(ask).result.added_count == len(vectors)
