"""A real Ray cluster of one node, in processes of its own that all end with it."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

START_S: Final = 120
ROOT: Final = Path(__file__).parents[1]
PORTS: Final = ("port", "ray-client-server-port", "dashboard-agent-grpc-port")
STORE_BYTES: Final = 100_000_000
HEAD: Final = ("--include-dashboard=false", "--no-monitor", "--include-log-monitor=false")
#: For the processes of the cluster: patience where others take the cores, nothing in advance.
_OF_ITS_OWN: Final = {
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": str(START_S),
    "GRPC_ENABLE_FORK_SUPPORT": "0",  # with it a child of the head may hang before its exec
    "RAY_prestart_worker_first_driver": "0",
    "RAY_worker_niceness": "0",  # not 15: whoever is compared with it runs at 0
}


@dataclass(frozen=True, slots=True)
class Node:
    """A `ray start` and all that it has started, which is what is in its session."""

    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """All of its processes."""
        return [pid for pid in psutil.pids() if _session(pid) == self.process.pid]

    def named(self, text: str) -> list[psutil.Process]:
        """Those of its processes whose command line contains this."""
        return [psutil.Process(pid) for pid in self.pids() if text in _title(pid)]

    def stop(self) -> None:
        """End all of its processes at once, as a power cut would. Idempotent."""
        while found := self.pids():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()


@dataclass(frozen=True, slots=True)
class Cluster(Node):
    """A head with two CPUs; `environment` is what others need to reach it."""

    ports: dict[str, int]
    environment: dict[str, str]

    @property
    def address(self) -> str:
        """As --scoring takes it."""
        return f"ray://127.0.0.1:{self.ports['ray-client-server-port']}"


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster of one node with two CPUs, a small object store and a token of its own."""
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ports = _free_ports()
    # Ray makes sockets there, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "start.log"
        flags = [f"--{name}={port}" for name, port in ports.items()]
        head = ["--head", "--num-cpus=2", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}"]
        cluster = Cluster(_start([*head, *HEAD, *flags], environment, log), ports, environment)
        try:
            _wait(cluster, log)
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def another_node(cluster: Cluster) -> Iterator[Node]:
    """A node with one CPU that joins; it is on its way when this begins."""
    flags = [f"--address=127.0.0.1:{cluster.ports['port']}", "--num-cpus=1"]
    node = Node(_start(flags, cluster.environment, Path(os.devnull)))
    try:
        yield node
    finally:
        node.stop()


def _start(flags: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    ray = str(Path(sys.executable).parent / "ray")
    with log.open("w") as output:
        return subprocess.Popen(
            [ray, "start", "--block", f"--object-store-memory={STORE_BYTES}", *flags],
            env={**ours, **environment, **_OF_ITS_OWN, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _free_ports() -> dict[str, int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        found = {}
        for name in PORTS:
            taken = stack.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            found[name] = taken.getsockname()[1]
        return found


def _wait(cluster: Cluster, log: Path) -> None:
    """Until the port of clients is open."""
    end = time.monotonic() + START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", cluster.ports["ray-client-server-port"])) == 0:
                return
        if cluster.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"Ray did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _title(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""
