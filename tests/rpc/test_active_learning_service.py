"""ActiveLearningService over a real connection: ask, answer, learn, repeat."""

from typing import Any

import grpc
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import active_learning_service_pb2_grpc as pb_grpc
from alservice.api.v1 import batch_pb2, item_pb2, label_pb2, model_pb2
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import pool_service_pb2_grpc as pool_grpc
from tests.rpc.edge import failure, reason
from tests.rpc.pool import new_project, tensor

Stub = pb_grpc.ActiveLearningServiceStub
OPEN = batch_pb2.BATCH_ITEM_STATE_OPEN
FULL = batch_pb2.BATCH_VIEW_FULL


@pytest.fixture
def stub(channel: grpc.Channel) -> Stub:
    return Stub(channel)


@pytest.fixture
def project(channel: grpc.Channel) -> str:
    """A project of 60 items: even ones are cats, odd ones are dogs."""
    name = new_project(channel)
    numbers = np.arange(60)
    vectors = np.stack([np.sin(numbers), np.cos(3 * numbers) + numbers % 2], 1).astype("<f4")
    contents = [
        item_pb2.Content(parts=[item_pb2.ContentPart(media_type="text/plain", text=f"no {n}")])
        for n in numbers
    ]
    columns = item_pb2.ItemColumns(
        item_ids=[f"i{n}" for n in numbers], vectors=tensor(vectors), contents=contents
    )
    request = pool_pb.BatchAddItemsRequest(project=name, columns=columns)
    pool_grpc.PoolServiceStub(channel).BatchAddItems(request)
    return name


def query(stub: Stub, project: str, **fields: Any) -> pb.QueryResponse:
    return stub.Query(pb.QueryRequest(project=project, **fields))


def label(item_id: str, **fields: Any) -> label_pb2.Label:
    truth = ("cat", "dog")[int(item_id[1:]) % 2]
    return label_pb2.Label(item_id=item_id, **{"class_id": truth, **fields})


def submit(stub: Stub, project: str, *labels: label_pb2.Label) -> pb.SubmitLabelsResponse:
    return stub.SubmitLabels(pb.SubmitLabelsRequest(project=project, labels=labels))


def get(stub: Stub, name: str, view: Any = FULL) -> batch_pb2.Batch:
    return stub.GetBatch(pb.GetBatchRequest(name=name, view=view)).batch


def learn(stub: Stub, channel: grpc.Channel, project: str, **fields: Any) -> model_pb2.Model:
    """Train, wait, and return the model."""
    begun = stub.Train(pb.TrainRequest(project=project, **fields))
    wait = operations_pb2.WaitOperationRequest(name=begun.name, timeout=Duration(seconds=60))
    done = operations_pb2_grpc.OperationsStub(channel).WaitOperation(wait)
    model = model_pb2.Model()
    assert done.response.Unpack(model), done
    return model


def test_a_round_goes_from_a_cold_start_to_a_model_that_chooses(
    stub: Stub, channel: grpc.Channel, project: str
) -> None:
    first = query(stub, project)
    batch = first.batch
    assert len(batch.items) == 20 and batch.chosen_by == "typiclust" and batch.model == ""
    assert batch.because and not first.notes and batch.name.startswith(f"{project}/batches/")
    assert [item.rank for item in batch.items] == list(range(1, 21))
    assert all(item.content.parts[0].text == f"no {item.item_id[1:]}" for item in batch.items)
    answer = submit(stub, project, *(label(item.item_id) for item in batch.items))
    assert list(answer.statuses) == [label_pb2.LABEL_STATUS_RECORDED] * 20
    assert answer.settled_count == 20 and answer.unseen_label_count == 18
    model = learn(stub, channel, project)
    assert model.state == model_pb2.MODEL_STATE_READY
    second = query(stub, project, batch_size=5)
    assert second.batch.model == model.name and second.batch.chosen_by == "uncertainty_herding"
    assert second.unseen_label_count == 0 and not second.notes
    again = stub.Train(pb.TrainRequest(project=project))
    assert again.done and again.response.type_url.endswith("alservice.api.v1.Model")


def test_the_answer_never_shows_which_items_are_audit_and_the_owner_sees_it(
    stub: Stub, project: str
) -> None:
    for view in (batch_pb2.BATCH_VIEW_IDS, batch_pb2.BATCH_VIEW_BASIC, FULL):
        batch = query(stub, project, batch_size=10, view=view).batch
        assert {(item.arm, item.propensity) for item in batch.items} == {(0, 0.0)}
        arms = [item.arm for item in get(stub, batch.name).items]
        assert arms.count(batch_pb2.ARM_AUDIT) == 1
        assert arms.count(batch_pb2.ARM_STRATEGY) == 9
        hidden = get(stub, batch.name, batch_pb2.BATCH_VIEW_BASIC)
        assert {item.arm for item in hidden.items} == {0}


