"""A network of its own for one server (Linux, as root), in which the way to one address breaks.

Packets to the database then vanish without a word, as behind a switch that has died, while
callers still reach the server: nothing that a proxy in user space could imitate, which answers.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

COMMAND_S: Final = 20


@dataclass(frozen=True)
class Network:
    """`inside` is the server's address, `outside` ours, `database` the one that can be cut off."""

    name: str
    inside: str
    outside: str
    database: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command line begins with that is to run in there."""
        return (_ip(), "netns", "exec", self.name)

    def cut(self) -> None:
        """From now on nothing gets from the server to the database."""
        self._route("add")

    def mend(self) -> None:
        """As before."""
        self._route("del")

    def _route(self, verb: str) -> None:
        _run(*self.prefix, _ip(), "route", verb, "blackhole", f"{self.database}/32", "metric", "1")


@contextmanager
def network() -> Iterator[Network]:
    """One that exists for a while. The test is skipped where it cannot be made."""
    number = os.getpid() % 250 + 1
    net = Network(
        f"alservice-{os.getpid()}",
        f"10.219.{number}.2",
        f"10.219.{number}.1",
        f"10.220.{number}.1",
    )
    near, far = f"al{os.getpid()}a", f"al{os.getpid()}b"
    if os.geteuid() != 0 or shutil.which("ip", path=_PATH) is None:
        pytest.skip("a network of its own needs root and iproute2")
    made = subprocess.run([_ip(), "netns", "add", net.name], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no network can be made here: {made.stderr.decode().strip()}")
    try:
        _run(_ip(), "link", "add", near, "type", "veth", "peer", "name", far, "netns", net.name)
        for address in (f"{net.outside}/30", f"{net.database}/32"):
            _run(_ip(), "address", "add", address, "dev", near)
        _run(_ip(), "link", "set", near, "up")
        _run(*net.prefix, _ip(), "address", "add", f"{net.inside}/30", "dev", far)
        for device in (far, "lo"):
            _run(*net.prefix, _ip(), "link", "set", device, "up")
        _run(*net.prefix, _ip(), "route", "add", "default", "via", net.outside, "metric", "9")
        yield net
    finally:
        _run(_ip(), "netns", "delete", net.name)
        subprocess.run([_ip(), "link", "delete", near], capture_output=True, check=False)


_PATH: Final = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _ip() -> str:
    return shutil.which("ip", path=_PATH) or "ip"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
