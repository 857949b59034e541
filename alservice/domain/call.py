"""What every use case is told about the call that it serves."""

from dataclasses import dataclass

from alservice.core import CancelFlag
from alservice.domain.principal import Principal


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    `request_id` is "" where the caller sent none; `fingerprint` is a hash of the request
    without it; `cancel` is set when the caller goes away, its deadline passes, or the server
    drains.
    """

    principal: Principal
    method: str
    request_id: str
    fingerprint: str
    cancel: CancelFlag
