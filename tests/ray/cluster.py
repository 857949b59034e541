"""A real Ray cluster for tests, in processes of its own, one for a whole run of pytest.

Imports nothing heavy: tests/conftest.py reads it before it decides how many threads libraries get.
"""

import importlib.util
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
from typing import Any, Final

import psutil
import pytest

START_S: Final = 120
#: For the processes of the cluster: patience where other tests take the cores, nothing in advance.
_HEAD: Final = {
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": str(START_S),
    "RAY_prestart_worker_first_driver": "0",
}
ROOT: Final = Path(__file__).parents[2]
PORTS: Final = ("port", "ray-client-server-port", "dashboard-agent-grpc-port")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A head with two CPUs; `environment` is what others need to reach it."""

    ports: dict[str, int]
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """As --scoring takes it."""
        return f"ray://127.0.0.1:{self.ports['ray-client-server-port']}"

    def stop(self) -> None:
        """End all of its processes at once, as a power cut would. Idempotent.

        Workers are in groups of their own, but all are in the session of the head.
        """
        while found := [pid for pid in psutil.pids() if _session(pid) == self.process.pid]:
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def need_ray() -> None:
    """Skip the test where Ray is not installed, which CI must not do."""
    if importlib.util.find_spec("ray") is None:
        text = "Ray is not installed: pip install 'alservice[ray]'"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # which Ray reads once, when it is imported


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, started when a test first asks for it."""
    need_ray()
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def ray(cluster: Cluster) -> Iterator[Any]:
    """The module, as a client of the cluster."""
    from alservice.scoring.on_ray import connect  # noqa: PLC0415 loads numpy

    before = dict(os.environ)
    os.environ.update(cluster.environment)
    module = connect(cluster.address, 2)
    yield module
    module.shutdown()
    os.environ.clear()
    os.environ.update(before)


@contextmanager
def running_cluster(like: Cluster | None = None) -> Iterator[Cluster]:
    """A cluster of one node with two CPUs; on the ports, and with the token, of another."""
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    ports = like.ports if like else _free_ports()
    environment = like.environment if like else environment
    # Ray makes sockets there, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "start.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*_command(folder), *(f"--{name}={port}" for name, port in ports.items())],
                env={**ours, **environment, **_HEAD, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        cluster = Cluster(ports, environment, process)
        try:
            _wait(cluster, log)
            yield cluster
        finally:
            cluster.stop()


def _command(folder: str) -> list[str]:
    return [
        str(Path(sys.executable).parent / "ray"),
        "start",
        "--head",
        "--block",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--object-store-memory=100000000",
        "--no-monitor",
        "--include-log-monitor=false",
        "--disable-usage-stats",
        "--node-ip-address=127.0.0.1",
        f"--temp-dir={folder}",
    ]


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
            raise AssertionError(f"Ray did not start:\n{log.read_text()}")
        time.sleep(0.05)
