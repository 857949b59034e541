"""A drain loses no call: health flips first, running calls finish, new ones are sent elsewhere."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.core import Cancelled
from alservice.domain.call import Call
from alservice.rpc.lanes import Lane
from alservice.rpc.runner import Runner
from tests.rpc.edge import PATIENCE_S, SERVICE, Edge, detail, edge, failure, handler, reason

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Work:
    """A use case that waits for a word, or for its cancel flag."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, call: Call, command: object) -> str:
        self.begun.set()
        while not self.go.wait(0.001):
            if call.cancel.cancelled:
                raise Cancelled
        return "finished"


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.go.set()


def methods_for(work: Work) -> Callable[[Runner], dict[str, Any]]:
    def methods(run: Runner) -> dict[str, Any]:
        async def do(request: pb.QueryRequest, context: Any) -> StringValue:
            return StringValue(value=await run(request, context, Lane.READ, work, None))

        async def wait(_: pb.QueryRequest, __: Any) -> StringValue:
            work.begun.set()
            await asyncio.Event().wait()
            return StringValue()

        return {"Do": handler(do), "Wait": handler(wait)}

    return methods


def start_call(running: Edge, work: Work, name: str = "Do") -> Any:
    future = running.method(name=name).future(pb.QueryRequest(), timeout=PATIENCE_S)
    assert work.begun.wait(PATIENCE_S)
    return future


def start_drain(running: Edge, grace_s: float) -> "Future[bool]":
    return asyncio.run_coroutine_threadsafe(running.rpc.stop(grace_s), running.loop)


def test_health_flips_running_calls_finish_and_new_ones_are_refused(
    loop: asyncio.AbstractEventLoop, work: Work
) -> None:
    with edge(loop, methods_for(work)) as running:
        watches = [
            health_pb2_grpc.HealthStub(running.channel).Watch(
                health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE_S
            )
            for name in ("", SERVICE)
        ]
        assert [next(watch).status for watch in watches] == [SERVING, SERVING]
        call = start_call(running, work)
        drain = start_drain(running, PATIENCE_S)
        assert [next(watch).status for watch in watches] == [NOT_SERVING, NOT_SERVING]
        error = failure(lambda: running.method()(pb.QueryRequest(), timeout=PATIENCE_S))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert reason(error) == "ERROR_REASON_SHUTTING_DOWN"
        assert detail(error, error_details_pb2.RetryInfo).retry_delay.seconds == 1
        assert not drain.done()
        work.go.set()
        assert call.result().value == "finished"
        assert drain.result(PATIENCE_S) is True


@pytest.mark.parametrize("name", ["Do", "Wait"])
def test_calls_that_outlast_the_grace_are_interrupted_and_their_callers_told_why(
    loop: asyncio.AbstractEventLoop, work: Work, name: str
) -> None:
    with edge(loop, methods_for(work)) as running:
        call = start_call(running, work, name)
        assert start_drain(running, 0.01).result(PATIENCE_S) is True
        error = failure(call.result)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert reason(error) == "ERROR_REASON_SHUTTING_DOWN"


def test_an_idle_server_drains_at_once(loop: asyncio.AbstractEventLoop, work: Work) -> None:
    with edge(loop, methods_for(work)) as running:
        assert start_drain(running, PATIENCE_S).result(PATIENCE_S) is True


def test_a_full_lane_refuses_at_once_and_says_when_to_retry(
    loop: asyncio.AbstractEventLoop, work: Work
) -> None:
    with edge(loop, methods_for(work), waiting=0, threads=1) as running:
        call = start_call(running, work)
        error = failure(lambda: running.method()(pb.QueryRequest(), timeout=PATIENCE_S))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert reason(error) == "ERROR_REASON_OVERLOADED"
        assert detail(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0
        work.go.set()
        assert call.result().value == "finished"
        assert running.method()(pb.QueryRequest(), timeout=PATIENCE_S).value == "finished"
