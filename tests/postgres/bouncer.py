"""PgBouncer in transaction mode: each transaction may get another session of the server."""

import atexit
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.postgres import binaries
from tests.postgres.server import (
    START_S,
    PostgresServer,
    as_their_user,
    new_folder,
    shared_server,
    wait_until_up,
)

# Few connections, so that transactions of several catalogs do share them.
_SETTINGS = """
[databases]
* = host={server} user=tester
[pgbouncer]
unix_socket_dir = {folder}
listen_port = 5432
auth_type = any
pool_mode = transaction
default_pool_size = 24
max_client_conn = 500
server_idle_timeout = 5
"""


class Bouncer:
    """A running PgBouncer, with its socket in `folder`."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.folder = folder
        self.server = server
        settings = folder / "pgbouncer.ini"
        settings.write_text(_SETTINGS.format(server=server.folder, folder=folder))
        command, user = as_their_user([binaries.find("pgbouncer"), str(settings)])
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=folder, user=user
            )
        wait_until_up(self._process, self.dsn("postgres"), folder / "log")

    def dsn(self, database: str) -> str:
        """The URI of a database of the server's, by way of this."""
        return f"postgresql://tester@/{database}?host={self.folder}"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(START_S)


@contextmanager
def new_bouncer(server: PostgresServer) -> Iterator[Bouncer]:
    """One of the caller's own."""
    binaries.find("pgbouncer")
    folder = new_folder()
    try:
        bouncer = Bouncer(folder, server)
        try:
            yield bouncer
        finally:
            bouncer.stop()
    finally:
        shutil.rmtree(folder)


@cache
def shared_bouncer() -> Bouncer:
    """The one of this process."""
    keeper = new_bouncer(shared_server())
    bouncer = keeper.__enter__()
    atexit.register(keeper.__exit__, None, None, None)
    return bouncer
