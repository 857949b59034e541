"""ProjectService over a real connection."""

import math
from itertools import count

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from alservice.api.v1 import project_pb2 as pb
from alservice.api.v1 import project_service_pb2 as service_pb
from alservice.api.v1 import project_service_pb2_grpc as service_grpc
from alservice.api.v1 import tensor_pb2
from tests.rpc.edge import failure, reason

NUMBERS = count(1)
CLASSES = pb.LabelSchema(
    classes=pb.ClassSchema(
        classes=[
            pb.ClassLabel(class_id="cat"),
            pb.ClassLabel(class_id="dog", display_name="Dog", description="It barks."),
        ]
    )
)


@pytest.fixture
def stub(channel: grpc.Channel) -> service_grpc.ProjectServiceStub:
    return service_grpc.ProjectServiceStub(channel)


def fresh() -> str:
    return f"projects-{next(NUMBERS)}"


def create(stub: service_grpc.ProjectServiceStub, project_id: str, **fields: object) -> pb.Project:
    project = pb.Project(label_schema=CLASSES, **fields)  # type: ignore[arg-type]
    request = service_pb.CreateProjectRequest(project_id=project_id, project=project)
    return stub.CreateProject(request).project


def get(stub: service_grpc.ProjectServiceStub, name: str) -> pb.Project:
    return stub.GetProject(service_pb.GetProjectRequest(name=name)).project


def test_a_project_comes_back_with_all_defaults_filled_in(
    stub: service_grpc.ProjectServiceStub,
) -> None:
    name = fresh()
    made = create(stub, name)
    assert made.name == f"projects/{name}" and made.display_name == name
    assert [c.display_name for c in made.label_schema.classes.classes] == ["cat", "Dog"]
    assert made.label_schema.revision == 1
    assert made.vector_space.name == f"projects/{name}/vectorSpaces/default"
    assert not made.vector_space.HasField("dimension")
    assert made.policy == pb.Policy(
        strategy="auto",
        batch_size=20,
        lease_duration=Duration(seconds=86_400),
        reserve_share=0.1,
        opinions_per_item=1,
        retrain=pb.RETRAIN_POLICY_MANUAL,
        strategy_version=made.policy.strategy_version,
        learner="logistic",
    )
    assert made.etag and made.create_time.seconds > 0 and not made.HasField("stats")


def test_what_is_sent_is_kept(stub: service_grpc.ProjectServiceStub) -> None:
    policy = pb.Policy(
        strategy="entropy",
        batch_size=7,
        lease_duration=Duration(seconds=90, nanos=500_000_000),
        reserve_share=0.0,
        audit_share=0.0,
        opinions_per_item=1,
        retrain=pb.RETRAIN_POLICY_AUTO,
        strategy_version=1,
        learner="logistic",
    )
    space = pb.VectorSpace(dimension=0, dtype=tensor_pb2.DTYPE_F16, encoder="e5")
    made = create(stub, fresh(), policy=policy, vector_space=space, display_name="Tiere")
    assert made.policy == policy and made.display_name == "Tiere"
    assert made.vector_space.HasField("dimension") and made.vector_space.dimension == 0
    assert made.vector_space.dtype == tensor_pb2.DTYPE_F16
    found = get(stub, made.name)
    assert found.HasField("stats") and found.stats.item_count == 0
    found.ClearField("stats")
    assert found == made


def test_double_precision_is_kept_as_single(stub: service_grpc.ProjectServiceStub) -> None:
    made = create(stub, fresh(), vector_space=pb.VectorSpace(dtype=tensor_pb2.DTYPE_F64))
    assert made.vector_space.dtype == tensor_pb2.DTYPE_F32


def test_a_retry_gets_the_same_answer_and_a_second_request_does_not(
    stub: service_grpc.ProjectServiceStub,
) -> None:
    project = pb.Project(label_schema=CLASSES)
    request = service_pb.CreateProjectRequest(project_id=fresh(), project=project)
    request.request_id = "create-1"
    assert stub.CreateProject(request) == stub.CreateProject(request)
    request.project.display_name = "another"
    error = failure(lambda: stub.CreateProject(request))
    assert reason(error) == "ERROR_REASON_REQUEST_ID_REUSED"
    request.ClearField("request_id")
    error = failure(lambda: stub.CreateProject(request))
    assert error.code() == grpc.StatusCode.ALREADY_EXISTS
    assert reason(error) == "ERROR_REASON_PROJECT_EXISTS"


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (pb.Project(label_schema=pb.LabelSchema(multi_label=pb.MultiLabelSchema())), "NOT_BUILT"),
        (pb.Project(label_schema=pb.LabelSchema(number=pb.NumberSchema())), "NOT_BUILT"),
        (pb.Project(), "INVALID_FIELD"),
        (
            pb.Project(label_schema=CLASSES, policy=pb.Policy(strategy="margni")),
            "STRATEGY_UNKNOWN",
        ),
        (
            pb.Project(label_schema=CLASSES, policy=pb.Policy(learner="logistc")),
            "LEARNER_UNKNOWN",
        ),
        (
            pb.Project(label_schema=CLASSES, policy=pb.Policy(opinions_per_item=3)),
            "NOT_BUILT",
        ),
        (
            pb.Project(label_schema=CLASSES, policy=pb.Policy(reserve_share=math.nan)),
            "INVALID_FIELD",
        ),
        (
            pb.Project(
                label_schema=CLASSES,
                policy=pb.Policy(lease_duration=Duration(seconds=315_576_000_000)),
            ),
            "INVALID_FIELD",
        ),
        (
            pb.Project(label_schema=CLASSES, vector_space=pb.VectorSpace(dimension=65_537)),
            "INVALID_FIELD",
        ),
        (
            pb.Project(label_schema=CLASSES, policy=pb.Policy(retrain=9)),  # type: ignore[arg-type]
            "INVALID_FIELD",
        ),
        (
            pb.Project(label_schema=CLASSES, vector_space=pb.VectorSpace(dtype=99)),  # type: ignore[arg-type]
            "INVALID_FIELD",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(
    stub: service_grpc.ProjectServiceStub, project: pb.Project, expected: str
) -> None:
    name = fresh()
    request = service_pb.CreateProjectRequest(project_id=name, project=project)
    assert reason(failure(lambda: stub.CreateProject(request))) == f"ERROR_REASON_{expected}"
    missing = failure(lambda: get(stub, f"projects/{name}"))
    assert missing.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["", "projects", "projects/", "p", "projects/a/b", "x/a"])
