"""Which failures are worth another attempt, and how long to wait before it.

Exponential backoff with full jitter: many clients that lost the same server must not come back
in step (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
"""

import math
import random
import time
from typing import Final

import grpc

from alservice.client.errors import ServiceError

FIRST_DELAY_S: Final = 0.05
MAX_DELAY_S: Final = 2.0
# Reported by gRPC itself when a connection breaks or a proxy gives up. Our server gives a reason.
BROKEN: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
# Reported by the service, and over after a moment.
PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
ETAG_MISMATCH: Final = "ERROR_REASON_ETAG_MISMATCH"


def is_passing(failure: ServiceError) -> bool:
    """Whether the same request may succeed a moment later."""
    if not failure.reason:
        return failure.code in BROKEN
    if failure.reason == ETAG_MISMATCH:
        return False  # what was read is stale and stays so
    if failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return failure.retry_after_s is not None
    return failure.code in PASSING


class Patience:
    """The time that one call may take, over all its attempts."""

    def __init__(self, timeout_s: float) -> None:
        self._start = time.monotonic()
        self._deadline = self._start + timeout_s
        self._delay_s = FIRST_DELAY_S
        self._last: ServiceError | None = None

    def remaining_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self._deadline - time.monotonic())

    def spent_s(self) -> float:
        """Seconds since the first attempt."""
        return time.monotonic() - self._start

    def restart(self) -> None:
        """Something worked: wait only briefly before the next attempt."""
        self._delay_s = FIRST_DELAY_S
        self._last = None

    def pause(self, failure: ServiceError, within_s: float = math.inf) -> None:
        """Waits before the next attempt. Raises `failure` if there is to be none.

        `within_s` is the time for such failures, if that is less than the call may take.
        """
        if not is_passing(failure):
            raise failure
        if failure.code is grpc.StatusCode.DEADLINE_EXCEEDED and self._last is not None:
            failure = self._last  # the time was spent on this
        self._last = failure
        delay_s = random.uniform(0, self._delay_s) + (failure.retry_after_s or 0)  # noqa: S311
        if delay_s >= min(self.remaining_s(), within_s - self.spent_s()):
            raise failure
        self._delay_s = min(2 * self._delay_s, MAX_DELAY_S)
        time.sleep(delay_s)
