"""The own machine is trusted; others need a certificate, or a server that was told to trust."""

import pytest

from alservice.auth.allow_loopback import ANYBODY, AllowLoopback
from alservice.domain.errors import CallerUnknown
from alservice.domain.principal import LOCAL, Principal
from alservice.ports.authenticator import Credentials

HERE = [
    "ipv4:127.0.0.1:5000",
    "ipv4:127.9.9.9:1",
    "ipv6:%5B::1%5D:5000",
    "ipv6:[::1]:1",
    "unix:",
    "unix:/run/a",
]
ELSEWHERE = [
    "ipv4:192.0.2.7:5000",
    "ipv6:%5B2001:db8::1%5D:5000",
    "",
    "ipv4:",
    "dns:localhost.evil.example:80",
]


@pytest.mark.parametrize("peer", HERE)
def test_callers_on_this_machine_are_local(peer: str) -> None:
    assert AllowLoopback().authenticate(Credentials(peer)) == LOCAL


@pytest.mark.parametrize("peer", ELSEWHERE)
def test_callers_elsewhere_are_unknown(peer: str) -> None:
    with pytest.raises(CallerUnknown, match="--tls-client-ca"):
        AllowLoopback().authenticate(Credentials(peer))


@pytest.mark.parametrize("peer", ELSEWHERE)
def test_a_verified_certificate_or_insecure_lets_them_in(peer: str) -> None:
    shown = Credentials(peer, certificate_name="ada")
    assert AllowLoopback().authenticate(shown) == Principal("ada")
    assert AllowLoopback(insecure=True).authenticate(Credentials(peer)) == ANYBODY
