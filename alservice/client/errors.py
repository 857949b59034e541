"""What the service refuses, as exceptions: the server's own helpful text, and nothing of gRPC.

    ServiceError
      InvalidArgument     the request is wrong in itself; repeating it is pointless
      NotFound            the project, item, batch, model, … does not exist
      AlreadyExists       the project, the items, … exist already
      FailedPrecondition  not in this state: too few labels, an empty pool, …
      Aborted             somebody else was faster
      OutOfRange          an upload left a gap
      ResourceExhausted   a limit is reached, or the disk is full
      DataLoss            stored bytes are damaged
      Unavailable         no server answers, or it is shutting down
      Unauthenticated, PermissionDenied
      Unimplemented       the API has room for this, but the server cannot do it yet
      Cancelled           the call or the operation was cancelled
      DeadlineExceeded    no answer in time
      InternalError       something failed inside the server

What the client can see for itself (lengths that differ, a text where a number belongs) is a plain
ValueError or TypeError and is not sent.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

DOMAIN: Final = "alservice"
HINT: Final = (
    "is the server running there? (`alservice serve` starts one; behind a load balancer at least "
    "one must be ready)"
)
DETAILS_KEY: Final = "grpc-status-details-bin"


class ServiceError(Exception):
    """A call that failed.

    `message` is the server's text: what happened and what to do next. `reason` is one of the
    values of ErrorReason in the API, such as `ERROR_REASON_POOL_EMPTY`; empty if the failure did
    not come from the service itself (no connection, a proxy). `code` is the gRPC status code and
    `metadata` names what the error is about. `retry_after_s` is set if the server asked to be
    tried again, in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after_s = retry_after_s


class InvalidArgument(ServiceError):
    """The request is wrong in itself."""


class NotFound(ServiceError):
    """What the request names does not exist."""


class AlreadyExists(ServiceError):
    """What the request would make exists already."""


class FailedPrecondition(ServiceError):
    """The project is not in a state in which this can be done."""


class Aborted(ServiceError):
    """Somebody else changed the same things at the same time."""


class OutOfRange(ServiceError):
    """A part of an upload is missing."""


class ResourceExhausted(ServiceError):
    """A limit is reached, or the disk is full."""


class DataLoss(ServiceError):
    """Stored bytes are damaged."""


class Unavailable(ServiceError):
    """No server answers."""


class Unauthenticated(ServiceError):
    """The server does not know who is calling."""


class PermissionDenied(ServiceError):
    """The caller may not do this."""


class Unimplemented(ServiceError):
    """The server cannot do this yet."""


class Cancelled(ServiceError):
    """The call or the operation was cancelled."""


class DeadlineExceeded(ServiceError):
    """No answer came in time."""


class InternalError(ServiceError):
    """Something failed inside the server; its log has the details."""


BY_CODE: Final[Mapping[grpc.StatusCode, type[ServiceError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.DATA_LOSS: DataLoss,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.INTERNAL: InternalError,
}
CODE_OF_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}


def failure_of(error: grpc.RpcError, address: str) -> ServiceError:
    """The exception for a call to `address` that gRPC reports as failed.

    What the server says in its details wins over the code that gRPC shows: HAProxy cancels a
    stream that was answered before its end right after the answer, and gRPC then shows CANCELLED
    (haproxy/haproxy#1219).
    """
    said = _status(error)
    if said is not None and said.code in CODE_OF_NUMBER:
        return failure_of_status(said)
    code, text = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(f"no answer from {address}: {text}; {HINT}", code=code)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"no answer from {address} in time; {HINT}", code=code)
    return _failure(code, text, [])


def failure_of_status(status: status_pb2.Status) -> ServiceError:
    """The exception for a status inside a message, such as the error of an operation."""
    code = CODE_OF_NUMBER.get(status.code, grpc.StatusCode.UNKNOWN)
    return _failure(code, status.message, list(status.details))


def _status(error: grpc.RpcError) -> status_pb2.Status | None:
    """What the server itself says, if the answer came from it."""
    trailers: Iterable[Any] = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == DETAILS_KEY and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def _failure(code: grpc.StatusCode, text: str, details: list[AnyMessage]) -> ServiceError:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    unpacked = [(detail.Unpack(info), detail.Unpack(retry)) for detail in details]
    ours = info.domain == DOMAIN
    meant = info.metadata.get("did_you_mean", "")
    return BY_CODE.get(code, ServiceError)(
        f"{text}; did you mean {meant!r}?" if meant and meant not in text else text,
        code=code,
        reason=info.reason if ours else "",
        metadata=dict(info.metadata) if ours else {},
        retry_after_s=_seconds(retry) if any(found for _, found in unpacked) else None,
    )


def _seconds(retry: error_details_pb2.RetryInfo) -> float:
    return float(retry.retry_delay.ToTimedelta().total_seconds())