def test_views_show_ids_then_content_then_components(stub: Stub, project: str) -> None:
    shown = {
        view: query(stub, project, dry_run=True, seed=1, view=view).batch.items[0]
        for view in (0, batch_pb2.BATCH_VIEW_IDS, batch_pb2.BATCH_VIEW_BASIC, FULL)
    }
    assert not shown[batch_pb2.BATCH_VIEW_IDS].HasField("content")
    assert shown[0] == shown[batch_pb2.BATCH_VIEW_BASIC] and shown[0].HasField("content")
    assert not shown[0].component_scores and not shown[0].reason
    assert {"typicality", "cluster_size"} <= set(shown[FULL].component_scores)
    assert "typicality" in shown[FULL].reason
    assert len(shown[FULL].represented_item_ids) == min(10, shown[FULL].represented_count)


def test_a_repeated_query_gets_an_equal_message_even_after_answers(
    stub: Stub, project: str
) -> None:
    asked = {"batch_size": 5, "request_id": "q1", "view": FULL}
    first = query(stub, project, **asked)
    submit(stub, project, *(label(item.item_id) for item in first.batch.items))
    assert query(stub, project, **asked) == first
    error = failure(lambda: query(stub, project, batch_size=6, request_id="q1", view=FULL))
    assert reason(error) == "ERROR_REASON_REQUEST_ID_REUSED"


def test_a_dry_run_has_no_name_and_its_seed_repeats_it(stub: Stub, project: str) -> None:
    dry = query(stub, project, dry_run=True).batch
    assert dry.name == "" and dry.seed > 0
    assert query(stub, project, dry_run=True, seed=dry.seed).batch.items == dry.items
    largest = query(stub, project, seed=2**64 - 1).batch
    assert largest.seed == 2**64 - 1 == get(stub, largest.name).seed


def test_a_batch_is_renewed_released_and_listed(stub: Stub, project: str) -> None:
    lease = Duration(seconds=60)
    first = query(stub, project, batch_size=4, annotator_id="ada", lease_duration=lease).batch
    assert first.expire_time.seconds - first.create_time.seconds in (60, 61)
    longer = pb.RenewBatchRequest(name=first.name, lease_duration=Duration(seconds=3_600))
    assert stub.RenewBatch(longer).batch.expire_time.seconds > first.expire_time.seconds
    second = query(stub, project, batch_size=4, annotator_id="bob").batch
    resumed = query(stub, project, annotator_id="ada", resume=True)
    assert resumed.batch.name == first.name and "resume" in resumed.notes[0]
    released = stub.ReleaseBatch(pb.ReleaseBatchRequest(name=first.name)).batch
    assert released.closed and {i.state for i in released.items} == {
        batch_pb2.BATCH_ITEM_STATE_RELEASED
    }
    assert not any(item.HasField("content") for item in released.items)
    error = failure(lambda: stub.RenewBatch(longer))
    assert reason(error) == "ERROR_REASON_BATCH_CLOSED"
    page = stub.ListBatches(pb.ListBatchesRequest(project=project, page_size=1))
    assert [batch.name for batch in page.batches] == [second.name]
    rest = stub.ListBatches(
        pb.ListBatchesRequest(project=project, page_token=page.next_page_token)
    )
    assert [batch.name for batch in rest.batches] == [first.name] and not rest.next_page_token
    still_open = stub.ListBatches(
        pb.ListBatchesRequest(project=project, open_only=True, view=FULL)
    )
    assert [batch.name for batch in still_open.batches] == [second.name]
    assert {item.state for item in still_open.batches[0].items} == {OPEN}


def test_an_answer_is_listed_as_it_was_given(stub: Stub, project: str) -> None:
    batch = query(stub, project, batch_size=2, annotator_id="ada").batch
    first, second = (item.item_id for item in batch.items)
    told = {"annotator_id": "ada", "confidence": 0.5, "seconds_spent": 3.0}
    submit(
        stub,
        project,
        label(first, outcome=label_pb2.LABEL_OUTCOME_UNSURE, batch=batch.name, **told),
        label_pb2.Label(item_id=second, outcome=label_pb2.LABEL_OUTCOME_ABSTAIN),
    )
    listed = stub.ListLabels(pb.ListLabelsRequest(project=project)).labels
    assert [answer.item_id for answer in listed] == [first, second]
    assert listed[0].HasField("create_time") and listed[0].incarnation == 1
    assert (listed[0].settled, listed[1].settled) == (True, False)
    assert listed[0].batch == listed[1].batch == batch.name
    assert listed[0].outcome == label_pb2.LABEL_OUTCOME_UNSURE
    assert (listed[0].annotator_id, listed[0].confidence, listed[0].seconds_spent) == (
        "ada",
        0.5,
        3.0,
    )
    assert listed[1].annotator_id == "anonymous" and listed[1].WhichOneof("value") is None
    assert not listed[1].HasField("confidence")
    settled = pb.ListLabelsRequest(project=project, settled_only=True)
    assert [answer.item_id for answer in stub.ListLabels(settled).labels] == [first]


