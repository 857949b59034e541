"""Model messages, to the words of the domain and back."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from google.protobuf.struct_pb2 import Struct

from alservice.api.v1 import model_pb2 as pb
from alservice.api.v1 import model_service_pb2 as service_pb
from alservice.domain.metrics import AUDIT, SELECTED_CV, TEST
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.names import (
    model_name,
    operation_name,
    parse_model,
    parse_project,
    space_name,
)
from alservice.rpc.project_messages import timestamp
from alservice.rpc.status import status_of_reason
from alservice.usecases.activate_model import ActivateModelCommand
from alservice.usecases.get_model import GetModelCommand
from alservice.usecases.list_models import ListModelsCommand

STATES: Final = {
    ModelState.TRAINING: pb.MODEL_STATE_TRAINING,
    ModelState.READY: pb.MODEL_STATE_READY,
    ModelState.FAILED: pb.MODEL_STATE_FAILED,
}
BASES: Final = {
    AUDIT: pb.METRIC_BASIS_AUDIT,
    TEST: pb.METRIC_BASIS_TEST,
    SELECTED_CV: pb.METRIC_BASIS_SELECTED_CV,
}


def parse_list(request: service_pb.ListModelsRequest) -> ListModelsCommand:
    """The command. Raises InvalidName."""
    return ListModelsCommand(parse_project(request.project), request.page_size, request.page_token)


def parse_get(request: service_pb.GetModelRequest) -> GetModelCommand:
    """The command. Raises InvalidName."""
    return GetModelCommand(*parse_model(request.name))


def parse_activate(request: service_pb.ActivateModelRequest) -> ActivateModelCommand:
    """The command. Raises InvalidName."""
    return ActivateModelCommand(*parse_model(request.name))


def render_model(project_id: str, model: ModelRow, active: bool) -> pb.Model:  # noqa: FBT001
    """The message; `active` says whether Query uses the model."""
    parameters = Struct()
    parameters.update(dict(model.parameters))
    ended = None if model.end_time_ms is None else timestamp(model.end_time_ms)
    return pb.Model(
        name=model_name(project_id, model.model_id),
        state=STATES[model.state],
        learner=model.learner,
        parameters=parameters,
        revision=model.revision,
        label_count=model.label_count,
        metrics=[_render_metric(m) for m in model.metrics],
        vector_space=space_name(project_id, model.space_id),
        class_ids=model.class_ids,
        active=active,
        create_time=timestamp(model.create_time_ms),
        end_time=ended,
        error=status_of_reason(model.error_reason, model.error) if model.error_reason else None,
        notes=model.notes,
        operation=operation_name(project_id, model.operation_id) if model.operation_id else "",
    )


def render_models(project_id: str, models: Iterable[tuple[ModelRow, bool]]) -> Iterator[pb.Model]:
    """The messages about models, each with whether Query uses it."""
    return (render_model(project_id, model, active) for model, active in models)


def _render_metric(metric: Mapping[str, float | str | int]) -> pb.Metric:
    return pb.Metric(
        metric=str(metric["name"]),
        basis=BASES.get(str(metric["basis"]), pb.METRIC_BASIS_UNSPECIFIED),
        value=float(metric["value"]),
        low=float(metric["low"]),
        high=float(metric["high"]),
        sample_count=int(metric["n"]),
    )
