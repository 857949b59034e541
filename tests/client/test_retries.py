"""Calls over several servers, some of which fail: one request id, whoever is asked."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

import alservice
from alservice.api.v1 import project_service_pb2 as pb
from alservice.client.errors import InvalidArgument

Answer = Callable[[int], grpc.StatusCode | None]


class Recorder(grpc.GenericRpcHandler):
    """Answers CreateProject with what `answer` says of the n-th attempt; None is success."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[pb.CreateProjectRequest] = []
        self._lock = threading.Lock()

    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            self.take,
            pb.CreateProjectRequest.FromString,
            pb.CreateProjectResponse.SerializeToString,
        )

    def take(
        self, request: pb.CreateProjectRequest, context: grpc.ServicerContext
    ) -> pb.CreateProjectResponse:
        with self._lock:
            self.seen.append(request)
            code = self.answer(len(self.seen))
        if code is not None:
            context.abort(code, "not now")
        return pb.CreateProjectResponse()


@contextmanager
def serving(*recorders: Recorder) -> Iterator[str]:
    """Addresses of a server for each, as a list."""
    servers, ports = [], []
    for recorder in recorders:
        server = grpc.server(ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers([recorder])
        ports.append(server.add_insecure_port("127.0.0.1:0"))
        server.start()
        servers.append(server)
    try:
        yield ",".join(f"127.0.0.1:{port}" for port in ports)
    finally:
        for server in servers:
            server.stop(0).wait()


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,  # repeated by gRPC, and then by the client
        grpc.StatusCode.INTERNAL,  # by the client alone
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    ],
)
@pytest.mark.parametrize("failures", [1, 7])
def test_every_attempt_carries_the_same_request_id(code: grpc.StatusCode, failures: int) -> None:
    recorder = Recorder(lambda attempt: code if attempt <= failures else None)
    with serving(recorder) as address, alservice.Client(address) as client:
        client.create_project("p", ["a"])
        client.create_project("p", ["a"])
    first, second = recorder.seen[: failures + 1], recorder.seen[failures + 1 :]
    assert (len(first), len(second)) == (failures + 1, 1)
    assert len({request.request_id for request in first}) == 1
    assert first[0].request_id not in {"", second[0].request_id}


def test_a_refusal_is_final() -> None:
    recorder = Recorder(lambda _: grpc.StatusCode.INVALID_ARGUMENT)
    with (
        serving(recorder) as address,
        alservice.Client(address) as client,
        pytest.raises(InvalidArgument),
    ):
        client.create_project("p", ["a"])
    assert len(recorder.seen) == 1


def test_calls_take_turns_and_what_one_server_refuses_another_one_does() -> None:
    well, ill = Recorder(lambda _: None), Recorder(lambda _: grpc.StatusCode.UNAVAILABLE)
    with serving(well, ill) as addresses, alservice.Client(addresses) as client:
        for _ in range(40):
            client.create_project("p", ["a"])
            if len(well.seen) > 4 and len(ill.seen) > 1:
                break
    refused = {request.request_id for request in ill.seen}
    assert refused and refused <= {request.request_id for request in well.seen}


def test_a_server_that_is_not_there_is_passed_over() -> None:
    well = Recorder(lambda _: None)
    with serving(well) as address, alservice.Client(f"127.0.0.1:1,{address}") as client:
        for _ in range(10):
            client.create_project("p", ["a"])
    assert len(well.seen) == 10
