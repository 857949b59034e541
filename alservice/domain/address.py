"""Network addresses as people write them: `127.0.0.1:50051`, `[::1]:0`, `unix:/path`."""

import ipaddress

UNIX = ("unix:", "unix-abstract:")


def is_unix(address: str) -> bool:
    """Whether the address is a path."""
    return address.startswith(UNIX)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    if is_unix(address):
        return True
    host = address.rpartition(":")[0].strip("[]").partition("%")[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(address: str) -> bool:
    """Whether it has the form of a path or of a host and a port."""
    host, _, port = address.rpartition(":")
    return is_unix(address) or bool(
        host and port.isascii() and port.isdigit() and int(port) < 2**16
    )