def test_every_provenance_that_may_be_set_is_kept(stub: Stub, project: str) -> None:
    kinds = [
        label_pb2.LABEL_PROVENANCE_UNSPECIFIED,
        label_pb2.LABEL_PROVENANCE_IMPORTED,
        label_pb2.LABEL_PROVENANCE_CORRECTED,
        label_pb2.LABEL_PROVENANCE_MACHINE,
    ]
    submit(stub, project, *(label(f"i{n}", provenance=k) for n, k in enumerate(kinds)))
    listed = stub.ListLabels(pb.ListLabelsRequest(project=project)).labels
    expected = [label_pb2.LABEL_PROVENANCE_IMPORTED, *kinds[1:]]
    assert [answer.provenance for answer in listed] == expected


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"item_id": "i99"}, "ITEM_NOT_FOUND"),
        ({"class_id": "cta"}, "CLASS_UNKNOWN"),
        ({"number": 1.0}, "NOT_BUILT"),
        ({"class_set": label_pb2.ClassSet(class_ids=["cat"])}, "NOT_BUILT"),
        ({"outcome": label_pb2.LABEL_OUTCOME_FLAG}, "LABEL_VALUE_INVALID"),
        ({"provenance": label_pb2.LABEL_PROVENANCE_AUDIT}, "INVALID_FIELD"),
        ({"annotator_id": "a b"}, "INVALID_NAME"),
        ({"confidence": 2.0}, "INVALID_FIELD"),
        ({"batch": "projects/elsewhere/batches/b-1"}, "BATCH_NOT_FOUND"),
        ({"batch": "rubbish"}, "INVALID_NAME"),
    ],
)
def test_one_bad_label_stores_nothing(
    stub: Stub, project: str, bad: dict[str, Any], expected: str
) -> None:
    fields = {"item_id": "i1", **bad}
    if not {"number", "class_set", "class_id"} & bad.keys():
        fields["class_id"] = "cat"
    wrong = label_pb2.Label(**fields)
    error = failure(lambda: submit(stub, project, label("i0"), wrong))
    assert reason(error) == f"ERROR_REASON_{expected}"
    assert not stub.ListLabels(pb.ListLabelsRequest(project=project)).labels


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"strategy": "margn"}, "STRATEGY_UNKNOWN"),
        ({"parameters": {"beta": 1.0}}, "PARAMETER_UNKNOWN"),
        ({"batch_size": 10_001}, "INVALID_FIELD"),
        ({"lease_duration": Duration(nanos=5)}, "INVALID_FIELD"),
        ({"annotator_id": "a/b"}, "INVALID_NAME"),
        ({"project": "projects/not-there"}, "PROJECT_NOT_FOUND"),
        ({"project": "rubbish"}, "INVALID_NAME"),
    ],
)
def test_a_bad_query_is_refused(
    stub: Stub, project: str, bad: dict[str, Any], expected: str
) -> None:
    error = failure(lambda: query(stub, **{"project": project, **bad}))
    assert reason(error) == f"ERROR_REASON_{expected}"


def test_an_empty_pool_and_too_few_classes_are_said_to_be_so(
    stub: Stub, channel: grpc.Channel
) -> None:
    empty = new_project(channel)
    assert reason(failure(lambda: query(stub, empty))) == "ERROR_REASON_POOL_EMPTY"
    train = pb.TrainRequest(project=empty)
    error = failure(lambda: stub.Train(train))
    assert reason(error) == "ERROR_REASON_TRAINING_NEEDS_TWO_CLASSES"
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_a_training_may_leave_the_active_model_alone(
    stub: Stub, channel: grpc.Channel, project: str
) -> None:
    submit(stub, project, *(label(f"i{n}") for n in range(8)))
    model = learn(stub, channel, project, activate=False)
    assert model.state == model_pb2.MODEL_STATE_READY and not model.active
    assert query(stub, project, dry_run=True).batch.model == ""
