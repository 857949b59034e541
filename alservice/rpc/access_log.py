"""One line in the log for each RPC: who, what, how many, how it ended; never what items hold."""

from collections.abc import Sized
from typing import Any, Final

from google.protobuf.message import Message
from grpc import StatusCode

from alservice.rpc.in_flight import Rpc
from alservice.telemetry.logs import logger

OUR_FAULT: Final = {StatusCode.INTERNAL, StatusCode.UNKNOWN, StatusCode.DATA_LOSS}
MAX_NAME: Final = 256
_log: Final = logger("rpc")


def describe(rpc: Rpc, request: object) -> None:
    """Note which resource a request is about, and how many of what it carries."""
    if not isinstance(request, Message):
        return
    for name in ("project", "name"):
        value = getattr(request, name, "")
        value = getattr(value, "name", value)  # `project` may be a whole Project
        if isinstance(value, str) and value:
            rpc.resource = value[:MAX_NAME]
            break
    for part in (request, *_parts(request)):
        rpc.counts |= {field.name: len(value) for field, value in _lists(part)}


def log_rpc(rpc: Rpc, code: StatusCode, seconds: float) -> None:
    """The line. Health checks and reflection are for debugging only."""
    quiet = rpc.method.startswith("grpc.")
    level = "error" if code in OUR_FAULT else "debug" if quiet else "info"
    getattr(_log, level)(
        "rpc",
        method=rpc.method,
        request_id=rpc.request_id,
        principal=rpc.principal.subject,
        resource=rpc.resource,
        **{f"{name}_count": count for name, count in rpc.counts.items()},
        code=code.name,
        duration_ms=round(seconds * 1000, 3),
    )


def log_unforeseen(rpc: Rpc, error: BaseException) -> None:
    """All that is known about a failure that nobody foresaw."""
    _log.error("unforeseen", method=rpc.method, request_id=rpc.request_id, exc_info=error)


def _parts(request: Message) -> list[Message]:
    return [value for _, value in request.ListFields() if isinstance(value, Message)]


def _lists(request: Message) -> list[tuple[Any, Sized]]:
    return [
        (field, value)
        for field, value in request.ListFields()
        if not isinstance(value, str | bytes) and isinstance(value, Sized)
    ]
