"""Do a thing once per request_id: the record is committed together with the effect."""

from collections.abc import Callable
from typing import TypeVar

from alservice.domain.call import Call
from alservice.domain.errors import AlserviceError, RequestIdReused
from alservice.ports.catalog import Tx
from alservice.ports.tables import RequestKey, RequestRecord

R = TypeVar("R")
REMEMBERED_MS = 24 * 3_600_000


def once(
    tx: Tx,
    call: Call,
    project_id: str,
    effect: Callable[[], R],
    encode: Callable[[R], str],
    decode: Callable[[str], R],
) -> R:
    """The result of `effect`, or of the earlier call with the same request_id.

    `encode` and `decode` carry the result through the record. Failures are not recorded.
    Raises RequestIdReused if the id belongs to a different request.
    """
    return once_or_earlier(tx, call, project_id, effect, encode, decode)[0]


def once_or_earlier(
    tx: Tx,
    call: Call,
    project_id: str,
    effect: Callable[[], R],
    encode: Callable[[R], str],
    decode: Callable[[str], R],
) -> tuple[R, bool]:
    """As `once`; and whether this `effect` made the result."""
    earlier = recall(tx, call, project_id)
    if earlier is not None:
        return decode(earlier), False
    result = effect()
    if call.request_id:
        expiry = tx.now_ms() + REMEMBERED_MS
        record = RequestRecord(
            fingerprint=call.fingerprint, result_json=encode(result), expire_time_ms=expiry
        )
        tx.requests.put(_key(call, project_id), record)
    return result, True


def once_above_projects(
    tx: Tx,
    call: Call,
    effect: Callable[[], R],
    encode: Callable[[R], str],
    decode: Callable[[str], R],
) -> R:
    """As `once`, for what makes or ends a project, and so has no project's lock to wait for.

    An `effect` that fails must not have written anything. It may have failed because a twin of
    this call did the same while this one waited: then the twin's result is the answer.
    """
    try:
        return once(tx, call, "", effect, encode, decode)
    except AlserviceError:
        earlier = recall(tx, call, "")
        if earlier is None:
            raise
        return decode(earlier)


def recall(tx: Tx, call: Call, project_id: str) -> str | None:
    """What the earlier call with the same request_id recorded. Raises RequestIdReused."""
    if not call.request_id:
        return None
    record = tx.requests.get(_key(call, project_id), tx.now_ms())
    if record is None:
        return None
    if record.fingerprint != call.fingerprint:
        text = "this request_id belongs to a different request; use a fresh one for each request"
        raise RequestIdReused(text, request_id=call.request_id, method=call.method)
    return record.result_json


def _key(call: Call, project_id: str) -> RequestKey:
    return RequestKey(
        project_id=project_id,
        principal=call.principal.subject,
        method=call.method,
        request_id=call.request_id,
    )
