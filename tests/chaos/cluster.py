"""Three replicas behind nginx, on one PostgreSQL and one bucket, all of which may fail."""

import itertools
import os
import random
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.balancing import Balancer, Behind, balancer
from tests.postgres.server import PostgresServer, new_server
from tests.running_server import RunningServer, running_server
from tests.s3.proxy import S3Proxy, s3_proxy
from tests.s3.server import S3Server

REPLICAS: Final = 3
# Below those that the kernel gives to connections, which could take one while its server is down.
PORTS: Final = range(20_000, 32_000)


class Replica:
    """A server that is started again where it was."""

    def __init__(self, folder: Path, flags: tuple[str, ...]) -> None:
        self.name = folder.name
        self.behind = Behind(f"127.0.0.1:{quiet_port()}", f"127.0.0.1:{quiet_port()}")
        self._folder = folder
        self._flags = (*flags, "--listen", self.behind.grpc, "--http", self.behind.http)
        self._stack = ExitStack()

    def start(self) -> None:
        """Return when it serves."""
        self.server: RunningServer = self._stack.enter_context(
            running_server(self._folder, *self._flags)
        )

    def kill(self) -> None:
        """End it and its children, as a power cut would."""
        self.server.kill()
        self.stop()

    def stop(self) -> None:
        """End it, if it is there."""
        self._stack.close()

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """It stands still, as a virtual machine that is moved, with all that it holds."""
        group = self.server.process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    @property
    def log(self) -> list[str]:
        """What all its lives have said."""
        return self._folder.with_name(f"{self.name}.log").read_text().splitlines()


@dataclass(frozen=True)
class Cluster:
    """All of it, running."""

    database: PostgresServer
    replicas: list[Replica]
    balancer: Balancer
    s3: S3Proxy | None  # by way of which they reach the bucket, if not straight

    def restart_database(self, how: signal.Signals) -> None:
        """SIGINT throws everybody out, SIGQUIT is as good as a crash."""
        self.database.stop(how)
        self.database.start()


@contextmanager
def cluster(folder: Path, s3: S3Server, *, proxied: bool = False) -> Iterator[Cluster]:
    """A new one. `proxied` reach their bucket through a proxy of ours, which costs time."""
    with new_server(durable=True) as database, ExitStack() as stack:
        proxy = stack.enter_context(s3_proxy(s3.port)) if proxied else None
        if proxy is not None:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        flags = ("--catalog", database.dsn("postgres"), "--objects", s3.fresh(), "--role", "all")
        replicas = [Replica(folder / f"replica-{n + 1}", flags) for n in range(REPLICAS)]
        for replica in replicas:
            stack.callback(replica.stop)
        with ThreadPoolExecutor(REPLICAS) as threads:  # one of them makes the tables
            list(threads.map(Replica.start, replicas))
        places = [replica.behind for replica in replicas]
        running = stack.enter_context(balancer("nginx", places, folder / "nginx"))
        yield Cluster(database, replicas, running, proxy)


def quiet_port() -> int:
    """A port that nobody listens on, and that no connection will be given. Each only once."""
    for port in _ports:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


_ports = itertools.chain(random.sample(PORTS, len(PORTS)))
