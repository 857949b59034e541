import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from alservice.client import errors
from alservice.client.patience import Patience, is_passing

REASON = "ERROR_REASON_CLASS_UNKNOWN"
NO_FAILURES = {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN}


def status(
    code: grpc.StatusCode, domain: str = "alservice", delay_s: int = 0
) -> status_pb2.Status:
    """What a server sends with a failure."""
    made = status_pb2.Status(code=code.value[0], message="no class 'goood'")
    info = error_details_pb2.ErrorInfo(
        reason=REASON, domain=domain, metadata={"did_you_mean": "good"}
    )
    made.details.append(packed(info))
    if delay_s:
        delay = duration_pb2.Duration(seconds=delay_s)
        made.details.append(packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return made


def packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    made = any_pb2.Any()
    made.Pack(message)
    return made


@pytest.mark.parametrize("code", sorted(set(grpc.StatusCode) - NO_FAILURES, key=str))
def test_every_status_has_an_exception_of_its_own(code: grpc.StatusCode) -> None:
    failure = errors.failure_of_status(status(code))
    assert type(failure) is not errors.ServiceError
    assert type(failure).__name__ in (errors.__doc__ or "")
    assert failure.code is code and failure.reason == REASON
    assert failure.metadata == {"did_you_mean": "good"}
    assert str(failure) == "no class 'goood'; did you mean 'good'?"


def test_each_exception_stands_for_one_status() -> None:
    assert len(set(errors.BY_CODE.values())) == len(errors.BY_CODE)


def test_the_reason_of_another_service_is_not_ours() -> None:
    failure = errors.failure_of_status(status(grpc.StatusCode.INTERNAL, domain="proxy"))
    assert failure.reason == "" and failure.metadata == {}


@pytest.mark.parametrize(
    ("code", "delay_s", "passes"),
    [
        (grpc.StatusCode.UNAVAILABLE, 0, True),
        (grpc.StatusCode.ABORTED, 0, True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 0, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 1, True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 0, False),
        (grpc.StatusCode.INVALID_ARGUMENT, 0, False),
        (grpc.StatusCode.INTERNAL, 0, False),
        (grpc.StatusCode.CANCELLED, 0, False),
    ],
)
def test_only_failures_that_pass_are_tried_again(
    code: grpc.StatusCode, delay_s: int, *, passes: bool
) -> None:
    failure = errors.failure_of_status(status(code, delay_s=delay_s))
    assert failure.retry_after_s == (delay_s or None)
    assert is_passing(failure) is passes


def test_a_stale_etag_is_not_tried_again() -> None:
    stale = errors.Aborted(
        "changed", code=grpc.StatusCode.ABORTED, reason="ERROR_REASON_ETAG_MISMATCH"
    )
    assert not is_passing(stale)


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.CANCELLED])
def test_a_connection_that_broke_is_tried_again(code: grpc.StatusCode) -> None:
    assert is_passing(errors.ServiceError("RST_STREAM", code=code))


def test_patience_ends_before_a_wait_that_is_too_long() -> None:
    busy = errors.failure_of_status(status(grpc.StatusCode.UNAVAILABLE, delay_s=3600))
    patience = Patience(60)
    with pytest.raises(errors.Unavailable):
        patience.pause(busy)


def test_patience_may_be_less_for_some_failures() -> None:
    gone = errors.Unavailable("refused", code=grpc.StatusCode.UNAVAILABLE)
    patience = Patience(60)
    patience.pause(gone, within_s=5)
    patience._start -= 5  # as if five seconds were over
    with pytest.raises(errors.Unavailable):
        patience.pause(gone, within_s=5)
    patience.pause(gone)


def test_a_deadline_is_reported_as_what_used_the_time_up() -> None:
    patience = Patience(10)
    patience.pause(errors.Unavailable("no route", code=grpc.StatusCode.UNAVAILABLE))
    patience._deadline = 0  # as if the ten seconds were over
    with pytest.raises(errors.Unavailable, match="no route"):
        patience.pause(errors.DeadlineExceeded("late", code=grpc.StatusCode.DEADLINE_EXCEEDED))


class Shown(grpc.RpcError):
    """What gRPC shows of a stream that a proxy cancelled right after the server's answer."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.CANCELLED

    def details(self) -> str:
        return "Stream removed"

    def trailing_metadata(self) -> tuple[tuple[str, bytes]]:  # type: ignore[override]
        said = status(grpc.StatusCode.INVALID_ARGUMENT)
        return ((errors.DETAILS_KEY, said.SerializeToString()),)


def test_what_the_server_says_wins_over_what_became_of_the_connection() -> None:
    failure = errors.failure_of(Shown(), "here:1")
    assert isinstance(failure, errors.InvalidArgument)
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT and failure.reason == REASON
