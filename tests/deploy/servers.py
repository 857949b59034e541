"""Servers behind a balancer, and what tests ask them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx

import alservice
from alservice.api.v1 import project_service_pb2 as project_pb
from tests.deploy.balancing import CERTIFICATES, PATIENCE_S, Balancer, Behind
from tests.e2e.api import Api
from tests.running_server import RunningServer, running_server

NOBODY = Behind("127.0.0.1:1", "127.0.0.1:1")


def behind(server: RunningServer) -> Behind:
    """Where a balancer finds it."""
    return Behind(server.address, server.http)


@dataclass(frozen=True)
class Pair:
    """Two servers; each has the project `same`, and one that is called as it is."""

    left: RunningServer
    right: RunningServer

    @property
    def behind(self) -> list[Behind]:
        return [behind(self.left), behind(self.right)]

    def other(self, server: RunningServer) -> RunningServer:
        return self.right if server is self.left else self.left


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Both on folders of their own."""
    with (
        running_server(folder / "left", "--grace", "60") as left,
        running_server(folder / "right", "--grace", "60") as right,
    ):
        for name, server in (("left", left), ("right", right)):
            for project in (name, "same"):
                Api(server.channel).create(project, reserve_share=0.0)
        yield Pair(left, right)


def whose(channel: grpc.Channel) -> str:
    """The server that answers: `left` or `right`. Raises grpc.RpcError."""
    ask = project_pb.ListProjectsRequest()
    found = Api(channel).projects.ListProjects(ask, timeout=PATIENCE_S).projects
    (name,) = {project.name.removeprefix("projects/") for project in found} & {"left", "right"}
    return name


def client_of(balancer: Balancer) -> alservice.Client:
    """The client that users have."""
    trust = CERTIFICATES / "ca.pem" if balancer.secure else None
    return alservice.Client(balancer.address, ca_file=trust, progress=False)


def metric(server: RunningServer, name: str) -> float:
    """What the server shows under `name{labels}`; 0 if nothing."""
    text = httpx.get(f"http://{server.http}/metrics", timeout=PATIENCE_S).text
    lines = [line for line in text.splitlines() if line.startswith(f"alservice_{name} ")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def until(holds: Callable[[], object]) -> None:
    """Ask again and again; each time is a round trip."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
