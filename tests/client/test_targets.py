"""Addresses of several servers become targets that gRPC takes turns on."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alservice
from alservice.client.connection import Connection, _is_local
from alservice.client.targets import target_of

PORTS = st.integers(1, 65535)
FOUR = st.tuples(st.ip_addresses(v=4), PORTS)
SIX = st.tuples(st.ip_addresses(v=6), PORTS)


def written(pair: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]) -> str:
    ip, port = pair
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


@given(st.lists(FOUR, min_size=2, max_size=5))
def test_a_list_of_numbers_is_left_as_it_is(
    pairs: list[tuple[ipaddress.IPv4Address, int]],
) -> None:
    text = ", ".join(map(written, pairs))
    assert target_of(text, secure=False) == "ipv4:" + ",".join(map(written, pairs))


@given(SIX, st.lists(FOUR | SIX, min_size=1, max_size=4))
def test_among_long_numbers_short_ones_are_long_too(
    first: tuple[ipaddress.IPv6Address, int],
    more: list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]],
) -> None:
    target = target_of(",".join(map(written, [first, *more])), secure=False)
    scheme, _, rest = target.partition(":")
    found = [
        (part.rpartition(":")[0].strip("[]"), part.rpartition(":")[2]) for part in rest.split(",")
    ]
    assert scheme == "ipv6"
    assert [int(port) for _, port in found] == [port for _, port in [first, *more]]
    for (host, _), (ip, _) in zip(found, [first, *more], strict=True):
        six = ipaddress.IPv6Address(host)
        assert ip in (six, six.ipv4_mapped)


@pytest.mark.parametrize(
    "address", ["example.org:1", "dns:///a:1", "unix:/tmp/a,b", "ipv4:1.2.3.4:5,6.7.8.9:1"]
)
def test_one_address_and_a_target_are_not_touched(address: str) -> None:
    assert target_of(address, secure=True) == address


def test_names_in_a_list_are_looked_up() -> None:
    assert "127.0.0.1:7" in target_of("localhost:7,127.0.0.1:8", secure=False)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1,", "127.0.0.1:1,127.0.0.1", "127.0.0.1:1,nobody.invalid:1", "a:1,:2"]
)
def test_what_is_no_address_in_a_list_is_named(address: str) -> None:
    with pytest.raises(ValueError, match="list of addresses"):
        alservice.Client(address)


def test_a_list_cannot_be_checked_against_a_certificate() -> None:
    with pytest.raises(ValueError, match="dns:///"):
        Connection("127.0.0.1:1,127.0.0.1:2", tls=True)


def test_a_token_goes_in_clear_to_lists_of_this_machine_only() -> None:
    assert _is_local("127.0.0.1:1,[::1]:2,localhost:3")
    assert not _is_local("127.0.0.1:1,192.0.2.1:2")
