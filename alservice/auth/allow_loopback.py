"""Trust the own machine, and callers with a verified certificate; nobody else.

With `insecure` everybody is let in: the person who started the server said so.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from alservice.domain.address import is_loopback
from alservice.domain.errors import CallerUnknown
from alservice.domain.principal import LOCAL, Principal
from alservice.ports.authenticator import Credentials

ANYBODY = Principal("anybody")


@dataclass(frozen=True, slots=True)
class AllowLoopback:
    """An Authenticator without secrets."""

    insecure: bool = False

    def authenticate(self, credentials: Credentials) -> Principal:
        """The certificate's name, `local`, or `anybody`. Raises CallerUnknown."""
        if credentials.certificate_name:
            return Principal(credentials.certificate_name)
        # gRPC writes `ipv6:%5B::1%5D:5000`.
        if is_loopback(unquote(credentials.peer).removeprefix("ipv4:").removeprefix("ipv6:")):
            return LOCAL
        if self.insecure:
            return ANYBODY
        text = (
            "this server knows only callers on its own machine and callers with a client "
            "certificate; it was started without --tls-client-ca and without --insecure"
        )
        raise CallerUnknown(text, peer=credentials.peer)
