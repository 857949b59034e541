"""Addresses as people write them."""

import pytest

from alservice.domain.address import is_address, is_loopback


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "[::1]:50051", "localhost:80", "unix:/run/a", "unix-abstract:a"]
)
def test_addresses_of_this_machine(address: str) -> None:
    assert is_address(address)
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0:50051", "[::]:50051", "192.0.2.1:80", "example.org:80"]
)
def test_addresses_that_others_can_reach(address: str) -> None:
    assert is_address(address)
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "address", ["", "50051", ":50051", "127.0.0.1", "127.0.0.1:", "h:-1", "h:65536", "h:x", "h:²"]
)
def test_what_is_no_address(address: str) -> None:
    assert not is_address(address)
