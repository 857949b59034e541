"""A real server in a process of its own, on free ports of this machine, for as long as needed."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

START_S: Final = 60.0
STOP_S: Final = 30.0
POLL_S: Final = 0.05


class ServerDidNotStart(Exception):
    """The message holds the last line that it wrote."""


@contextmanager
def own_server() -> Iterator[str]:
    """The address of a server whose state is gone afterwards. Raises ServerDidNotStart."""
    with tempfile.TemporaryDirectory(prefix="alservice-demo-") as folder:
        home = Path(folder)
        with (home / "log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and arguments)
                _command(home), stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield _address(process, home)
        finally:
            _stop(process)


def _command(home: Path) -> list[str]:
    ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    places = ["--data", str(home / "data"), "--ready-file", str(home / "ready")]
    return [sys.executable, "-m", "alservice", "serve", *places, *ports]


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    until = time.monotonic() + START_S
    while not (home / "ready").exists():
        if process.poll() is not None or time.monotonic() > until:
            lines = (home / "log").read_text(errors="replace").splitlines() or ["no output"]
            raise ServerDidNotStart(f"the server did not start: {lines[-1]}")
        time.sleep(POLL_S)
    return str(json.loads((home / "ready").read_text())["grpc"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