def test_a_malformed_name_is_refused(stub: service_grpc.ProjectServiceStub, name: str) -> None:
    assert reason(failure(lambda: get(stub, name))) == "ERROR_REASON_INVALID_NAME"


def test_projects_are_listed_page_by_page(stub: service_grpc.ProjectServiceStub) -> None:
    made = {create(stub, fresh()).name for _ in range(3)}
    found, token = [], ""
    while True:
        request = service_pb.ListProjectsRequest(page_size=2, page_token=token)
        page = stub.ListProjects(request)
        found += [p.name for p in page.projects]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(set(found)) and made <= set(found)


def test_only_what_the_mask_names_changes(stub: service_grpc.ProjectServiceStub) -> None:
    made = create(stub, fresh())
    changed = pb.Project(
        name=made.name, display_name="New", policy=pb.Policy(batch_size=5), etag=made.etag
    )
    request = service_pb.UpdateProjectRequest(
        project=changed, update_mask=FieldMask(paths=["policy.batch_size"])
    )
    after = stub.UpdateProject(request).project
    assert after.policy.batch_size == 5
    after.policy.batch_size = made.policy.batch_size
    assert after.etag != made.etag
    after.etag = made.etag
    assert after == made
    assert reason(failure(lambda: stub.UpdateProject(request))) == "ERROR_REASON_ETAG_MISMATCH"


def test_a_policy_that_was_read_can_be_sent_back(stub: service_grpc.ProjectServiceStub) -> None:
    made = create(stub, fresh(), policy=pb.Policy(reserve_share=0.3))
    made.policy.strategy = "k_center"
    request = service_pb.UpdateProjectRequest(
        project=made, update_mask=FieldMask(paths=["policy"])
    )
    updated = stub.UpdateProject(request).project.policy
    assert updated.strategy_version != made.policy.strategy_version  # which is only an output
    made.policy.strategy_version = updated.strategy_version
    assert updated == made.policy


def test_a_path_outside_the_settings_is_refused(stub: service_grpc.ProjectServiceStub) -> None:
    made = create(stub, fresh())
    mask = FieldMask(paths=["policy.reserve_share"])
    request = service_pb.UpdateProjectRequest(project=made, update_mask=mask)
    error = failure(lambda: stub.UpdateProject(request))
    assert reason(error) == "ERROR_REASON_INVALID_UPDATE_MASK"


def test_classes_are_added_at_the_end(stub: service_grpc.ProjectServiceStub) -> None:
    made = create(stub, fresh())
    new = [pb.ClassLabel(class_id="ant"), pb.ClassLabel(class_id="cat")]
    request = service_pb.AddClassesRequest(name=made.name, classes=new)
    schema = stub.AddClasses(request).project.label_schema
    assert [c.class_id for c in schema.classes.classes] == ["cat", "dog", "ant"]
    assert schema.revision == 2
    clash = service_pb.AddClassesRequest(
        name=made.name, classes=[pb.ClassLabel(class_id="cat", display_name="Katze")]
    )
    assert reason(failure(lambda: stub.AddClasses(clash))) == "ERROR_REASON_CLASS_EXISTS"


def test_a_deleted_project_is_gone_and_its_retry_is_not_an_error(
    stub: service_grpc.ProjectServiceStub,
) -> None:
    made = create(stub, fresh())
    request = service_pb.DeleteProjectRequest(name=made.name, etag="stale", request_id=made.etag)
    assert reason(failure(lambda: stub.DeleteProject(request))) == "ERROR_REASON_ETAG_MISMATCH"
    request.etag = made.etag
    stub.DeleteProject(request)
    stub.DeleteProject(request)
    error = failure(lambda: get(stub, made.name))
    assert reason(error) == "ERROR_REASON_PROJECT_NOT_FOUND"
