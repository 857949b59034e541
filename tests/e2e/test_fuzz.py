"""Whatever messages come: no RPC ends with INTERNAL or UNKNOWN, and the server lives on."""

from typing import Any, Final

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.api.v1 import (
    active_learning_service_pb2,
    model_service_pb2,
    pool_service_pb2,
    project_service_pb2,
    strategy_service_pb2,
)
from tests.e2e.api import Api, random_vectors
from tests.e2e.random_messages import messages
from tests.e2e.wire import info_of
from tests.running_server import RunningServer

FILES: Final = (
    active_learning_service_pb2,
    model_service_pb2,
    pool_service_pb2,
    project_service_pb2,
    strategy_service_pb2,
    operations_pb2,
)
METHODS: Final[dict[str, MethodDescriptor]] = {
    method.full_name.removeprefix("alservice.api.v1."): method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
OUR_FAULT: Final = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
SLOW_TO_FAIL_S: Final = 20


def send(channel: grpc.Channel, method: MethodDescriptor, requests: list[Any]) -> None:
    """Call it; an error must be the caller's, and carry a reason."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    respond = GetMessageClass(method.output_type).FromString
    serialize = GetMessageClass(method.input_type).SerializeToString
    try:
        if method.client_streaming:
            call = channel.stream_unary(path, serialize, respond)
            call(iter(requests), timeout=SLOW_TO_FAIL_S)
        else:
            channel.unary_unary(path, serialize, respond)(requests[0], timeout=SLOW_TO_FAIL_S)
    except grpc.RpcError as error:
        blame(error)


def blame(error: grpc.RpcError) -> None:
    """Fail if it is our fault, or if it has no reason."""
    assert error.code() not in OUR_FAULT, f"{error.code()}: {error.details()}"
    assert info_of(error).reason.startswith("ERROR_REASON_"), error.details()


@pytest.fixture
def fuzzed(server: RunningServer) -> RunningServer:
    """The server, with a project for the messages to hit, unless there is one."""
    api = Api(server.channel)
    listed = api.projects.ListProjects(project_service_pb2.ListProjectsRequest()).projects
    if "projects/fuzz" not in {project.name for project in listed}:
        api.add(api.create("fuzz", reserve_share=0.0), random_vectors(40, 2))
    return server


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_message_hurts(fuzzed: RunningServer, name: str, data: st.DataObject) -> None:
    method = METHODS[name]
    size = st.integers(0, 3) if method.client_streaming else st.just(1)
    kinds = messages(method.input_type)
    requests = data.draw(size.flatmap(lambda n: st.lists(kinds, min_size=n, max_size=n)))
    send(fuzzed.channel, method, requests)
    assert fuzzed.process.poll() is None


def test_there_is_something_to_fuzz() -> None:
    assert len(METHODS) >= 28
