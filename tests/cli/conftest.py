"""One server for all commands, and commands as users run them: in another process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import alservice
from tests.running_server import RunningServer, environment, running_server

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `server` imports from."""
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("cli-server") / "data"
    with running_server(folder, "--import-roots", str(inbox)) as running:
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[alservice.Client]:
    with alservice.Client(server.address) as client:
        yield client


@pytest.fixture(scope="session")
def run(server: RunningServer) -> Run:
    """Runs `alservice ...` against the server; its output is captured, so nobody watches."""
    variables = environment() | {"ALSERVICE_ADDRESS": server.address, "COLUMNS": "100"}

    def command(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "alservice", *map(str, arguments)]
        return subprocess.run(
            words, env=variables | more, capture_output=True, text=True, check=False
        )

    return command


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line in which a command says why it failed."""
    assert done.returncode == code, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("alservice: "), done.stderr
    return lines[0]
