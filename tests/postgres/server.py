"""A PostgreSQL server of the tests' own: on a socket in a folder that is thrown away.

One for each process that runs tests, started when it is first asked for. Every test gets a
database of its own, copied from one in which all migrations have run.
"""

import atexit
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from alservice.storage.catalog.postgres import PostgresCatalog
from tests.postgres import binaries

START_S = 60
# Safe against the server's death, not against that of the machine: nobody pulls the plug here.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}
DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}
TEMPLATE = "migrated"


class PostgresServer:
    """A server in `folder`, which must be one that its user may enter. Not started yet.

    A `durable` one writes as it does for users. At the address `listen` it trusts everybody.
    """

    def __init__(self, folder: Path, *, durable: bool = False, listen: str = "") -> None:
        self.folder = folder
        self._settings = SETTINGS | (DURABLE if durable else {}) | {"listen_addresses": listen}
        self._process: subprocess.Popen[bytes] | None = None
        command, user = as_their_user([binaries.find("initdb"), *_INITDB, "-D", f"{folder}/data"])
        subprocess.run(command, cwd=folder, user=user, stdout=subprocess.DEVNULL, check=True)
        if listen:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 10.0.0.0/8 trust\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        where = ("-D", str(self.folder / "data"), "-k", str(self.folder))
        command, user = as_their_user([binaries.find("postgres"), *where, *settings])
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, user=user
            )
        wait_until_up(self._process, self.dsn("postgres"), self.folder / "log")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT throws everybody out, SIGQUIT is as good as a crash."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(how)
            self._process.wait(START_S)
            self._process = None

    def dsn(
        self, database: str, *, user: str = "tester", password: str = "", host: str = ""
    ) -> str:
        """The URI of a database, on the socket unless a `host` is given."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={host or self.folder}"

    def ask(self, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement, run on its own."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """The name of a new database, which is dropped at the end."""
        name = f"test_{next(_numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_INITDB = ("--auth=trust", "--username=tester", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
_numbers = count(1)


@contextmanager
def new_server(*, durable: bool = False, listen: str = "") -> Iterator[PostgresServer]:
    """A running server for a test that mistreats it."""
    folder = new_folder()
    try:
        server = PostgresServer(folder, durable=durable, listen=listen)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)


@cache
def shared_server() -> PostgresServer:
    """The server of this process."""
    keeper = new_server()
    server = keeper.__enter__()
    atexit.register(keeper.__exit__, None, None, None)
    server.ask(f"CREATE DATABASE {TEMPLATE}")
    PostgresCatalog(server.dsn(TEMPLATE)).close()
    return server


def new_folder() -> Path:
    """A folder with a short name, for sockets, that the servers' user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="alpg-", dir="/tmp"))
    user = binaries.user()
    if user is not None:
        shutil.chown(folder, user)
    return folder


def wait_until_up(process: subprocess.Popen[bytes], dsn: str, log: Path) -> None:
    """Return when a connection can be made; else end the process and tell its log."""
    end = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                process.wait(START_S)
                raise AssertionError(f"it did not start:\n{log.read_text()}") from None
            time.sleep(0.02)
        else:
            return


def dies_with_us(user: str | None = None) -> list[str]:
    """So that no server stays behind when the tests are killed. It runs as `user`."""
    found = shutil.which("setpriv")
    who = ["--reuid", user] if user else []
    return [found, *who, "--pdeathsig", "INT"] if found else []


def as_their_user(command: list[str]) -> tuple[list[str], str | None]:
    """The command that runs as the servers' user, and what to give Popen as `user`.

    With Popen's own `user` the child is forked, which gRPC's threads may not outlive; without, it
    is not (vfork).
    """
    prefix = dies_with_us(binaries.user())
    return [*prefix, *command], None if prefix else binaries.user()
