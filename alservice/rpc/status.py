"""Which gRPC status each kind of error becomes, and the details that travel with it.

The one place where errors meet gRPC. Every status carries an ErrorInfo (AIP-193); what is
unforeseen becomes INTERNAL, and its text stays in the server's log.
"""

from collections.abc import Mapping
from typing import Final

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from alservice import core
from alservice.domain import errors
from alservice.rpc.violations import InvalidRequest

DOMAIN: Final = "alservice"
INTERNAL_REASON: Final = "ERROR_REASON_INTERNAL"
# Message and details ride in HTTP/2 trailers, of which clients take 8 KB: keep each text short.
MAX_MESSAGE_BYTES: Final = 1024
MAX_DETAIL_BYTES: Final = 256

CODES: Final[Mapping[type[errors.AlserviceError], StatusCode]] = {
    errors.InvalidArgument: StatusCode.INVALID_ARGUMENT,
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.AlreadyExists: StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: StatusCode.FAILED_PRECONDITION,
    errors.Aborted: StatusCode.ABORTED,
    errors.OutOfRange: StatusCode.OUT_OF_RANGE,
    errors.ResourceExhausted: StatusCode.RESOURCE_EXHAUSTED,
    errors.DataLoss: StatusCode.DATA_LOSS,
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.Unauthenticated: StatusCode.UNAUTHENTICATED,
    errors.Unimplemented: StatusCode.UNIMPLEMENTED,
    errors.Stopped: StatusCode.CANCELLED,
    errors.DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
    errors.Internal: StatusCode.INTERNAL,
}
# Milliseconds after which it makes sense to try again.
RETRY_MS: Final[Mapping[type[errors.AlserviceError], int]] = {
    errors.Aborted: 20,
    errors.Overloaded: 200,
    # Of this machine alone: another replica may have room, and so may this one when others end.
    errors.DiskFull: 1000,
    errors.CacheFull: 1000,
    errors.Unavailable: 1000,
}


def code_of(error: type[errors.AlserviceError]) -> StatusCode:
    """The status code of the nearest ancestor that is in the table."""
    return next(CODES[base] for base in error.__mro__ if base in CODES)


def status_of(error: BaseException, request_id: str = "") -> status_pb2.Status:
    """What the caller is told; `request_id` is what the log calls the request."""
    if isinstance(error, errors.AlserviceError) and hasattr(error, "reason"):
        return _told(error)
    if isinstance(error, core.Cancelled):
        return _told(errors.Cancelled("the call was cancelled"))
    return _hidden(request_id)


def status_of_reason(reason: str, message: str) -> status_pb2.Status:
    """The status for a stored reason (`OVERLOADED`), such as that of a failed operation."""
    error = REASONS.get(reason)
    code = code_of(error) if error else StatusCode.INTERNAL
    name = f"ERROR_REASON_{reason}" if error else INTERNAL_REASON
    return _status(code, message, [error_details_pb2.ErrorInfo(reason=name, domain=DOMAIN)])


def is_foreseen(error: BaseException) -> bool:
    """Whether the caller is told what happened; if not, the log must be."""
    return isinstance(error, core.Cancelled) or hasattr(error, "reason")


def _leaves(branch: type[errors.AlserviceError]) -> dict[str, type[errors.AlserviceError]]:
    """All errors below `branch` that have a reason, by reason."""
    found = {branch.reason: branch} if "reason" in vars(branch) else {}
    for child in branch.__subclasses__():
        found |= _leaves(child)
    return found


REASONS: Final[Mapping[str, type[errors.AlserviceError]]] = _leaves(errors.AlserviceError)


def _told(error: errors.AlserviceError) -> status_pb2.Status:
    metadata = {k: _short(v, MAX_DETAIL_BYTES) for k, v in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(
        reason=f"ERROR_REASON_{error.reason}", domain=DOMAIN, metadata=metadata
    )
    return _status(code_of(type(error)), str(error), [info, *_more(error)])


def _more(error: errors.AlserviceError) -> list[Message]:
    """Standard details for generic clients, beside the ErrorInfo."""
    details: list[Message] = []
    if isinstance(error, InvalidRequest):
        details.append(_bad_request(error.violations))
    elif isinstance(error, errors.InvalidArgument) and "field" in error.metadata:
        details.append(_bad_request([(error.metadata["field"], str(error))]))
    if isinstance(error, errors.NotFound):
        details.append(_resource(error))
    for kind, delay_ms in RETRY_MS.items():
        if isinstance(error, kind):
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(delay_ms)
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _bad_request(violations: list[tuple[str, str]]) -> Message:
    field_violation = error_details_pb2.BadRequest.FieldViolation
    request: Message = error_details_pb2.BadRequest(
        field_violations=[
            field_violation(field=f, description=_short(d, MAX_DETAIL_BYTES))
            for f, d in violations
        ]
    )
    return request


def _resource(error: errors.NotFound) -> Message:
    """`PROJECT_NOT_FOUND` with metadata `project` is about a project of that name."""
    kind = error.reason.removesuffix("_NOT_FOUND").lower()
    names = (error.metadata.get(key) for key in (kind, f"{kind}_id", f"{kind}_ids"))
    name = next(filter(None, names), "")
    info: Message = error_details_pb2.ResourceInfo(
        resource_type=kind,
        resource_name=_short(name, MAX_DETAIL_BYTES),
        description=_short(str(error), MAX_DETAIL_BYTES),
    )
    return info


def _hidden(request_id: str) -> status_pb2.Status:
    text = "internal error"
    if request_id:
        text += f"; the server's log has the details under request_id {request_id}"
    info = error_details_pb2.ErrorInfo(reason=INTERNAL_REASON, domain=DOMAIN)
    details: list[Message] = [info, error_details_pb2.RequestInfo(request_id=request_id)]
    return _status(StatusCode.INTERNAL, text, details)


def _status(code: StatusCode, message: str, details: list[Message]) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    short = _short(message, MAX_MESSAGE_BYTES)
    return status_pb2.Status(code=code.value[0], message=short, details=packed)


def _short(text: str, size: int) -> str:
    """The text in at most `size` bytes of UTF-8."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return encoded.decode()
    return encoded[: size - 3].decode(errors="ignore") + "..."
