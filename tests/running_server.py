"""The real server, as users start it: another process, a free port, a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc

START_S = 180
STOP_S = 60


@dataclass
class RunningServer:
    """A server in another process. `channel` is open as long as the server is meant to live."""

    process: subprocess.Popen[str]
    folder: Path
    address: str
    http: str
    channel: grpc.Channel

    def terminate(self) -> int:
        """Ask it to end, and wait for its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """End it and all its children, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)


def command(folder: Path, *flags: str) -> list[str]:
    """How a server on `folder` and free ports is started."""
    ready = folder.parent / f"{folder.name}.ready"
    ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    places = ["--data", str(folder), "--ready-file", str(ready)]
    return [sys.executable, "-m", "alservice", "serve", *places, *ports, *flags]


def environment() -> dict[str, str]:
    """Ours, without settings of a server and with one thread per library."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("ALSERVICE_")}
    return ours | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def running_server(
    folder: Path, *flags: str, prefix: tuple[str, ...] = (), start_s: float = START_S
) -> Iterator[RunningServer]:
    """A server on `folder`, which may hold an earlier one's state; it logs to `FOLDER.log`.

    Its command line begins with `prefix`.
    """
    ready = folder.parent / f"{folder.name}.ready"
    ready.unlink(missing_ok=True)
    log = folder.parent / f"{folder.name}.log"
    with log.open("a") as output:
        process = subprocess.Popen(
            [*prefix, *command(folder, *flags)],
            env=environment(),
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,  # a process group of its own, for `kill`
        )
    try:
        said = _wait_until_ready(process, ready, log, start_s)
        with grpc.insecure_channel(said["grpc"]) as channel:
            yield RunningServer(process, folder, said["grpc"], said["http"], channel)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_S)


def _wait_until_ready(
    process: subprocess.Popen[str], ready: Path, log: Path, start_s: float
) -> dict[str, str]:
    end = time.monotonic() + start_s
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the server did not start:\n{log.read_text()}")
        time.sleep(0.02)
    said: dict[str, str] = json.loads(ready.read_text())
    return said
