"""What happens round every RPC, over a real connection and for every shape of RPC."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2
from structlog.testing import capture_logs

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.core import Cancelled
from alservice.domain import errors
from alservice.domain.call import Call
from alservice.domain.principal import Principal
from alservice.ports.authenticator import Credentials
from alservice.rpc.lanes import Lane
from alservice.rpc.runner import Runner
from alservice.rpc.status import CODES
from tests.rpc.edge import PATIENCE_S, Edge, detail, edge, failure, handler, reason, status
from tests.rpc.test_status import LEAVES

SHAPES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
BY_NAME = {leaf.__name__: leaf for leaf in LEAVES}


class Panic(BaseException):
    """As a panic of the core comes to Python: no Exception."""


def trouble(name: str) -> str:
    """Raise the error of that name, or answer."""
    if name in BY_NAME:
        raise BY_NAME[name]("do this next", field="f")
    if name == "bug":
        raise RuntimeError("the password is hunter2")
    if name == "panic":
        raise Panic("the password is hunter2")
    if name == "stop":
        raise StopIteration
    return name


@dataclass
class Blocking:
    """A use case that works until somebody stops it."""

    begun: threading.Event
    ended: threading.Event

    def __call__(self, call: Call, command: object) -> str:
        self.begun.set()
        while not call.cancel.cancelled:
            threading.Event().wait(0.001)
        self.ended.set()
        raise Cancelled


@pytest.fixture(scope="module")
def blocking() -> Blocking:
    return Blocking(threading.Event(), threading.Event())


async def give(request: pb.QueryRequest, _: Any) -> AsyncIterator[StringValue]:
    yield StringValue(value="first")
    yield StringValue(value=trouble(request.project))


async def write(request: pb.QueryRequest, context: Any) -> None:
    await context.write(StringValue(value="first"))
    await context.write(StringValue(value=trouble(request.project)))


async def take(requests: AsyncIterator[pb.QueryRequest], _: Any) -> StringValue:
    names = [trouble(request.project) async for request in requests]
    return StringValue(value=" ".join(names))


async def both(requests: AsyncIterator[pb.QueryRequest], _: Any) -> AsyncIterator[StringValue]:
    async for request in requests:
        yield StringValue(value=trouble(request.project))


@pytest.fixture(scope="module")
def probe(loop: asyncio.AbstractEventLoop, blocking: Blocking) -> Iterator[Edge]:
    def methods(run: Runner) -> dict[str, Any]:
        async def do(request: pb.QueryRequest, context: Any) -> StringValue:
            call = Lane.READ, lambda _call, name: trouble(name), request.project
            return StringValue(value=await run(request, context, *call))

        async def block(request: pb.QueryRequest, context: Any) -> StringValue:
            return StringValue(value=await run(request, context, Lane.SCORE, blocking, None))

        return {
            "Do": handler(do),
            "Give": handler(give, "unary_stream"),
            "Write": handler(write, "unary_stream"),
            "Take": handler(take, "stream_unary"),
            "Both": handler(both, "stream_stream"),
            "Block": handler(block),
        }

    with edge(loop, methods) as running:
        yield running


def ask(probe: Edge, name: str) -> str:
    """What the unary method answers."""
    answer: StringValue = probe.method()(pb.QueryRequest(project=name), timeout=PATIENCE_S)
    return answer.value


STREAMS = (
    ("Give", "unary_stream"),
    ("Write", "unary_stream"),
    ("Take", "stream_unary"),
    ("Both", "stream_stream"),
)


def talk(probe: Edge, name: str, shape: str, *projects: str) -> list[str]:
    """All answers of a method of any shape."""
    requests = [pb.QueryRequest(project=project) for project in projects]
    given = iter(requests) if shape.startswith("stream") else requests[0]
    answer = probe.method(shape, name)(given, timeout=PATIENCE_S)
    return [a.value for a in ([answer] if shape.endswith("unary") else answer)]


def test_every_shape_of_call_gets_its_answers(probe: Edge) -> None:
    assert ask(probe, "hello") == "hello"
    assert talk(probe, "Give", "unary_stream", "a") == ["first", "a"]
    assert talk(probe, "Write", "unary_stream", "a") == ["first", "a"]
    assert talk(probe, "Take", "stream_unary", "a", "b") == ["a b"]
    assert talk(probe, "Both", "stream_stream", "a", "b") == ["a", "b"]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_error_arrives_with_its_status_and_reason(probe: Edge, name: str) -> None:
    error = failure(lambda: ask(probe, name))
    expected = next(CODES[base] for base in BY_NAME[name].__mro__ if base in CODES)
    assert (error.code(), error.details()) == (expected, "do this next")
    assert reason(error) == f"ERROR_REASON_{BY_NAME[name].reason}"


@pytest.mark.parametrize(("name", "shape"), STREAMS)
def test_errors_in_streams_arrive_as_well(probe: Edge, name: str, shape: str) -> None:
    error = failure(lambda: talk(probe, name, shape, "SegmentCorrupt"))
    assert error.code() is grpc.StatusCode.DATA_LOSS
    assert reason(error) == "ERROR_REASON_SEGMENT_CORRUPT"


def test_standard_details_tell_generic_clients_what_to_do(probe: Edge) -> None:
    bad = failure(lambda: ask(probe, "InvalidField"))
    (violation,) = detail(bad, error_details_pb2.BadRequest).field_violations
    assert violation.field == "f"
    missing = failure(lambda: ask(probe, "ProjectNotFound"))
    assert detail(missing, error_details_pb2.ResourceInfo).resource_type == "project"
    for name in ("Conflict", "Overloaded", "ShuttingDown"):
        again = failure(ask, probe, name)
        assert detail(again, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0


@pytest.mark.parametrize("name", ["bug", "panic", "stop"])
def test_what_nobody_foresaw_is_internal_its_text_stays_and_the_log_has_it(
    probe: Edge, name: str
) -> None:
    with capture_logs() as lines:
        error = failure(lambda: ask(probe, name))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert reason(error) == "ERROR_REASON_INTERNAL"
    assert b"hunter2" not in status(error).SerializeToString()
    request_id = detail(error, error_details_pb2.RequestInfo).request_id
    assert dict(error.trailing_metadata())["x-request-id"] == request_id
    assert request_id in (error.details() or "")
    (line,) = [line for line in lines if line["event"] == "unforeseen"]
    assert line["request_id"] == request_id
    assert isinstance(line["exc_info"], BaseException)


def test_the_caller_may_name_its_request_and_gets_a_name_if_not(probe: Edge) -> None:
    method = probe.method()
    request = pb.QueryRequest(project="x")
    for given, kept in (("mine", True), ("", False), ("x" * 200, False)):
        _, call = method.with_call(request, metadata=[("x-request-id", given)])
        name = dict(call.trailing_metadata())["x-request-id"]
        assert (name == given) is kept
        assert name.isprintable() and 0 < len(name) <= 128
    error = failure(
        lambda: method(pb.QueryRequest(project="bug"), metadata=[("x-request-id", "q")])
    )
    assert dict(error.trailing_metadata())["x-request-id"] == "q"


def test_a_request_that_breaks_the_rules_of_the_proto_names_every_field(probe: Edge) -> None:
    request = pb.QueryRequest(batch_size=-1, strategy="x" * 100)
    error = failure(lambda: probe.method()(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error) == "ERROR_REASON_INVALID_FIELD"
    violations = detail(error, error_details_pb2.BadRequest).field_violations
    assert {v.field for v in violations} == {"batch_size", "strategy"}
    assert all(v.description for v in violations)


def test_when_the_deadline_passes_the_work_stops(probe: Edge, blocking: Blocking) -> None:
    blocking.ended.clear()
    error = failure(lambda: probe.method(name="Block")(pb.QueryRequest(), timeout=0.2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert blocking.ended.wait(PATIENCE_S)


def test_when_the_caller_goes_the_work_stops(probe: Edge, blocking: Blocking) -> None:
    blocking.begun.clear()
    blocking.ended.clear()
    future = probe.method(name="Block").future(pb.QueryRequest(), timeout=PATIENCE_S)
    assert blocking.begun.wait(PATIENCE_S)
    future.cancel()
    assert blocking.ended.wait(PATIENCE_S)


def test_calls_are_counted_by_method_and_code(probe: Edge) -> None:
    def count(code: str) -> float:
        labels = {"method": "test.Probe/Do", "code": code}
        registry = probe.interceptor.metrics.registry
        return registry.get_sample_value("alservice_rpc_server_handled_total", labels) or 0

    before = count("OK"), count("NOT_FOUND")
    failure(lambda: ask(probe, "ItemNotFound"))
    ask(probe, "fine")
    assert (count("OK"), count("NOT_FOUND")) == (before[0] + 1, before[1] + 1)


def test_the_log_has_ids_and_counts_and_no_content(probe: Edge) -> None:
    request = pb.QueryRequest(project="projects/p", annotator_id="x", parameters={"secret": 1.0})
    with capture_logs() as lines:
        probe.method()(request, metadata=[("x-request-id", "r-7")])
    (line,) = [line for line in lines if line["request_id"] == "r-7"]
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "rpc",
        "log_level": "info",
        "method": "test.Probe/Do",
        "request_id": "r-7",
        "principal": "local",
        "resource": "projects/p",
        "parameters_count": 1,
        "code": "OK",
    }


class Strict:
    """An Authenticator that knows one token."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """The owner of the token."""
        if credentials.metadata.get("authorization") != "Bearer good":
            raise errors.CallerUnknown("show a token", peer=credentials.peer)
        return Principal("ada")


def test_only_known_callers_get_in_and_use_cases_learn_who_they_are(
    loop: asyncio.AbstractEventLoop,
) -> None:
    def who(call: Call, _: object) -> str:
        return json.dumps([call.principal.subject, call.method, call.request_id, call.fingerprint])

    def methods(run: Runner) -> dict[str, Any]:
        async def do(request: pb.QueryRequest, context: Any) -> StringValue:
            return StringValue(value=await run(request, context, Lane.READ, who, None))

        return {"Do": handler(do)}

    with edge(loop, methods, Strict()) as strict:

        def call(**fields: Any) -> list[str]:
            metadata = [("authorization", "Bearer good")]
            answer = strict.method()(pb.QueryRequest(**fields), metadata=metadata)
            found: list[str] = json.loads(answer.value)
            return found

        error = failure(lambda: strict.method()(pb.QueryRequest()))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert call() == ["ada", "Do", "", ""]
        first, again, other = (
            call(request_id=i, project=p)[3] for i, p in (("1", "p"), ("2", "p"), ("1", "q"))
        )
        assert first == again != other
        assert len(first) == 64
