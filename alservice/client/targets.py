"""What a caller gives as the address of the service, as a target that gRPC understands.

One address is left as it is: gRPC asks the DNS about a name again and again, and its round robin
uses all addresses that it finds. Of several, written with commas between them, gRPC knows only
lists of numbers: names among them are looked up here, once.
"""

import ipaddress
import socket
from typing import Final

# A target that says itself how it is to be understood.
SCHEMES: Final = ("unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:", "xds:")


def is_list(address: str) -> bool:
    """Whether it is `host:port,host:port,...`."""
    return "," in address and not address.startswith(SCHEMES)


def target_of(address: str, *, secure: bool) -> str:
    """The gRPC target for `address`. Raises ValueError for a list that cannot be used."""
    if not is_list(address):
        return address
    if secure:
        raise ValueError(
            f"a certificate is for one name, not for the list {address}: "
            "give a DNS name that has all the addresses (dns:///name:port)"
        )
    found = [pair for part in address.split(",") for pair in _addresses(part.strip())]
    if all(ip.version == 4 for ip, _ in found):
        return "ipv4:" + ",".join(f"{ip}:{port}" for ip, port in found)
    return "ipv6:" + ",".join(f"[{_six(ip)}]:{port}" for ip, port in found)


def hosts_of(address: str) -> list[str]:
    """The hosts that `address` names, without brackets and ports."""
    parts = address.split(",") if is_list(address) else [address]
    return [part.strip().rpartition(":")[0].strip("[]") for part in parts]


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def _addresses(part: str) -> list[tuple[_Ip, int]]:
    """All numeric addresses of one `host:port`."""
    host, colon, port = part.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit()):
        raise ValueError(f"a list of addresses is host:port,host:port, without {part!r}")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        raise ValueError(f"{part!r} in the list of addresses cannot be found: {error}") from error
    return [(ipaddress.ip_address(where[0]), int(port)) for *_, where in found]


def _six(ip: _Ip) -> ipaddress.IPv6Address:
    return ip if ip.version == 6 else ipaddress.IPv6Address(f"::ffff:{ip}")
