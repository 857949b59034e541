"""What callers pass as ids, classes and times, as what the API wants, and back."""

from datetime import UTC, datetime

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def text_of(what: str, value: object) -> str:
    """An id or class as text: strings as they are, whole numbers in decimal.

    Raises TypeError for everything else: 1.0 and True have no one obvious text.
    """
    if isinstance(value, str) or type(value) is int:
        return str(value)
    if isinstance(value, np.integer):
        return str(int(value))
    kind = type(value).__name__
    raise TypeError(f"{what} must be text or a whole number, not {value!r} ({kind})")


def time_of(timestamp: Timestamp) -> datetime | None:
    """The time in UTC; None if it was never set."""
    if timestamp.seconds == 0 and timestamp.nanos == 0:
        return None
    return timestamp.ToDatetime(UTC)


def duration_of(seconds: float | None) -> Duration | None:
    """A length of time in seconds as a message; None stays unset."""
    if seconds is None:
        return None
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration


def last_part(name: str) -> str:
    """`m1` of `projects/p/models/m1`."""
    return name.rpartition("/")[2]
