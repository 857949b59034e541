"""Project messages, to the words of the domain and back."""

from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from alservice.api.v1 import project_pb2 as pb
from alservice.api.v1 import project_service_pb2 as service_pb
from alservice.api.v1 import tensor_pb2
from alservice.domain.errors import InvalidField, NotBuilt
from alservice.domain.names import model_name, parse_project, project_name, space_name
from alservice.domain.project import (
    ClassLabel,
    DType,
    LabelSchema,
    Policy,
    Project,
    Retrain,
    VectorSpace,
)
from alservice.usecases.add_classes import AddClassesCommand
from alservice.usecases.create_project import CreateProjectCommand
from alservice.usecases.delete_project import DeleteProjectCommand
from alservice.usecases.get_project import GetProjectCommand, ProjectStats
from alservice.usecases.list_projects import ListProjectsCommand
from alservice.usecases.update_project import UpdateProjectCommand

DEFAULT: Final = Policy()
# 64-bit vectors are kept as F32.
STORED: Final = {
    tensor_pb2.DTYPE_UNSPECIFIED: None,
    tensor_pb2.DTYPE_F32: DType.F32,
    tensor_pb2.DTYPE_F16: DType.F16,
    tensor_pb2.DTYPE_BF16: DType.BF16,
    tensor_pb2.DTYPE_F64: DType.F32,
}
DTYPES: Final = {
    None: tensor_pb2.DTYPE_UNSPECIFIED,
    DType.F32: tensor_pb2.DTYPE_F32,
    DType.F16: tensor_pb2.DTYPE_F16,
    DType.BF16: tensor_pb2.DTYPE_BF16,
}
RETRAIN: Final = {
    pb.RETRAIN_POLICY_UNSPECIFIED: Retrain.MANUAL,
    pb.RETRAIN_POLICY_MANUAL: Retrain.MANUAL,
    pb.RETRAIN_POLICY_AUTO: Retrain.AUTO,
}
RETRAIN_POLICIES: Final = {
    Retrain.MANUAL: pb.RETRAIN_POLICY_MANUAL,
    Retrain.AUTO: pb.RETRAIN_POLICY_AUTO,
}


def parse_create(request: service_pb.CreateProjectRequest) -> CreateProjectCommand:
    """The command. Raises InvalidField, NotBuilt."""
    project = request.project
    return CreateProjectCommand(
        project_id=request.project_id,
        display_name=project.display_name,
        classes=_schema(project.label_schema),
        space=_space(project.vector_space),
        policy=_policy(project.policy),
    )


def parse_get(request: service_pb.GetProjectRequest) -> GetProjectCommand:
    """The command. Raises InvalidName."""
    return GetProjectCommand(parse_project(request.name))


def parse_list(request: service_pb.ListProjectsRequest) -> ListProjectsCommand:
    """The command."""
    return ListProjectsCommand(request.page_size, request.page_token)


def parse_update(request: service_pb.UpdateProjectRequest) -> UpdateProjectCommand:
    """The command. Raises InvalidName, InvalidField."""
    project = request.project
    sent = project.policy.HasField("reserve_share")
    return UpdateProjectCommand(
        project_id=parse_project(project.name),
        paths=tuple(request.update_mask.paths),
        display_name=project.display_name,
        encoder=project.vector_space.encoder,
        policy=_policy(project.policy),
        reserve_share=project.policy.reserve_share if sent else None,
        etag=project.etag,
    )


def parse_delete(request: service_pb.DeleteProjectRequest) -> DeleteProjectCommand:
    """The command. Raises InvalidName."""
    return DeleteProjectCommand(parse_project(request.name), request.etag)


def parse_add_classes(request: service_pb.AddClassesRequest) -> AddClassesCommand:
    """The command. Raises InvalidName."""
    return AddClassesCommand(parse_project(request.name), tuple(map(_class, request.classes)))


