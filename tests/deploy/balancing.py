"""The balancers of deploy/, started from the very files that users get, on other addresses."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import psutil
import pytest

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
CERTIFICATES: Final = ROOT / "tests" / "rpc" / "certificates"
PLACES: Final = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
)
PATIENCE_S: Final = 60


@dataclass(frozen=True)
class Behind:
    """Addresses (`host:port`) of a replica."""

    grpc: str
    http: str


@dataclass(frozen=True)
class Balancer:
    """A running balancer."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: str
    secure: bool

    def channel(self, options: Sequence[tuple[str, str | int]] = ()) -> grpc.Channel:
        """A connection of its own."""
        if not self.secure:
            return grpc.insecure_channel(self.address, options=options)
        trusted = grpc.ssl_channel_credentials((CERTIFICATES / "ca.pem").read_bytes())
        return grpc.secure_channel(self.address, trusted, options=options)

    def peak_bytes(self) -> int:
        """The most memory that its processes had."""
        first = psutil.Process(self.process.pid)
        family = [first, *first.children(recursive=True)]
        return sum(_peak(one.pid) for one in family)


@dataclass(frozen=True)
class Kind:
    """One way to balance: the files of deploy/ that it needs, and how it is started.

    `port` is where it listens in its file, the first of `files`.
    """

    program: str
    files: tuple[str, ...]
    port: str
    command: Callable[[Path], list[str]]
    secure: bool = False


def _nginx(config: Path) -> list[str]:
    return ["-p", str(config.parent), "-c", str(config), "-g", "daemon off;"]


def _haproxy(config: Path) -> list[str]:
    return ["-db", "-f", str(config)]


def _envoy(config: Path) -> list[str]:
    return ["-c", str(config), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]


INCLUDED: Final = ("nginx/upstream.inc", "nginx/grpc.inc")
KINDS: Final[Mapping[str, Kind]] = {
    "nginx": Kind("nginx", ("nginx/nginx.conf", *INCLUDED), "50050", _nginx),
    "nginx-tls": Kind("nginx", ("nginx/nginx-tls.conf", *INCLUDED), "50050", _nginx, secure=True),
    "haproxy": Kind("haproxy", ("haproxy.cfg",), "50050", _haproxy),
    "haproxy-tls": Kind("haproxy", ("haproxy.cfg",), "50443", _haproxy, secure=True),
    "envoy": Kind("envoy", ("envoy.yaml",), "50050", _envoy),
}


def program(name: str) -> str:
    """Where the program is. Without it the test is skipped, and fails in CI."""
    found = shutil.which(name, path=PLACES)
    if found is None and os.environ.get("CI"):
        subprocess.run([ROOT / "tools" / "install_balancers.sh"], check=True)
        found = shutil.which(name, path=PLACES)
        assert found, f"{name} could not be installed"
    return found or pytest.skip(f"{name} is not installed: tools/install_balancers.sh does it")


@contextmanager
def balancer(name: str, replicas: Sequence[Behind], folder: Path) -> Iterator[Balancer]:
    """The balancer of this name in front of two `replicas`; of nginx, of any number."""
    kind = KINDS[name]
    address = f"127.0.0.1:{free_port()}"
    config = prepare(kind, replicas, address, folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program(kind.program), *kind.command(config)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_open(process, address, folder / "log")
        yield Balancer(process, folder, address, kind.secure)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(PATIENCE_S)


def prepare(kind: Kind, replicas: Sequence[Behind], address: str, folder: Path) -> Path:
    """The files of `kind` in `folder`, with the addresses and paths of a test; the first one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "temporary").mkdir()
    pem = (CERTIFICATES / "server.pem").read_text() + (CERTIFICATES / "server.key.pem").read_text()
    (folder / "server-and-key.pem").write_text(pem)
    for file in kind.files:
        text = (DEPLOY / file).read_text()
        for theirs, ours in _changes(kind, replicas, address, folder):
            text = text.replace(theirs, ours)
        (folder / Path(file).name).write_text(text)
    return folder / Path(kind.files[0]).name


def _changes(
    kind: Kind, replicas: Sequence[Behind], address: str, folder: Path
) -> list[tuple[str, str]]:
    """What a test says in place of what stands in the files, in this order."""
    host, _, port = address.rpartition(":")
    changes = [
        (f"listen {kind.port}", f"listen {address}"),
        (f"bind :{kind.port}", f"bind {address}"),
        (f"0.0.0.0, port_value: {kind.port}", f"{host}, port_value: {port}"),
        ("bind :50050", f"bind {folder}/unused.sock"),
        ("bind :50443", f"bind {folder}/unused.sock"),
        ("port_value: 9901", "port_value: 0"),
        ("/etc/alservice/server-and-key.pem", f"{folder}/server-and-key.pem"),
        ("/etc/alservice", str(CERTIFICATES)),
        ("/run/nginx.pid", f"{folder}/nginx.pid"),
        ("/var/log/nginx/error.log", "stderr"),
        ("worker_processes auto", "worker_processes 1"),
        ("http {\n", f"http {{\n    client_body_temp_path {folder}/temporary;\n"),
    ]
    second = "    server replica-2:50051 max_fails=1 fail_timeout=2s;\n"
    more = [second.replace("-2:", f"-{number}:") for number in range(3, len(replicas) + 1)]
    changes.append((second, "".join([second, *more])))
    for number, replica in enumerate(replicas, start=1):
        their_host, _, their_port = replica.grpc.rpartition(":")
        theirs = f"replica-{number}"
        changes += [
            (
                f"{theirs}:50051 port 8080",
                f"{replica.grpc} port {replica.http.rpartition(':')[2]}",
            ),
            (f"{theirs}:50051", replica.grpc),
            (f"{theirs}, port_value: 50051", f"{their_host}, port_value: {their_port}"),
        ]
    return changes


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_open(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, _, port = address.rpartition(":")
    end = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None and time.monotonic() < end, log.read_text()
        with suppress(OSError):
            socket.create_connection((host, int(port))).close()
            return
        time.sleep(0.02)


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) << 10
