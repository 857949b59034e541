"""What a caller notices of replicas that come and go behind a balancer: nothing."""

import queue
import signal
from pathlib import Path

import grpc
import pytest

import alservice
from alservice.api.v1 import pool_service_pb2 as pool_pb
from tests.deploy.balancing import PATIENCE_S, balancer
from tests.deploy.servers import Pair, client_of, metric, pair, until, whose
from tests.e2e.api import Api, random_vectors, upload
from tests.running_server import RunningServer, running_server

ADD_ITEMS = 'rpc_server_in_flight{method="alservice.api.v1.PoolService/AddItems"}'
CHECKED = {"haproxy", "envoy"}  # these ask for health; nginx learns from calls


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "envoy"])
def test_callers_notice_nothing_of_a_replica_that_is_killed_and_one_that_drains(
    kind: str, tmp_path: Path
) -> None:
    with (
        pair(tmp_path) as servers,
        balancer(kind, servers.behind, tmp_path / "balancer") as running,
        client_of(running) as client,
    ):
        killed = servers.left
        assert list(client.projects())
        killed.kill()
        for _ in range(20):
            assert list(client.projects())
        flags = ("--listen", killed.address, "--http", killed.http, "--grace", "60")
        with running_server(killed.folder, *flags) as again, running.channel() as channel:
            until(lambda: answered_by(channel) == "left")
            until(lambda: answered_by(channel) == "right")
            drain_one_during_an_upload(kind, client, channel, Pair(again, servers.right))


def drain_one_during_an_upload(
    kind: str, client: alservice.Client, channel: grpc.Channel, servers: Pair
) -> None:
    """The upload ends well on the server that drains; all other calls go to the other one."""
    messages: queue.Queue[pool_pb.AddItemsRequest | None] = queue.Queue()
    vectors = random_vectors(3000, 256)
    first, *rest = upload(pool_pb.AddItemsHeader(project="projects/same"), vectors)
    call = Api(channel).pool.AddItems.future(iter(messages.get, None), timeout=PATIENCE_S)
    messages.put(first)
    busy = holder(servers)
    busy.process.send_signal(signal.SIGTERM)
    for _ in range(20):
        assert list(client.projects())
    if kind in CHECKED:
        others_only(channel, "right" if busy is servers.left else "left")
    for message in (*rest, None):
        messages.put(message)
    assert call.result().added_count == len(vectors)
    assert busy.process.wait(PATIENCE_S) == 0


def holder(servers: Pair) -> RunningServer:
    """The server that has the upload."""
    found: list[RunningServer] = []

    def look() -> bool:
        both = (servers.left, servers.right)
        found.extend(server for server in both if metric(server, ADD_ITEMS) == 1)
        return bool(found)

    until(look)
    return found[0]


def answered_by(channel: grpc.Channel) -> str | None:
    """The server that answers, if one does."""
    try:
        return whose(channel)
    except grpc.RpcError:
        return None


def others_only(channel: grpc.Channel, name: str) -> None:
    """After a moment no call meets the server that drains: twenty in a row get an answer."""

    until(lambda: {answered_by(channel) for _ in range(20)} == {name})
