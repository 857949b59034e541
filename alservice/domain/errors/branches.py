"""The branches of the error tree: each becomes one gRPC status, in alservice/rpc/status.py."""

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar


class AlserviceError(Exception):
    """Base of every error this service raises on purpose."""

    reason: ClassVar[str]

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.metadata: Mapping[str, str] = {key: str(value) for key, value in metadata.items()}


class InvalidArgument(AlserviceError):
    """The request can never work, whatever the state of the service."""


class NotFound(AlserviceError):
    """The resource named in the request does not exist."""


class AlreadyExists(AlserviceError):
    """The resource to be made exists already."""


class FailedPrecondition(AlserviceError):
    """The request is well formed, but something else must happen first."""


class Aborted(AlserviceError):
    """Somebody else changed the same thing: read again and retry."""


class OutOfRange(AlserviceError):
    """The request reaches past the end of what there is."""


class ResourceExhausted(AlserviceError):
    """There is no room, or too much is going on."""


class DataLoss(AlserviceError):
    """Stored bytes are not what was stored."""


class Unavailable(AlserviceError):
    """This replica cannot serve the request now; another, or the same later, can."""


class Unauthenticated(AlserviceError):
    """The server does not know who is calling."""


class Unimplemented(AlserviceError):
    """Planned, but not built yet."""


class Stopped(AlserviceError):
    """The caller, its deadline or a drain ended the call."""


class Internal(AlserviceError):
    """The service's own fault."""


def did_you_mean(name: str, known: Iterable[str]) -> dict[str, str]:
    """Metadata that names the closest known word, if one is close."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return {"did_you_mean": near[0]} if near else {}