def render_project(project: Project, stats: ProjectStats | None = None) -> pb.Project:
    """The message; `stats` is left out where it is None."""
    active = project.active_model_id
    return pb.Project(
        name=project_name(project.project_id),
        display_name=project.display_name,
        label_schema=_render_schema(project.schema),
        vector_space=_render_space(project),
        policy=_render_policy(project.policy),
        active_model=model_name(project.project_id, active) if active else "",
        revision=project.revision,
        etag=project.etag,
        create_time=timestamp(project.create_time_ms),
        stats=_render_stats(stats) if stats else None,
    )


def timestamp(time_ms: int) -> Timestamp:
    """Milliseconds since the epoch as a Timestamp."""
    message = Timestamp()
    message.FromMilliseconds(time_ms)
    return message


def _schema(schema: pb.LabelSchema) -> tuple[ClassLabel, ...]:
    kind = schema.WhichOneof("kind")
    if kind is None:
        text = "say what an answer looks like: set label_schema.classes"
        raise InvalidField(text, field="project.label_schema")
    if kind != "classes":
        text = f"label schemas of kind {kind} are not built yet; use label_schema.classes"
        raise NotBuilt(text, feature=kind)
    return tuple(map(_class, schema.classes.classes))


def _class(label: pb.ClassLabel) -> ClassLabel:
    return ClassLabel(label.class_id, label.display_name, label.description)


def _space(space: pb.VectorSpace) -> VectorSpace:
    if space.dtype not in STORED:
        text = f"{space.dtype} is not a known dtype"
        raise InvalidField(text, field="project.vector_space.dtype")
    dimension = space.dimension if space.HasField("dimension") else None
    return VectorSpace(dimension=dimension, dtype=STORED[space.dtype], encoder=space.encoder)


def _policy(policy: pb.Policy) -> Policy:
    """The policy, defaults where nothing was sent."""
    if policy.retrain not in RETRAIN:
        text = f"{policy.retrain} is not a known retrain policy"
        raise InvalidField(text, field="policy.retrain")
    lease_ms = (
        policy.lease_duration.ToMilliseconds() if policy.HasField("lease_duration") else None
    )
    sent_reserve = policy.HasField("reserve_share")
    return Policy(
        strategy=policy.strategy or DEFAULT.strategy,
        batch_size=policy.batch_size or DEFAULT.batch_size,
        lease_duration_ms=DEFAULT.lease_duration_ms if lease_ms is None else lease_ms,
        reserve_share=policy.reserve_share if sent_reserve else DEFAULT.reserve_share,
        audit_share=policy.audit_share if policy.HasField("audit_share") else None,
        opinions_per_item=policy.opinions_per_item or DEFAULT.opinions_per_item,
        retrain=RETRAIN[policy.retrain],
        learner=policy.learner or DEFAULT.learner,
    )


def _render_schema(schema: LabelSchema) -> pb.LabelSchema:
    classes = [
        pb.ClassLabel(class_id=c.class_id, display_name=c.display_name, description=c.description)
        for c in schema.classes
    ]
    return pb.LabelSchema(classes=pb.ClassSchema(classes=classes), revision=schema.revision)


def _render_space(project: Project) -> pb.VectorSpace:
    space = project.space
    return pb.VectorSpace(
        name=space_name(project.project_id, space.space_id),
        dimension=space.dimension,
        dtype=DTYPES[space.dtype],
        encoder=space.encoder,
    )


def _render_policy(policy: Policy) -> pb.Policy:
    """An audit share that follows the number of audit labels stays unset."""
    lease = Duration()
    lease.FromMilliseconds(policy.lease_duration_ms)
    return pb.Policy(
        strategy=policy.strategy,
        batch_size=policy.batch_size,
        lease_duration=lease,
        reserve_share=policy.reserve_share,
        audit_share=policy.audit_share,
        opinions_per_item=policy.opinions_per_item,
        retrain=RETRAIN_POLICIES[policy.retrain],
        learner=policy.learner,
        strategy_version=policy.strategy_version,
    )


def _render_stats(stats: ProjectStats) -> pb.ProjectStats:
    return pb.ProjectStats(
        item_count=stats.item_count,
        settled_count=stats.settled_count,
        audit_count=stats.audit_count,
        leased_count=stats.leased_count,
        unusable_count=stats.unusable_count,
        segment_count=stats.segment_count,
        segment_bytes=stats.segment_bytes,
    )
