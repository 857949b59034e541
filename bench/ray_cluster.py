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
#: For the processes of the cluster: patience where others take the cores, nothing in advance.
_HEAD: Final = {
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": str(START_S),
    "RAY_prestart_worker_first_driver": "0",
}


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

    def pids(self) -> list[int]:
        """All of its processes: workers are in groups of their own, but in the head's session."""
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


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster of one node with two CPUs, a small object store and a token of its own."""
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    ports = _free_ports()
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
        f"--object-store-memory={STORE_BYTES}",
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
