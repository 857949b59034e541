"""Who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from alservice.domain.principal import Principal


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection says about its caller.

    `peer` is an address as gRPC writes it (`ipv4:127.0.0.1:5000`, `unix:/path`),
    `certificate_name` the common name of a client certificate that was verified, or "".
    """

    peer: str
    certificate_name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Authenticator(Protocol):
    """Decides who a caller is, and whether the server talks to it at all. Never blocks."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """The caller. Raises CallerUnknown."""
